"""What is told of a whole block at once is what a look at each line tells."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.ingest.readers.delimited import Strictness
from analysis.ingest.readers.physical_lines import Block, physical_lines

ASCII = [b"a", b"bc", b",", b",", b'"', b'"', b'""', b'","', b"\n", b"\n", b" ", b"\r", b"\0"]
PIECES = st.sampled_from([*ASCII, "é".encode(), "元".encode(), b"\xff", b"\xc3"])
TEXTS = st.lists(PIECES, max_size=60).map(b"".join)


def strictly(line: bytes, width: int) -> bool:
    """RFC 4180, read line by line: the slow truth."""
    field = rb'(?:"(?:[^"\r\n]|"")*"|[^",\r\n]*)'
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    record = field + rb"(?:,%b){%d}" % (field, width - 1)
    return bool(line) and b"\0" not in line and re.fullmatch(record, line) is not None


@given(TEXTS, st.integers(1, 4))
def test_a_block_is_judged_as_its_lines_are(text: bytes, width: int) -> None:
    block = Block.of(text + b"\n")
    verdicts = Strictness(",", width).records(block)
    assert verdicts.tolist() == [strictly(line, width) for line in block.lines()]


def test_a_delimiter_of_several_bytes_leaves_all_to_the_slow_reader() -> None:
    assert not Strictness("¦", 2).records(Block.of("a¦b\n".encode())).any()


@given(TEXTS, st.integers(1, 20))
def test_lines_do_not_depend_on_how_the_stream_is_cut(text: bytes, size: int) -> None:
    loose = b"\r" in text.replace(b"\r\n", b"")
    assume(not loose or 0 <= text.find(b"\n") < text.find(b"\r"))  # else it is an old Mac's
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    found = [line for block in physical_lines(chunks) for line in block.lines()]
    ended = text if text.endswith(b"\n") or not text else text + b"\n"
    expected = ended.replace(b"\r\n", b"\n").split(b"\n")[:-1]
    assert found == expected


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_chosen_lines_stay_in_their_order(wanted: list[bool]) -> None:
    lines = [b"line %d\n" % i for i in range(len(wanted))]
    chosen = Block.of(b"".join(lines)).chosen(np.array(wanted))
    assert chosen == b"".join(x for x, w in zip(lines, wanted, strict=True) if w)


@pytest.mark.parametrize("at", [0, 1, 3])
def test_after_skips_lines(at: int) -> None:
    block = Block.of(b"a\nbb\nccc\n")
    assert list(block.after(at).lines()) == [b"a", b"bb", b"ccc"][at:]


def test_an_old_macs_line_ends_are_line_ends() -> None:
    found = [line for block in physical_lines([b"a,b\r1,2\r", b"3,4"]) for line in block.lines()]
    assert found == [b"a,b", b"1,2", b"3,4"]

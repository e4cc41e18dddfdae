"""What is told of a whole block at once is what a look at each line tells."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.ingest.inspection.sniff import look
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.readers.archives import members
from analysis.ingest.readers.delimited import certain, stage_delimited
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
    verdicts = certain(block, ",", width)
    assert verdicts.tolist() == [strictly(line, width) for line in block.lines()]


def test_a_delimiter_of_several_bytes_leaves_all_to_the_slow_reader() -> None:
    assert not certain(Block.of("a¦b\n".encode()), "¦", 2).any()


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


#: What DuckDB 1.5's own reader makes of lines that it should refuse singly, or read: the rows that
#: it gives (None: it gives up the file), with its strict mode and a table of what it rejects.
ENGINE = {
    "a quote that nothing closes takes all lines below": (
        'x,"5,a\n1,2,3\n4,5,6\n',
        [["1", "2", "3"], ["4", "5", "6"]],
        [],
    ),
    "and the good lines up to the next quote": (
        'x,"5,a\n1,2,3\n4,"5",6\n7,8,9\n',
        [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]],
        [["7", "8", "9"]],
    ),
    "a single other line end gives up the file": (
        "1,2,3\r\n4,5,6\n7,8,9\r\n",
        [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]],
        None,
    ),
    "a loose line end too": ("1,2\r3,3\n4,5,6\n", [["4", "5", "6"]], None),
    "a NUL byte passes": (
        "1,2\x00,3\n4,5,6\n",
        [["4", "5", "6"]],
        [["1", "2\0", "3"], ["4", "5", "6"]],
    ),
    "a quote behind a blank opens a field": (
        '1, "2,2" ,3\n4,5,6\n',
        [["4", "5", "6"]],
        [["1", "2,2", "3"], ["4", "5", "6"]],
    ),
    "a line of delimiters is a row": (
        "1,2,3\n,,\n",
        [["1", "2", "3"]],
        [["1", "2", "3"], ["", "", ""]],
    ),
}


@pytest.mark.parametrize("case", ENGINE, ids=str)
def test_why_records_are_not_cut_by_the_engines_own_reader(case: str, tmp_path: Path) -> None:
    """Nor does it tell the line of a row. Once it reads these alike, ours can go."""
    text, ours, theirs = ENGINE[case]
    path = tmp_path / "bad.csv"
    path.write_bytes(b"a,b,c\n" + text.encode())
    connection = ibis.duckdb.connect(threads=1)
    (member,) = members(path, path.name)
    staged = stage_delimited(connection, member, FileSpec(paths=("*",)), tmp_path)
    rows = staged.rows.filter(staged.rows["_text"].isnull()).order_by("_line")
    assert rows.select("c0", "c1", "c2").to_pandas().to_numpy().tolist() == ours
    query = (
        f"SELECT * FROM read_csv('{path}', auto_detect = false, skip = 1, strict_mode = true, "
        "columns = {'a': 'VARCHAR', 'b': 'VARCHAR', 'c': 'VARCHAR'}, store_rejects = true)"
    )
    try:
        found: list[list[str]] | None = [
            ["" if cell is None else cell for cell in row]
            for row in connection.raw_sql(query).fetchall()
        ]
    except duckdb.InvalidInputException:
        found = None
    connection.disconnect()
    assert found == theirs


@pytest.mark.parametrize(
    "first", ["1,2\r3,3", "1," + "x" * 1_200_000 + ",3"], ids=["loose", "long"]
)
def test_a_first_record_that_is_none_is_refused_like_any_other(first: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(f"a,b,c\n{first}\n4,5,6\n".encode())
    assert look(path).header == ["a", "b", "c"]
    connection = ibis.duckdb.connect(threads=1)
    (member,) = members(path, path.name)
    staged = stage_delimited(connection, member, FileSpec(paths=("*",)), tmp_path)
    reasons = staged.rows.order_by("_line")["_reason"].to_pyarrow().to_pylist()
    connection.disconnect()
    assert reasons[0] in {
        "a line break stands outside quotes",
        "the line is longer than 1,000,000 characters",
    }
    assert reasons[1] is None

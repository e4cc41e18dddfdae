"""Whatever stands in a row: accepted as meant, rejected with its reason, or dropped by name."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.bad_rows import KINDS, Kind
from tests.ingest.shop import GOOD, HEADER, changed, judge

_numbers = itertools.count()


def written(folder: Path, *lines: bytes, end: bytes = b"\n") -> Path:
    path = folder / f"sales{next(_numbers)}.csv"
    path.write_bytes(end.join([HEADER.encode(), *lines]) + end)
    return path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_of_row(kind: Kind, tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.encode(), kind.line, GOOD.encode())
    # Stated, because one foreign line among two good ones could be of another encoding.
    verdict = judge(path, tmp_path / "work", changed(encoding="utf-8"))
    assert verdict.total == 3
    assert verdict.rejected == Counter([kind.reason] if kind.reason else [])
    assert verdict.dropped == Counter([kind.rule] if kind.rule else [])
    if not kind.reason and not kind.rule:
        found = verdict.accepted[1]
        for name, value in kind.expect:
            assert value is found[name] or str(value) == str(found[name])


@settings(max_examples=25, deadline=None)
@given(
    soup=st.lists(st.sampled_from(KINDS), max_size=40),
    good_between=st.integers(0, 3),
    end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_any_mixture_reconciles(tmp_path_factory, soup, good_between, end) -> None:
    """No row pulls another along: each has the fate it has alone."""
    folder = tmp_path_factory.mktemp("soup")
    lines = [GOOD.encode()] * 3
    for kind in soup:
        lines += [kind.line, *[GOOD.encode()] * good_between]
    verdict = judge(written(folder, *lines, end=end), folder / "work", changed(encoding="utf-8"))
    assert verdict.total == len(lines)
    assert verdict.rejected == Counter(k.reason for k in soup if k.reason)
    assert verdict.dropped == Counter(k.rule for k in soup if k.rule)


def test_a_quote_that_nothing_closes_takes_no_other_row(tmp_path: Path) -> None:
    opened = b'1001,C1,SKU1,2024-03-01 10:00,2,9.99,"never closed'
    path = written(tmp_path, GOOD.encode(), opened, *[GOOD.encode()] * 300)
    verdict = judge(path, tmp_path / "work")
    assert len(verdict.accepted) == 301
    assert verdict.rejected == Counter({"a quote is opened and never closed": 1})


def test_a_line_of_two_megabytes(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.encode(), b"x" * 2_000_000, GOOD.encode())
    verdict = judge(path, tmp_path / "work")
    assert len(verdict.accepted) == 2
    assert verdict.rejected == Counter({"the line is longer than 1,000,000 characters": 1})


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=60), st.integers(50, 5000))
def test_any_text_comes_through_unchanged(tmp_path_factory, notes, chunk) -> None:
    """What a careful program writes is read back as it was, wherever the chunks are cut."""
    import csv
    import io

    from analysis.ingest.readers import archives

    folder = tmp_path_factory.mktemp("text")
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(HEADER.split(","))
    clean = [n.replace("\0", "").encode("utf-8", "ignore").decode() for n in notes]
    for i, note in enumerate(clean):
        writer.writerow([f"{i}", "C1", f"S{note}E", "2024-03-01 10:00", "1", "1.00", "x"])
    path = folder / "sales.csv"
    path.write_bytes(stream.getvalue().encode())
    before = archives.CHUNK
    archives.Member.chunks.__defaults__ = (chunk,)
    try:
        verdict = judge(path, folder / "work", changed(encoding="utf-8"))
    finally:
        archives.Member.chunks.__defaults__ = (before,)
    assert [r["product_id"] for r in verdict.accepted] == [
        f"S{note}E".replace("\r\n", "\n") for note in clean
    ]

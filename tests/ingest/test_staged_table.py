"""Rows are staged as they were cut, counted, and refused if the count differs."""

from __future__ import annotations

import io
from pathlib import Path

import ibis
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.errors import DataError
from analysis.ingest.readers.delimited import Cutter, Dialect
from analysis.ingest.readers.physical_lines import physical_lines
from analysis.ingest.readers.staged_table import read_back, writing

CELLS = st.text(
    st.sampled_from('ab1 ,"£é元\n\u00a0') | st.characters(exclude_categories=["Cs", "Cc"]),
    max_size=12,
)


def written(rows: list[list[str]]) -> bytes:
    import csv

    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=12), st.integers(1, 40))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], size: int
) -> None:
    folder, text = tmp_path_factory.mktemp("staged"), written(rows)
    with writing(folder, 3) as file:
        cutter = Cutter(Dialect(",", 3), file, 2)
        for block in physical_lines(text[i : i + size] for i in range(0, len(text), size)):
            cutter.feed(block)
        cutter.finish()
    connection = ibis.duckdb.connect(threads=1)
    found = read_back(connection, file).order_by("_line").to_pyarrow().to_pylist()
    connection.disconnect()
    assert [[row[f"c{i}"] or "" for i in range(3)] for row in found] == rows
    lines = np.cumsum([2, *(1 + sum(cell.count("\n") for cell in row) for row in rows)])
    assert [row["_line"] for row in found] == lines[:-1].tolist()


def test_a_row_lost_on_the_way_is_noticed(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match="3 rows were cut but 2 were read"),
        writing(tmp_path, 2) as file,
    ):
        file.records(b"a,b\nc,d\n", np.array([1, 2, 3]), ",")


def test_a_count_that_the_engine_does_not_share_is_noticed(tmp_path: Path) -> None:
    with writing(tmp_path, 1) as file:
        file.record(1, ["a"])
    file.outcome.records += 1
    connection = ibis.duckdb.connect(threads=1)
    with pytest.raises(DataError, match="2 rows were cut but the engine read 1"):
        read_back(connection, file)
    connection.disconnect()

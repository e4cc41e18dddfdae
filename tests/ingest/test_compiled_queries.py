"""A query is compiled once for files of one form, and never serves files of another."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
import pytest

from analysis.ingest.part_writer import CompiledQueries, view_name
from analysis.tables.engine import builtin


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/.parts/.staging-k1/work/own/m0/staged.parquet", "part/work/own/m0/staged.parquet"),
        ("a/.parts/.staging-k2/work/k2-0-judged.parquet", "part/work/-0-judged.parquet"),
        ("data/raw/staged.parquet", None),
    ],
)
def test_files_of_two_parts_go_by_one_name(path: str, name: str | None) -> None:
    assert view_name(Path(path)) == name


def test_what_is_kept_is_the_query_and_not_the_rows(tmp_path: Path, monkeypatch) -> None:
    connection = ibis.duckdb.connect(threads=1)
    queries, compiled = CompiledQueries(connection), []
    original = connection.compile
    monkeypatch.setattr(connection, "compile", lambda rows: (compiled.append(1), original(rows))[1])
    found = []
    for number, columns in enumerate([{"a": ["1 "]}, {"a": ["2 "]}, {"b": ["x"], "a": [" 3"]}]):
        path = tmp_path / f"it's {number}.parquet"
        pd.DataFrame(columns).to_parquet(path)
        rows = connection.read_parquet(path, table_name="part")
        trim = builtin("trim", ("string",), "string")
        queries.write(rows.select(a=trim(rows.a)), tmp_path / f"o'{number}.parquet", "zstd")
        found += pd.read_parquet(tmp_path / f"o'{number}.parquet")["a"].tolist()
        found += [each["n"] for each in queries.fetch(rows.agg(n=rows.count()))]
    connection.disconnect()
    assert found == ["1", 1, "2", 1, "3", 1]
    assert len(compiled) == 4

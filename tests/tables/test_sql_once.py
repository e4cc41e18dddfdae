"""What the tests themselves rest on: SQL that was written before is that which is written anew."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest
import sqlglot.expressions as sge
from ibis.backends.duckdb import Backend
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType

from tests.sql_once import Shape


def question(share: float, *, of: int = 3) -> ibis.Table:
    rows = ibis.memtable(pd.DataFrame({"who": list("abc")[:of], "much": [1.5, 2.0, 2.5][:of]}))
    sums = rows.group_by("who").agg(much=rows.much.sum() * share)
    return sums.join(rows, "who").filter(lambda t: t.much > -1).order_by("who")


def test_words_are_those_written_anew_of_the_tables_of_each() -> None:
    connection = ibis.duckdb.connect()
    one, two = question(0.5), question(0.5, of=2)
    assert Shape(one.op()).key == Shape(two.op()).key
    for each in (one, two, one):
        anew = Backend.compile.__wrapped__(connection, each)
        assert connection.compile(each) == anew
        written = DuckDBCompiler.translate.__wrapped__(connection.compiler, each.op(), params={})
        made = connection.compiler.translate(each.op(), params={})
        assert isinstance(made, sge.Expression)
        assert made.sql("duckdb") == written.sql("duckdb")
    assert [len(each.execute()) for each in (one, two)] == [3, 2]
    connection.disconnect()


@pytest.mark.parametrize("name", ["VARCHAR", "DECIMAL(38, 2)", "TIMESTAMP", "BIGINT[]"])
def test_a_type_is_that_read_anew(name: str) -> None:
    anew = DuckDBType.from_string.__func__.__wrapped__  # type: ignore[attr-defined]
    for nullable in (True, False, True):
        read = DuckDBType.from_string(name, nullable=nullable)
        assert read == anew(DuckDBType, name, nullable=nullable)
        assert read.nullable == nullable


@pytest.mark.parametrize(
    ("one", "other"), [(-1, -2), (1, 1.0), (1, True), (0.0, -0.0), ("a", "b"), (None, "None")]
)
def test_what_is_not_written_alike_is_not_taken_for_the_same(one: object, other: object) -> None:
    shapes = [Shape(ibis.literal(value).name("x").as_table().op()) for value in (one, other)]
    assert shapes[0].key != shapes[1].key


def test_tables_of_other_columns_or_names_are_others() -> None:
    schemas = [{"a": "int64"}, {"a": "int32"}, {"a": "!int64"}, {"b": "int64"}]
    tables = [ibis.table(schema, name="t") for schema in schemas]
    keys = {Shape(each.op()).key for each in (*tables, ibis.table(schemas[0], name="u"))}
    assert len(keys) == 5
    both = tables[0].cross_join(tables[0].view()), tables[0].cross_join(tables[0].distinct())
    assert len({Shape(each.op()).key for each in both}) == 2

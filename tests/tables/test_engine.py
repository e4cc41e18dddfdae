"""The door to the engine: what it says when something is missing, and that both engines agree."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from analysis.errors import DataError, NotApplicable
from analysis.tables.engine import (
    EngineSettings,
    Tables,
    connect,
    held,
    in_memory,
    localise,
    open_study,
    read_parquet,
    seconds,
    write_parquet,
)
from analysis.tables.manifest import Manifest
from analysis.tables.spilling import MOST_IN_MEMORY, keep_on_disk


def shop(**options: Any) -> Tables:
    lines = pd.DataFrame(
        {
            "order_id": ["1", "1", "2"],
            "customer_id": ["a", "a", None],
            "product_id": ["p", "q", "p"],
            "ordered_at": pd.to_datetime(["2017-01-02", "2017-01-02", "2017-01-03"]),
            "quantity": [1.0, 2.0, -1.0],
            "net_amount": [1.10, 2.20, -1.10],
        }
    )
    return in_memory({"order_lines": lines}, **options)


def test_data_frames_become_canonical_types() -> None:
    tables = shop()
    assert str(tables.order_lines.net_amount.type()) == "decimal(18, 2)"
    assert str(tables.order_lines.net_amount.sum().to_pandas()) == "2.20"


def test_a_missing_table_is_one_sentence() -> None:
    tables = shop()
    assert tables.has("order_lines", "quantity")
    assert not tables.has("order_lines", "store_id")
    assert not tables.has("points")
    with pytest.raises(NotApplicable, match=r"^This study has no points table\.$"):
        tables.require("order_lines", "points")
    with pytest.raises(AttributeError):
        tables.pionts  # noqa: B018


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.parquet does not exist"):
        read_parquet(connect(), tmp_path / "x.parquet")


def test_parquet_goes_out_and_in(tmp_path: Path) -> None:
    tables = shop()
    write_parquet(tables.connection, tables.order_lines, tmp_path / "lines")
    back = read_parquet(tables.connection, tmp_path / "lines")
    assert back.schema() == tables.order_lines.schema()
    assert back.count().to_pandas() == 3


@pytest.mark.spark
def test_a_guest_is_nobody_on_spark_too(spark: EngineSettings) -> None:
    for settings in (EngineSettings(), spark):
        lines = shop(settings=settings).order_lines
        assert lines.customer_id.isnull().sum().to_pandas() == 1


def local_times(settings: EngineSettings) -> list[str]:
    connection = connect(settings)
    moments = pd.DataFrame(
        {"t": pd.to_datetime(["2017-01-01 11:53:26", "2017-07-01 03:00:00", "2017-03-12 07:00:00"])}
    )
    rows = connection.create_view("moments", ibis.memtable(moments), overwrite=True)
    local = localise(connection, rows.t, source="UTC", target="America/New_York")
    out = rows.select(t=local.cast("string")).order_by("t").to_pandas()["t"]
    return sorted(str(value)[:19] for value in out)


def test_times_become_local_across_the_change_of_the_clocks() -> None:
    assert local_times(EngineSettings()) == [
        "2017-01-01 06:53:26",
        "2017-03-12 03:00:00",
        "2017-06-30 23:00:00",
    ]


@pytest.mark.spark
def test_times_become_local_on_spark_too(spark: EngineSettings) -> None:
    assert local_times(spark) == local_times(EngineSettings())


@pytest.mark.spark
def test_distinct_values_in_order_are_distinct_on_both_engines(spark: EngineSettings) -> None:
    """Told apart by the column that they are filtered by as well, p would be there twice."""
    for settings in (EngineSettings(), spark):
        lines = shop(settings=settings).order_lines
        sold = lines.filter(lines.quantity != 0).select("product_id").distinct()
        assert sold.order_by("product_id").to_pandas()["product_id"].tolist() == ["p", "q"]


@pytest.mark.spark
def test_seconds_keep_their_fraction_on_both_engines(spark: EngineSettings) -> None:
    """Whole seconds in one engine only would make its medians, and its windows, others."""
    moments = pd.to_datetime(["2025-03-01 10:00:00.123457", "2025-03-30 02:30:59.999999", None])
    views = pd.DataFrame({"session_id": "s", "page": "p", "viewed_at": moments})
    for settings in (EngineSettings(), spark):
        rows = in_memory({"page_views": views}, settings=settings).page_views
        found = rows.select(s=seconds(rows.viewed_at)).order_by("s").to_pandas()["s"]
        first, last = 1_740_823_200.123457, 1_743_301_859.999999
        assert found.tolist()[:2] == [first, last]
        assert found.isna().tolist() == [False, False, True]
        moment = seconds(rows.viewed_at)
        assert (moment.max() - moment.min()).to_pandas() == last - first  # to the last bit


def test_memory_is_bounded_as_asked() -> None:
    connection = connect(EngineSettings(memory="321MB", threads=1))
    setting = connection.raw_sql("select current_setting('memory_limit')").fetchone()
    assert setting == ("306.1 MiB",)


def test_a_hundred_thousand_dimes_are_ten_thousand() -> None:
    dimes = ibis.range(100_000).unnest().name("i").as_table()
    dimes = dimes.mutate(amount=ibis.literal("0.10").cast("decimal(18, 2)"))
    assert str(connect().to_pyarrow(dimes.amount.sum())) == "10000.00"


def test_held_rows_of_a_large_study_lie_on_disk_and_go_when_unused() -> None:
    connection = connect(EngineSettings(memory="64MB", threads=1))
    keep_on_disk(connection)
    named = "select range as n, 'name of ' || range as name from range(3000000)"
    connection.raw_sql(f"create view named as {named}")
    kept = held(connection.table("named"))
    assert kept.name.nunique().to_pandas() == kept.count().to_pandas() == 3_000_000
    lying = "select table_name from duckdb_tables() where database_name = 'kept'"
    assert len(connection.raw_sql(lying).fetchall()) == 1
    del kept
    gc.collect()
    assert connection.raw_sql(lying).fetchall() == []
    connection.disconnect()


@pytest.mark.parametrize(("large", "on_disk"), [("placements", False), ("page_views", True)])
def test_only_rows_that_are_ever_held_make_a_study_large(
    tmp_path: Path, large: str, on_disk: bool
) -> None:
    current = tmp_path / "data" / "canonical" / "shop" / "current"
    for name in ("order_lines", large):
        (current / name).mkdir(parents=True)
        pd.DataFrame({"n": [1]}).to_parquet(current / name / "part-0.parquet")
    rows = {"order_lines": 1, large: MOST_IN_MEMORY + 1}
    Manifest("shop", rows=rows).write(current / "manifest.json")
    tables = open_study("shop", root=tmp_path)
    attached = tables.connection.raw_sql("select database_name from duckdb_databases()").fetchall()
    assert (("kept",) in attached) is on_disk
    tables.close()


def test_rows_found_unused_in_another_thread_are_dropped_between_questions() -> None:
    connection = connect(EngineSettings(threads=1))
    connection.raw_sql("create view counted as select range as n from range(10)")
    kept = [held(connection.table("counted"))]
    lying = "select count(*) from duckdb_tables() where temporary"

    def forget() -> None:
        kept.clear()
        gc.collect()

    elsewhere = threading.Thread(target=forget)
    elsewhere.start()
    elsewhere.join()
    assert connection.raw_sql(lying).fetchone() == (1,)
    kept.append(held(connection.table("counted").mutate(m=1)))
    assert connection.raw_sql(lying).fetchone() == (1,)
    assert kept[0].n.sum().to_pandas() == 45
    kept.clear()
    connection.disconnect()

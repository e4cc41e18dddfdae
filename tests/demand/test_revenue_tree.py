"""The revenue tree: adds up exactly, is symmetric, agrees with plain pandas, and covers."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.demand.change import revenue_tree
from analysis.errors import NotApplicable

FACTOR = st.floats(1e-3, 1e6)
FACTORS = st.lists(FACTOR, min_size=4, max_size=4).map(np.array)
NO_GUESTS = pd.Series(
    {"orders_before": 0.0, "orders_now": 0.0, "net_before": 0.0, "net_now": 0.0, "variance": 0.0}
)


def people(rng: np.random.Generator, n: int = 200) -> pd.DataFrame:
    """Return customers who behave alike in both periods."""
    often = rng.gamma(2.0, 3.0, n)
    columns = {}
    for when in ("before", "now"):
        orders = rng.poisson(often)
        items = orders + rng.poisson(4 * orders)
        columns |= {f"orders_{when}": orders, f"items_{when}": items}
        columns[f"net_{when}"] = np.round(items * rng.lognormal(1, 0.3, n), 2)
    return pd.DataFrame(columns).astype("float64")


@given(FACTORS, FACTORS)
def test_contributions_add_up_to_the_change(before: np.ndarray, now: np.ndarray) -> None:
    parts = revenue_tree.contributions(before, now)
    change = now.prod() - before.prod()
    scale = max(now.prod(), before.prod())
    assert abs(parts.sum() - change) <= 1e-9 * max(scale, np.abs(parts).sum())


@given(FACTORS, FACTORS)
def test_turning_time_round_turns_the_signs(before: np.ndarray, now: np.ndarray) -> None:
    there, back = revenue_tree.contributions(before, now), revenue_tree.contributions(now, before)
    np.testing.assert_allclose(there, -back, rtol=1e-6, atol=1e-9 * np.abs(there).max())


@given(FACTORS, FACTORS, st.permutations(range(4)))
def test_the_order_of_factors_does_not_matter(
    before: np.ndarray, now: np.ndarray, order: list[int]
) -> None:
    parts = revenue_tree.contributions(before, now)
    np.testing.assert_allclose(
        revenue_tree.contributions(before[order], now[order]), parts[order], rtol=1e-9
    )


def test_a_factor_that_stays_contributes_nothing_and_the_only_one_that_moves_all() -> None:
    parts = revenue_tree.contributions(np.array([2.0, 3.0, 5.0]), np.array([2.0, 6.0, 5.0]))
    np.testing.assert_allclose(parts, [0, 30, 0], atol=1e-12)


def test_two_factors_by_hand() -> None:
    """V from 100 x 2 to 110 x 2.5: L = 75 / ln(275 / 200), parts L ln 1.1 and L ln 1.25."""
    weight = 75 / np.log(1.375)
    parts = revenue_tree.contributions(np.array([100, 2.0]), np.array([110, 2.5]))
    np.testing.assert_allclose(parts, [weight * np.log(1.1), weight * np.log(1.25)])


def test_the_logarithmic_mean_of_equals_is_their_value() -> None:
    mean = revenue_tree.logarithmic_mean(np.array([7.0, 7.0]), np.array([0.0, 1e-12]))
    np.testing.assert_allclose(mean, [7.0, 7.0])


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_zero_and_negative_factors_have_no_contributions(bad: float) -> None:
    assert np.isnan(revenue_tree.contributions(np.array([1.0, bad]), np.array([1.0, 2.0]))).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6))
def test_rounding_to_the_cent_keeps_the_total(parts: list[float]) -> None:
    total = round(sum(parts), 2)
    rounded = revenue_tree.to_the_cent(np.array(parts), total)
    assert sum(Decimal(str(round(part, 2))) for part in rounded) == Decimal(str(total))
    np.testing.assert_allclose(rounded, parts, atol=0.011)


def test_the_tree_is_what_plain_arithmetic_gives() -> None:
    paired = people(np.random.default_rng(1))
    tree = revenue_tree.revenue_tree(paired, NO_GUESTS, confidence=0.95, seed=1)
    now = tree.factors.set_index("factor")["now"]
    bought = paired[paired["orders_now"] > 0]
    assert now["customers"] == len(bought)
    assert now["orders_per_customer"] == pytest.approx(bought["orders_now"].mean())
    assert now["items_per_order"] == pytest.approx(
        paired["items_now"].sum() / paired["orders_now"].sum()
    )
    assert now.prod() == pytest.approx(paired["net_now"].sum())
    assert round(tree.factors["contribution"].sum(), 2) == tree.change
    assert tree.change == round(paired["net_now"].sum() - paired["net_before"].sum(), 2)
    assert (tree.low, tree.high) == tuple(sorted((tree.low, tree.high)))


def test_guests_are_a_part_of_their_own() -> None:
    paired = people(np.random.default_rng(1))
    guests = pd.Series(
        {
            "orders_before": 10.0,
            "orders_now": 12.0,
            "net_before": 100.0,
            "net_now": 130.55,
            "variance": 400.0,
        }
    )
    alone = revenue_tree.revenue_tree(paired, NO_GUESTS, confidence=0.95, seed=1)
    tree = revenue_tree.revenue_tree(paired, guests, confidence=0.95, seed=1)
    row = tree.factors.iloc[-1]
    assert row["factor"] == "guests"
    assert row["contribution"] == 30.55
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * 20, rel=0.08)
    assert tree.change == pytest.approx(alone.change + 30.55)
    assert round(tree.factors["contribution"].sum(), 2) == tree.change


@pytest.mark.parametrize("column", ["orders_before", "items_now", "net_now"])
def test_totals_of_zero_have_no_tree(column: str) -> None:
    paired = people(np.random.default_rng(1)).assign(**{column: 0.0})
    with pytest.raises(NotApplicable, match="above zero"):
        revenue_tree.revenue_tree(paired, NO_GUESTS, confidence=0.95, seed=1)


def test_one_customer_alone_gives_no_interval() -> None:
    """Drawn again it is the same customer: a whisker of no length would claim certainty."""
    paired = people(np.random.default_rng(1))
    bought = paired[(paired["net_before"] > 0) & (paired["net_now"] > 0)]
    tree = revenue_tree.revenue_tree(bought.head(1), NO_GUESTS, confidence=0.95, seed=1)
    assert np.isnan([tree.low, tree.high]).all()
    assert tree.factors[["low", "high", "growth_low", "growth_high"]].isna().all(axis=None)
    assert round(tree.factors["contribution"].sum(), 2) == tree.change


def test_the_driver_is_the_largest_part_in_the_direction_of_the_change() -> None:
    paired = people(np.random.default_rng(1))
    paired["net_now"] = paired["net_now"] * 2
    tree = revenue_tree.revenue_tree(paired, NO_GUESTS, confidence=0.95, seed=1)
    assert tree.driver["factor"] == "net_per_item"


def test_intervals_cover_the_change_and_every_contribution() -> None:
    """Both periods alike, so that the truth is zero throughout: 90 of 100 intervals hold it."""
    rng, rounds, hits = np.random.default_rng(11), 150, []
    for _ in range(rounds):
        seed = int(rng.integers(2**31))
        tree = revenue_tree.revenue_tree(people(rng), NO_GUESTS, confidence=0.9, seed=seed)
        low, high = [*tree.factors["low"], tree.low], [*tree.factors["high"], tree.high]
        hits.append((np.array(low) <= 0) & (np.array(high) >= 0))
    cover = np.mean(hits, axis=0)
    assert (cover >= 0.83).all()
    assert (cover <= 0.97).all()

"""The return: parts that add up to the cent, ratios with the intervals they claim, odd cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from analysis.promotions.observational.doubly_robust import Effects, by_lot
from analysis.promotions.outcomes.costs import Costs
from analysis.promotions.returns import league
from analysis.promotions.returns.roi import (
    AFTER,
    CONTACT,
    DISCOUNT,
    EXTRA,
    FIXED,
    NEEDED,
    NEIGHBOURS,
    NET,
    SUBSIDY,
    Return,
    returned,
)

NAMES = tuple(NEEDED)


def effects(values: dict[str, float], anyway: dict[str, float], error: float = 0.1) -> Effects:
    k = len(NAMES)
    return Effects(
        NAMES,
        np.array([values.get(name, 0.0) for name in NAMES]),
        np.array([anyway.get(name, 0.0) for name in NAMES]),
        np.eye(2 * k) * error**2,
        100,
        100,
        randomised=True,
    )


def costs(contact: float = 50.0, fixed: float = 200.0, customers: int = 1_000) -> Costs:
    return Costs(customers, contact, fixed, "messages", "promotion")


#: Ten pay a discount of 1 on each of two units that they would have bought, and buy a third.
VALUES = {
    "margin": 1.0,
    "offered_margin": 2.0,
    "offered_units": 1.0,
    "offered_discount": 3.0,
    "rival_margin": -0.5,
    "after_offered_margin": -0.25,
}
ANYWAY = {"margin": 10.0, "offered_margin": 8.0, "offered_units": 2.0}


def test_the_parts_are_what_they_are_called() -> None:
    parts = returned(effects(VALUES, ANYWAY), costs()).waterfall.set_index("part")["amount"]
    assert parts[EXTRA] == 5_000.0
    assert parts[SUBSIDY] == -2_000.0
    assert parts[DISCOUNT] == -1_000.0
    assert parts[NEIGHBOURS] == -500.0
    assert parts[AFTER] == -250.0
    assert parts[CONTACT] == -50.0
    assert parts[FIXED] == -200.0
    # margin - offered - rival = 1 - 2 + 0.5
    assert parts["other purchases"] == -500.0
    assert parts[NET] == 500.0


numbers = st.floats(-50, 50, allow_nan=False).map(lambda v: round(v, 4))


@settings(max_examples=200, deadline=None)
@given(st.lists(numbers, min_size=len(NAMES), max_size=len(NAMES)), numbers, st.integers(1, 99_999))
def test_the_parts_add_up_to_the_cent(values: list[float], units: float, customers: int) -> None:
    found = returned(
        effects(dict(zip(NAMES, values, strict=True)), {"offered_units": units}),
        costs(12.34, 56.78, customers),
    )
    amounts = found.waterfall["amount"].to_numpy()
    cents = np.rint(100 * amounts).astype(np.int64)
    assert np.abs(100 * amounts - cents).max() < 1e-4
    assert cents[:-1].sum() == cents[-1]
    assert found.net == pytest.approx(amounts[-1])


def population(rng: np.random.Generator, n: int) -> tuple[Effects, float]:
    """Return the estimated effects of a promotion, and its true net effect a customer on margin."""
    treated = rng.permutation(n) < n // 2
    anyway = rng.poisson(1.0, n)
    extra = np.where(treated, rng.poisson(0.5, n), 0)
    units = anyway + extra
    discount = np.where(treated, 0.4 * units, 0.0)
    columns = {
        "offered_units": units,
        "offered_discount": discount,
        "offered_margin": 2.0 * units - discount,
        "rival_margin": rng.normal(1.0, 1.0, n) - 0.1 * treated,
        "after_offered_margin": rng.normal(1.0, 1.0, n) - 0.2 * treated,
        "after_rival_margin": np.zeros(n),
    }
    other = rng.normal(3.0, 2.0, n)
    columns["margin"] = columns["offered_margin"] + columns["rival_margin"] + other
    measures = np.column_stack([columns[name] for name in NAMES])
    # Margin of 1.6 on half a unit, 0.4 lost on one unit, 0.1 from the neighbours, 0.2 after.
    return by_lot(NAMES, measures, treated), 1.6 * 0.5 - 0.4 - 0.1 - 0.2


def test_intervals_of_the_net_return_and_of_its_ratio_cover() -> None:
    rng = np.random.default_rng(1)
    experiments, net, ratio, subsidy = 2_000, 0, 0, 0
    its = Costs(1_000, 20.0, 30.0, "messages", "promotion")
    for _ in range(experiments):
        found_effects, truth = population(rng, 300)
        found = returned(found_effects, its)
        last = found.waterfall.iloc[-1]
        net += last["low"] <= 1_000 * truth - 50 <= last["high"]
        spent = 1_000 * 0.6 + 50
        ratio += found.roi_low <= (1_000 * truth - 50) / spent <= found.roi_high
        part = found.waterfall.set_index("part").loc[SUBSIDY]
        subsidy += part["low"] <= -400.0 <= part["high"]
    for covered in (net, ratio, subsidy):
        assert binom.ppf(1e-4, experiments, 0.94) <= covered
        assert covered <= binom.ppf(1 - 1e-4, experiments, 0.96)


def test_fieller_is_the_ratio_of_two_means() -> None:
    """Against the definition: ratios not rejected by the test that net - ratio x spent is zero."""
    found = returned(effects(VALUES, ANYWAY, error=0.05), costs())
    assert found.roi == pytest.approx(found.net / found.spent)
    one = effects(VALUES, ANYWAY, error=0.05)
    k = len(NAMES)
    discount = one.weights({"offered_discount": 1.0})
    slope = np.zeros(2 * k)
    for name, factor in (
        ("margin", 1.0),
        ("after_offered_margin", 1.0),
        ("after_rival_margin", 1.0),
    ):
        slope += one.weights({name: factor})
    for ratio in (found.roi_low, found.roi_high):
        gap = slope - ratio * discount
        error = 1_000 * np.sqrt(gap @ one.covariance @ gap)
        assert abs(found.net - ratio * found.spent) == pytest.approx(1.959964 * error, rel=1e-5)


def test_break_even_is_where_the_net_return_is_zero() -> None:
    found = returned(effects(VALUES, ANYWAY), costs(), redemption=0.4)
    brought = (found.net + 250.0) / 0.4
    assert found.break_even * brought == pytest.approx(250.0)
    lost = returned(effects({"margin": -1.0}, {}), costs(), redemption=0.4)
    assert lost.break_even == np.inf
    assert np.isnan(returned(effects(VALUES, ANYWAY), costs()).break_even)


def test_a_promotion_that_cost_nothing_has_no_return_on_its_cost() -> None:
    found = returned(effects({"margin": 1.0}, {}), costs(0.0, 0.0))
    assert np.isnan([found.roi, found.roi_low, found.roi_high]).all()
    assert found.net == 1_000.0


def test_spending_that_may_be_nothing_has_no_interval() -> None:
    found = returned(effects({"margin": 1.0, "offered_discount": 0.01}, {}), costs(0.0, 0.0))
    assert np.isfinite(found.roi)
    assert np.isnan([found.roi_low, found.roi_high]).all()


def test_nobody_buying_the_offer_makes_no_subsidy() -> None:
    found = returned(effects({"offered_discount": 1.0}, {}), costs())
    parts = found.waterfall.set_index("part")["amount"]
    assert parts[SUBSIDY] == 0
    assert parts[DISCOUNT] == -1_000.0


def _made(**values: float) -> Return:
    return returned(effects(values, {"offered_units": 1.0}, error=0.02), costs(0.0, 0.0))


def test_advice_follows_the_return_and_where_sales_came_from() -> None:
    sells = {"margin": 1.0, "offered_margin": 1.0, "offered_units": 0.5}
    assert league.advice(_made(**sells))[1] == league.REPEAT
    moved = {**sells, "margin": 0.0, "rival_margin": -0.9}
    assert league.advice(_made(**moved))[1:] == (
        league.CHANGE,
        "what it sells is taken from its neighbours",
    )
    pulled = {**sells, "after_offered_margin": -2.0}
    assert league.advice(_made(**pulled))[1:] == (
        league.STOP,
        "what it sells is taken from the weeks after",
    )
    assert league.advice(_made())[1] == league.AGAIN


def test_chosen_customers_never_lead_to_more_than_a_test_by_lot() -> None:
    one = effects({"margin": 5.0, "offered_margin": 5.0}, {}, error=0.01)
    chosen = Effects(one.names, one.effect, one.anyway, one.covariance, 100, 100, randomised=False)
    found = returned(chosen, costs(0.0, 0.0))
    assert found.waterfall["low"].iloc[-1] > 0
    assert league.advice(found)[1] == league.HOLD_OUT

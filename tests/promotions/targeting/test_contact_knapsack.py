"""The choice under limits: published optimum, brute force, and no limit ever exceeded."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.promotions.planning.targeting.contact_knapsack import (
    NONE,
    Choices,
    Limits,
    counted_by,
    gain_of,
    solve,
    used_by,
)

#: grf-labs/maq REFERENCE.md: gains of Alice, Bob and Eve for two arms that cost 3 and 6.
MAQ_GAIN = np.array([[30.0, 10.0], [40.0, 50.0], [10.0, 55.0]])
MAQ_COST = np.array([[3.0, 6.0]] * 3)


def drawn(seed: int, n: int, items: int, channels: int = 2) -> Choices:
    rng = np.random.default_rng(seed)
    gain = rng.gamma(1.0, 3.0, (n, items)) - 1.5
    gain[rng.random((n, items)) < 0.15] = -np.inf
    number = np.arange(items)
    cost = rng.uniform(0.0, 2.0, (n, items))
    return Choices(gain, cost, number % channels, number // channels)


def best_of_all(choices: Choices, limits: Limits, channels: int) -> float:
    n, items = choices.size
    bound, best = limits.vector(channels), 0.0
    counted = counted_by(choices, limits)
    for picked in itertools.product(range(-1, items), repeat=n):
        item = np.array(picked)
        rows = np.flatnonzero(item != NONE)
        gain = choices.gain[rows, item[rows]].sum()
        if gain > best and (used_by(choices, item, counted) <= bound + 1e-12).all():
            best = float(gain)
    return best


@pytest.mark.parametrize("method", ["exact", "prices"])
def test_the_published_optimum_at_a_mean_spend_of_five(method: str):
    found = solve(Choices(MAQ_GAIN, MAQ_COST, np.zeros(2, int)), Limits(15.0), method=method)
    assert found.item.tolist() == [0, 1, 1]
    assert found.gain / 3 == pytest.approx(45.0)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    budget=st.floats(0.0, 6.0),
    capacity=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    contacts=st.integers(0, 4),
    quota=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_the_exact_choice_is_the_best_of_all(seed, budget, capacity, contacts, quota):
    choices = drawn(seed, 4, 4)
    limits = Limits(budget, _numbers(capacity), float(contacts), _numbers(quota))
    found = solve(choices, limits, method="exact")
    best = best_of_all(choices, limits, 2)
    assert found.gain == pytest.approx(best, abs=1e-6)
    assert found.gain == pytest.approx(gain_of(choices, found.item))
    # For so few, prices choose anew exactly for the customers whom they do not decide.
    assert solve(choices, limits, method="prices").gain == pytest.approx(best, rel=2e-4, abs=1e-6)


def _numbers(given: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(map(float, given))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 40),
    budget=st.floats(0.0, 40.0),
    capacity=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    contacts=st.integers(0, 50),
    quota=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    method=st.sampled_from(["exact", "prices"]),
)
def test_no_limit_is_ever_exceeded(seed, n, budget, capacity, contacts, quota, method):
    choices = drawn(seed, n, 6)
    limits = Limits(budget, _numbers(capacity), float(contacts), _numbers(quota))
    found = solve(choices, limits, method=method)
    used = used_by(choices, found.item, counted_by(choices, limits))
    assert (used <= limits.vector(2) * (1 + 1e-9) + 1e-9).all()
    assert found.used == pytest.approx(used)
    for offer, most in enumerate(quota):  # counted by hand
        assert (choices.offer[found.item[found.item != NONE]] == offer).sum() <= most
    chosen = found.item != NONE
    assert (choices.gain[chosen, found.item[chosen]] > 0).all()
    assert found.gain <= found.bound + 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_prices_come_within_a_thousandth_of_the_exact_choice(seed: int):
    choices = drawn(seed, 200, 8, channels=4)
    limits = Limits(30.0, (10.0, 16.0, np.inf, 20.0), 55.0, (12.0, np.inf))
    exact, priced = (solve(choices, limits, method=m) for m in ("exact", "prices"))
    assert priced.gain <= exact.gain * (1 + 1e-6)
    assert priced.gain >= exact.gain * (1 - 1e-3)
    assert priced.bound >= exact.gain * (1 - 1e-6)


def test_the_same_choice_comes_again():
    choices = drawn(5, 500, 6)
    limits = Limits(50.0, (60.0, 60.0))
    one, two = (solve(choices, limits, method="prices") for _ in range(2))
    assert (one.item == two.item).all()


def test_without_limits_everybody_gets_what_is_best_for_them():
    choices = drawn(9, 200, 5)
    best = choices.gain.max(axis=1)
    for method in ("exact", "prices"):
        found = solve(choices, Limits(), method=method)
        assert found.gain == pytest.approx(best[best > 0].sum())
        assert ((found.item != NONE) == (best > 0)).all()


def test_a_price_is_what_one_more_unit_brings():
    choices = drawn(11, 2_000, 6)
    limits = Limits(200.0)
    found = solve(choices, limits, method="prices")
    more = solve(choices, Limits(210.0), method="prices")
    assert (more.gain - found.gain) / 10 == pytest.approx(found.prices[0], rel=0.05)


def test_a_cost_below_nothing_is_refused():
    with pytest.raises(AnalysisError, match="less than nothing"):
        solve(Choices(np.ones((1, 1)), -np.ones((1, 1)), np.zeros(1, int)), Limits(1.0))

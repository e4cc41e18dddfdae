"""The cost curve: the identities of grf-labs/maq (test_LP.R, test_maq.R), and its interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from analysis.promotions.planning.targeting import cost_curve
from analysis.promotions.planning.targeting.cost_curve import Basis, path


def drawn(seed: int, n: int = 40, items: int = 5):
    rng = np.random.default_rng(seed)
    return rng.normal(0.5, 1.0, (n, items)), rng.uniform(0.05, 2.0, (n, items))


def by_linear_programme(gain, cost, budget: float) -> float:
    n, items = gain.shape
    each = np.kron(np.eye(n), np.ones(items))
    found = linprog(
        -gain.ravel(),
        A_ub=np.vstack([cost.ravel(), each]),
        b_ub=np.append(budget, np.ones(n)),
        bounds=(0, 1),
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return -float(found.fun)


@pytest.mark.parametrize("seed", range(5))
def test_the_path_gains_what_the_linear_programme_gains(seed: int):
    gain, cost = drawn(seed)
    found = path(gain, cost)
    for budget in np.linspace(0.3, 1.3 * found.spend[-1], 8):
        expected = by_linear_programme(gain, cost, budget)
        assert float(found.gain_at(budget)) == pytest.approx(expected, rel=1e-12)


def test_the_published_example_gains_45_at_a_mean_spend_of_five():
    gain = np.array([[30.0, 10.0], [40.0, 50.0], [10.0, 55.0]])
    cost = np.array([[3.0, 6.0]] * 3)
    assert float(path(gain, cost).gain_at(15.0)) / 3 == pytest.approx(45.0, rel=1e-12)


def test_nothing_spent_gains_nothing():
    assert float(path(*drawn(1)).gain_at(0.0)) == 0.0


def test_scaling_gain_and_cost_scales_the_curve():
    gain, cost = drawn(2)
    one, other = path(gain, cost), path(3 * gain, 7 * cost)
    budgets = np.linspace(0, one.spend[-1], 9)
    assert other.gain_at(7 * budgets) == pytest.approx(3 * one.gain_at(budgets), rel=1e-12)


def test_a_weight_of_two_is_the_row_twice():
    gain, cost = drawn(3)
    weights = np.ones(len(gain))
    weights[:10] = 2
    twice = path(np.vstack([gain, gain[:10]]), np.vstack([cost, cost[:10]]))
    found = path(gain, cost, weights=weights)
    budgets = np.linspace(0, twice.spend[-1], 9)
    assert found.gain_at(budgets) == pytest.approx(twice.gain_at(budgets), rel=1e-12)


def test_with_one_item_somebody_is_chosen_who_gains_by_it():
    gain, cost = drawn(4, items=1)
    assert sorted(path(gain, cost).customer) == np.flatnonzero(gain[:, 0] > 0).tolist()


def test_what_costs_nothing_is_taken_before_anything_is_spent():
    found = path(np.array([[2.0], [5.0]]), np.array([[0.0], [1.0]]))
    assert float(found.gain_at(0.0)) == 2.0
    assert float(found.gain_at(1.0)) == 7.0


def test_the_interval_holds_the_gain_that_was_true_as_often_as_it_says():
    """One measured effect with a known error, customers drawn anew: 95 % at every budget."""
    rng = np.random.default_rng(0)
    held = []
    for round_ in range(120):
        n, error = 150, 0.4
        units = rng.gamma(4.0, 0.25, n)
        truth = 1.0
        seen = truth + error * rng.standard_normal()
        gain = (max(seen, 0.05) * units)[:, None]
        found = path(gain, np.full((n, 1), 0.2))
        own = units[found.customer]
        basis = Basis(np.arange(len(own)), np.zeros(len(own), int), own, np.array([[error]]))
        table = cost_curve.curve(found, n, basis=basis, seed=round_, points=5, replicates=400)
        # In the population the same order of customers spends and gains on average:
        row = table.iloc[-1]
        held.append(row["low"] <= truth * n * 1.0 <= row["high"])
    assert 0.89 <= np.mean(held) <= 0.99


def test_the_interval_of_an_assumption_knows_only_who_the_customers_are():
    gain, cost = drawn(6, n=200)
    found = path(gain, cost)
    bare = cost_curve.curve(found, 200, seed=1)
    basis = Basis(
        np.arange(len(found.customer)),
        np.zeros(len(found.customer), int),
        np.ones(len(found.customer)),
        np.array([[0.5]]),
    )
    known = cost_curve.curve(found, 200, basis=basis, seed=1)
    last = -1
    assert (bare["low"] <= bare["gain"] + 1e-9).all()
    width = [t["high"].iloc[last] - t["low"].iloc[last] for t in (bare, known)]
    assert width[1] > 1.5 * width[0]


def test_the_curve_flattens_and_says_what_the_next_unit_brings():
    gain, cost = drawn(7, n=400)
    found = path(gain, cost)
    table = cost_curve.curve(found, 400, seed=0)
    slope = np.diff(table["gain"]) / np.diff(table["spend"])
    assert (np.diff(slope) <= 1e-9).all()
    assert (table["next_unit"].to_numpy()[:-1] >= slope - 1e-9).all()
    assert table["contacts"].iloc[-1] == pytest.approx(len(np.unique(found.customer)))

"""The Gini coefficient of published examples."""

from __future__ import annotations

import pytest

from analysis.customers.value.ranked import Ranked

#: The incomes in the examples of the R packages ineq, DescTools and acid.
INCOMES = [541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261]


def test_the_incomes_of_ineq() -> None:
    """Printed in the reference manual of the R package acid 1.1, function gini."""
    gini = Ranked.of(INCOMES).gini()
    assert round(gini, 7) == 0.4620911
    assert round(gini * len(INCOMES) / (len(INCOMES) - 1), 7) == 0.5134346


def test_the_counts_of_phylotools() -> None:
    """Printed in the reference manual of the R package phylotools 0.1.2, function gini."""
    assert round(Ranked.of([1, 3, 2, 1, 1, 1, 4]).gini(), 7) == 0.3076923


@pytest.mark.parametrize("n", [2, 5, 40])
def test_the_most_unequal_negative_totals(n: int) -> None:
    """One has all that is gained, one all that is lost: Raffinetti, Siletti, Vernizzi (2015).

    Their coefficient divides by (T+ + T-) x (N - 1) / N and is 1 there; without the correction
    for the number of customers it is (N - 1) / N, as the plain one is where one has all.
    """
    values = [-30.0] + [0.0] * (n - 2) + [70.0]
    assert Ranked.of(values).gini(normalised=True) == pytest.approx((n - 1) / n)
    assert Ranked.of([0.0] * (n - 1) + [70.0]).gini() == pytest.approx((n - 1) / n)

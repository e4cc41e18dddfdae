"""Sensitivity to something unseen, against the published examples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wilcoxon

from analysis.promotions.observational.matched_did import (
    LARGEST_GAMMA,
    e_value,
    e_value_of_limit,
    e_values,
    largest_gamma,
    signed_rank_bound,
)

#: Blood lead of children of exposed workers and of their matched controls: Morton and others
#: (1982), as printed in Rosenbaum (2002), Observational Studies, table 3.4.
EXPOSED = [38, 23, 41, 18, 37, 36, 23, 62, 31, 34, 24, 14, 21, 17, 16, 20, 15]
EXPOSED += [10, 45, 39, 22, 35, 49, 48, 44, 35, 43, 39, 34, 13, 73, 25, 27]
CONTROLS = [16, 18, 18, 24, 19, 11, 10, 15, 16, 18, 18, 13, 19, 10, 16, 16, 24]
CONTROLS += [13, 9, 14, 21, 19, 7, 18, 19, 12, 11, 22, 25, 16, 13, 11, 13]
LEAD = np.array(EXPOSED, float) - np.array(CONTROLS, float)


@pytest.mark.parametrize(
    ("gamma", "printed"),
    [(2, 0.0018), (3, 0.0136), (4, 0.0388), (4.25, 0.0468), (5, 0.0740)],
)
def test_bounds_of_the_lead_study_are_those_printed(gamma: float, printed: float) -> None:
    """Rosenbaum (2002), table 4.3: upper bounds of the signed rank test."""
    assert round(signed_rank_bound(LEAD, gamma), 4) == printed


def test_the_lead_study_withstands_a_bias_between_four_and_a_quarter_and_five() -> None:
    assert 4.25 < largest_gamma(LEAD) < 5
    assert largest_gamma(-LEAD) == pytest.approx(largest_gamma(LEAD))


def test_without_hidden_bias_it_is_wilcoxons_test() -> None:
    rng = np.random.default_rng(1)
    gaps = rng.normal(0.3, 1.0, 80)
    mine = signed_rank_bound(gaps, 1.0)
    theirs = wilcoxon(gaps, alternative="greater", method="asymptotic", correction=False).pvalue
    assert mine == pytest.approx(theirs, rel=1e-9)


def test_no_effect_withstands_no_bias_and_a_certain_one_the_largest_looked_at() -> None:
    rng = np.random.default_rng(2)
    assert largest_gamma(rng.normal(size=60)) == 1.0
    assert largest_gamma(np.zeros(40)) == 1.0
    assert largest_gamma(np.arange(1.0, 400.0)) == LARGEST_GAMMA


@pytest.mark.parametrize(
    ("ratio", "printed"), [(3.9, 7.26), (1.8, 3.0), (0.80, 1.81), (0.91, 1.43)]
)
def test_e_values_are_those_printed(ratio: float, printed: float) -> None:
    """VanderWeele and Ding (2017): breastfeeding and infant death 3.9 (1.8 to 8.7), and ovarian
    cancer 0.80 (0.71 to 0.91)."""
    assert round(e_value(ratio), 2) == printed


def test_an_interval_that_holds_one_needs_nothing_unseen() -> None:
    assert e_value_of_limit(1.4, 0.9) == 1.0
    assert e_value_of_limit(0.8, 1.1) == 1.0
    assert e_value_of_limit(3.9, 1.8) == pytest.approx(3.0)


def test_differences_of_means_go_by_their_standardised_size() -> None:
    """A difference of half a standard deviation is a risk ratio of exp(0.455)."""
    value, limit = e_values(5.0, 1.0, 10.0, quantile=1.959964)
    assert value == pytest.approx(e_value(np.exp(0.91 * 0.5)))
    assert limit == pytest.approx(e_value(np.exp(0.91 * (5 - 1.959964) / 10)))
    assert e_values(-5.0, 1.0, 10.0, quantile=1.959964)[0] == pytest.approx(value)


def test_without_spread_there_is_no_e_value() -> None:
    assert np.isnan(e_values(1.0, 0.1, 0.0, quantile=1.96)).all()

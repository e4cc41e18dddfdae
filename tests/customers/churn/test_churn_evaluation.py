"""Measures of churn forecasts: published profits, scikit-learn's figures, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from analysis.customers.churn.churn_evaluation import (
    Profit,
    RetentionOffer,
    deciles,
    evaluation,
    expected_maximum_profit,
    pr_auc,
    roc_auc,
)

#: Verbraken and others (2013) as in the packages EMP (R) and empulse: eight customers.
CHURNED = np.array([0, 1, 0, 1, 0, 1, 0, 1], dtype=bool)
SCORE = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9])
OFFER = RetentionOffer()


def maximum_profit(
    churned: np.ndarray, score: np.ndarray, offer: RetentionOffer, accepted: float
) -> Profit:
    """Try every cut there is, where it is known how many accept."""
    gain = accepted * (offer.value - offer.incentive) - offer.contact
    cuts = [score >= cut for cut in [np.inf, *np.unique(score)[::-1]]]
    profits = [
        (gain * churned[cut].sum() - (offer.incentive + offer.contact) * (~churned[cut]).sum())
        / len(churned)
        for cut in cuts
    ]
    best = int(np.argmax(profits))
    return Profit(float(profits[best]), float(cuts[best].mean()))


def test_expected_maximum_profit_is_the_published_one() -> None:
    assert expected_maximum_profit(CHURNED, SCORE, OFFER).profit == pytest.approx(
        23.875593418348124, rel=1e-9
    )
    assert maximum_profit(CHURNED, SCORE, OFFER, 0.3).profit == pytest.approx(23.875)


def test_profits_of_the_best_and_the_worst_ranking() -> None:
    """Perfect: (0.3 x 190 - 1) x 0.5 = 28 at half contacted; reversed: all but everybody."""
    best = maximum_profit(CHURNED, CHURNED.astype(float), OFFER, 0.3)
    assert (best.profit, best.share) == (pytest.approx(28.0), 0.5)
    worst = expected_maximum_profit(CHURNED, 1.0 - CHURNED, OFFER)
    assert worst.profit == pytest.approx(22.5007912, abs=1e-7)
    assert worst.share == pytest.approx(0.99916, abs=1e-5)
    fixed = maximum_profit(CHURNED, 1.0 - CHURNED, OFFER, 0.3)
    assert (fixed.profit, fixed.share) == (pytest.approx(22.5), 1.0)


def test_exact_profit_is_that_of_summing_over_acceptance_rates() -> None:
    from scipy.stats import beta

    rng = np.random.default_rng(0)
    churned = rng.random(300) < 0.15
    score = np.round(churned * 0.7 + rng.standard_normal(300), 1)
    offer = RetentionOffer(value=60.0, incentive=9.0, contact=2.0, accepted_a=2.0, accepted_b=9.0)
    nodes, weights = np.polynomial.legendre.leggauss(2_000)
    rates, weights = (nodes + 1) / 2, weights / 2
    profits = [maximum_profit(churned, score, offer, g).profit for g in rates]
    summed = (weights * beta.pdf(rates, 2, 9) * profits).sum()
    assert expected_maximum_profit(churned, score, offer).profit == pytest.approx(summed, rel=1e-5)


def test_areas_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    churned = rng.random(400) < 0.1
    score = np.round(churned + rng.standard_normal(400), 1)
    assert roc_auc(churned, score) == pytest.approx(roc_auc_score(churned, score))
    assert pr_auc(churned, score) == pytest.approx(average_precision_score(churned, score))


def test_true_probabilities_have_slope_one_and_halved_log_odds_two() -> None:
    rng = np.random.default_rng(2)
    logit = rng.normal(-1, 1.5, 20_000)
    chance = 1 / (1 + np.exp(-logit))
    churned = rng.random(20_000) < chance
    assert evaluation(churned, chance, OFFER)["slope"] == pytest.approx(1, abs=0.06)
    timid = 1 / (1 + np.exp(-logit / 2))
    assert evaluation(churned, timid, OFFER)["slope"] == pytest.approx(2, abs=0.12)


def test_deciles_gain_everything_and_hold_their_share() -> None:
    rng = np.random.default_rng(3)
    chance = rng.beta(1, 5, 5_000)
    churned = rng.random(5_000) < chance
    table = deciles(churned, chance)
    assert table["gain"].iloc[-1] == pytest.approx(1)
    assert table["customers"].tolist() == [500] * 10
    assert (
        (table["low"] <= table["probability"]) & (table["probability"] <= table["high"])
    ).sum() >= 8
    assert (table["lift"] * 500).sum() == pytest.approx(5_000)


def test_nobody_lost_gives_no_figure_instead_of_a_false_one() -> None:
    found = evaluation(np.zeros(50, bool), np.full(50, 0.1), OFFER)
    assert np.isnan(found["auc"])
    assert np.isnan(found["brier_skill"])
    assert np.isnan(found["profit"])

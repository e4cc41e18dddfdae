"""Doubly robust weighting: right if either model is, covering, and refusing without overlap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from analysis.errors import NotApplicable
from analysis.promotions.observational import propensity
from analysis.promotions.observational.audience import basis
from analysis.promotions.observational.propensity import on_treated


def chosen(
    rng: np.random.Generator, n: int, *, effect: float, bent: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return outcomes, covariates and who was targeted: good customers are, and buy more anyway."""
    known = rng.normal(size=(n, 2))
    treated = rng.random(n) < 1 / (1 + np.exp(0.5 - 0.8 * known[:, 0]))
    level = np.exp(0.5 * known[:, 0]) if bent else known[:, 0]
    outcome = 2 * level + 0.5 * known[:, 1] + effect * treated + rng.normal(size=n)
    return outcome[:, None], known, treated


def estimate(
    outcome: np.ndarray, known: np.ndarray, treated: np.ndarray, seed: int = 0
) -> tuple[float, float]:
    terms = basis(known)
    chance, fold = propensity.chances(terms, treated, seed=seed)
    return on_treated(["m"], outcome, terms, treated, chance, fold).of("m")


def test_intervals_cover_where_the_naive_one_never_does() -> None:
    rng = np.random.default_rng(1)
    covered, naive, experiments, found = 0, 0, 500, []
    for number in range(experiments):
        outcome, known, treated = chosen(rng, 300, effect=0.5)
        one, error = estimate(outcome, known, treated, number)
        covered += abs(one - 0.5) < 1.959964 * error
        plain = outcome[treated].mean() - outcome[~treated].mean()
        spread = np.sqrt(
            outcome[treated].var() / treated.sum() + outcome[~treated].var() / (~treated).sum()
        )
        naive += abs(plain - 0.5) < 1.959964 * spread
        found.append(one)
    assert binom.ppf(1e-4, experiments, 0.93) <= covered <= binom.ppf(1 - 1e-4, experiments, 0.96)
    assert abs(np.mean(found) - 0.5) < 4 * np.std(found) / np.sqrt(experiments)
    assert naive < 0.2 * experiments


def test_it_is_right_if_only_one_of_the_models_is() -> None:
    """With many customers, and either the chance or the outcome modelled by noise alone."""
    rng = np.random.default_rng(2)
    outcome, known, treated = chosen(rng, 40_000, effect=0.5)
    chance, fold = propensity.chances(basis(known), treated)
    useless = rng.normal(size=known.shape)
    no_outcome, _ = on_treated(["m"], outcome, basis(useless), treated, chance, fold).of("m")
    flat = np.full(len(treated), treated.mean())
    no_chance, _ = on_treated(["m"], outcome, basis(known), treated, flat, fold).of("m")
    neither, _ = on_treated(["m"], outcome, basis(useless), treated, flat, fold).of("m")
    assert no_outcome == pytest.approx(0.5, abs=0.05)
    assert no_chance == pytest.approx(0.5, abs=0.05)
    assert neither > 1.5


def test_a_bent_outcome_is_still_recovered() -> None:
    rng = np.random.default_rng(3)
    one, error = estimate(*chosen(rng, 20_000, effect=0.5, bent=True))
    assert one == pytest.approx(0.5, abs=4 * error)


def test_parts_add_up_to_the_effect_on_their_sum() -> None:
    rng = np.random.default_rng(4)
    outcome, known, treated = chosen(rng, 500, effect=1.0)
    parts = np.column_stack([outcome, outcome**2, outcome + outcome**2])
    terms = basis(known)
    chance, fold = propensity.chances(terms, treated)
    found = on_treated(["a", "b", "both"], parts, terms, treated, chance, fold)
    assert found.combined({"a": 1, "b": 1}) == pytest.approx(found.of("both"), rel=1e-9)
    assert not found.randomised


def test_what_they_would_have_done_and_the_effect_make_what_they_did() -> None:
    rng = np.random.default_rng(5)
    outcome, known, treated = chosen(rng, 500, effect=1.0)
    terms = basis(known)
    chance, fold = propensity.chances(terms, treated)
    found = on_treated(["m"], outcome, terms, treated, chance, fold)
    assert found.would_have("m") + found.of("m")[0] == pytest.approx(outcome[treated].mean())


def test_all_equal_outcomes_have_no_effect() -> None:
    rng = np.random.default_rng(6)
    _, known, treated = chosen(rng, 300, effect=0.0)
    one, error = estimate(np.full((300, 1), 7.0), known, treated)
    assert one == pytest.approx(0.0, abs=1e-9)
    assert error == pytest.approx(0.0, abs=1e-9)


def test_without_overlap_there_is_a_reason_and_no_estimate() -> None:
    rng = np.random.default_rng(7)
    known = rng.normal(size=(400, 1))
    treated = known[:, 0] > 0
    chance, _ = propensity.chances(basis(known), treated)
    found = propensity.judge(chance, treated)
    assert found.outside > propensity.MOST_OUTSIDE
    assert "nobody like them" in found.reason


def test_a_few_heavy_weights_are_too_few_customers() -> None:
    treated = np.r_[np.ones(40, bool), np.zeros(400, bool)]
    chance = np.r_[np.full(40, 0.5), np.full(10, 0.9), np.full(390, 0.001)]
    found = propensity.judge(chance, treated)
    assert found.effective < 12
    assert "are worth" in found.reason


def test_equal_weights_are_worth_every_customer() -> None:
    treated = np.arange(200) < 80
    found = propensity.judge(np.full(200, 0.4), treated)
    assert found.reason == ""
    assert found.outside == 0
    assert found.effective == pytest.approx(120)


def test_weighting_balances_what_it_weighs_by() -> None:
    rng = np.random.default_rng(8)
    _, known, treated = chosen(rng, 5_000, effect=0.0)
    chance, _ = propensity.chances(basis(known), treated)
    table = propensity.balance(["a", "b"], known, treated, propensity.judge(chance, treated))
    assert abs(table["before"].iloc[0]) > 0.6
    assert table["after"].abs().max() < 0.06


def test_the_chance_does_not_depend_on_the_customers_own_fold() -> None:
    rng = np.random.default_rng(9)
    _, known, treated = chosen(rng, 300, effect=0.0)
    terms = basis(known)
    chance, fold = propensity.chances(terms, treated, seed=3)
    flipped = treated.copy()
    first = np.flatnonzero((fold == 0) & treated)[0]
    second = np.flatnonzero((fold == 0) & ~treated)[0]
    flipped[[first, second]] = flipped[[second, first]]
    again, same = propensity.chances(terms, flipped, seed=3)
    if (same == fold).all():
        assert np.allclose(chance[fold == 0], again[fold == 0])


@pytest.mark.parametrize("count", [0, 12])
def test_an_empty_or_tiny_side_is_refused_in_words(count: int) -> None:
    treated = np.arange(200) < count
    with pytest.raises(NotApplicable, match="treated; 20 are needed"):
        on_treated(
            ["m"], np.ones((200, 1)), np.ones((200, 1)), treated, np.full(200, 0.5),
            np.zeros(200, np.int64),
        )  # fmt: skip

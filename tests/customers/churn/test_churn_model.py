"""Churn: labels by own rhythm in shops with and without losses, models that do not look ahead."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.customers.churn.churn_evaluation import roc_auc
from analysis.customers.churn.churn_label import ChurnLabels, LabelRules, labels
from analysis.customers.churn.churn_model import RECENCY, TREES, fit_all, learnt_from
from analysis.customers.lifetime.snapshots import FEATURES, Snapshot
from analysis.errors import DataError, NotApplicable
from analysis.tables.periods import Period

DAYS, GAP = 91, 14
CUTOFF = date(2024, 7, 1)


def snapshot(seed: int, *, losing: float, customers: int = 1_500, known: int = 182) -> Snapshot:
    """Return customers who buy by gamma gaps and are lost at a daily hazard ``losing``."""
    rng = np.random.default_rng(seed)
    rows = []
    for place in range(customers):
        pace = rng.gamma(4.0, 1 / 40.0)
        gaps = np.ceil(rng.gamma(2.0, 1 / (2 * pace), 400))
        days = np.cumsum(gaps) - rng.integers(0, 200)
        lost = rng.exponential(1 / losing) if losing > 0 else np.inf
        days = days[(days >= 0) & (days < min(lost, known + DAYS))]
        before, after = days[days < known], days[days >= known]
        if len(before):
            rows.append({"customer_id": f"c{place}", **_known(before, after, known)})
    frame = pd.DataFrame(rows)
    frame = frame.reindex(columns=[*frame.columns, *set(FEATURES) - set(frame)])
    period = Period(CUTOFF - timedelta(days=known), CUTOFF)
    after_period = Period(CUTOFF, CUTOFF + timedelta(days=DAYS))
    return Snapshot(period, after_period, frame, GAP)


def _known(before: np.ndarray, after: np.ndarray, known: int) -> dict[str, float]:
    gaps = np.diff(before)
    silence = known - before[-1]
    usual = gaps.mean() if len(gaps) else np.nan
    return {
        "repeats": float(len(gaps)),
        "recency": gaps.sum() / 7,
        "observed": (known - before[0]) / 7,
        "log_gaps": np.log(gaps / 7).sum(),
        "silence_days": silence,
        "gap_mean": usual,
        "silence_ratio": silence / usual,
        "purchases_last": float((before >= known - DAYS).sum()),
        "next_days": float(after[0] - known) if len(after) else np.nan,
        "silent": not (after >= known + GAP).any(),
    }


@pytest.fixture(scope="module")
def losing() -> tuple[list[Snapshot], list[ChurnLabels]]:
    shops = [snapshot(seed, losing=1 / 400) for seed in (1, 2)]
    return shops, [labels(s, days=DAYS) for s in shops]


def test_a_shop_without_losses_shows_what_is_expected_of_it() -> None:
    """The share called churned although nobody is lost is known beforehand."""
    found = labels(snapshot(0, losing=0.0), days=DAYS)
    n = int(found.asked.sum())
    assert abs(found.share - found.expected) < 4 * np.sqrt(found.expected / n)
    assert found.expected < 0.06


def test_a_shop_with_losses_shows_more(losing: tuple[list[Snapshot], list[ChurnLabels]]) -> None:
    for one in losing[1]:
        assert one.share > 2 * one.expected
        assert one.counts()["customers"].sum() == len(one.customers)


def test_who_comes_seldom_is_not_asked_about() -> None:
    found = labels(snapshot(3, losing=1 / 400), days=DAYS, rules=LabelRules(told=0.02))
    strict = found.customers.loc[found.asked, "without_losses"]
    assert strict.max() <= 0.02
    with pytest.raises(NotApplicable, match="come often enough for a silence of 16 days"):
        labels(snapshot(3, losing=1 / 400), days=16)


def test_models_find_the_lost_and_are_calibrated(
    losing: tuple[list[Snapshot], list[ChurnLabels]],
) -> None:
    (first, last), (one, two) = losing
    models = fit_all(learnt_from([first], [one]))
    asked = last.customers[two.asked]
    churned = two.customers["churned"][two.asked].to_numpy(bool)
    for model in models:
        chance = model.probability(asked)
        assert roc_auc(churned, chance) > 0.6, model.name
        assert chance.mean() == pytest.approx(churned.mean(), abs=0.05), model.name


def test_a_shuffled_label_cannot_be_learnt(
    losing: tuple[list[Snapshot], list[ChurnLabels]],
) -> None:
    (first, last), (one, two) = losing
    found = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        table = one.customers.copy()
        table.loc[one.asked, "churned"] = rng.permutation(table["churned"][one.asked])
        shuffled = ChurnLabels(table, one.share, one.expected)
        trees = fit_all(learnt_from([first], [shuffled], seed=seed))[-1]
        churned = two.customers["churned"][two.asked].to_numpy(bool)
        mixed = rng.permutation(churned)
        found.append(roc_auc(mixed, trees.probability(last.customers[two.asked])))
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)


def test_longer_silence_is_never_safer(losing: tuple[list[Snapshot], list[ChurnLabels]]) -> None:
    (first, last), (one, _) = losing
    trees = next(m for m in fit_all(learnt_from([first], [one])) if m.name == TREES)
    rows = pd.concat([last.customers.iloc[[5]]] * 60, ignore_index=True)
    rows["silence_days"] = np.arange(60.0)
    assert (np.diff(trees.probability(rows)) >= -1e-12).all()


def test_a_planted_future_column_is_refused_by_name(
    losing: tuple[list[Snapshot], list[ChurnLabels]],
) -> None:
    (first, _), (one, _) = losing
    with pytest.raises(DataError, match="next_days is no feature"):
        learnt_from([first], [one], names=["gap_mean", "next_days"])
    seen = first.customers.assign(margin_last=first.customers["silent"] * -1.0)
    planted = Snapshot(first.known, first.outcome, seen, GAP)
    with pytest.raises(DataError, match="margin_last tells the outcome all but perfectly"):
        learnt_from([planted], [one])


def test_too_few_lost_are_not_learnt_from() -> None:
    shop = snapshot(4, losing=0.0, customers=400)
    with pytest.raises(NotApplicable, match=r"only [0-9]+ churned, fewer than 30"):
        learnt_from([shop], [labels(shop, days=DAYS)])


def test_the_recency_rule_looks_at_silence_alone(
    losing: tuple[list[Snapshot], list[ChurnLabels]],
) -> None:
    (first, _), (one, _) = losing
    rule = fit_all(learnt_from([first], [one]))[0]
    assert rule.name == RECENCY
    assert rule.features == ("silence_days",)

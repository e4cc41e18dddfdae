"""What each customer will spend in the next period, as quantiles, and whether they held.

A spread matters more than a mean where many spend nothing: the quantiles say what a customer spends
at least and at most, nine times in ten. Boosted trees, learnt on earlier cut-offs and shifted to
their promised shares on customers set aside, against the spread of customers who spent alike in the
last period. Judged are the pinball loss and the coverage of each quantile, the bias of the total,
the calibration by decile and the ranking; never the mean absolute error, which "nobody buys" wins.

References
----------
Koenker and Bassett (1978), Regression quantiles, Econometrica 46, 33-50 (pinball loss).
Romano, Patterson, Candes (2019), Conformalized quantile regression, NeurIPS 32 (the shift).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.lifetime.snapshots import Snapshot, matrix
from analysis.customers.lifetime.value_scorecard import calibration_error, normalised_gini
from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_LEARNT
from analysis.stats.types import Floats

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
ALIKE, TREES = "Spread of those who spent alike", "Boosted quantiles"
_TENTHS, _FOLD, _RESAMPLES = 10, 0.25, 400


@dataclass(frozen=True)
class SpendForecast:
    """Quantiles of next period's spend, and how they did at the last past cut-off.

    Parameters
    ----------
    scores
        One row a model: model, cutoff, customers, pinball (mean over `QUANTILES`, as a share of the
        mean spend), gain_low, gain_high (95 %, of the rule's loss less the model's, resampling
        customers), bias (of the total), calibration (deciles' errors over the total), gini,
        coverage (of the interval from the first to the last quantile), coverage_low, coverage_high.
    held
        One row a quantile of the chosen model: quantile, customers, below, at_or_below (shares that
        spent less, and no more), low, high (95 %, Wilson, from the lower end of the one to the
        upper end of the other), holds (whether the quantile lies between).
    chosen
        The model with the smaller pinball loss, if significantly smaller than the rule's.
    customers
        One customer today a row: customer_id, expected, and one column a quantile, q05 to q95.
    learnt
        Rows that today's model learnt from.
    """

    scores: pd.DataFrame
    held: pd.DataFrame
    chosen: str
    customers: pd.DataFrame
    learnt: int

    def row(self, model: str) -> pd.Series:
        """Return the scores of ``model``."""
        return self.scores.set_index("model").loc[model]


@dataclass(frozen=True)
class _Spend:
    """What one model says of every customer: the mean, and quantiles by column."""

    expected: Floats
    quantiles: Floats


def spend_forecast(past: Sequence[Snapshot], today: Snapshot, *, seed: int = 0) -> SpendForecast:
    """Return what today's customers will spend, and how such forecasts did at the last cut-off.

    Parameters
    ----------
    past
        Past snapshots with outcomes, earliest first, one horizon apart.
    today
        That of now.
    seed
        Seed of folds, models and resamples.

    Raises
    ------
    NotApplicable
        If there are fewer than two past cut-offs, fewer than a hundred customers to learn from, or
        nobody spent anything.
    """
    if len(past) < 2 or len(past[0].customers) < FEWEST_LEARNT:
        raise NotApplicable(
            "Next period's spend cannot be learnt and checked: that takes two past cut-offs "
            f"({len(past)}) and {FEWEST_LEARNT} customers at the first."
        )
    actual = past[-1].customers["net_next"].to_numpy("float64")
    if not actual.sum() > 0:
        raise NotApplicable(f"Next period's spend cannot be checked: nobody spent in {past[-1]}.")
    found = _models(past[:-1], past[-1].customers, seed)
    scores = pd.DataFrame([_scored(past[-1], name, found, seed) for name in found])
    better = float(scores.set_index("model")["gain_low"][TREES]) > 0
    chosen = TREES if better else ALIKE
    now = _models(past, today.customers, seed)[chosen]
    each = pd.DataFrame({"customer_id": today.customers["customer_id"], "expected": now.expected})
    for place, q in enumerate(QUANTILES):
        each[f"q{round(100 * q):02d}"] = now.quantiles[:, place]
    return SpendForecast(
        scores,
        _held(found[chosen].quantiles, actual),
        chosen,
        each.sort_values("expected", ascending=False, kind="stable", ignore_index=True),
        sum(len(one.customers) for one in past),
    )


def pinball(quantiles: Floats, actual: Floats) -> Floats:
    """Return each customer's pinball loss, the mean over `QUANTILES`."""
    off = actual[:, None] - quantiles
    level = np.asarray(QUANTILES)
    return np.asarray(np.maximum(level * off, (level - 1) * off).mean(axis=1))


def _models(learnt: Sequence[Snapshot], asked: pd.DataFrame, seed: int) -> dict[str, _Spend]:
    rows = pd.concat([one.customers for one in learnt], ignore_index=True)
    return {ALIKE: _alike(rows, asked), TREES: _boosted(rows, asked, seed)}


def _alike(rows: pd.DataFrame, asked: pd.DataFrame) -> _Spend:
    """Return the spread of earlier customers of the same tenth of last period's margin."""
    last, outcome = rows["margin_last"].to_numpy("float64"), rows["net_next"].to_numpy("float64")
    edges = np.unique(np.quantile(last, np.arange(1, _TENTHS) / _TENTHS))
    own = np.searchsorted(edges, last, side="right")
    place = np.searchsorted(edges, asked["margin_last"].to_numpy("float64"), side="right")
    mean, spread = np.zeros(len(edges) + 1), np.zeros((len(edges) + 1, len(QUANTILES)))
    for tenth in range(len(edges) + 1):
        alike = outcome[own == tenth] if (own == tenth).any() else outcome
        mean[tenth], spread[tenth] = alike.mean(), np.quantile(alike, QUANTILES)
    return _Spend(mean[place], spread[place])


def _boosted(rows: pd.DataFrame, asked: pd.DataFrame, seed: int) -> _Spend:
    """Return quantiles of boosted trees, each shifted to its share on customers set aside."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    features = matrix(rows)
    usable = [name for name in features if features[name].nunique() > 1]
    outcome = rows["net_next"].to_numpy("float64")
    who = rows["customer_id"].drop_duplicates()
    chosen = who[np.random.default_rng(seed).random(len(who)) < _FOLD]
    aside = rows["customer_id"].isin(chosen).to_numpy()
    settings = {"max_iter": 80, "learning_rate": 0.08, "max_leaf_nodes": 8, "min_samples_leaf": 30}

    def taught(**loss: object) -> tuple[Floats, Floats]:
        model = HistGradientBoostingRegressor(**loss, **settings, random_state=seed)
        model.fit(features.loc[~aside, usable], outcome[~aside])
        return model.predict(features.loc[aside, usable]), model.predict(asked[usable])

    quantiles = np.zeros((len(asked), len(QUANTILES)))
    with threadpool_limits(1):
        held, expected = taught()
        level = outcome[aside].sum() / held.sum() if held.sum() > 0 else 1.0
        for place, q in enumerate(QUANTILES):
            held, told = taught(loss="quantile", quantile=q)
            quantiles[:, place] = told + np.quantile(outcome[aside] - held, q)
    floor = min(float(outcome.min()), 0.0)
    return _Spend(expected * level, np.maximum(np.sort(quantiles, axis=1), floor))


def _scored(now: Snapshot, name: str, found: dict[str, _Spend], seed: int) -> dict[str, object]:
    actual = now.customers["net_next"].to_numpy("float64")
    one, rule = found[name], found[ALIKE]
    gain = pinball(rule.quantiles, actual) - pinball(one.quantiles, actual)
    drawn = np.random.default_rng(seed).poisson(1.0, (_RESAMPLES, len(actual)))
    low, high = np.quantile(drawn @ gain / len(actual) / actual.mean(), [0.025, 0.975])
    inside = (one.quantiles[:, 0] <= actual) & (actual <= one.quantiles[:, -1])
    covered = wilson_interval(int(inside.sum()), len(actual))
    return {
        "model": name, "cutoff": now.known.end, "customers": len(actual),
        "pinball": float(pinball(one.quantiles, actual).mean() / actual.mean()),
        "gain_low": np.nan if name == ALIKE else float(low),
        "gain_high": np.nan if name == ALIKE else float(high),
        "bias": float(one.expected.sum() / actual.sum() - 1),
        "calibration": calibration_error(one.expected, actual),
        "gini": normalised_gini(one.expected, actual), "coverage": float(inside.mean()),
        "coverage_low": covered[0].item(), "coverage_high": covered[1].item(),
    }  # fmt: skip


def _held(quantiles: Floats, actual: Floats) -> pd.DataFrame:
    rows = []
    for place, q in enumerate(QUANTILES):
        # Many spend exactly nothing, and a quantile of nothing holds between the two shares.
        less, most = (actual < quantiles[:, place]).sum(), (actual <= quantiles[:, place]).sum()
        low = wilson_interval(int(less), len(actual))[0].item()
        high = wilson_interval(int(most), len(actual))[1].item()
        rows.append(
            {
                "quantile": q,
                "customers": len(actual),
                "below": less / len(actual),
                "at_or_below": most / len(actual),
                "low": low,
                "high": high,
                "holds": bool(low <= q <= high),
            }
        )
    return pd.DataFrame(rows)

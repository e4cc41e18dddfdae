"""Who is likely to churn: a recency rule, a logistic regression and boosted trees, calibrated.

All three learn from earlier snapshots, whose outcomes end before the customers they are asked about
were looked at. A quarter of the customers learnt from are set aside: on them scores are turned into
probabilities, so that a model is not believed on the strength of what it was fitted to. Trees are
held to sense: a longer silence never makes a customer safer, more purchases lately never riskier.

References
----------
Platt (1999), Probabilistic outputs for support vector machines (the calibration).
Neslin and others (2006), Defection detection, J. Marketing Research 43, 204-211.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.customers.churn.churn_label import ChurnLabels
from analysis.customers.lifetime.snapshots import FEATURES, Snapshot, matrix, refuse_leaks
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_CHURNED
from analysis.stats.types import Flags, Floats

RECENCY, LOGISTIC, TREES = "Recency rule", "Logistic regression", "Boosted trees"
#: Signs that sense demands of the risk: 1 rises, -1 falls with the feature.
MONOTONE = {"silence_days": 1, "silence_ratio": 1, "purchases_last": -1, "margin_last": -1}
_FOLD = 0.25


@dataclass(frozen=True)
class ChurnModel:
    """A model that turns features into the probability of churn.

    Parameters
    ----------
    name
        `RECENCY`, `LOGISTIC` or `TREES`.
    score
        Takes features, returns log odds before calibration.
    intercept, slope
        Of the calibration: probability = 1 / (1 + exp(-(intercept + slope * score))).
    features
        What it looks at.
    effects
        Of the logistic regression: log odds per standard deviation by feature; else empty.
    scale
        Mean and standard deviation of each feature among the customers learnt from.
    """

    name: str
    score: Callable[[pd.DataFrame], Floats]
    intercept: float
    slope: float
    features: tuple[str, ...]
    effects: dict[str, float]
    scale: pd.DataFrame

    def probability(self, customers: pd.DataFrame) -> Floats:
        """Return the probability of churn by row of ``customers``."""
        score = self.intercept + self.slope * self.score(matrix(customers, self.features))
        return np.asarray(1 / (1 + np.exp(-np.clip(score, -50, 50))))


@dataclass(frozen=True)
class Learnt:
    """What models learn from: features, outcome, and which customers are set aside."""

    features: pd.DataFrame
    churned: Flags
    aside: Flags


def learnt_from(
    snapshots: Sequence[Snapshot],
    labels: Sequence[ChurnLabels],
    *,
    names: Sequence[str] = tuple(FEATURES),
    seed: int = 0,
) -> Learnt:
    """Stack the labelled customers of several snapshots.

    A customer is set aside in all snapshots or in none.

    Raises
    ------
    NotApplicable
        If fewer than thirty customers churned or stayed.
    DataError
        If a feature was not known at the cut-off, or tells the outcome all but perfectly.
    """
    frames = [s.customers[one.asked] for s, one in zip(snapshots, labels, strict=True)]
    rows = pd.concat(frames, ignore_index=True)
    churned = np.concatenate([one.customers["churned"][one.asked] for one in labels]).astype(bool)
    fewest = int(min(churned.sum(), (~churned).sum()))
    if fewest < FEWEST_CHURNED:
        kind = "churned" if churned.sum() == fewest else "stayed"
        raise NotApplicable(
            f"Churn cannot be learnt: of {len(churned)} labelled customers only {fewest} {kind}, "
            f"fewer than {FEWEST_CHURNED}."
        )
    features = matrix(rows, names)
    features = features.loc[:, features.nunique() > 1]
    refuse_leaks(features, churned)
    who = rows["customer_id"].drop_duplicates()
    chosen = who[np.random.default_rng(seed).random(len(who)) < _FOLD]
    return Learnt(features, churned, rows["customer_id"].isin(chosen).to_numpy())


def fit_all(learnt: Learnt, *, seed: int = 0) -> list[ChurnModel]:
    """Return the three models, calibrated on the customers set aside."""
    fits = {RECENCY: _recency, LOGISTIC: _logistic, TREES: _trees}
    return [_calibrated(name, fit, learnt, seed) for name, fit in fits.items()]


_Fitted = tuple[Callable[[pd.DataFrame], Floats], tuple[str, ...], dict[str, float]]


def _calibrated(
    name: str, fit: Callable[[pd.DataFrame, Flags, int], _Fitted], learnt: Learnt, seed: int
) -> ChurnModel:
    inside = ~learnt.aside
    score, features, effects = fit(learnt.features[inside], learnt.churned[inside], seed)
    aside = score(learnt.features.loc[learnt.aside, list(features)])
    intercept, slope = calibrate(aside, learnt.churned[learnt.aside])
    scale = learnt.features[inside].agg(["mean", "std"]).T
    return ChurnModel(name, score, intercept, slope, features, effects, scale)


def calibrate(score: Floats, churned: Flags) -> tuple[float, float]:
    """Return intercept and slope that turn scores into probabilities, by maximum likelihood.

    With fewer than ten customers of either kind the slope stays 1.
    """
    from scipy.optimize import minimize

    def minus(values: Floats) -> tuple[float, Floats]:
        logit = values[0] + values[1] * score
        chance = 1 / (1 + np.exp(-np.clip(logit, -50, 50)))
        height = np.logaddexp(0, logit) - churned * logit
        gap = chance - churned
        return float(height.mean()), np.array([gap.mean(), (gap * score).mean()])

    few = min(int(churned.sum()), int((~churned).sum())) < 10
    bounds = [(-20, 20), (1, 1) if few else (0, 10)]
    found = minimize(minus, np.array([0.0, 1.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), float(found.x[1])


def _recency(features: pd.DataFrame, churned: Flags, seed: int) -> _Fitted:
    """Return the rule of thumb: the longer a customer's silence, the likelier is churn."""
    del features, churned, seed

    def score(rows: pd.DataFrame) -> Floats:
        return np.asarray(np.log1p(rows["silence_days"].to_numpy("float64")))

    return score, ("silence_days",), {}


def _logistic(features: pd.DataFrame, churned: Flags, seed: int) -> _Fitted:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    steps: list[Any] = [
        SimpleImputer(strategy="median"),
        # Ranks: money and counts are skewed, and a single whale would set the scale.
        QuantileTransformer(n_quantiles=min(200, len(features)), random_state=seed),
        StandardScaler(),
        LogisticRegression(C=0.1, max_iter=1_000),
    ]
    model = make_pipeline(*steps).fit(features, churned)
    names = tuple(features.columns)
    effects = dict(zip(names, model[-1].coef_[0].tolist(), strict=True))
    return lambda rows: np.asarray(model.decision_function(rows[list(names)])), names, effects


def _trees(features: pd.DataFrame, churned: Flags, seed: int) -> _Fitted:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    names = tuple(features.columns)
    model = HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=30,
        l2_regularization=5.0,
        monotonic_cst=[MONOTONE.get(name, 0) for name in names],
        random_state=seed,
    )
    with threadpool_limits(1):
        model.fit(features, churned)

    def score(rows: pd.DataFrame) -> Floats:
        with threadpool_limits(1):
            return np.asarray(model.decision_function(rows[list(names)]))

    return score, names, {}

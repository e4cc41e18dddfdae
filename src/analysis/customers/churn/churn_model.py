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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
class Outcome:
    """What is asked about: its words, its rule of thumb, and what sense demands of it.

    Parameters
    ----------
    what, happened, other
        For sentences: "Churn cannot be learnt: only 3 churned" or "stayed".
    rule, rule_features, rule_name
        The rule of thumb: log odds from features, which ones, and what it is called.
    monotone
        Signs that sense demands of the trees: 1 rises, -1 falls with the feature.
    features
        What models may learn from, with its meaning.
    """

    what: str
    happened: str
    other: str
    rule: Callable[[pd.DataFrame], Floats]
    rule_features: tuple[str, ...]
    rule_name: str = RECENCY
    monotone: Mapping[str, int] = field(default_factory=dict)
    features: Mapping[str, str] = field(default_factory=lambda: FEATURES)


def _silence(rows: pd.DataFrame) -> Floats:
    """Return the rule of thumb: the longer a customer's silence, the likelier is churn."""
    return np.asarray(np.log1p(rows["silence_days"].to_numpy("float64")))


CHURN = Outcome("Churn", "churned", "stayed", _silence, ("silence_days",), monotone=MONOTONE)


@dataclass(frozen=True)
class ChurnModel:
    """A model that turns features into the probability of churn.

    Parameters
    ----------
    name
        The rule of thumb's, `LOGISTIC` or `TREES`.
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
    outcome: Outcome = CHURN


def learnt_from(
    snapshots: Sequence[Snapshot],
    labels: Sequence[ChurnLabels],
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
    outcome: Outcome = CHURN,
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
        kind = outcome.happened if churned.sum() == fewest else outcome.other
        raise NotApplicable(
            f"{outcome.what} cannot be learnt: of {len(churned):,} labelled customers only "
            f"{fewest} {kind}, fewer than {FEWEST_CHURNED}."
        )
    features = matrix(rows, tuple(outcome.features) if names is None else names)
    features = features.loc[:, features.nunique() > 1]
    refuse_leaks(features, churned)
    who = rows["customer_id"].drop_duplicates()
    chosen = who[np.random.default_rng(seed).random(len(who)) < _FOLD]
    aside = rows["customer_id"].isin(chosen).to_numpy()
    return Learnt(features, churned, aside, outcome)


def fit_all(learnt: Learnt, *, seed: int = 0) -> list[ChurnModel]:
    """Return the three models, calibrated on the customers set aside."""
    fits = {learnt.outcome.rule_name: _thumb, LOGISTIC: _logistic, TREES: _trees}
    return [_calibrated(name, fit, learnt, seed) for name, fit in fits.items()]


_Fitted = tuple[Callable[[pd.DataFrame], Floats], tuple[str, ...], dict[str, float]]
_Fit = Callable[[pd.DataFrame, Flags, Outcome, int], _Fitted]


def _calibrated(name: str, fit: _Fit, learnt: Learnt, seed: int) -> ChurnModel:
    inside, outcome = ~learnt.aside, learnt.outcome
    score, features, effects = fit(learnt.features[inside], learnt.churned[inside], outcome, seed)
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


def _thumb(features: pd.DataFrame, churned: Flags, outcome: Outcome, seed: int) -> _Fitted:
    del features, churned, seed
    return outcome.rule, outcome.rule_features, {}


def _logistic(features: pd.DataFrame, churned: Flags, outcome: Outcome, seed: int) -> _Fitted:
    del outcome
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    steps: list[Any] = [
        SimpleImputer(strategy="median"),
        # Ranks: money and counts are skewed, and a single whale would set the scale.
        QuantileTransformer(n_quantiles=min(200, len(features)), random_state=seed),
        StandardScaler(),
        LogisticRegression(C=0.1, solver="newton-cholesky", max_iter=1_000),
    ]
    model = make_pipeline(*steps).fit(features, churned)
    names = tuple(features.columns)
    effects = dict(zip(names, model[-1].coef_[0].tolist(), strict=True))
    return lambda rows: np.asarray(model.decision_function(rows[list(names)])), names, effects


def _trees(features: pd.DataFrame, churned: Flags, outcome: Outcome, seed: int) -> _Fitted:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    names = tuple(features.columns)
    model = HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=30,
        l2_regularization=5.0,
        monotonic_cst=[outcome.monotone.get(name, 0) for name in names],
        random_state=seed,
    )
    with threadpool_limits(1):
        model.fit(features, churned)

    def score(rows: pd.DataFrame) -> Floats:
        with threadpool_limits(1):
            return np.asarray(model.decision_function(rows[list(names)]))

    return score, names, {}

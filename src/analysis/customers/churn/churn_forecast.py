"""Who is likely to be lost next: learnt on earlier cut-offs, checked on later ones, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.customers.churn import churn_evaluation
from analysis.customers.churn.churn_evaluation import RetentionOffer
from analysis.customers.churn.churn_label import ChurnLabels, labels
from analysis.customers.churn.churn_model import (
    LOGISTIC,
    ChurnModel,
    fit_all,
    learnt_from,
)
from analysis.customers.lifetime.snapshots import FEATURES, Snapshot
from analysis.errors import NotApplicable


@dataclass(frozen=True)
class ChurnForecast:
    """How models of churn did, and what the best of them says of today's customers.

    Parameters
    ----------
    labelled
        One cut-off a row: cutoff, customers, labelled, churned, share, expected (share that a shop
        without losses would show).
    scores
        One model and checked cut-off a row: cutoff, model and `churn_evaluation.evaluation`.
    deciles
        `churn_evaluation.deciles` of the chosen model at the last cut-off.
    chosen
        The model with the smallest Brier score over the checked cut-offs.
    effects
        What the logistic regression leans on: feature, meaning, effect (log odds per standard
        deviation of the rank), largest first.
    customers
        One customer asked about today a row: customer_id, churn (probability), why (in words),
        without_losses.
    drift
        One feature a row: feature, meaning, psi (population stability index of today against the
        customers learnt from; above 0.25 is a different population).
    offer
        What the expected maximum profit takes for granted, if there is one.
    """

    labelled: pd.DataFrame
    scores: pd.DataFrame
    deciles: pd.DataFrame
    chosen: str
    effects: pd.DataFrame
    customers: pd.DataFrame
    drift: pd.DataFrame
    offer: RetentionOffer | None = None

    def last(self, model: str) -> pd.Series:
        """Return the scores of ``model`` at the last cut-off checked."""
        rows = self.scores[self.scores["model"] == model]
        return rows.iloc[-1]


@without("offer")
def churn_forecast(
    past: Sequence[Snapshot],
    today: Snapshot,
    *,
    days: int,
    offer: RetentionOffer | None = None,
    seed: int = 0,
) -> ChurnForecast:
    """Return how models of churn did on past cut-offs and what they say of today.

    Parameters
    ----------
    past
        Past snapshots, earliest first, with outcomes.
    today
        The snapshot of now, without outcomes.
    days
        Length of the period in which silence counts.
    offer
        What keeping a customer costs and brings; without it there is no expected maximum profit.
    seed
        Seed of folds and models.

    Raises
    ------
    NotApplicable
        If churn can be labelled on fewer than two past cut-offs, or too few churned to learn from.
    """
    pairs = _labelled(past, days)
    if len(pairs) < 2:
        raise NotApplicable(
            "Churn cannot be learnt and checked: it can be labelled on fewer than two past "
            f"cut-offs ({len(pairs)})."
        )
    scores, deciles = _checked(pairs, offer, seed)
    chosen = str(scores.groupby("model", sort=False)["brier"].mean().idxmin())
    learnt = learnt_from([s for s, _ in pairs], [one for _, one in pairs], seed=seed)
    models = {model.name: model for model in fit_all(learnt, seed=seed)}
    now = labels(today, days=days)
    asked = today.customers[now.asked].reset_index(drop=True)
    told = models[LOGISTIC]
    current = pd.DataFrame(
        {
            "customer_id": asked["customer_id"],
            "churn": models[chosen].probability(asked),
            "why": _reasons(told, asked),
            "without_losses": now.customers["without_losses"][now.asked].to_numpy(),
        }
    )
    return ChurnForecast(
        labelled=pd.DataFrame([_counted(s, one) for s, one in pairs]),
        scores=scores,
        deciles=deciles[chosen],
        chosen=chosen,
        effects=_effects(told),
        customers=current.sort_values("churn", ascending=False, kind="stable", ignore_index=True),
        drift=_drift(learnt.features, asked),
        offer=offer,
    )


_Pairs = list[tuple[Snapshot, ChurnLabels]]


def _labelled(past: Sequence[Snapshot], days: int) -> _Pairs:
    found: _Pairs = []
    for snapshot in past:
        try:
            found.append((snapshot, labels(snapshot, days=days)))
        except NotApplicable:
            # A cut-off at which too few can be labelled is left out; how many are left is shown.
            continue
    return found


def _checked(
    pairs: _Pairs, offer: RetentionOffer | None, seed: int
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Return scores at every cut-off after the first that can be learnt for, and last deciles."""
    rows: list[dict[str, object]] = []
    deciles: dict[str, pd.DataFrame] = {}
    reason: NotApplicable | None = None
    for place in range(1, len(pairs)):
        earlier, (snapshot, one) = pairs[:place], pairs[place]
        try:
            learnt = learnt_from([s for s, _ in earlier], [x for _, x in earlier], seed=seed)
        except NotApplicable as why:
            reason = why
            continue
        asked = snapshot.customers[one.asked]
        churned = one.customers["churned"][one.asked].to_numpy(bool)
        for model in fit_all(learnt, seed=seed):
            chance = model.probability(asked)
            measured = churn_evaluation.evaluation(churned, chance, offer, seed=seed)
            rows.append({"cutoff": snapshot.known.end, "model": model.name, **measured})
            deciles[model.name] = churn_evaluation.deciles(churned, chance)
    if not rows:
        raise reason or NotApplicable("Churn cannot be learnt.")
    return pd.DataFrame(rows), deciles


def _counted(snapshot: Snapshot, one: ChurnLabels) -> dict[str, object]:
    return {
        "cutoff": snapshot.known.end,
        "customers": len(one.customers),
        "labelled": int(one.asked.sum()),
        "churned": int(one.customers["churned"].sum()),
        "share": one.share,
        "expected": one.expected,
    }


def _effects(model: ChurnModel) -> pd.DataFrame:
    names = list(model.effects)
    table = pd.DataFrame(
        {
            "feature": names,
            "meaning": [FEATURES[name] for name in names],
            "effect": [model.effects[name] for name in names],
        }
    )
    order = table["effect"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _reasons(model: ChurnModel, asked: pd.DataFrame, most: int = 2) -> list[str]:
    """Return what speaks most for churn of each customer, in words."""
    names = list(model.effects)
    rows = asked[names].to_numpy("float64")
    middle, spread = (model.scale.loc[names, c].to_numpy("float64") for c in ("mean", "std"))
    away = np.nan_to_num((rows - middle) / np.where(spread > 0, spread, 1.0))
    pull = np.clip(away, -3, 3) * np.array([model.effects[name] for name in names])
    best = np.argsort(-pull, axis=1, kind="stable")[:, :most]
    return [
        "; ".join(
            f"{FEATURES[names[place]]}: {'high' if away[row, place] > 0 else 'low'}"
            for place in places
            if pull[row, place] > 0.05
        )
        for row, places in enumerate(best)
    ]


def _drift(learnt: pd.DataFrame, asked: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
    rows = [
        {"feature": n, "meaning": FEATURES[n], "psi": _psi(learnt[n], asked[n], bins)}
        for n in learnt.columns
    ]
    table = pd.DataFrame(rows)
    return table.sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def _psi(before: pd.Series, now: pd.Series, bins: int) -> float:
    """Return the population stability index over tenths of ``before``."""
    edges = np.unique(np.nanquantile(before, np.linspace(0, 1, bins + 1)[1:-1]))
    one, two = (
        np.bincount(np.digitize(v.dropna(), edges), minlength=len(edges) + 1) for v in (before, now)
    )
    if one.sum() == 0 or two.sum() == 0:
        return float("nan")
    first, second = (np.maximum(v / v.sum(), 1e-4) for v in (one, two))
    return float(((second - first) * np.log(second / first)).sum())

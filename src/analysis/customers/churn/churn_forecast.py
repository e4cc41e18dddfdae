"""Who is likely to be lost next: learnt on earlier cut-offs, checked on later ones, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.customers.churn import churn_evaluation
from analysis.customers.churn.churn_evaluation import RetentionOffer
from analysis.customers.churn.churn_label import ChurnLabels, labels
from analysis.customers.churn.churn_model import (
    CHURN,
    LOGISTIC,
    ChurnModel,
    Learnt,
    Outcome,
    fit_all,
    learnt_from,
)
from analysis.customers.lifetime.snapshots import Snapshot
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
    checked
        One customer and checked cut-off a row: customer_id, probability (the chosen model's, learnt
        before), churned, cutoff.
    learnt
        Rows that today's model learnt from: customers at cut-offs.
    """

    labelled: pd.DataFrame
    scores: pd.DataFrame
    deciles: pd.DataFrame
    chosen: str
    effects: pd.DataFrame
    customers: pd.DataFrame
    drift: pd.DataFrame
    offer: RetentionOffer | None = None
    checked: pd.DataFrame = field(default_factory=pd.DataFrame)
    learnt: int = 0

    def last(self, model: str) -> pd.Series:
        """Return the scores of ``model`` at the last cut-off checked."""
        rows = self.scores[self.scores["model"] == model]
        return rows.iloc[-1]


#: Snapshots, earliest first, with what their customers did.
Pairs = list[tuple[Snapshot, ChurnLabels]]


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
    held = contest(pairs, offer=offer, seed=seed)
    now = labels(today, days=days)
    asked = today.customers[now.asked].reset_index(drop=True)
    current = held.told(asked).rename(columns={"probability": "churn"})
    current["without_losses"] = now.customers["without_losses"][now.asked].to_numpy()
    return ChurnForecast(
        labelled=pd.DataFrame([_counted(s, one) for s, one in pairs]),
        scores=held.scores,
        deciles=held.deciles,
        chosen=held.chosen,
        effects=held.effects(),
        customers=current.sort_values("churn", ascending=False, kind="stable", ignore_index=True),
        drift=held.drift(asked),
        offer=offer,
        checked=held.checked,
        learnt=len(held.learnt.churned),
    )


@dataclass(frozen=True)
class Contest:
    """How models of one outcome did out of time, and the models learnt from all cut-offs.

    Parameters
    ----------
    scores, deciles, chosen, checked
        As in `ChurnForecast`.
    models
        Model by name, learnt from all cut-offs.
    learnt
        What they were learnt from.
    """

    scores: pd.DataFrame
    deciles: pd.DataFrame
    chosen: str
    checked: pd.DataFrame
    models: dict[str, ChurnModel]
    learnt: Learnt

    def told(self, asked: pd.DataFrame) -> pd.DataFrame:
        """Return customer_id, probability (by the chosen model) and why (in words)."""
        return pd.DataFrame(
            {
                "customer_id": asked["customer_id"],
                "probability": self.models[self.chosen].probability(asked),
                "why": _reasons(self.models[LOGISTIC], asked, self.learnt.outcome.features),
            }
        )

    def effects(self) -> pd.DataFrame:
        """Return what the logistic regression leans on, largest first."""
        effects, meaning = self.models[LOGISTIC].effects, self.learnt.outcome.features
        rows = [
            {"feature": name, "meaning": meaning[name], "effect": e} for name, e in effects.items()
        ]
        table = pd.DataFrame(rows)
        order = table["effect"].abs().sort_values(ascending=False, kind="stable").index
        return table.loc[order].reset_index(drop=True)

    def drift(self, asked: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
        """Return the population stability index of each feature, largest first."""
        learnt, meaning = self.learnt.features, self.learnt.outcome.features
        rows = [
            {"feature": n, "meaning": meaning[n], "psi": _psi(learnt[n], asked[n], bins)}
            for n in learnt.columns
        ]
        table = pd.DataFrame(rows)
        return table.sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def contest(
    pairs: Pairs, *, offer: RetentionOffer | None = None, seed: int = 0, outcome: Outcome = CHURN
) -> Contest:
    """Return how models did on every cut-off after the first that can be learnt for.

    Raises
    ------
    NotApplicable
        If there are fewer than two cut-offs, or too few to learn from.
    """
    rows: list[dict[str, object]] = []
    held: dict[str, list[pd.DataFrame]] = {}
    reason = NotApplicable(
        f"{outcome.what} cannot be learnt and checked: it can be labelled on fewer than two past "
        f"cut-offs ({len(pairs)})."
    )
    for place in range(1, len(pairs)):
        try:
            models = fit_all(_learnt(pairs[:place], seed, outcome), seed=seed)
        except NotApplicable as why:
            reason = why
            continue
        snapshot, one = pairs[place]
        asked = snapshot.customers[one.asked]
        churned = one.customers["churned"][one.asked].to_numpy(bool)
        for model in models:
            chance = model.probability(asked)
            measured = churn_evaluation.evaluation(churned, chance, offer, seed=seed)
            rows.append({"cutoff": snapshot.known.end, "model": model.name, **measured})
            told = {"customer_id": asked["customer_id"].to_numpy(), "probability": chance}
            each = pd.DataFrame({**told, "churned": churned, "cutoff": snapshot.known.end})
            held.setdefault(model.name, []).append(each)
    if not rows:
        raise reason
    scores = pd.DataFrame(rows)
    chosen = str(scores.groupby("model", sort=False)["brier"].mean().idxmin())
    last = held[chosen][-1]
    churned, chance = last["churned"].to_numpy(bool), last["probability"].to_numpy("float64")
    learnt = _learnt(pairs, seed, outcome)
    return Contest(
        scores,
        churn_evaluation.deciles(churned, chance),
        chosen,
        pd.concat(held[chosen], ignore_index=True),
        {model.name: model for model in fit_all(learnt, seed=seed)},
        learnt,
    )


def _learnt(pairs: Pairs, seed: int, outcome: Outcome) -> Learnt:
    return learnt_from([s for s, _ in pairs], [one for _, one in pairs], seed=seed, outcome=outcome)


def _labelled(past: Sequence[Snapshot], days: int) -> Pairs:
    found: Pairs = []
    for snapshot in past:
        try:
            found.append((snapshot, labels(snapshot, days=days)))
        except NotApplicable:
            # A cut-off at which too few can be labelled is left out; how many are left is shown.
            continue
    return found


def _counted(snapshot: Snapshot, one: ChurnLabels) -> dict[str, object]:
    return {
        "cutoff": snapshot.known.end, "customers": len(one.customers),
        "labelled": int(one.asked.sum()), "churned": int(one.customers["churned"].sum()),
        "share": one.share, "expected": one.expected,
    }  # fmt: skip


def _reasons(
    model: ChurnModel, asked: pd.DataFrame, meaning: Mapping[str, str], most: int = 2
) -> list[str]:
    """Return what speaks most for the outcome for each customer, in words."""
    names = list(model.effects)
    rows = asked[names].to_numpy("float64")
    middle, spread = (model.scale.loc[names, c].to_numpy("float64") for c in ("mean", "std"))
    away = np.nan_to_num((rows - middle) / np.where(spread > 0, spread, 1.0))
    pull = np.clip(away, -3, 3) * np.array([model.effects[name] for name in names])
    best = np.argsort(-pull, axis=1, kind="stable")[:, :most]
    return [
        "; ".join(
            f"{meaning[names[place]]}: {'high' if away[row, place] > 0 else 'low'}"
            for place in places
            if pull[row, place] > 0.05
        )
        for row, places in enumerate(best)
    ]


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

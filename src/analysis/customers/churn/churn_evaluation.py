"""How good a churn forecast is: ranking, calibration, and what acting on it can earn.

References
----------
Verbraken, Verbeke, Baesens (2013), A novel profit maximizing metric for measuring classification
performance of customer churn prediction models, IEEE TKDE 25(5), 961-973 (expected maximum profit).
Cox (1958), Two further applications of a model for binary regression, Biometrika 45, 562-565
(calibration slope).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.churn.churn_model import calibrate
from analysis.stats.proportions import wilson_interval
from analysis.stats.types import Flags, Floats

_RESAMPLES = 200


@dataclass(frozen=True)
class RetentionOffer:
    """What keeping a customer costs and brings, in currency.

    Parameters
    ----------
    value
        What a customer kept is worth.
    incentive
        What the offer costs where it is taken: by every non-churner, by churners who accept.
    contact
        What reaching somebody costs.
    accepted_a, accepted_b
        Beta distribution of the share of would-be churners who accept: an assumption wherever it
        was not measured.
    measured
        Customers of randomised offers that the distribution was measured on; none if assumed.
    """

    value: float = 200.0
    incentive: float = 10.0
    contact: float = 1.0
    accepted_a: float = 6.0
    accepted_b: float = 14.0
    measured: int = 0


@dataclass(frozen=True)
class Profit:
    """Profit per customer of the base at the best share to contact, and that share."""

    profit: float
    share: float


def expected_maximum_profit(churned: Flags, score: Floats, offer: RetentionOffer) -> Profit:
    """Return the expected maximum profit (EMP) of contacting by falling score.

    For every acceptance rate the best cut lies on the convex hull of the ROC curve, and which of
    its corners is best changes at known rates; between them the profit is integrated exactly.
    """
    from scipy.special import betainc

    hit, miss = _hull(churned, score)
    prior = churned.mean()
    delta, phi = offer.incentive / offer.value, offer.contact / offer.value
    with np.errstate(divide="ignore"):
        steep = (1 - prior) * (delta + phi) * np.diff(miss) / (prior * np.diff(hit))
    turns = np.clip((steep + phi) / (1 - delta), 0, 1)
    edges = np.concatenate([[0.0], np.maximum.accumulate(turns), [1.0]])
    a, b = offer.accepted_a, offer.accepted_b
    weight = np.diff(betainc(a, b, edges))
    moment = a / (a + b) * np.diff(betainc(a + 1, b, edges))
    gain = (1 - delta) * prior * hit * moment
    cost = (phi * prior * hit + (delta + phi) * (1 - prior) * miss) * weight
    share = (prior * hit + (1 - prior) * miss) * weight
    return Profit(float(offer.value * (gain - cost).sum()), float(share.sum()))


def maximum_profit(churned: Flags, score: Floats, offer: RetentionOffer, accepted: float) -> Profit:
    """Return the maximum profit where the acceptance rate is known."""
    hit, miss = _hull(churned, score)
    prior = churned.mean()
    gain = offer.value * accepted - offer.incentive * accepted - offer.contact
    profit = gain * prior * hit - (offer.incentive + offer.contact) * (1 - prior) * miss
    best = int(np.argmax(profit))
    share = prior * hit[best] + (1 - prior) * miss[best]
    return Profit(float(profit[best]), float(share))


def _hull(churned: Flags, score: Floats) -> tuple[Floats, Floats]:
    """Return the corners of the convex hull of the ROC curve: true and false positive rates."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hit = np.concatenate([[0], np.cumsum(churned[order])[ends]]) / max(churned.sum(), 1)
    miss = np.concatenate([[0], np.cumsum(~churned[order])[ends]]) / max((~churned).sum(), 1)
    corners: list[int] = []
    for place in range(len(hit)):
        while len(corners) > 1:
            one, two = corners[-2], corners[-1]
            turn = (miss[two] - miss[one]) * (hit[place] - hit[one])
            if turn - (hit[two] - hit[one]) * (miss[place] - miss[one]) < 0:
                break
            corners.pop()
        corners.append(place)
    return hit[corners], miss[corners]


def roc_auc(churned: Flags, score: Floats) -> float:
    """Return P(a churner scores higher than a stayer), ties counting half."""
    from scipy.stats import rankdata

    lost, stayed = int(churned.sum()), int((~churned).sum())
    if min(lost, stayed) == 0:
        return float("nan")
    above = rankdata(score)[churned].sum() - lost * (lost + 1) / 2
    return float(above / (lost * stayed))


def pr_auc(churned: Flags, score: Floats) -> float:
    """Return the average precision: precision at every churner found, averaged."""
    if not churned.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    found = np.cumsum(churned[order])[ends]
    precision, recall = found / (ends + 1), found / churned.sum()
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def evaluation(
    churned: Flags, probability: Floats, offer: RetentionOffer | None = None, *, seed: int = 0
) -> dict[str, float]:
    """Return every measure of a forecast of churn.

    Returns
    -------
    dict
        customers, churned, brier, brier_skill (against the same share for all), auc, auc_low,
        auc_high (95 %, resampling customers), pr_auc, top_lift (churn of the top tenth over that of
        all), slope, intercept (of calibration; 1 and 0 are perfect), profit, profit_share (EMP).
    """
    share = float(churned.mean())
    brier = float(((probability - churned) ** 2).mean())
    flat = share * (1 - share)
    low, high = _resampled_auc(churned, probability, seed)
    chance = np.clip(probability, 1e-6, 1 - 1e-6)
    intercept, slope = calibrate(np.log(chance / (1 - chance)), churned)
    best = Profit(np.nan, np.nan)
    if offer and 0 < share < 1:
        best = expected_maximum_profit(churned, probability, offer)
    return {
        "customers": len(churned),
        "churned": int(churned.sum()),
        "brier": brier,
        "brier_skill": 1 - brier / flat if flat > 0 else np.nan,
        "auc": roc_auc(churned, probability),
        "auc_low": low,
        "auc_high": high,
        "pr_auc": pr_auc(churned, probability),
        "top_lift": float(deciles(churned, probability)["lift"].iloc[0]),
        "slope": slope,
        "intercept": intercept,
        "profit": best.profit,
        "profit_share": best.share,
    }


def _resampled_auc(churned: Flags, score: Floats, seed: int) -> tuple[float, float]:
    if min(churned.sum(), (~churned).sum()) < 5:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    lost, stayed = score[churned], score[~churned]
    found = []
    for _ in range(_RESAMPLES):
        drawn = np.concatenate([rng.choice(lost, len(lost)), rng.choice(stayed, len(stayed))])
        found.append(roc_auc(np.arange(len(drawn)) < len(lost), drawn))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def deciles(churned: Flags, probability: Floats, groups: int = 10) -> pd.DataFrame:
    """Return lift, gain and calibration by tenth of falling probability.

    Returns
    -------
    pandas.DataFrame
        decile (1 highest risk), customers, probability (mean), churned (share), low, high (95 %,
        Wilson), lift (share over that of all), gain (share of all churners so far).
    """
    order = np.argsort(-probability, kind="stable")
    decile = np.empty(len(order), dtype="int64")
    decile[order] = np.arange(len(order)) * groups // max(len(order), 1) + 1
    frame = pd.DataFrame({"decile": decile, "probability": probability, "churned": churned})
    table = frame.groupby("decile").agg(
        customers=("churned", "size"),
        probability=("probability", "mean"),
        lost=("churned", "sum"),
    )
    n, share = table["customers"], table["lost"] / table["customers"]
    low, high = wilson_interval(table["lost"], n)
    overall = churned.mean() if churned.any() else np.nan
    return table.assign(
        churned=share,
        low=low,
        high=high,
        lift=share / overall,
        gain=table["lost"].cumsum() / max(int(churned.sum()), 1),
    ).reset_index()

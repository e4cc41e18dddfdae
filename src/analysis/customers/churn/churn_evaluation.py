"""How good a churn forecast is: ranking, calibration, and what acting on it can earn.

References
----------
Verbraken, Verbeke, Baesens (2013), A novel profit maximizing metric for measuring classification
performance of customer churn prediction models, IEEE TKDE 25(5), 961-973 (expected maximum profit).
Cox (1958), Two further applications of a model for binary regression, Biometrika 45, 562-565
(calibration slope).

For whom a forecast is worse: level and ranking by group of customers, out of time.

A forecast that is right on the whole may be wrong for a group, and whoever acts on it treats that
group worse. The forecast is first put right for all customers together, so that one that is too low
everywhere is no finding about each group; and a group's ranking is held against what the forecast
itself expects there, because customers who are alike in risk cannot be told apart well by anybody.
Groups that are too small to judge are withheld with their size: silence about them is no all-clear.
All checked cut-offs are taken together: given a right forecast, what a customer does after one of
them says nothing of how far the forecast at the next is off.

References
----------
Hanley and McNeil (1982), The meaning and use of the area under a ROC curve, Radiology 143, 29-36
(standard error of the AUC).
Van Klaveren, Gönen, Steyerberg, Vergouwe (2016), A new concordance measure for risk prediction
models in external validation settings, Statistics in Medicine 35, 4136-4152 (ranking expected).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.customers.churn.churn_model import calibrate
from analysis.customers.features.attributes import customer_attributes
from analysis.errors import NotApplicable, ParamsError
from analysis.stats.multiplicity import normal_quantile, q_values, two_sided_p
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_JUDGED, FEWEST_JUDGED_OF_A_KIND
from analysis.stats.types import Flags, Floats

if TYPE_CHECKING:
    from analysis.customers.churn.churn_forecast import ChurnForecast
    from analysis.customers.churn.own_question import QuestionForecast
    from analysis.customers.lifetime.snapshots import Snapshot
    from analysis.tables.engine import Tables

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
        "customers": len(churned), "churned": int(churned.sum()), "brier": brier,
        "brier_skill": 1 - brier / flat if flat > 0 else np.nan,
        "auc": roc_auc(churned, probability), "auc_low": low, "auc_high": high,
        "pr_auc": pr_auc(churned, probability),
        "top_lift": float(deciles(churned, probability)["lift"].iloc[0]), "slope": slope,
        "intercept": intercept, "profit": best.profit, "profit_share": best.share,
    }  # fmt: skip


def _resampled_auc(churned: Flags, score: Floats, seed: int) -> tuple[float, float]:
    if min(churned.sum(), (~churned).sum()) < 5:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    # Of what is drawn only the order counts, which is that of all: nothing is sorted again.
    scores, place = np.unique(score, return_inverse=True)
    lost, stayed = place[churned], place[~churned]
    found = []
    for _ in range(_RESAMPLES):
        draws = (rng.choice(own, len(own)) for own in (lost, stayed))
        up, down = (np.bincount(drawn, minlength=len(scores)) for drawn in draws)
        found.append((up * (np.cumsum(down) - down / 2)).sum() / (len(lost) * len(stayed)))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def deciles(churned: Flags, probability: Floats) -> pd.DataFrame:
    """Return lift, gain and calibration by tenth of falling probability.

    Returns
    -------
    pandas.DataFrame
        decile (1 highest risk), customers, probability (mean), churned (share), low, high (95 %,
        Wilson), lift (share over that of all), gain (share of all churners so far).
    """
    order = np.argsort(-probability, kind="stable")
    decile = np.empty(len(order), dtype="int64")
    decile[order] = np.arange(len(order)) * 10 // max(len(order), 1) + 1
    frame = pd.DataFrame({"decile": decile, "probability": probability, "churned": churned})
    table = frame.groupby("decile").agg(
        customers=("churned", "size"), probability=("probability", "mean"), lost=("churned", "sum")
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


TENURE, ACTIVITY = "tenure", "activity"
TOO_HIGH, TOO_LOW, RANKED_WORSE = "too high", "too low", "ranked worse"
_FDR = 0.05


def groups_at(
    tables: Tables, past: Sequence[Snapshot], *, names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the groups of each customer at past cut-offs.

    Parameters
    ----------
    tables
        A study's tables; attributes come from customers, where there are any.
    past
        Past snapshots; tenure (new within the last period, or known for longer) and activity
        (thirds by purchases in the last period) are as known then.
    names
        Which groups; by default all that the study knows.

    Raises
    ------
    ParamsError
        If a name is no attribute of the study's customers.
    """
    return pd.concat([_groups_at(tables, one, names) for one in past], ignore_index=True)


def _groups_at(tables: Tables, snapshot: Snapshot, names: Sequence[str] | None) -> pd.DataFrame:
    frame = snapshot.customers
    longest = frame["new_weeks"].max()
    found = pd.DataFrame({"customer_id": frame["customer_id"].to_numpy()})
    found[TENURE] = np.where(frame["new_weeks"] < longest, "new in the last period", "known before")
    found[ACTIVITY] = _thirds(frame["purchases_last"].to_numpy("float64"))
    if tables.has("customers"):
        people = customer_attributes(tables, as_of=snapshot.known.end)[0]
        found = found.merge(people, on="customer_id", how="left")
    known = [name for name in found if name != "customer_id"]
    for name in names or ():
        if name not in known:
            raise ParamsError(f"groups: {name!r} is none; this study knows {', '.join(known)}")
    chosen = known if names is None else names
    return found[["customer_id", *chosen]].assign(cutoff=snapshot.known.end)


def _thirds(values: Floats) -> list[str]:
    low, high = np.nanquantile(values, [1 / 3, 2 / 3])
    words = np.select([values <= low, values <= high], ["least", "middle"], default="most")
    return [f"{word} active third" for word in words]


def by_group(
    forecast: ChurnForecast | QuestionForecast | None, groups: pd.DataFrame
) -> pd.DataFrame | None:
    """Return how a forecast did in each group; None where there is no forecast.

    Parameters
    ----------
    forecast
        Its ``checked`` customers are those of cut-offs that had not been learnt from.
    groups
        customer_id, cutoff, and one column an attribute.

    Returns
    -------
    pandas.DataFrame
        attribute, group, customers (at all cut-offs), judged (False below the minimum sizes: then
        NaN follow), forecast (mean probability), put_right (the same with the level and spread
        that fit all customers: what a group's level is held against), happened (share; low, high:
        95 %, Wilson), auc (auc_low, auc_high: 95 %), auc_expected (were the forecast right),
        q_level, q_rank (false discovery rates at which level and ranking differ from what is
        expected), verdict (empty: nothing speaks against it; a level is called off only where the
        forecast as it was made lies beyond the interval of what happened, on the same side).

    Raises
    ------
    NotApplicable
        If no group can be judged.
    """
    if forecast is None:
        return None
    keys = ["customer_id", "cutoff"]
    frame = forecast.checked.merge(groups, on=keys, how="left", validate="one_to_one")
    frame["right"] = _put_right(frame)
    rows = [
        _row(frame, attribute, str(group))
        for attribute in groups.columns.drop(keys)
        for group in sorted(frame[attribute].dropna().unique(), key=_order(frame[attribute]))
    ]
    table = pd.DataFrame(rows)
    if table.empty or not table["judged"].any():
        raise NotApplicable(
            f"No group has {FEWEST_JUDGED} customers, {FEWEST_JUDGED_OF_A_KIND} of either outcome, "
            "so for whom the forecast is worse cannot be told."
        )
    q = q_values(two_sided_p(table[["z_level", "z_rank"]].to_numpy("float64")).ravel())
    table[["q_level", "q_rank"]] = q.reshape(-1, 2)
    off, forecast = table["q_level"] <= _FDR, table["forecast"]
    high = off & (table["z_level"] < 0) & (forecast > table["high"])
    low = off & (table["z_level"] > 0) & (forecast < table["low"])
    level = np.select([high, low], [TOO_HIGH, TOO_LOW], default="")
    worse = (table["q_rank"] <= _FDR) & (table["z_rank"] < 0)
    rank = np.where(worse, RANKED_WORSE, "")
    table["verdict"] = [" and ".join(filter(None, pair)) for pair in zip(level, rank, strict=True)]
    return table.drop(columns=["z_level", "z_rank"])


def _order(values: pd.Series) -> Callable[[object], Any]:
    known = list(values.cat.categories) if isinstance(values.dtype, pd.CategoricalDtype) else []
    return known.index if known else str


def _row(frame: pd.DataFrame, attribute: str, group: str) -> dict[str, object]:
    inside = (frame[attribute].astype("str") == group).to_numpy()
    churned = frame["churned"].to_numpy(bool)
    right = frame["right"].to_numpy("float64")
    n, count = int(inside.sum()), int(churned[inside].sum())
    row: dict[str, object] = {"attribute": attribute, "group": group, "customers": n}
    if not (_enough(churned[inside]) and _enough(churned[~inside])):
        names = (
            "forecast put_right happened low high auc auc_low auc_high auc_expected z_level z_rank"
        )
        return {**row, "judged": False, **dict.fromkeys(names.split(), np.nan)}
    luck = right * (1 - right)
    spread = luck[inside].sum() * (1 - luck[inside].sum() / luck.sum())
    low, high = wilson_interval(count, n)
    auc, error = _auc(churned[inside], right[inside])
    reach, expected = normal_quantile(0.95) * error, _expected_auc(right[inside])
    return {
        **row,
        "judged": True,
        "forecast": frame["probability"][inside].mean(),
        "put_right": float(right[inside].mean()),
        "happened": count / n,
        "low": low.item(),
        "high": high.item(),
        "auc": auc,
        "auc_low": max(auc - reach, 0.0),
        "auc_high": min(auc + reach, 1.0),
        "auc_expected": expected,
        "z_level": (count - right[inside].sum()) / np.sqrt(spread),
        "z_rank": (auc - expected) / error,
    }


def _enough(churned: Flags) -> bool:
    kinds = int(churned.sum()), int((~churned).sum())
    return len(churned) >= FEWEST_JUDGED and min(kinds) >= FEWEST_JUDGED_OF_A_KIND


def _auc(churned: Flags, chance: Floats) -> tuple[float, float]:
    """Return the AUC and its standard error (Hanley and McNeil)."""
    lost, stayed = int(churned.sum()), int((~churned).sum())
    auc = roc_auc(churned, chance)
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (lost - 1) * (one - auc**2) + (stayed - 1) * (two - auc**2)
    return auc, float(np.sqrt(spread / (lost * stayed)))


def _put_right(frame: pd.DataFrame) -> Floats:
    """Return the forecast with the level and the spread that it should have had over all."""
    chance = frame["probability"].to_numpy("float64").clip(1e-6, 1 - 1e-6)
    score = np.log(chance / (1 - chance))
    intercept, slope = calibrate(score, frame["churned"].to_numpy(bool))
    return np.asarray(1 / (1 + np.exp(-(intercept + slope * score))))


def _expected_auc(chance: Floats) -> float:
    """Return the AUC to be expected where every chance is right."""
    ordered = np.sort(chance)
    _, first, each = np.unique(ordered, return_index=True, return_counts=True)
    stays = np.concatenate([[0.0], np.cumsum(1 - ordered)])
    below, alike = np.repeat(stays[first], each), np.repeat(stays[first + each], each)
    # A pair of somebody with themselves is none.
    pairs = ordered.sum() * stays[-1] - (ordered * (1 - ordered)).sum()
    ties = (alike - below) - (1 - ordered)
    return float((ordered * (below + ties / 2)).sum() / pairs)

"""Attribution side by side: seven rules of giving credit, each beside what the holdout says.

A rule divides orders among the messages before them; it cannot know which orders would have come
without any. That only a holdout can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.engagement.channels import touchpoints
from analysis.engagement.channels.touchpoints import POSITIONAL, Touchpoints
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.resampling import percentile_interval

if TYPE_CHECKING:
    from analysis.engagement.channels.contact_events import Contacts
    from analysis.engagement.channels.holdout_lift import HoldoutLift
    from analysis.stats.types import Floats
    from analysis.tables.engine import Tables

#: Models, in the order they are shown, and what they are called.
MODELS = {
    "first": "First touch", "last": "Last touch", "linear": "Linear", "time_decay": "Time decay",
    "position": "Position 40-20-40", "markov": "Markov removal", "shapley": "Shapley",
}  # fmt: skip
HOLDOUT = "holdout"


@dataclass(frozen=True)
class Attribution:
    """Orders credited to each channel by each model.

    Parameters
    ----------
    credits
        A row a model and channel: model, channel, orders, low, high (bootstrap over customers),
        share.
    removal
        channel, effect (share of conversions lost without the channel), low, high.
    tested
        The same for the messages that were held out at random alone: model (`HOLDOUT` last),
        channel, orders, low, high; empty without a holdout.
    reach
        Half of the interval of the holdout's orders over all channels; NaN without a holdout.
    with_visits
        As ``credits``, with visits from elsewhere among the touches; empty where their source is
        not known.
    spent
        channel, cost (of all its messages of the period; NaN where no cost is recorded), each
        (cost of an order that last touch credits: no cost of an incremental order).
    paths, conversions, chain
        Paths, those that end in an order, and the probability of an order that the chain gives.
    """

    credits: pd.DataFrame
    removal: pd.DataFrame
    tested: pd.DataFrame
    reach: float
    with_visits: pd.DataFrame
    spent: pd.DataFrame
    paths: int
    conversions: int
    chain: float


@without("history", "lift")
def attribute(
    tables: Tables,
    contacts: Contacts,
    *,
    history: Contacts | None = None,
    lift: HoldoutLift | None = None,
    lookback_days: int = 30,
    half_life_days: float = 7.0,
    confidence: float = 0.95,
    replicates: int = 500,
    seed: int = 0,
) -> Attribution:
    """Return the credit of every channel by every model.

    Parameters
    ----------
    tables
        A study's tables.
    contacts
        Messages of the period.
    history
        Messages of the days that ``lift`` looks at.
    lift
        What the holdout says.
    lookback_days, half_life_days
        As in `touchpoints.fetch`.
    confidence, replicates, seed
        Of the bootstrap over customers.
    """
    ways: dict[str, Any] = {"lookback_days": lookback_days, "half_life_days": half_life_days}
    draw: dict[str, Any] = {"confidence": confidence, "replicates": replicates, "seed": seed}
    found = touchpoints.fetch(tables, contacts, **ways)
    credited, removal = credit(found, **draw)
    beside = credited.head(0)
    if tables.has("page_views", "customer_id", "source"):
        beside, _ = credit(touchpoints.fetch(tables, contacts, visits=True, **ways), **draw)
    tested, reach = pd.DataFrame(columns=["model", "channel", "orders", "low", "high"]), np.nan
    if lift is not None and history is not None:
        usable = lift.arms[(lift.arms["reason"] == "") & (lift.arms["channel"] != "several")]
        if len(usable):
            mine = touchpoints.fetch(tables, history, tested=usable, **ways)
            tested = _beside(credit(mine, **draw)[0], usable, lift.confidence)
            reach = _reach(usable, lift.confidence)
    chain = conversion(found.steps.sum(axis=0))
    sizes = (int(found.paths), int(found.conversions), chain)
    spent = _spent(contacts, credited)
    return Attribution(credited, removal, tested, reach, beside, spent, *sizes)


def _spent(contacts: Contacts, credited: pd.DataFrame) -> pd.DataFrame:
    """Return what the messages of each channel cost, and for every order credited by last touch."""
    rows = contacts.rows
    sums = rows.group_by("channel").agg(cents=rows.cost_cents.sum()).order_by("channel")
    table = sums.to_pandas()
    known = "cost" in contacts.known
    cost = table["cents"].astype("float64") / 100 if known else np.full(len(table), np.nan)
    last = credited[credited["model"] == "last"].set_index("channel")["orders"]
    orders = table["channel"].map(last)
    each = cost / orders.where(orders > 0)
    return pd.DataFrame({"channel": table["channel"], "cost": cost, "each": each})


def credit(
    found: Touchpoints, *, confidence: float = 0.95, replicates: int = 500, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the credits and the removal effects of `Attribution`."""
    if found.conversions == 0:
        raise NotApplicable("No order followed a message within the look-back.")
    whole = _by_model(found, np.ones((1, len(found.steps))))
    rng = np.random.default_rng(seed)
    batches = len(found.steps)
    weights = rng.multinomial(batches, np.full(batches, 1 / batches), size=replicates).astype(float)
    drawn = _by_model(found, weights)
    rows, removal = [], []
    for model in (*MODELS, "removal"):
        low, high = percentile_interval(drawn[model], confidence=confidence)
        for place, channel in enumerate(found.channels):
            value = float(whole[model][0, place])
            ends = (float(low[place]), float(high[place]))
            if model == "removal":
                removal.append((channel, value, *ends))
            else:
                rows.append((model, channel, value, *ends, value / found.conversions))
    columns = ["model", "channel", "orders", "low", "high", "share"]
    return (
        pd.DataFrame(rows, columns=columns),
        pd.DataFrame(removal, columns=["channel", "effect", "low", "high"]),
    )


def _by_model(found: Touchpoints, weights: Floats) -> dict[str, Floats]:
    """Return the credit of each model, draws x channels, and the removal effects."""
    credits = {m: weights @ found.positional[m] for m in POSITIONAL}
    steps = np.tensordot(weights, found.steps, axes=1)
    removal = np.array([removal_effects(one) for one in steps])
    conversions = credits["last"].sum(axis=1, keepdims=True)
    whole = removal.sum(axis=1, keepdims=True)
    shares = np.divide(removal, whole, out=np.zeros_like(removal), where=whole > 0)
    credits["markov"] = shares * conversions
    credits["shapley"] = shapley(found.sets, weights @ found.set_conversions, len(found.channels))
    return credits | {"removal": removal}


def shapley(sets: tuple[int, ...], conversions: Floats, channels: int) -> Floats:
    """Return the Shapley value of every channel, draws x channels.

    The worth of a coalition is the number of conversions whose path needs no other channel. That
    is a sum of unanimity games, so a path's conversion is split evenly among its distinct
    channels (Shapley 1953; Zhao, Mahboobi and Bagheri 2018, arXiv 1804.05327): exact, without
    sampling, and additive.
    """
    members = np.array([[mask >> c & 1 for c in range(channels)] for mask in sets], float)
    members = members.reshape(len(sets), channels)
    return conversions @ (members / np.maximum(members.sum(axis=1, keepdims=True), 1))


def removal_effects(steps: Floats) -> Floats:
    """Return the share of conversions that a first-order chain loses without each channel.

    Exactly, from the fundamental matrix (Kemeny and Snell 1960; Anderl et al. 2016, Int. J.
    Research in Marketing 33(3)): what would go to the channel removed goes to no conversion.
    """
    whole = conversion(steps)
    channels = len(steps) - 3
    if whole <= 0:
        return np.zeros(channels)
    without = [conversion(steps, without=c + 1) for c in range(channels)]
    return 1 - np.array(without) / whole


def conversion(steps: Floats, *, without: int | None = None) -> float:
    """Return P(conversion) of the chain of ``steps``; one state may be closed."""
    n = len(steps) - 2
    out = steps[:n].sum(axis=1, keepdims=True)
    chances = np.divide(steps[:n], out, out=np.zeros_like(steps[:n]), where=out > 0)
    if without is not None:
        chances[:, without] = 0.0
        chances[without] = 0.0
    reached = np.linalg.solve(np.eye(n) - chances[:, :n], chances[:, n])
    return float(reached[0])


def _reach(arms: pd.DataFrame, confidence: float) -> float:
    """Return half of the interval of the orders of all arms; those of a promotion share control."""
    half = (arms["total_high"] - arms["total_low"]) / 2
    square = float((half**2).sum())
    for _, part in arms.groupby("promotion_id"):
        n = part["treated"].astype("float64")
        both = float(n.sum() ** 2 - (n**2).sum()) * float(part["control_error"].iloc[0]) ** 2
        square += normal_quantile(confidence) ** 2 * both
    return float(np.sqrt(square))


def _beside(credits: pd.DataFrame, arms: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Return the credits of tested messages with what the holdout says of the same channels."""
    rows = [
        (HOLDOUT, channel, total := part["total_orders"].sum(), total - far, total + far)
        for channel, part in arms.groupby("channel")
        for far in (_reach(part, confidence),)
    ]
    held = pd.DataFrame(rows, columns=["model", "channel", "orders", "low", "high"])
    known = credits[credits["channel"].isin(held["channel"])]
    return pd.concat([known[held.columns], held], ignore_index=True)

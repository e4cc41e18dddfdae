"""Through which channel and at what hour a customer is reached best.

A customer's own response is drawn towards that of all customers of the channel, as far as few
messages say little; messages of late weaken the next one; nothing goes out in quiet hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.stats.types import Floats, Integers
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.promotions.planning.targeting.eligibility import Eligible
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Hours:
    """When messages may go out.

    Parameters
    ----------
    quiet_from, quiet_to
        First quiet hour of the evening, first hour of the morning that is not.
    fallback
        Hour for customers without a history of their own.
    """

    quiet_from: int = 20
    quiet_to: int = 8
    fallback: int = 10

    def open(self, hour: Integers) -> np.ndarray:
        """Tell which hours of the day are not quiet."""
        if self.quiet_from <= self.quiet_to:
            return (hour < self.quiet_from) | (hour >= self.quiet_to)
        return (hour >= self.quiet_to) & (hour < self.quiet_from)


@dataclass(frozen=True)
class Channels:
    """How each customer is reached.

    Parameters
    ----------
    names
        Channels.
    factor
        Customers x channels: what a message is expected to do against the usual one of its
        channel (1), by the customer's own response and the messages of late.
    hour
        Customers x channels: hour of the day.
    costs
        Cost of a message by channel.
    table
        channel, cost, customers (who may be reached), own_history (of them, with messages before),
        response (of all).
    source
        What the response is read from; empty where nothing is known.
    """

    names: tuple[str, ...]
    factor: Floats
    hour: Integers
    costs: Floats
    table: pd.DataFrame
    source: str


@without("preferences")
def channels_for(
    tables: Tables,
    left: Eligible,
    *,
    hours: Hours | None = None,
    fatigue: float = 0.95,
    preferences: pd.DataFrame | None = None,
) -> Channels:
    """Return how each customer is reached through each channel.

    Parameters
    ----------
    tables
        A study's tables.
    left
        Who is eligible.
    hours
        Quiet hours and the hour to fall back on.
    fatigue
        What each message of late leaves of the next one's response; an assumption.
    preferences
        customer_id, channel, hour, response, contacts, as another report measured them; None
        reads ``contacts``.
    """
    hours = hours or Hours()
    names, ids = left.rules.channels, left.customers["customer_id"]
    if preferences is not None:
        known, source = preferences, "contact preferences"
    else:
        known = _responses(tables, left.rules.as_of, hours)
        source = "messages" if len(known) else ""
    factor, hour = np.ones((len(ids), len(names))), np.full((len(ids), len(names)), hours.fallback)
    rows = []
    for number, channel in enumerate(names):
        own = known[known["channel"] == channel].set_index("customer_id").reindex(ids)
        usual = _usual(known, channel)
        own_factor, own_hour = _own(own, usual, hours)
        factor[:, number] = own_factor * fatigue ** left.recent[channel].to_numpy(float)
        hour[:, number] = own_hour
        may = left.channels[channel].to_numpy()
        cost = float(left.rules.channel_costs[channel])
        history = int((own["contacts"].fillna(0).to_numpy() > 0)[may].sum())
        rows.append((channel, cost, int(may.sum()), history, usual))
    table = pd.DataFrame(rows, columns=["channel", "cost", "customers", "own_history", "response"])
    return Channels(names, factor, hour, table["cost"].to_numpy(float), table, source)


#: Messages of one's own that weigh as much as the response of all.
_PRIOR = 10.0
_LEAST, _MOST = 0.5, 2.0


def _usual(known: pd.DataFrame, channel: str) -> float:
    own = known[known["channel"] == channel]
    sent = float(own["contacts"].sum()) if len(own) else 0.0
    return float((own["response"] * own["contacts"]).sum()) / sent if sent > 0 else np.nan


def _own(own: pd.DataFrame, usual: float, hours: Hours) -> tuple[Floats, Integers]:
    """Return each customer's response against the usual one, and the hour."""
    sent = own["contacts"].fillna(0).to_numpy(float)
    response = own["response"].fillna(0).to_numpy(float)
    if not usual > 0:
        factor = np.ones(len(own))
    else:
        shrunk = (sent * response + _PRIOR * usual) / (sent + _PRIOR)
        factor = np.clip(shrunk / usual, _LEAST, _MOST)
    hour = own["hour"].astype("float64").to_numpy()
    known = np.isfinite(hour)
    whole = np.where(known, hour, hours.fallback).astype(np.int64)
    return factor, np.where(hours.open(whole), whole, hours.fallback)


def _responses(tables: Tables, as_of: date, hours: Hours) -> pd.DataFrame:
    """Return customer_id, channel, contacts, response (share opened) and hour (of the opens)."""
    names = ["customer_id", "channel", "contacts", "response", "hour"]
    answer = next((c for c in ("opened_at", "clicked_at") if tables.has("contacts", c)), "")
    if not answer:
        return pd.DataFrame({n: pd.Series(dtype="float64") for n in names})
    rows = tables.contacts.filter(tables.contacts.sent_at < midnight(as_of))
    moment = rows[answer]
    real = moment.notnull() & (moment < midnight(as_of))
    if "opened_by_machine" in rows.columns and answer == "opened_at":
        real = real & ~rows.opened_by_machine.fill_null(False)
    rows = rows.mutate(answered=real.cast("int64"), at=moment.hour())
    found = rows.group_by("customer_id", "channel").agg(
        contacts=rows.count(), answers=rows.answered.sum()
    )
    waking = [h for h in range(24) if hours.open(np.array([h]))[0]]
    told = rows.filter(rows.answered == 1, rows["at"].isin(waking))
    by_hour = told.group_by("customer_id", "channel", "at").agg(n=told.count()).to_pandas()
    table = found.order_by("customer_id", "channel").to_pandas()
    table["response"] = table["answers"] / table["contacts"]
    best = _best_hours(by_hour)
    return table.merge(best, on=["customer_id", "channel"], how="left")[names]


def _best_hours(by_hour: pd.DataFrame) -> pd.DataFrame:
    """Return each customer's hour by channel: own answers beside those of all in the channel."""
    if by_hour.empty:
        return pd.DataFrame(
            {n: pd.Series(dtype="float64") for n in ("customer_id", "channel", "hour")}
        )
    whole = by_hour.groupby(["channel", "at"])["n"].sum()
    share = whole / whole.groupby("channel").transform("sum")
    keys = pd.MultiIndex.from_frame(by_hour[["channel", "at"]])
    score = by_hour["n"] + _PRIOR * share.reindex(keys).to_numpy()
    ranked = by_hour.assign(score=score, hour=by_hour["at"].astype("float64"))
    ranked = ranked.sort_values(
        ["customer_id", "channel", "score", "at"], ascending=[True, True, False, True]
    )
    return ranked.drop_duplicates(["customer_id", "channel"])[["customer_id", "channel", "hour"]]

"""Who may be written to today, and the best channel and hour of each, drawn towards all.

A customer has had few messages; what they alone say is mostly chance. Every share is therefore
shrunk towards its channel's (empirical Bayes), and an hour is named only where hours differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.random_effects import STRONGEST_PRIOR, beta_posterior, beta_prior
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.engagement.channels.contact_events import Contacts
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Consents:
    """Consents on the day after the period.

    Parameters
    ----------
    today
        customer_id, channel of every consent held.
    channels
        Channels that consents are kept for.
    table
        channel, held (customers), withdrawn (in the period), register (customers whose register
        still says yes), lagging (of those, withdrawn), messages (sent in the period by it),
        without (of those, to customers without consent at the time), share, low, high.
    """

    today: pd.DataFrame
    channels: tuple[str, ...]
    table: pd.DataFrame


def on_the_day(tables: Tables, contacts: Contacts, *, confidence: float = 0.95) -> Consents:
    """Return who consents at the end of the period of ``contacts``, and what was sent without.

    Raises
    ------
    NotApplicable
        If the study has no consents.
    """
    if "consents" not in tables:
        raise NotApplicable("This study has no consents table: consent on a day is not known.")
    log, end = tables.consents, midnight(contacts.period.end)
    log = log.filter(log.given_at < end)
    held = log.filter(log.withdrawn_at.isnull() | (log.withdrawn_at >= end))
    today = held.select("customer_id", "channel").distinct().order_by("customer_id", "channel")
    table = _withdrawn(log, contacts)
    channels = tuple(map(str, table["channel"]))
    table = table.merge(_sent(log, contacts), "left", "channel")
    frame = today.to_pandas()
    counts = frame.groupby("channel").size()
    table.insert(1, "held", table["channel"].map(counts).fillna(0).astype(int))
    table = table.merge(_register(tables, log, end, channels), "left", "channel")
    known = table["messages"].fillna(0)
    low, high = wilson_interval(table["without"].fillna(0), known, confidence=confidence)
    table = table.assign(
        messages=known.astype(int), without=table["without"].fillna(0).astype(int),
        share=table["without"] / known.where(known > 0), low=low, high=high,
    )  # fmt: skip
    return Consents(frame, channels, table)


def _withdrawn(log: ibis.Table, contacts: Contacts) -> pd.DataFrame:
    start, end = midnight(contacts.period.start), midnight(contacts.period.end)
    gone = ibis.coalesce((log.withdrawn_at >= start) & (log.withdrawn_at < end), False)
    counted = log.group_by("channel").agg(withdrawn=gone.cast("int64").sum())
    return counted.order_by("channel").to_pandas()


def _sent(log: ibis.Table, contacts: Contacts) -> pd.DataFrame:
    """Return messages by channel, and those to customers without consent when they were sent."""
    sent = contacts.rows.select("contact_id", "customer_id", "channel", "at")
    both = sent.join(log.drop("source") if "source" in log.columns else log,
                     ["customer_id", "channel"])  # fmt: skip
    valid = both.filter(
        both.given_at <= both["at"], both.withdrawn_at.isnull() | (both.withdrawn_at > both["at"])
    )
    covered = valid.select("contact_id").distinct().mutate(covered=ibis.literal(1))
    told = sent.left_join(covered, "contact_id")
    counted = told.group_by("channel").agg(
        messages=told.count(), without=told.covered.isnull().cast("int64").sum()
    )
    return counted.order_by("channel").to_pandas()


def _register(
    tables: Tables, log: ibis.Table, end: ibis.Value, channels: Sequence[str]
) -> pd.DataFrame:
    """Return, by channel, whose register says yes, and who of them has withdrawn."""
    told = [name for name in channels if tables.has("customers", f"consent_{name}")]
    if not told:
        return pd.DataFrame(columns=["channel", "register", "lagging"])
    people = tables.customers
    parts = [
        people.filter(people[f"consent_{name}"])
        .select("customer_id", channel=ibis.literal(name))
        .distinct()
        for name in told
    ]
    yes = ibis.union(*parts) if len(parts) > 1 else parts[0]
    valid = log.withdrawn_at.isnull() | (log.withdrawn_at >= end)
    standing = log.group_by("customer_id", "channel").agg(valid=valid.cast("int64").max())
    both = yes.left_join(standing, ["customer_id", "channel"])
    counted = both.group_by("channel").agg(
        register=both.count(), lagging=(ibis.coalesce(both.valid, 1) == 0).cast("int64").sum()
    )
    found = counted.to_pandas().set_index("channel").reindex(told, fill_value=0)
    return found.astype("int64").rename_axis("channel").reset_index()


#: Hours are told apart in bands of so many.
BAND_HOURS = 3
#: Chance of a difference between hours, as large, below which hours count as different.
_DIFFERENT = 0.01

CLICKS, OPENS = "clicks", "opens by persons"


@dataclass(frozen=True)
class Preferences:
    """Best channel and hour by customer.

    Parameters
    ----------
    customers
        customer_id, channel, hour (first hour of its band; missing where hours do not differ),
        response (shrunk), low, high, contacts; consent_today where consents are known.
    channels
        channel, customers (with a message), share, strength (messages that the prior is worth;
        missing: customers differ no more than chance), chosen (customers whose best it is).
    hours
        hour, contacts, share, low, high of the response; p in ``hours_p``.
    response
        What counts as a response.
    alone
        Share of the customers whose messages came by one channel, which is theirs by default.
    hours_p
        Chance that hours differ as much, the channel held fixed.
    """

    customers: pd.DataFrame
    channels: pd.DataFrame
    hours: pd.DataFrame
    response: str
    hours_p: float
    alone: float


@without("consents")
def choose(
    contacts: Contacts, *, consents: Consents | None = None, confidence: float = 0.95
) -> Preferences:
    """Return the best channel and hour of every customer with a delivered message.

    Parameters
    ----------
    contacts
        Messages.
    consents
        Consents; a channel without consent today is never the best one.
    confidence
        Coverage of the intervals.

    Raises
    ------
    NotApplicable
        If neither clicks nor opens are recorded.
    """
    if not {"clicked_at", "opened_at"} & contacts.known:
        raise NotApplicable("Neither clicks nor opens are recorded, so nobody's channel is known.")
    response = CLICKS if "clicked_at" in contacts.known else OPENS
    column = "clicked" if response == CLICKS else "opened"
    rows = contacts.rows.filter(contacts.rows.delivered == 1)
    counted = rows.group_by("customer_id", "channel").agg(contacts=rows.count(),
                                                          hits=rows[column].sum())  # fmt: skip
    each = counted.order_by("customer_id", "channel").to_pandas()
    if each.empty:
        raise NotApplicable("No message was delivered, so nobody's channel is known.")
    shrunk, priors = _shrunk(each, confidence)
    best = _best(shrunk, consents)
    hours, p, first = _hours(rows, column, confidence)
    best = best.assign(hour=pd.array(best["channel"].map(first), dtype="Int64"))
    names = ["customer_id", "channel", "hour", "response", "low", "high", "contacts"]
    names += ["consent_today"] if consents is not None else []
    chosen = priors["channel"].map(best["channel"].value_counts()).fillna(0).astype(int)
    alone = float((each.groupby("customer_id").size() == 1).mean())
    return Preferences(best[names], priors.assign(chosen=chosen), hours, response, p, alone)


def _shrunk(each: pd.DataFrame, confidence: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    parts, rows = [], []
    for channel, part in each.groupby("channel", sort=True):
        hits, n = (part[c].to_numpy(float) for c in ("hits", "contacts"))
        prior = beta_prior(hits, n)
        share, low, high = beta_posterior(hits, n, prior, confidence=confidence)
        parts.append(part.assign(response=share, low=low, high=high))
        alike = prior.strength >= STRONGEST_PRIOR
        rows.append((channel, len(part), prior.mean, np.nan if alike else prior.strength))
    priors = pd.DataFrame(rows, columns=["channel", "customers", "share", "strength"])
    return pd.concat(parts, ignore_index=True), priors


def _best(shrunk: pd.DataFrame, consents: Consents | None) -> pd.DataFrame:
    """Return each customer's channel with the largest shrunk response, among those allowed."""
    shrunk = shrunk.sort_values(
        ["customer_id", "response", "channel"], ascending=[True, False, True], kind="stable"
    )
    if consents is None:
        return shrunk.drop_duplicates("customer_id").reset_index(drop=True)
    today = consents.today[["customer_id", "channel"]].assign(consent_today=True)
    free = set(shrunk["channel"]) - set(consents.channels)
    both = shrunk.merge(today, "left", ["customer_id", "channel"])
    asked = both["channel"].isin(free) | both["consent_today"].notna()
    both = both.assign(consent_today=asked)
    ranked = both.sort_values(
        ["customer_id", "consent_today", "response", "channel"],
        ascending=[True, False, False, True], kind="stable",
    )  # fmt: skip
    return ranked.drop_duplicates("customer_id").reset_index(drop=True)


def _hours(
    rows: ibis.Table, column: str, confidence: float
) -> tuple[pd.DataFrame, float, dict[str, int]]:
    """Return response by band of hours, whether bands differ, and the best band by channel."""
    from scipy.stats import chi2

    from analysis.stats.proportions import wilson_interval

    banded = rows.mutate(band=(rows.hour // BAND_HOURS * BAND_HOURS).cast("int64"))
    counted = banded.group_by("channel", "band").agg(n=banded.count(), k=banded[column].sum())
    table = counted.order_by("channel", "band").to_pandas()
    base = table.groupby("channel")[["k", "n"]].transform("sum")
    share = base["k"] / base["n"]
    expected = table["n"] * share
    variance = (expected * (1 - share)).where(expected >= 5)
    several = table.groupby("channel")["band"].transform("nunique") > 1
    use = variance.notna() & (variance > 0) & several
    statistic = float((((table["k"] - expected) ** 2) / variance)[use].sum())
    degrees = int(use.sum() - table.loc[use, "channel"].nunique())
    p = float(chi2.sf(statistic, degrees)) if degrees > 0 else float("nan")
    hours = table.groupby("band", as_index=False)[["n", "k"]].sum()
    low, high = wilson_interval(hours["k"], hours["n"], confidence=confidence)
    shown = pd.DataFrame(
        {"hour": hours["band"], "contacts": hours["n"], "share": hours["k"] / hours["n"],
         "low": low, "high": high}
    )  # fmt: skip
    return shown, p, _best_hours(table) if np.isfinite(p) and p < _DIFFERENT else {}


def _best_hours(table: pd.DataFrame) -> dict[str, int]:
    """Return the band with the largest shrunk response, by channel."""
    found = {}
    for channel, part in table.groupby("channel"):
        hits, n = (part[c].to_numpy(float) for c in ("k", "n"))
        share, _, _ = beta_posterior(hits, n, beta_prior(hits, n))
        found[str(channel)] = int(part["band"].to_numpy()[int(np.argmax(share))])
    return found

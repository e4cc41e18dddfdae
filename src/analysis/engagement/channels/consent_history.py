"""Consent on the day: who may be written to today, and which messages went out without consent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
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

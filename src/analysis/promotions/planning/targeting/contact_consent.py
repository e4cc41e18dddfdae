"""Through which channels a customer may be contacted on a day: consent, and what took it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Permission:
    """Who may be contacted how.

    Parameters
    ----------
    allowed
        One row a customer, in the order given; a column of true and false for each channel.
    recorded
        Channels whose consent the study records.
    assumed
        Channels whose consent is not recorded and that the study's params allow to assume.
    source
        Where consent is from: ``consents`` (as of the day), ``customers`` (as of today), or
        nothing.
    """

    allowed: pd.DataFrame
    recorded: tuple[str, ...]
    assumed: tuple[str, ...]
    source: str

    @property
    def missing(self) -> tuple[str, ...]:
        """Channels of which nothing is recorded and nothing may be assumed."""
        known = {*self.recorded, *self.assumed}
        return tuple(c for c in self.allowed.columns if c not in known)


def permitted(
    tables: Tables,
    customers: pd.Series,
    channels: Sequence[str],
    *,
    as_of: date,
    assumed: Sequence[str] = (),
) -> Permission:
    """Return through which of ``channels`` each customer may be contacted.

    Parameters
    ----------
    tables
        A study's tables: ``consents`` where there is one (consent given before ``as_of`` and not
        withdrawn by then), else the columns ``consent_*`` of ``customers``.
    customers
        Keys.
    channels
        Channels there are.
    as_of
        The day of the contact.
    assumed
        Channels that may be used where the study records no consent for them at all. A consent
        that is recorded is never overruled.
    """
    if "consents" in tables:
        given, source = _given(tables, as_of), "consents"
    else:
        given, source = _stated(tables, channels), "customers"
    recorded = tuple(c for c in channels if c in given)
    taken = tuple(c for c in channels if c in assumed and c not in recorded)
    nobody: pd.Series = pd.Series(dtype="object")
    allowed = {
        c: np.full(len(customers), c in taken)
        if c not in recorded
        else customers.isin(given.get(c, nobody)).to_numpy()
        for c in channels
    }
    return Permission(pd.DataFrame(allowed), recorded, taken, source if recorded else "")


def _given(tables: Tables, as_of: date) -> dict[str, pd.Series]:
    """Return who consents to each channel on the day, from the table of consents."""
    rows, day = tables.consents, midnight(as_of)
    known = rows.select("channel").distinct().to_pandas()["channel"]
    held = rows.filter(
        rows.given_at < day, ibis.coalesce(rows.withdrawn_at > day, ibis.literal(True))
    )
    found = held.select("customer_id", "channel").distinct().to_pandas()
    return {c: found.loc[found["channel"] == c, "customer_id"] for c in sorted(known)}


def _stated(tables: Tables, channels: Sequence[str]) -> dict[str, pd.Series]:
    """Return who consents to each channel, from the columns of customers."""
    known = [c for c in channels if tables.has("customers", f"consent_{c}")]
    if not known:
        return {}
    people = tables.customers.select("customer_id", *(f"consent_{c}" for c in known)).to_pandas()
    yes = {c: people[f"consent_{c}"].fillna(False).astype(bool) for c in known}
    return {c: people.loc[yes[c], "customer_id"] for c in known}


def contact_record(tables: Tables, *, as_of: date, days: int) -> pd.DataFrame:
    """Return what is known of earlier messages by customer and channel, before the day.

    Service and transactional messages are left out where the study says what a message was for:
    a cap on advertising must spare them. Lists that came back count, also where the study records
    no contacts.

    Returns
    -------
    pandas.DataFrame
        customer_id, channel, recent (messages in the last ``days`` days), days_since (since the
        last), opted_out (unsubscribed or reported as spam), bounced (the last ones came back:
        every message of those days).
    """
    names = ["customer_id", "channel", "recent", "days_since", "opted_out", "bounced"]
    rows, day = _messages(tables), midnight(as_of)
    if rows is None:
        return pd.DataFrame({n: pd.Series(dtype="object") for n in names})
    rows = rows.filter(rows.sent_at < day)
    if "purpose" in rows.columns:
        promotional = rows.purpose.isnull() | rows.purpose.isin(["promotion", "care"])
    else:
        promotional = ibis.literal(True)
    left = [rows[c] < day for c in ("unsubscribed_at", "complained_at") if c in rows.columns]
    gone = [ibis.coalesce(flag, ibis.literal(False)) for flag in left]
    away = gone[0] if len(gone) == 1 else (gone[0] | gone[1]) if gone else ibis.literal(False)
    back = rows.bounced_at.notnull() if "bounced_at" in rows.columns else ibis.literal(False)
    age = ibis.date(as_of.isoformat()).delta(rows.sent_at.date(), unit="day")
    rows = rows.mutate(age=age, promotional=promotional, away=away, back=back)
    rows = rows.mutate(late=(rows.age <= days) & rows.promotional)
    found = rows.group_by("customer_id", "channel").agg(
        recent=rows.late.cast("int64").sum(),
        days_since=rows.age.min(where=rows.promotional),
        opted_out=rows.away.max(),
        bounced=(rows.late & rows.back).cast("int64").sum(),
    )
    table = found.order_by("customer_id", "channel").to_pandas()
    return table.assign(bounced=(table["bounced"] > 0) & (table["bounced"] == table["recent"]))


#: Mechanic of lists whose messages are service, which no cap counts.
SERVICE = "service message"


def _messages(tables: Tables) -> ibis.Table | None:
    """Return the messages recorded, and those of lists that came back; None where none are."""
    own = tables.contacts if "contacts" in tables else None
    if not tables.has("assignments", "sent_at", "channel"):
        return own
    given = tables.assignments
    given = given.filter(given.sent_at.notnull(), given.channel.notnull())
    if tables.has("promotions", "mechanic"):
        service = tables.promotions.filter(tables.promotions.mechanic == SERVICE)
        given = given.anti_join(service, "promotion_id")
    listed = given.select("customer_id", "channel", "sent_at")
    if own is None:
        return listed
    keys = ["customer_id", "channel", "day"]
    there = own.mutate(day=own.sent_at.date()).select(keys).distinct()
    missing = listed.mutate(day=listed.sent_at.date()).anti_join(there, keys)
    types = {n: own[n].type() for n in own.columns}
    wide = missing.select(
        **{
            n: missing[n].cast(k) if n in missing.columns else ibis.null(k)
            for n, k in types.items()
        }
    )
    return ibis.union(own, wide)

"""Through which channels each customer may be contacted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import pandas as pd

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Channels whose consent the customers' own columns may hold.
CHANNELS = ("email", "sms", "phone", "app")


@dataclass(frozen=True)
class Consent:
    """Who agreed to what.

    Parameters
    ----------
    given
        Index customer_id; a column of true and false for each of ``known``.
    known
        The channels whose consent the study records; without any, nothing can be said.
    """

    given: pd.DataFrame
    known: tuple[str, ...]

    def channels(self, customer_ids: pd.Series) -> pd.Series:
        """Return the channels that each customer agreed to, such as ``email;sms``; empty: none."""
        given = self.given.reindex(customer_ids).fillna(False).astype("bool")
        joined = [
            ";".join(c for c, yes in zip(self.known, row, strict=True) if yes)
            for row in given.to_numpy()
        ]
        return type(customer_ids)(joined, index=customer_ids.index, dtype="str")

    def allows(self, customer_ids: pd.Series, channels: pd.Series) -> pd.Series:
        """Tell of each customer whether they agreed to the channel beside."""
        agreed = self.channels(customer_ids).str.split(";")
        both = zip(agreed, channels.fillna(""), strict=True)
        return pd.Series([c in each for each, c in both], customer_ids.index, dtype="bool")


def consent(tables: Tables, *, on: date | None = None) -> Consent:
    """Return the consent that a study records; what is not recorded is not given.

    The table ``consents`` counts where there is one, as it stood at the end of the day ``on``
    (None: as it stands in the data): of a channel that it names, it alone. For the other channels
    the customers' own columns count.
    """
    dated = _dated(tables, on)
    own = [c for c in CHANNELS if tables.has("customers", f"consent_{c}")]
    own = [c for c in own if c not in dated.columns]
    known = tuple(c for c in dict.fromkeys((*CHANNELS, *dated.columns)) if c in {*own, *dated})
    if not known:
        return Consent(pd.DataFrame(), ())
    columns = {c: f"consent_{c}" for c in own}
    people = tables.customers.select("customer_id", **columns).to_pandas()
    given = people.set_index("customer_id").join(dated, how="outer")
    return Consent(given[list(known)].fillna(False).astype("bool"), known)


def _dated(tables: Tables, on: date | None) -> pd.DataFrame:
    """Return who agreed by the table of consents: index customer_id, a column a channel."""
    if "consents" not in tables:
        return pd.DataFrame(index=pd.Index([], name="customer_id", dtype="str"))
    rows = tables.consents
    holds = rows.withdrawn_at.isnull()
    if on is not None:
        end = ibis.timestamp((on + timedelta(days=1)).isoformat())
        holds = (rows.given_at < end) & (rows.withdrawn_at.isnull() | (rows.withdrawn_at >= end))
    agreed = rows.group_by("customer_id", "channel").agg(agreed=holds.any())
    return agreed.to_pandas().pivot(index="customer_id", columns="channel", values="agreed")

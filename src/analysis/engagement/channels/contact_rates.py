"""Sent, delivered, opened, clicked, bought, unsubscribed: by channel, campaign, segment and hour.

The messages of one customer are not independent: intervals count customers, not messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.engagement.channels.contact_events import order_times
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import bonferroni, normal_quantile
from analysis.stats.proportions import ClusterSums, clustered_interval, wilson_interval
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.engagement.channels.contact_events import Contacts
    from analysis.tables.engine import Tables

#: Each rate: what is counted, of what.
MEASURES = {
    "delivered": ("delivered", "sent"), "bounced": ("bounced", "sent"),
    "opened": ("opened", "delivered"), "clicked": ("clicked", "delivered"),
    "bought": ("bought", "followed"), "bought_before": ("bought_before", "followed"),
    "unsubscribed": ("unsubscribed", "delivered"), "complained": ("complained", "delivered"),
}  # fmt: skip

#: Columns of contacts that a rate cannot do without.
_NEEDS = {
    "delivered": "delivered_at", "bounced": "bounced_at", "opened": "opened_at",
    "clicked": "clicked_at", "unsubscribed": "unsubscribed_at", "complained": "complained_at",
}  # fmt: skip

_OPENS = ["channel", "delivered", "opened", "by_machine", "of_unknown_make", "real", "real_low"]
_OPENS += ["real_high", "basis"]

#: Share, its ends, and what it rests on.
Real = tuple[float, float, float, str]

_BANDS = ("no order", "1 order", "2 to 5 orders", "6 orders or more")


@dataclass(frozen=True)
class ContactRates:
    """What became of messages.

    Parameters
    ----------
    rates
        A row a breakdown (``by``: channel, campaign, segment, hour; ``all`` once), group, channel
        and measure: hits, of, share, low, high, customers. A measure whose column the study lacks
        is left out. Segments are of thirty customers or more by channel, and their intervals hold
        for all rows of a measure at once.
    opens
        By channel: delivered, opened, by_machine (known), of_unknown_make, real, real_low,
        real_high (opens by persons, as a share of delivered), basis.
    """

    rates: pd.DataFrame
    opens: pd.DataFrame


@without("segments")
def rates(
    tables: Tables,
    contacts: Contacts,
    *,
    segment: str = "",
    segments: pd.DataFrame | None = None,
    confidence: float = 0.95,
) -> ContactRates:
    """Return the rates of ``contacts``.

    Parameters
    ----------
    tables
        A study's tables.
    contacts
        Messages.
    segment
        Column of customers to break down by; empty: by ``segments``.
    segments
        customer_id and rfm, formed on days before the period, so that no order after a message puts
        a customer into a segment; None: by orders in the year before the period.
    confidence
        Coverage of the intervals.
    """
    rows = contacts.rows.join(
        _segments(tables, contacts, segment, segments), "customer_id", how="left"
    )
    missing = "unknown" if segment else "no order in the year before"
    rows = rows.mutate(segment=ibis.coalesce(rows.segment, missing), all=ibis.literal("all"))
    rows = rows.mutate(hour=rows.hour.cast("string").lpad(2, "0"))
    breakdowns = ("all", "channel", "campaign", "segment", "hour")
    parts = [_shares(rows, by, contacts, confidence) for by in breakdowns]
    parts[breakdowns.index("segment")] = _all_at_once(rows, contacts, confidence)
    found = pd.concat(parts, ignore_index=True)
    campaign = found["by"] == "campaign"
    found.loc[campaign, "group"] = found.loc[campaign, "group"].replace(_names(tables))
    return ContactRates(found, real_opens(contacts, confidence))


def _all_at_once(rows: ibis.Table, contacts: Contacts, confidence: float) -> pd.DataFrame:
    """Return the rates by segment, of customers enough, with intervals that hold all at once."""
    people = rows.group_by("segment", "channel").agg(n=rows.customer_id.nunique())
    people = people.filter(people.n >= FEWEST_CUSTOMERS).select("segment", "channel")
    kept = rows.semi_join(people, ["segment", "channel"])
    return _shares(kept, "segment", contacts, confidence, at_once=True)


def _names(tables: Tables) -> dict[str, str]:
    """Return the name of each promotion, with its key where several have the same."""
    if "promotions" not in tables:
        return {}
    table = tables.promotions.select("promotion_id", "name").order_by("promotion_id").to_pandas()
    alone = ~table["name"].duplicated(keep=False)
    label = table["name"].where(alone, table["name"] + " (" + table["promotion_id"] + ")")
    return dict(zip(table["promotion_id"], label, strict=True))


def _shares(
    rows: ibis.Table, by: str, contacts: Contacts, confidence: float, *, at_once: bool = False
) -> pd.DataFrame:
    """Return the rates of every group of ``by`` and channel."""
    chosen = {
        m: v for m, v in MEASURES.items() if _NEEDS.get(m, "sent") in {*contacts.known, "sent"}
    }
    groups = rows.mutate(grp=rows[by])
    groups = groups.mutate(chn=groups.channel if by not in ("all",) else "all")
    columns = {name for pair in chosen.values() for name in pair}
    each = groups.group_by("grp", "chn", "customer_id").agg(
        **{c: groups[c].sum() for c in sorted(columns)}
    )
    sums = {"customers": each.count()}
    for name, (top, bottom) in chosen.items():
        x, n = each[top].cast("float64"), each[bottom].cast("float64")
        products = {"x": x, "n": n, "xx": x * x, "xn": x * n, "nn": n * n}
        sums |= {f"{name}_{key}": value.sum() for key, value in products.items()}
        sums[f"{name}_m"] = each.count(where=each[bottom] > 0)
    table = each.group_by("grp", "chn").agg(**sums).order_by("grp", "chn").to_pandas()
    level = bonferroni(confidence, len(table)) if at_once else confidence
    return pd.concat([_tidy(table, by, name, level) for name in chosen], ignore_index=True)


def _tidy(table: pd.DataFrame, by: str, name: str, confidence: float) -> pd.DataFrame:
    sums = {k: table[f"{name}_{k}"].to_numpy(float) for k in ("x", "n", "xx", "xn", "nn", "m")}
    low, high, _ = clustered_interval(ClusterSums.of(**sums), confidence=confidence)
    with np.errstate(invalid="ignore"):
        share = sums["x"] / np.where(sums["n"] > 0, sums["n"], np.nan)
    return pd.DataFrame(
        {
            "by": by, "group": table["grp"], "channel": table["chn"], "measure": name,
            "hits": sums["x"].astype(int), "of": sums["n"].astype(int), "share": share,
            "low": low, "high": high, "customers": sums["m"].astype(int),
        }
    )  # fmt: skip


def _segments(
    tables: Tables, contacts: Contacts, segment: str, segments: pd.DataFrame | None
) -> ibis.Table:
    """Return customer_id and segment."""
    if segment:
        if not tables.has("customers", segment):
            raise NotApplicable(f"Customers have no column {segment!r} to break down by.")
        people = tables.customers
        return people.select("customer_id", segment=people[segment].cast("string"))
    if segments is not None:
        return ibis.memtable(segments.rename(columns={"rfm": "segment"}))
    start = contacts.period.start
    orders = order_times(tables)
    year = orders.filter(
        orders["at"] >= midnight(start - timedelta(days=364)), orders["at"] < midnight(start)
    )
    counted = year.group_by("customer_id").agg(n=year.count())
    everybody = contacts.rows.select("customer_id").distinct()
    both = everybody.left_join(counted, "customer_id").drop("customer_id_right")
    n = ibis.coalesce(both.n, 0)
    band = ibis.cases((n == 0, _BANDS[0]), (n == 1, _BANDS[1]), (n < 6, _BANDS[2]), else_=_BANDS[3])
    return both.select("customer_id", segment=band)


def real_opens(contacts: Contacts, confidence: float = 0.95) -> pd.DataFrame:
    """Return, by channel, how many of the opens were persons'.

    Opens whose make is known count as they are. Of the others, each click proves a person; the
    persons who did not click are estimated from the click-to-open rate where the make is known,
    which takes for granted that persons click alike in both. Where it is known nowhere, real opens
    lie between the clicks and all opens, and no more can be said.
    """
    if "opened_at" not in contacts.known:
        return pd.DataFrame(columns=_OPENS)
    rows = contacts.rows
    names = ("delivered", "opened", "machine", "unknown", "unknown_click", "known_person",
             "known_click", "clicked")  # fmt: skip
    sums = rows.group_by("channel").agg(**{n: rows[n].sum() for n in names})
    table = sums.order_by("channel").to_pandas()
    clicks = "clicked_at" in contacts.known
    found = [_real(row, confidence, clicks) for row in table.to_dict("records")]
    real = pd.DataFrame(found, columns=["real", "real_low", "real_high", "basis"])
    shown = table[["channel", "delivered", "opened"]].assign(
        by_machine=table["machine"], of_unknown_make=table["unknown"]
    )
    return pd.concat([shown, real], axis=1)


def _real(row: dict[str, float], confidence: float, clicks: bool) -> Real:
    """Return the share of delivered that persons opened, its interval and what it rests on."""
    n = max(row["delivered"], 1)
    if row["unknown"] == 0:
        low, high = wilson_interval([row["known_person"]], [n], confidence=confidence)
        return row["known_person"] / n, float(low[0]), float(high[0]), "known"
    least = row["known_person"] + row["unknown_click"]
    most = row["known_person"] + row["unknown"]
    if not clicks or not row["known_click"] or not row["unknown_click"]:
        return np.nan, least / n, most / n, "bounds only"
    rate = row["known_click"] / row["known_person"]
    guess = row["unknown_click"] / rate
    spread = guess * np.sqrt(1 / row["unknown_click"] + (1 - rate) / row["known_click"])
    total = float(np.clip(row["known_person"] + guess, least, most))
    reach = normal_quantile(confidence) * np.hypot(spread, np.sqrt(total * (1 - total / n)))
    low_end, high_end = (float(np.clip(total + s * reach, least, most) / n) for s in (-1, 1))
    return total / n, low_end, high_end, "estimated from clicks"

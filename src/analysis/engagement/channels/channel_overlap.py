"""Which channels reach the same customers, and whether the order of two channels matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.proportions import ClusterSums, clustered_interval

if TYPE_CHECKING:
    from analysis.engagement.channels.contact_events import Contacts


@dataclass(frozen=True)
class Overlap:
    """Reach of channels together.

    Parameters
    ----------
    combinations
        channels (reached by exactly these), customers, share, messages (each), bought (share of
        their followed messages with an order after), low, high.
    orders
        Two messages in a row within ``recent_days``: first, second, pairs, bought (an order after
        the second), low, high, before (an order in as many days before the second).
    """

    combinations: pd.DataFrame
    orders: pd.DataFrame


def overlap(contacts: Contacts, *, confidence: float = 0.95) -> Overlap:
    """Return how channels overlap.

    Raises
    ------
    NotApplicable
        If every message went through one channel.
    """
    rows = contacts.rows.filter(contacts.rows.delivered == 1)
    names = rows.select("channel").distinct().order_by("channel").to_pandas()["channel"]
    if len(names) < 2:
        raise NotApplicable("Every message went through one channel, so none overlap.")
    return Overlap(
        _combinations(rows, list(map(str, names)), confidence), _pairs(contacts, rows, confidence)
    )


def _combinations(rows: ibis.Table, names: list[str], confidence: float) -> pd.DataFrame:
    marks = {f"c{i}": (rows.channel == name).cast("int8").max() for i, name in enumerate(names)}
    each = rows.group_by("customer_id").agg(
        messages=rows.count(), x=rows.bought.sum().cast("float64"),
        n=rows.followed.sum().cast("float64"), **marks,
    )  # fmt: skip
    sums = each.group_by(list(marks)).agg(
        customers=each.count(), messages=each.messages.sum(), m=each.count(where=each.n > 0),
        x=each.x.sum(), n=each.n.sum(), xx=(each.x * each.x).sum(), xn=(each.x * each.n).sum(),
        nn=(each.n * each.n).sum(),
    )  # fmt: skip
    table = sums.order_by(list(marks)).to_pandas()
    label = [
        " + ".join(name for name, mark in zip(names, row, strict=True) if mark)
        for row in table[list(marks)].to_numpy()
    ]
    found = _with_interval(table, confidence).assign(
        channels=label, share=table["customers"] / table["customers"].sum(),
        messages=table["messages"] / table["customers"],
    )  # fmt: skip
    names_out = ["channels", "customers", "share", "messages", "bought", "low", "high"]
    return found.sort_values("customers", ascending=False, ignore_index=True)[names_out]


def _pairs(contacts: Contacts, rows: ibis.Table, confidence: float) -> pd.DataFrame:
    order = ibis.window(group_by="customer_id", order_by=["at", "contact_id"])
    rows = rows.mutate(earlier=rows.channel.lag().over(order), then=rows["at"].lag().over(order))
    near = rows["at"] <= rows.then + ibis.interval(days=contacts.recent_days)
    pairs = rows.filter(rows.earlier.notnull(), rows.earlier != rows.channel, near)
    each = pairs.group_by("earlier", "channel", "customer_id").agg(
        pairs=pairs.count(), x=pairs.bought.sum().cast("float64"),
        n=pairs.followed.sum().cast("float64"), y=pairs.bought_before.sum(),
    )  # fmt: skip
    sums = each.group_by("earlier", "channel").agg(
        pairs=each.pairs.sum(), x=each.x.sum(), n=each.n.sum(), xx=(each.x * each.x).sum(),
        xn=(each.x * each.n).sum(), nn=(each.n * each.n).sum(), m=each.count(where=each.n > 0),
        y=each.y.sum(),
    )  # fmt: skip
    table = sums.order_by("earlier", "channel").to_pandas()
    found = _with_interval(table, confidence).assign(
        before=table["y"] / table["n"].where(table["n"] > 0)
    )
    found = found.rename(columns={"earlier": "first", "channel": "second"})
    return found[["first", "second", "pairs", "bought", "low", "high", "before"]]


def _with_interval(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    sums = {k: table[k].to_numpy(float) for k in ("x", "n", "xx", "xn", "nn", "m")}
    low, high, _ = clustered_interval(ClusterSums.of(**sums), confidence=confidence)
    return table.assign(bought=table["x"] / table["n"].where(table["n"] > 0), low=low, high=high)

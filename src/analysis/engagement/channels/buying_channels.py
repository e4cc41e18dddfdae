"""Where customers buy: mix of channels, moves between them, and the worth of who uses several.

Which channels of contact reach the same customers, and whether the order of two matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.proportions import ClusterSums, clustered_interval, wilson_interval
from analysis.tables.lines import lines_in
from analysis.tables.margin import MICROS
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.engagement.channels.contact_events import Contacts
    from analysis.tables.engine import Tables

#: What a customer who did not buy in a period uses.
NONE = "(no order)"
_BANDS = (1, 2, 3, 5, 8)


@dataclass(frozen=True)
class BuyingChannels:
    """Channels of purchases.

    Parameters
    ----------
    mix
        channel, customers, orders, net, margin, and of the orders share, low, high (customers as
        clusters), share_before (in the period before) and change.
    migration
        channel (most orders in the period before), next (in the period), customers, share of the
        row, low, high.
    value
        channels used (1, 2, 3 ...), customers, orders, margin (each, of the period).
    omnichannel
        One row: gap (margin of who used several over who used one), adjusted, low, high (the same
        among customers with as many orders), customers, orders_weighted. No effect: who likes the
        shop uses more of its channels.
    """

    mix: pd.DataFrame
    migration: pd.DataFrame
    value: pd.DataFrame
    omnichannel: pd.DataFrame


def study(tables: Tables, period: Period, *, confidence: float = 0.95) -> BuyingChannels:
    """Return mix, migration and value of buying channels in ``period``.

    Raises
    ------
    NotApplicable
        If orders do not say their channel, or all have the same.
    """
    if not tables.has("order_lines", "channel"):
        raise NotApplicable("Orders do not say which channel they came through.")
    now, before = (_by_customer(tables, p) for p in (period, period.previous()))
    mix = _mix(now, before, confidence)
    if len(mix) < 2:
        raise NotApplicable("All orders came through one channel.")
    value, gap = _value(now, confidence)
    return BuyingChannels(mix, _migration(before, now, confidence), value, gap)


def _by_customer(tables: Tables, period: Period) -> pd.DataFrame:
    """Return customer_id, channel, orders, net, margin of known customers (a row a channel)."""
    lines = lines_in(tables, period)
    lines = lines.filter(lines.customer_id.notnull(), lines.channel.notnull())
    table = lines.group_by("customer_id", "channel").agg(
        orders=lines.order_id.nunique(where=lines.quantity > 0),
        net=lines.net_amount.sum().cast("float64"), margin=lines.margin_micros.sum() / MICROS,
    )  # fmt: skip
    return table.order_by("customer_id", "channel").to_pandas()


def _mix(now: pd.DataFrame, before: pd.DataFrame, confidence: float) -> pd.DataFrame:
    total = now.groupby("customer_id")["orders"].sum().astype(float)
    past = before.groupby("channel")["orders"].sum() / max(before["orders"].sum(), 1)
    rows = []
    for channel, part in now.groupby("channel", sort=True):
        mine = part.set_index("customer_id")["orders"].reindex(total.index, fill_value=0)
        x, n = mine.to_numpy(float), total.to_numpy()
        sums = {"x": x.sum(), "n": n.sum(), "xx": (x * x).sum(), "xn": (x * n).sum()}
        sums |= {"nn": (n * n).sum(), "m": float((n > 0).sum())}
        low, high, _ = clustered_interval(ClusterSums.of(**sums), confidence=confidence)
        earlier = float(past.get(channel, 0.0)) if len(before) else np.nan
        share = sums["x"] / sums["n"]
        rows.append(
            (channel, int((part["orders"] > 0).sum()), int(x.sum()), part["net"].sum(),
             part["margin"].sum(), share, float(low[0]), float(high[0]), earlier, share - earlier)
        )  # fmt: skip
    names = ["channel", "customers", "orders", "net", "margin", "share", "low", "high",
             "share_before", "change"]  # fmt: skip
    return pd.DataFrame(rows, columns=names).sort_values("orders", ascending=False,
                                                         ignore_index=True)  # fmt: skip


def _main(each: pd.DataFrame) -> pd.Series:
    """Return the channel of most orders by customer."""
    ranked = each[each["orders"] > 0].sort_values(
        ["customer_id", "orders", "channel"], ascending=[True, False, True], kind="stable"
    )
    return ranked.drop_duplicates("customer_id").set_index("customer_id")["channel"]


def _migration(before: pd.DataFrame, now: pd.DataFrame, confidence: float) -> pd.DataFrame:
    one, two = _main(before), _main(now)
    both = pd.DataFrame({"channel": one, "next": two.reindex(one.index).fillna(NONE)})
    table = both.groupby(["channel", "next"]).size().rename("customers").reset_index()
    of = table.groupby("channel")["customers"].transform("sum")
    low, high = wilson_interval(table["customers"], of, confidence=confidence)
    return table.assign(share=table["customers"] / of, low=low, high=high)


def _value(now: pd.DataFrame, confidence: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    bought = now[now["orders"] > 0].groupby("customer_id")["channel"].nunique()
    people = now.groupby("customer_id")[["orders", "margin"]].sum()
    people = people.assign(channels=bought.reindex(people.index)).dropna(subset=["channels"])
    people = people.assign(channels=people["channels"].astype(int))
    value = people.groupby("channels").agg(
        customers=("orders", "size"), orders=("orders", "mean"), margin=("margin", "mean")
    )
    several = people["channels"] > 1
    gap = people.loc[several, "margin"].mean() - people.loc[~several, "margin"].mean()
    adjusted, error = _among_equals(people, several)
    reach = normal_quantile(confidence) * error
    row = (gap, adjusted, adjusted - reach, adjusted + reach, int(several.sum()))
    names = ["gap", "adjusted", "low", "high", "customers"]
    return value.reset_index(), pd.DataFrame([row], columns=names)


def _among_equals(people: pd.DataFrame, several: pd.Series) -> tuple[float, float]:
    """Return the gap among customers with as many orders, weighted by those who use several.

    With one order nobody uses two channels, so that only customers with two or more compare.
    """
    band = np.digitize(people["orders"], _BANDS)
    gaps, variances, weights = [], [], []
    for number in np.unique(band):
        mine = band == number
        one, two = (people.loc[mine & side, "margin"] for side in (several, ~several))
        if len(one) < 2 or len(two) < 2:
            continue
        gaps.append(one.mean() - two.mean())
        variances.append(one.var() / len(one) + two.var() / len(two))
        weights.append(float(len(one)))
    if not weights:
        return float("nan"), float("nan")
    share = np.array(weights) / sum(weights)
    return float(share @ gaps), float(np.sqrt(share**2 @ variances))


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

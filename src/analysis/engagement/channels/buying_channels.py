"""Where customers buy: mix of channels, moves between them, and the worth of who uses several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.proportions import ClusterSums, clustered_interval, wilson_interval
from analysis.tables.lines import lines_in
from analysis.tables.margin import MICROS
from analysis.tables.periods import Period

if TYPE_CHECKING:
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

"""What messages brought against a randomised holdout, channel by channel, and what that cost.

Only here is a difference an effect: the arms were drawn. Everything else in this report describes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile, student_quantile
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.tables.engine import exact_sum
from analysis.tables.margin import MICROS, cents, lines_with_margin

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

CONTROL = "control"
SEVERAL = "several"

#: Share of an arm's messages that one channel must have to be the arm's channel.
_ONE_CHANNEL = 0.9
#: Share of a promotion's messages that may go to customers without an arm.
_UNLOGGED = 0.01
#: Chance of a difference before the start, as large, below which the arms are not comparable.
_UNLIKE = 0.001
_DAYS_BEFORE = 182


@dataclass(frozen=True)
class HoldoutLift:
    """Effects of the messages that were tested.

    Parameters
    ----------
    arms
        A row a promotion and arm: promotion_id, name, arm, channel, treated, control, measured_on
        (the categories on offer, or all purchases), orders, orders_low, orders_high, margin,
        margin_low, margin_high, cost, net, net_low, net_high (each per customer treated; net is
        margin less the cost of the messages), cost_per_order, cost_per_order_low,
        cost_per_order_high (NaN: no upper bound), total_orders, total_low, total_high,
        control_error (standard error of the control's orders each), reason (why there is no
        estimate).
    ranking
        Arms of promotions that compare channels: promotion_id, name, channel, margin, cost, net,
        net_low, net_high (simultaneous), before_cost, after_cost (ranks), tied (cannot be told
        from the best after cost).
    confidence
        Coverage of the intervals.
    """

    arms: pd.DataFrame
    ranking: pd.DataFrame
    confidence: float


def measure(tables: Tables, period: Period, *, confidence: float = 0.95) -> HoldoutLift:
    """Return the effects of promotions whose arms were drawn and which ended in ``period``.

    Raises
    ------
    NotApplicable
        If no messages were sent to an arm that was drawn beside a control.
    """
    if "assignments" not in tables or "promotions" not in tables:
        raise NotApplicable(
            "No messages were held out at random (there are no assignments), so what they caused "
            "is not known."
        )
    sums = _by_arm(tables, period)
    told = _channels(tables)
    sums = sums.merge(told, "left", ["promotion_id", "arm"])
    unlogged = _unlogged(tables)
    rows = [
        _compared(arm, arms, float(unlogged.get(str(promotion), 0.0)), confidence)
        for promotion, arms in sums.groupby("promotion_id", sort=True)
        if (arms["arm"] == CONTROL).any()
        for arm in arms[(arms["arm"] != CONTROL) & arms["channel"].notna()].to_dict("records")
    ]
    if not rows:
        raise NotApplicable(
            "No messages were sent to an arm drawn beside a control group, so what they caused is "
            "not known."
        )
    arms = pd.DataFrame(rows).sort_values(["promotion_id", "arm"], ignore_index=True)
    return HoldoutLift(arms, _ranking(arms, confidence), confidence)


def _given(tables: Tables, period: Period) -> ibis.Table:
    """Return who was given which arm of a finished promotion, with its days."""
    arms = tables.assignments.filter(tables.assignments.randomised)
    wanted = tables.promotions.select("promotion_id", "name", "starts_on", "ends_on")
    given = arms.select("promotion_id", "customer_id", "arm").join(wanted, "promotion_id")
    last = ibis.date(period.end.isoformat())
    first = ibis.date(period.start.isoformat())
    return given.filter(given.ends_on < last, given.starts_on >= first)


def _by_arm(tables: Tables, period: Period) -> pd.DataFrame:
    """Return customers and sums of orders, margin and orders before, by promotion and arm."""
    given = _given(tables, period)
    bought = _bought(tables, given)
    people = given.left_join(bought, ["promotion_id", "customer_id"])
    people = people.drop("promotion_id_right", "customer_id_right")
    values = {
        c: ibis.coalesce(people[c], 0).cast("float64") for c in ("orders", "margin", "before")
    }
    sums = {"customers": people.count()}
    for name, value in values.items():
        sums |= {f"{name}_sum": exact_sum(value), f"{name}_sq": exact_sum(value * value)}
    by = people.group_by("promotion_id", "name", "arm")
    table = by.agg(**sums).order_by("promotion_id", "arm").to_pandas()
    offered = _offered(tables)
    measured = (
        table["promotion_id"]
        .isin(offered)
        .map({True: "categories on offer", False: "all purchases"})
    )
    return table.assign(measured_on=measured)


def _offered(tables: Tables) -> set[str]:
    if "promotion_products" not in tables:
        return set()
    return set(tables.promotion_products.select("promotion_id").distinct().to_pandas().iloc[:, 0])


def _bought(tables: Tables, given: ibis.Table) -> ibis.Table:
    """Return orders and margin in a promotion's days, and orders before, by customer."""
    lines = lines_with_margin(tables)
    lines = lines.filter(lines.customer_id.notnull())
    lines = lines.select("customer_id", "category", "order_id", "quantity", "margin_micros",
                         day=lines.ordered_at.date())  # fmt: skip
    both = given.join(lines, "customer_id")
    both = both.mutate(since=both.day.delta(both.starts_on, unit="day").cast("int64"))
    length = both.ends_on.delta(both.starts_on, unit="day").cast("int64")
    both = both.filter(both.since >= -_DAYS_BEFORE, both.since <= length)
    both = _on_offer(tables, both)
    inside = (both.since >= 0) & both.counts
    positive = both.quantity > 0
    return both.group_by("promotion_id", "customer_id").agg(
        orders=both.order_id.nunique(where=inside & positive),
        margin=both.margin_micros.sum(where=inside) / MICROS,
        before=both.order_id.nunique(where=(both.since < 0) & positive),
    )


def _on_offer(tables: Tables, rows: ibis.Table) -> ibis.Table:
    """Mark the lines that count: of the categories on offer, where the promotion says which.

    The categories, not the products alone: what an offer only takes from its neighbours is no gain.
    """
    if "promotion_products" not in tables:
        return rows.mutate(counts=ibis.literal(True))
    shelf = tables.products.select("product_id", "category")
    offers = tables.promotion_products.join(shelf, "product_id")
    offers = offers.filter(offers.category.notnull()).select("promotion_id", "category").distinct()
    offers = offers.mutate(on_offer=ibis.literal(True))
    told = tables.promotion_products.select("promotion_id").distinct()
    told = told.mutate(told=ibis.literal(True))
    both = rows.left_join(offers, ["promotion_id", "category"])
    both = both.drop("promotion_id_right", "category_right")
    both = both.left_join(told, "promotion_id").drop("promotion_id_right")
    return both.mutate(counts=both.on_offer.notnull() | both.told.isnull())


def _channels(tables: Tables) -> pd.DataFrame:
    """Return the channel of every arm and what its messages cost: columns channel and spent."""
    if not tables.has("contacts", "promotion_id"):
        raise NotApplicable("Messages do not say which promotion they belong to.")
    arms = tables.assignments.select("promotion_id", "customer_id", "arm")
    sent = tables.contacts.join(arms, ["promotion_id", "customer_id"])
    cost = cents(sent.cost).sum() if tables.has("contacts", "cost") else ibis.null("int64")
    by = sent.group_by("promotion_id", "arm", "channel")
    table = by.agg(messages=sent.count(), cents=cost).order_by("promotion_id", "arm").to_pandas()
    rows = []
    for (promotion, arm), part in table.groupby(["promotion_id", "arm"], sort=True):
        first = part.sort_values(["messages", "channel"], ascending=[False, True]).iloc[0]
        alone = first["messages"] >= _ONE_CHANNEL * part["messages"].sum()
        money = float(part["cents"].astype("float64").sum(min_count=1)) / 100
        rows.append((promotion, arm, first["channel"] if alone else SEVERAL, money))
    return pd.DataFrame(rows, columns=["promotion_id", "arm", "channel", "spent"])


def _unlogged(tables: Tables) -> pd.Series:
    """Return the share of each promotion's messages that went to customers without an arm."""
    arms = tables.assignments.select("promotion_id", "customer_id").distinct()
    arms = arms.mutate(logged=ibis.literal(1))
    sent = tables.contacts.filter(tables.contacts.promotion_id.notnull())
    both = sent.left_join(arms, ["promotion_id", "customer_id"])
    by = both.group_by("promotion_id").agg(share=both.logged.isnull().cast("float64").mean())
    return by.to_pandas().set_index("promotion_id")["share"]


def _compared(arm: dict[str, object], arms: pd.DataFrame, unlogged: float, confidence: float
              ) -> dict[str, object]:  # fmt: skip
    control = arms[arms["arm"] == CONTROL].iloc[0]
    treated = pd.Series(arm)
    head = {
        "promotion_id": arm["promotion_id"], "name": arm["name"], "arm": arm["arm"],
        "channel": arm["channel"], "treated": int(treated["customers"]),
        "control": int(control["customers"]), "measured_on": arm["measured_on"],
        "cost": treated["spent"] / treated["customers"],
    }  # fmt: skip
    reason = _why_not(treated, control, unlogged)
    if reason:
        return head | dict.fromkeys(_ESTIMATES, np.nan) | {"reason": reason}
    orders, margin = (_difference(treated, control, m, confidence) for m in ("orders", "margin"))
    found = dict(zip(("orders", "orders_low", "orders_high"), orders, strict=True))
    found |= dict(zip(("margin", "margin_low", "margin_high"), margin, strict=True))
    cost, n = float(head["cost"]), int(head["treated"])
    found |= dict(zip(("net", "net_low", "net_high"), (v - cost for v in margin), strict=True))
    per = [cost / v if v > 0 else np.nan for v in orders]
    found |= {"cost_per_order": per[0], "cost_per_order_low": per[2], "cost_per_order_high": per[1]}
    totals = ("total_orders", "total_low", "total_high")
    found |= dict(zip(totals, (v * n for v in orders), strict=True))
    found["control_error"] = float(np.sqrt(_of_mean(control, "orders")[1]))
    return head | found | {"reason": ""}


_ESTIMATES = (
    "orders", "orders_low", "orders_high", "margin", "margin_low", "margin_high", "net", "net_low",
    "net_high", "cost_per_order", "cost_per_order_low", "cost_per_order_high", "total_orders",
    "total_low", "total_high", "control_error",
)  # fmt: skip


def _why_not(treated: pd.Series, control: pd.Series, unlogged: float) -> str:
    """Return why two arms are not compared; empty if they are."""
    from scipy.special import ndtr

    fewest = min(treated["customers"], control["customers"])
    if fewest < FEWEST_CUSTOMERS:
        return f"an arm has {int(fewest)} customers, {FEWEST_CUSTOMERS} are needed"
    if unlogged > _UNLOGGED:
        return f"{100 * unlogged:.0f} % of its messages went to customers that the log gives no arm"
    gap, low, high = _difference(treated, control, "before", 0.95)
    if high > low and 2 * ndtr(-abs(gap) / ((high - low) / 3.92)) < _UNLIKE:
        return "its arms bought differently before it began"
    return ""


def _of_mean(side: pd.Series, measure: str) -> tuple[float, float]:
    """Return the mean of an arm and the variance of that mean."""
    size = float(side["customers"])
    average = float(side[f"{measure}_sum"]) / size
    spread = max(float(side[f"{measure}_sq"]) / size - average**2, 0.0) * size / (size - 1)
    return average, spread / size


def _difference(one: pd.Series, two: pd.Series, measure: str, confidence: float
                ) -> tuple[float, float, float]:  # fmt: skip
    """Return the difference of means with Welch's interval."""
    n = [float(side["customers"]) for side in (one, two)]
    mean, of_mean = zip(*(_of_mean(side, measure) for side in (one, two)), strict=True)
    whole = sum(of_mean)
    gap = mean[0] - mean[1]
    if whole == 0:
        return gap, gap, gap
    degrees = whole**2 / sum(v**2 / (size - 1) for v, size in zip(of_mean, n, strict=True))
    reach = float(student_quantile(confidence, degrees)) * np.sqrt(whole)
    return gap, gap - reach, gap + reach


def _ranking(arms: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Return the arms of promotions that sent by several channels, best after cost first."""
    usable = arms[(arms["reason"] == "") & (arms["channel"] != SEVERAL) & arms["net"].notna()]
    parts = []
    for _, part in usable.groupby("promotion_id", sort=True):
        if part["channel"].nunique() < 2 or part["channel"].duplicated().any():
            continue
        half = (part["net_high"] - part["net_low"]) / 2 / normal_quantile(confidence)
        z = normal_quantile(1 - (1 - confidence) / len(part))
        ranked = part.assign(net_low=part["net"] - z * half, net_high=part["net"] + z * half)
        for measure, name in (("margin", "before_cost"), ("net", "after_cost")):
            ranked[name] = part[measure].rank(ascending=False, method="first").astype(int)
        ranked = ranked.sort_values("after_cost", kind="stable")
        # The control group is shared, so that the gap of two arms has the noise of two arms only.
        best, error = ranked["net"].iloc[0], half.loc[ranked.index]
        apart = np.hypot(error, error.iloc[0])
        ranked["tied"] = (best - ranked["net"]) <= z * apart
        parts.append(ranked)
    columns = ["promotion_id", "name", "arm", "channel", "treated", "margin", "cost", "net",
               "net_low", "net_high", "before_cost", "after_cost", "tied"]  # fmt: skip
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]

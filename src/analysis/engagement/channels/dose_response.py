"""The frequency that pays: what more messages brought, where the frequency was drawn at random.

Without a draw a dose curve is confounded: the keen get more messages. Then nobody is called
saturated, and the report says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.channels.contact_events import order_times
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.tables.lines import lines_in, midnight
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    from analysis.engagement.channels.contact_events import Contacts
    from analysis.tables.engine import Tables

SATURATED, ON_TARGET, UNDER = "saturated", "on target", "under"
#: Chance of a difference before the start, as large, below which variants were not drawn.
_UNLIKE = 0.001
_MONTH = 28.0


@dataclass(frozen=True)
class DoseCurve:
    """What each frequency brought to customers who had bought before it began.

    Parameters
    ----------
    doses
        A row a variant, fewest messages first: variant, customers, messages (each in 28 days),
        orders, margin, cost (each customer, whole period), left (share that opted out), left_low,
        left_high; against the lowest: net_gain, net_low, net_high (margin less cost, all at once),
        left_gain, left_gain_low, left_gain_high; before (orders in the year before).
    best
        The frequency that pays: the lowest of which none higher is shown to earn more.
    classes
        Customers by their messages in the last 28 days against it: class, customers, share.
    members
        customer_id, messages, class.
    balance_p
        Chance that drawn variants differ as much in orders before they began.
    """

    doses: pd.DataFrame
    best: str
    classes: pd.DataFrame
    members: pd.DataFrame
    balance_p: float


def measure(
    tables: Tables, contacts: Contacts, *, variants: tuple[str, ...], confidence: float = 0.95
) -> DoseCurve:
    """Return the dose curve of ``variants``, which were drawn at random for each customer.

    Raises
    ------
    NotApplicable
        If no variants were drawn, if fewer than two had enough customers, or if customers of the
        variants bought differently before.
    """
    if not variants or "variant" not in contacts.known:
        raise NotApplicable(
            "The frequency of messages was not randomised: who gets more of them differs from who "
            "gets fewer, so a dose curve would be confounded, and nobody is called saturated."
        )
    people = _people(tables, contacts, variants).to_pandas()
    sizes = people.groupby("variant").size()
    kept = sizes[sizes >= FEWEST_CUSTOMERS].index
    if len(kept) < 2:
        raise NotApplicable(
            f"Fewer than two of the drawn frequencies reached {FEWEST_CUSTOMERS} customers who had "
            "bought before."
        )
    people = people[people["variant"].isin(kept)]
    balance = _balance(people)
    if balance < _UNLIKE:
        raise NotApplicable(
            "Customers of the frequencies that are said to be drawn at random bought differently "
            "before they began; they are not comparable."
        )
    doses = _doses(people, contacts.period.days, confidence)
    best = _best(doses)
    members = _members(contacts, doses, best)
    counts = members.groupby("class").size().reindex([UNDER, ON_TARGET, SATURATED], fill_value=0)
    classes = pd.DataFrame(
        {"class": counts.index, "customers": counts.to_numpy(),
         "share": counts.to_numpy() / max(len(members), 1)}
    )  # fmt: skip
    return DoseCurve(doses, best, classes, members, balance)


def _people(tables: Tables, contacts: Contacts, variants: tuple[str, ...]) -> ibis.Table:
    """Return customer_id, variant, messages, cost, left, orders, margin, before."""
    rows = contacts.rows.filter(contacts.rows.variant.isin(variants))
    each = rows.group_by("customer_id").agg(
        variant=rows.variant.min(),
        variants=rows.variant.nunique(),
        messages=rows.count(),
        cost=rows.cost_cents.sum() / 100,
        left=rows.unsubscribed.max(),
    )
    each = each.filter(each.variants == 1)
    start = midnight(contacts.period.start)
    orders = order_times(tables)
    earlier = orders.filter(orders["at"] < start, orders["at"] >= start - ibis.interval(days=364))
    before = earlier.group_by("customer_id").agg(before=earlier.count())
    lines = lines_in(tables, contacts.period)
    sold = lines.filter(lines.customer_id.notnull())
    bought = sold.group_by("customer_id").agg(
        margin=sold.margin_micros.sum() / MICROS,
        orders=sold.order_id.nunique(where=sold.quantity > 0),
    )
    both = each.join(before, "customer_id").left_join(bought, "customer_id")
    return both.select(
        "customer_id", "variant", "messages", "left", "before", cost=both.cost.cast("float64"),
        margin=ibis.coalesce(both.margin, 0).cast("float64"), orders=ibis.coalesce(both.orders, 0),
    ).order_by("customer_id")  # fmt: skip


def _balance(people: pd.DataFrame) -> float:
    """Return the p of equal orders before, by a one-way analysis of variance of their logarithm."""
    from scipy.stats import f_oneway

    groups = [np.log1p(part["before"].to_numpy(float)) for _, part in people.groupby("variant")]
    p = float(f_oneway(*groups).pvalue)
    return p if np.isfinite(p) else 1.0


def _doses(people: pd.DataFrame, days: int, confidence: float) -> pd.DataFrame:
    from analysis.stats.proportions import newcombe, wilson_interval

    # Orders before cannot be changed by messages after: they take their part of the noise away.
    people = people.assign(net=people["margin"] - people["cost"])
    past = np.log1p(people["before"].to_numpy(float))
    slope = np.cov(past, people["net"])[0, 1] / max(past.var(ddof=1), 1e-12)
    people = people.assign(adjusted=people["net"] - slope * (past - past.mean()))
    groups = {str(name): part for name, part in people.groupby("variant")}
    order = sorted(groups, key=lambda name: float(groups[name]["messages"].mean()))
    lowest = groups[order[0]]
    z = normal_quantile(1 - (1 - confidence) / (len(order) - 1))
    rows = []
    for name in order:
        part = groups[name]
        n, left = len(part), int(part["left"].sum())
        low, high = (float(np.ravel(e)[0]) for e in wilson_interval(left, n, confidence=confidence))
        gain = part["adjusted"].mean() - lowest["adjusted"].mean()
        error = np.sqrt(part["adjusted"].var() / n + lowest["adjusted"].var() / len(lowest))
        quits = newcombe(left, n, lowest["left"].sum(), len(lowest), z=z)
        own = name == order[0]
        rows.append(
            (
                name, n, part["messages"].mean() * _MONTH / days, part["orders"].mean(),
                part["margin"].mean(), part["cost"].mean(), left / n, low, high,
                *((np.nan,) * 6 if own else (gain, gain - z * error, gain + z * error,
                                             *(float(v) for v in quits))),
                part["before"].mean(),
            )
        )  # fmt: skip
    names = ["variant", "customers", "messages", "orders", "margin", "cost", "left", "left_low",
             "left_high", "net_gain", "net_low", "net_high", "left_gain", "left_gain_low",
             "left_gain_high", "before"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _best(doses: pd.DataFrame) -> str:
    """Return the highest frequency that is shown to earn more than the lowest, else the lowest.

    Of several, the one with the largest gain.
    """
    shown = doses[doses["net_low"] > 0]
    if shown.empty:
        return str(doses["variant"].iloc[0])
    return str(shown.sort_values("net_gain", ascending=False)["variant"].iloc[0])


def _members(contacts: Contacts, doses: pd.DataFrame, best: str) -> pd.DataFrame:
    """Return customers of the period with their messages in the last 28 days and their class."""
    rows = contacts.rows
    since = midnight(contacts.period.end) - ibis.interval(days=int(_MONTH))
    each = rows.group_by("customer_id").agg(
        messages=(rows["at"] >= since).cast("int64").sum(), left=rows.unsubscribed.max()
    )
    people = each.filter(each.left == 0).order_by("customer_id").to_pandas()
    place = int(doses.index[doses["variant"] == best][0])
    dose = doses["messages"].to_numpy(float)
    upper = np.sqrt(dose[place] * dose[place + 1]) if place + 1 < len(dose) else np.inf
    lower = np.sqrt(dose[place] * dose[place - 1]) if place else 0.0
    n = people["messages"].to_numpy(float)
    klass = np.where(n > np.ceil(upper), SATURATED, np.where(n < np.floor(lower), UNDER, ON_TARGET))
    return people.assign(**{"class": klass})[["customer_id", "messages", "class"]]

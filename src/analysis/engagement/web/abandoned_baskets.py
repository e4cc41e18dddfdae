"""Baskets left: who put something in, ordered nothing since, and what it was."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import pandas as pd

from analysis.engagement.web.clickstream import Clickstream
from analysis.engagement.web.sessionisation import shares
from analysis.errors import NotApplicable
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

OCCASION = "abandoned basket"


@dataclass(frozen=True)
class AbandonedBaskets:
    """Baskets left.

    Parameters
    ----------
    customers
        One customer a row, who left a basket in the last days and bought nothing since:
        customer_id, occasion, due_on, product_id (the dearest in it), value (of the basket).
    returns
        One row a reach of days: days, baskets (left by known customers, that long before the
        end), bought (share whose customer ordered within them, by any channel and without our
        doing) with low, high.
    baskets, known
        Sessions of the last days that left a basket, and those of them whose customer is known.
    days
        How long ago a basket may have been left.
    """

    customers: pd.DataFrame
    returns: pd.DataFrame
    baskets: int
    known: int
    days: int


def abandoned_baskets(
    web: Clickstream, *, days: int = 14, reaches: tuple[int, ...] = (1, 7), confidence: float = 0.95
) -> AbandonedBaskets:
    """Return the baskets left lately, and how many of those left before were bought after all.

    A basket is left where a session holds one and no order. Its customer is the session's, at any
    of its views. A customer with an order after it, by any channel, is not listed; of several
    baskets the last counts.

    Raises
    ------
    NotApplicable
        If page_views tells no baskets, or names no customer.
    """
    if 3 not in web.steps:
        raise NotApplicable("Baskets left are not known: page_views has no column event.")
    sessions = web.sessions
    left = sessions.filter(sessions.step_3, ~sessions.step_5)
    recent = left.filter(left.ended_at >= midnight(web.period.end) - ibis.interval(days=days))
    counts = recent.aggregate(n=recent.count(), known=recent.customer_seen.count()).execute()
    after = _later_orders(web, left)
    return AbandonedBaskets(
        customers=_listed(web, after, days),
        returns=_returns(web, after, reaches, confidence),
        baskets=int(counts["n"].iloc[0]),
        known=int(counts["known"].iloc[0]),
        days=days,
    )


def _later_orders(web: Clickstream, left: ibis.Table) -> ibis.Table:
    """Return the baskets of known customers with the time of the customer's next order."""
    lines = web.tables.order_lines
    orders = lines.filter(
        lines.customer_id.notnull(), lines.quantity > 0,
        lines.ordered_at >= midnight(web.period.start), lines.ordered_at < midnight(web.period.end),
    ).select(buyer="customer_id", ordered_at="ordered_at").distinct()  # fmt: skip
    known = left.filter(left.customer_seen.notnull()).select(
        "who", "session_no", "started_at", "basket_at", "customer_seen"
    )
    joined = known.left_join(
        orders, [known.customer_seen == orders.buyer, orders.ordered_at >= known.basket_at]
    )
    return joined.group_by("who", "session_no", "customer_seen", "basket_at").aggregate(
        next_at=joined.ordered_at.min()
    )


def _returns(
    web: Clickstream, after: ibis.Table, reaches: tuple[int, ...], confidence: float
) -> pd.DataFrame:
    rows = []
    for days in reaches:
        reach = ibis.interval(days=days)
        asked = after.filter(after.basket_at <= midnight(web.period.end) - reach)
        asked = asked.mutate(one=ibis.literal(True), clock=asked.who).drop("who")
        asked = asked.rename(who="customer_seen")
        came = (asked.next_at <= asked.basket_at + reach).fill_null(False)
        found = shares(asked, {"came": (came, asked.one)}, confidence=confidence).iloc[0]
        rows.append((days, int(found["trials"]), found["share"], found["low"], found["high"]))
    return pd.DataFrame(rows, columns=["days", "baskets", "bought", "low", "high"])


def _listed(web: Clickstream, after: ibis.Table, days: int) -> pd.DataFrame:
    """Return the customers to write to, with what they left."""
    columns = ["customer_id", "occasion", "due_on", "product_id", "value"]
    if not web.has("product_id"):
        return pd.DataFrame(columns=columns)
    since = midnight(web.period.end) - ibis.interval(days=days)
    last = ibis.row_number().over(
        group_by="customer_seen", order_by=[ibis.desc("basket_at"), "who", "session_no"]
    )
    waiting = after.filter(after.next_at.isnull(), after.basket_at >= since).mutate(place=last)
    waiting = waiting.filter(waiting.place == 0).rename(who_="who", no_="session_no")
    views = web.views.filter(web.views.step == 3, web.views.product_id.notnull())
    inside = views.inner_join(waiting, [views.who == waiting.who_, views.session_no == waiting.no_])
    goods = inside.select(customer="customer_seen", product_id="product_id").distinct()
    prices = _prices(web)
    priced = goods.left_join(prices, goods.product_id == prices.sold).drop("sold")
    found = priced.execute().rename(columns={"customer": "customer_id"})
    found["price"] = found["price"].astype("float64").round(2)
    found = found.sort_values(
        ["customer_id", "price", "product_id"], ascending=[True, False, True], ignore_index=True
    )
    table = found.groupby("customer_id", as_index=False, sort=True).agg(
        product_id=("product_id", "first"), value=("price", "sum")
    )
    due = pd.Timestamp(web.period.end)
    return table.assign(occasion=OCCASION, due_on=due, value=table["value"].round(2))[columns]


def _prices(web: Clickstream) -> ibis.Table:
    """Return what a unit of each product brought over the last weeks."""
    recent = Period.before(web.period.end, days=min(91, web.period.days))
    lines = web.tables.order_lines
    sold = lines.filter(
        lines.quantity > 0,
        lines.ordered_at >= midnight(recent.start),
        lines.ordered_at < midnight(recent.end),
    )
    return sold.group_by(sold="product_id").aggregate(
        price=sold.net_amount.sum().cast("float64") / sold.quantity.sum()
    )

"""Customers who joined within the data: whose first days are all seen.

The day of joining tells new customers from old ones who are seen late. Where it is not kept, a
customer counts as new who is first seen a quarter or more after the data begin.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_FOLLOWED
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Tables that tell of a loyalty programme.
LOYALTY_TABLES = ("points", "tiers", "referrals", "subscriptions", "stored_value", "interactions")

#: Days from the start of the data in which a first purchase may be anybody's.
QUIET_DAYS = 90


def loyalty_tables(tables: Tables) -> list[str]:
    """Return which tables of a loyalty programme the study has; NotApplicable if none."""
    found = [name for name in LOYALTY_TABLES if name in tables]
    if not found:
        raise NotApplicable(
            "This study has no loyalty programme: none of the tables points, tiers, referrals, "
            "subscriptions, stored_value and interactions."
        )
    return found


def starts(tables: Tables, *, as_of: date) -> ibis.Table:
    """Return new customers and the day of their first purchase: customer_id, first_on."""
    lines = tables.order_lines
    bought = lines.filter(
        lines.customer_id.notnull(), lines.net_amount > 0, lines.ordered_at < midnight(as_of)
    )
    first = bought.group_by("customer_id").agg(first_on=bought.ordered_at.min().date())
    begins = tables.order_lines.ordered_at.min().to_pandas()
    if begins is None or begins != begins:
        raise NotApplicable(f"There are no orders before {as_of}.")
    start = pd.Timestamp(begins).date()
    if tables.has("customers", "joined_on"):
        people = tables.customers
        new = people.filter(people.joined_on >= ibis.date(start.isoformat()))
        return first.semi_join(new, "customer_id")
    since = start + timedelta(days=QUIET_DAYS)
    return first.filter(first.first_on >= ibis.date(since.isoformat()))


def second_purchases(tables: Tables, *, as_of: date) -> pd.DataFrame:
    """Return new customers with the days to their second purchase day, as a return curve takes it.

    Returns
    -------
    pandas.DataFrame
        customer_id, first_on, days (to the second purchase day, or to ``as_of`` where it has not
        come), came_back.

    Raises
    ------
    NotApplicable
        If too few customers are new.
    """
    new, lines = starts(tables, as_of=as_of), tables.order_lines
    bought = lines.filter(lines.net_amount > 0, lines.ordered_at < midnight(as_of))
    days = bought.select("customer_id", day=bought.ordered_at.date()).distinct()
    later = days.inner_join(new, "customer_id")
    later = later.filter(later.day > later.first_on)
    second = later.group_by("customer_id").agg(second_on=later.day.min())
    frame = new.left_join(second, "customer_id").select("customer_id", "first_on", "second_on")
    found = frame.order_by("customer_id").to_pandas()
    if len(found) < FEWEST_FOLLOWED:
        raise NotApplicable(
            f"Newcomers cannot be followed: fewer than {FEWEST_FOLLOWED} customers ({len(found)}) "
            "joined within the data."
        )
    came = found["second_on"].notna()
    until = pd.to_datetime(found["second_on"]).fillna(pd.Timestamp(as_of))
    waited = (until - pd.to_datetime(found["first_on"])).dt.days
    return found[["customer_id", "first_on"]].assign(days=waited, came_back=came)

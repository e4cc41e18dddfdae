"""Members against others, and those who take part in the club's life against those who do not.

Nobody was made a member at random: every difference here is selection until a test says otherwise,
but for an invitation that was given at random. The day of joining tells new customers from old
ones who are seen late. Where it is not kept, a customer counts as new who is first seen a quarter
or more after the data begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.loyalty import matched_groups
from analysis.engagement.loyalty.matched_groups import Matched
from analysis.errors import NotApplicable
from analysis.stats import resampling
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.proportions import newcombe
from analysis.stats.sizes import FEWEST_FOLLOWED, FEWEST_OF_A_SIDE
from analysis.tables.lines import lines_in, midnight
from analysis.tables.margin import cents
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Strands of club life, by the kinds of interactions that belong to each.
STRANDS = {
    "education (guides, videos, training)": ("guide", "video", "training"),
    "community (posts, replies, shares, likes)": ("post", "reply", "share", "like"),
    "games and check-ins": ("game", "check_in"),
}


@dataclass(frozen=True)
class Invitation:
    """A randomised invitation: take-up and sales of those invited against the others.

    Parameters
    ----------
    arms
        promotion_id, name, invited, others, took_part, took_part_others, uptake, uptake_low,
        uptake_high, effect (sales per customer, invited less others), low, high, days.
    """

    arms: pd.DataFrame


def members_against_others(
    tables: Tables, *, as_of: date, days: int = 182, confidence: float = 0.95
) -> Matched:
    """Compare sales of members and others in the ``days`` before, alike in the same days earlier.

    Members are those with a movement of points, or a tier, before the outcome begins.
    """
    last = Period.before(as_of, days=days)
    people = _history(tables, last)
    members: set[str] = set()
    if "points" in tables:
        rows = tables.points
        members |= _ids(rows.filter(rows.posted_at < midnight(last.start)))
    if "tiers" in tables:
        rows = tables.tiers
        members |= _ids(rows.filter(rows.valid_from < ibis.date(last.start.isoformat())))
    return _compared(people, members, confidence)


def club_life(
    tables: Tables, *, as_of: date, days: int = 182, confidence: float = 0.95
) -> pd.DataFrame:
    """Compare sales after taking part, strand by strand, with those of like customers.

    Taking part is counted in the ``days`` before the outcome's ``days``; alike are customers who
    bought the same in the days before the outcome.

    Returns
    -------
    pandas.DataFrame
        strand, interactions, the fields of `Matched`, reason (where it cannot be compared).

    Raises
    ------
    NotApplicable
        If the study has no interactions.
    """
    last = Period.before(as_of, days=days)
    people, before = _history(tables, last), last.previous()
    rows = tables.interactions
    seen = rows.filter(rows.at >= midnight(before.start), rows.at < midnight(before.end))
    found = []
    for strand, kinds in STRANDS.items():
        mine = seen.filter(seen.kind.isin(kinds))
        told = {"strand": strand, "interactions": int(mine.count().to_pandas()), "reason": ""}
        try:
            found.append(told | vars(_compared(people, _ids(mine), confidence)))
        except NotApplicable as reason:
            found.append(told | {"reason": str(reason)})
    return pd.DataFrame(found)


def invitation(
    tables: Tables, *, as_of: date, days: int = 182, confidence: float = 0.95, seed: int = 0
) -> Invitation:
    """Return what randomised invitations did, by intention to treat.

    A promotion is an invitation where interactions belong to it and its arms were drawn at random.
    """
    tables.require("interactions", "assignments")
    lots = tables.interactions
    if "promotion_id" not in lots.columns:
        raise NotApplicable("No interaction says which invitation it belongs to.")
    named = lots.filter(lots.promotion_id.notnull(), lots.at < midnight(as_of))
    took = named.select("promotion_id", "customer_id").distinct()
    arms = tables.assignments.filter(tables.assignments.randomised)
    arms = arms.semi_join(took, "promotion_id")
    frame = arms.left_join(
        took.mutate(part=ibis.literal(True)), ["promotion_id", "customer_id"]
    ).select("promotion_id", "customer_id", "arm", "assigned_at", "part")
    people = frame.order_by("promotion_id", "customer_id").to_pandas()
    found = [_intention(tables, key, mine, as_of, days, confidence, seed)
             for key, mine in people.groupby("promotion_id")]  # fmt: skip
    told = [one for one in found if one]
    if not told:
        raise NotApplicable("No invitation to an interaction was given at random.")
    return Invitation(pd.DataFrame(told))


def _intention(
    tables: Tables,
    key: object,
    people: pd.DataFrame,
    as_of: date,
    days: int,
    confidence: float,
    seed: int,
) -> dict[str, object] | None:
    invited = (people["arm"] != "control").to_numpy()
    if min(invited.sum(), (~invited).sum()) < FEWEST_OF_A_SIDE:
        return None
    start = pd.to_datetime(people["assigned_at"]).min().date()
    period = Period(start, min(start + timedelta(days=days), as_of))
    net = _totals(tables, period).set_index("customer_id")["net"]
    spent = net.reindex(people["customer_id"]).fillna(0.0).to_numpy(float)
    part = people["part"].fillna(False).to_numpy(bool)
    hits, sizes = ([int(x[side].sum()) for side in (invited, ~invited)]
                   for x in (part, np.ones(len(part))))  # fmt: skip
    uptake = newcombe(hits[0], sizes[0], hits[1], sizes[1], z=normal_quantile(confidence))
    low, high = resampling.by_buckets(
        spent[invited], spent[~invited], confidence=confidence, seed=seed
    )
    return {
        "promotion_id": key, "invited": sizes[0], "others": sizes[1], "took_part": hits[0],
        "took_part_others": hits[1],
        **dict(zip(("uptake", "uptake_low", "uptake_high"), map(_first, uptake), strict=True)),
        "effect": float(spent[invited].mean() - spent[~invited].mean()),
        "low": low, "high": high, "days": period.days,
    }  # fmt: skip


def _first(value: object) -> float:
    return float(np.atleast_1d(np.asarray(value, float))[0])


def _ids(rows: ibis.Table) -> set[str]:
    return set(rows.select("customer_id").distinct().to_pandas()["customer_id"])


def _compared(people: pd.DataFrame, group: set[str], confidence: float) -> Matched:
    history = people[["orders_before", "net_before", "days_since"]]
    return matched_groups.compare(
        people["customer_id"].isin(group), people["net"], history, confidence=confidence
    )


def _history(tables: Tables, last: Period) -> pd.DataFrame:
    """Return everyone who bought in the days before ``last``: what, how lately, and what after."""
    before = last.previous()
    earlier = _totals(tables, before).rename(
        columns={"net": "net_before", "orders": "orders_before"}
    )
    people = earlier.merge(
        _totals(tables, last)[["customer_id", "net"]], on="customer_id", how="left"
    ).fillna({"net": 0.0})
    since = (pd.Timestamp(before.end) - pd.to_datetime(people["last_on"])).dt.days
    return people.assign(days_since=since.to_numpy(float))


def _totals(tables: Tables, period: Period) -> pd.DataFrame:
    lines = lines_in(tables, period)
    known = lines.filter(lines.customer_id.notnull())
    sums = known.group_by("customer_id").agg(
        net=cents(known.net_amount).sum().cast("int64"),
        orders=known.order_id.nunique(),
        last_on=known.ordered_at.max().date(),
    )
    frame = sums.order_by("customer_id").to_pandas()
    return frame.assign(net=frame["net"] / 100)


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

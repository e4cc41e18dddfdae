"""Whether exposure fits the arms: assigned before the start, control left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.promotions.outcomes import CONTROL

if TYPE_CHECKING:
    import ibis

    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Exposure:
    """Customers of one promotion whose exposure does not fit their arm.

    Parameters
    ----------
    customers
        Assigned.
    late
        Assigned after 00:00 of the first day, or after being contacted for it. A log that knows
        days only gives 00:00, which is before the promotion could reach anybody.
    control_reached
        Of control: contacted for it, or redeemed it.
    control
        Customers in control.
    twice
        In more than one arm.
    elsewhere
        At the same time in another promotion that chose its customers.
    """

    customers: int
    late: int
    control_reached: int
    control: int
    twice: int
    elsewhere: int


def count(tables: Tables) -> dict[str, Exposure]:
    """Count, promotion by promotion, whose exposure does not fit their arm."""
    given = tables.assignments.left_join(
        tables.promotions.select("promotion_id", "starts_on", "ends_on"), "promotion_id"
    ).drop("promotion_id_right")
    reached = _reached(tables)
    rows = given.left_join(reached, ["promotion_id", "customer_id"])
    rows = rows.drop("promotion_id_right", "customer_id_right")
    late = (rows.assigned_at > rows.starts_on.cast("timestamp")) | (
        rows.contacted_at < rows.assigned_at
    )
    control = rows.arm == CONTROL
    counted = rows.group_by("promotion_id").agg(
        rows=rows.count(),
        customers=rows.customer_id.nunique(),
        late=late.fill_null(False).cast("int64").sum(),
        control=control.cast("int64").sum(),
        control_reached=(control & rows.reached.notnull()).cast("int64").sum(),
    )
    elsewhere = _elsewhere(given)
    found = counted.left_join(elsewhere, "promotion_id").drop("promotion_id_right")
    found = found.mutate(elsewhere=found.elsewhere.fill_null(0))
    found = found.order_by("promotion_id").to_pandas()
    return {row["promotion_id"]: _exposure(row) for row in found.to_dict("records")}


def _exposure(row: dict[str, Any]) -> Exposure:
    return Exposure(
        customers=int(row["customers"]),
        late=int(row["late"]),
        control_reached=int(row["control_reached"]),
        control=int(row["control"]),
        twice=int(row["rows"]) - int(row["customers"]),
        elsewhere=int(row["elsewhere"]),
    )


def _reached(tables: Tables) -> ibis.Table:
    """Return who was contacted for, or redeemed, which promotion, and when first contacted."""
    import ibis

    keys = ["promotion_id", "customer_id"]
    parts = []
    if tables.has("contacts", "promotion_id"):
        sent = tables.contacts.filter(tables.contacts.promotion_id.notnull())
        parts.append(sent.select(*keys, contacted_at=sent.sent_at))
    if "redemptions" in tables:
        used = tables.redemptions
        parts.append(used.select(*keys, contacted_at=ibis.null("timestamp(6)")))
    if not parts:
        none = tables.assignments.limit(0).select(*keys)
        parts = [none.mutate(contacted_at=ibis.null("timestamp(6)"))]
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return rows.group_by(*keys).agg(contacted_at=rows.contacted_at.min(), reached=rows.count())


def _elsewhere(given: ibis.Table) -> ibis.Table:
    """Count customers who were at the same time in a promotion that chose its customers."""
    import ibis

    columns = ["customer_id", "promotion_id", "starts_on", "ends_on"]
    chosen = given.filter(~given.randomised, given.arm != CONTROL).select(*columns)
    chosen = chosen.rename(other="promotion_id", other_from="starts_on", other_to="ends_on")
    both = given.select(*columns).join(chosen, "customer_id")
    both = both.filter(
        both.promotion_id != both.other,
        both.starts_on <= both.other_to,
        both.ends_on >= both.other_from,
    )
    pairs = both.select("promotion_id", "customer_id").distinct()
    return pairs.group_by("promotion_id").agg(elsewhere=ibis._.count())

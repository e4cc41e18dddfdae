"""What a retailer looks for in order lines and orders, one rule each.

A rule is a predicate over the rows and what to do about those it finds. All rules over the same
rows are counted in one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis

from analysis.tables.margin import cents


@dataclass(frozen=True)
class Rule:
    """One thing to look for.

    Parameters
    ----------
    check
        What is looked for, as it is read.
    topic
        completeness, validity, uniqueness, keys, guests or returns.
    found
        Predicate over the rows.
    advice
        What to do about the rows found.
    needs
        Columns without which the rule says nothing.
    limit
        Share of rows or of net amount above which the finding needs a decision.
    absence
        What to do if there is none, where that is the suspicious result.
    amount
        Money at stake on a row found, in cents; its net amount by default.
    """

    check: str
    topic: str
    found: Callable[[ibis.Table], ibis.Value]
    advice: str
    needs: tuple[str, ...] = ()
    limit: float = 0.01
    absence: str | None = None
    amount: Callable[[ibis.Table], ibis.Value] | None = None


def _list_differs(r: ibis.Table) -> ibis.Value:
    return cents(r.list_amount) != cents(r.net_amount) + cents(r.discount_amount)


def _unpaid(r: ibis.Table) -> ibis.Value:
    return cents(r.net_amount) - cents(r.coupon_amount)


LINE_RULES = (
    Rule(
        "Line without a customer (guest)",
        "guests",
        lambda r: r.customer_id.isnull(),
        "Kept in sales; left out wherever customers are counted.",
        limit=0.5,
        absence="Every line has a customer: sales to people without a card are not in the data, "
        "so totals are those of card holders.",
    ),
    Rule(
        "Line whose product is not in the catalogue",
        "keys",
        lambda r: r.in_catalogue == 0,
        "Kept, shown as (unknown product); complete the catalogue.",
        needs=("in_catalogue",),
    ),
    Rule(
        "Line whose customer is not in the customer table",
        "keys",
        lambda r: r.customer_id.notnull() & (r.in_register == 0),
        "Kept; their attributes are unknown. Complete the customer table.",
        needs=("in_register",),
    ),
    Rule(
        "Line worth nothing",
        "validity",
        lambda r: r.net_amount == 0,
        "Kept: no quantity, free goods, or a discount of 100 %. Lines, but no sales.",
    ),
    Rule(
        "Line with quantity zero",
        "validity",
        lambda r: r.quantity == 0,
        "Kept; no price a unit can be taken from them.",
    ),
    Rule(
        "Coupon worth more than the line",
        "validity",
        lambda r: (_unpaid(r) < 0) & (r.quantity >= 0),
        "Kept: the shopper paid less than nothing for the line. The amount is what was paid.",
        needs=("coupon_amount",),
        amount=_unpaid,
    ),
    Rule(
        "List amount is not net plus discount",
        "validity",
        _list_differs,
        "Ask which of the three is wrong; discounts cannot be trusted on these lines.",
        needs=("list_amount", "discount_amount"),
        limit=0.0,
    ),
    Rule(
        "Discount below zero on a sale",
        "validity",
        lambda r: (r.discount_amount < 0) & (r.quantity >= 0),
        "A surcharge, or a wrong sign: ask the source.",
        needs=("discount_amount",),
        limit=0.0,
    ),
    Rule(
        "Quantity that does not count units",
        "validity",
        lambda r: ~r.counted,
        "Litres, cents or weights: such a line counts as one item, whatever its quantity.",
        needs=("counted",),
        limit=1.0,
    ),
    Rule(
        "Return",
        "returns",
        lambda r: (r.quantity < 0) | (r.net_amount < 0),
        "Netted against sales.",
        limit=0.25,
        absence="No retailer has no returns: they were left out or netted at the source, and net "
        "sales may be overstated. Ask.",
    ),
    Rule(
        "Quantity and amount with opposite signs",
        "validity",
        lambda r: r.quantity * cents(r.net_amount) < 0,
        "A sale that pays out or a return that pays in: ask the source.",
        limit=0.0,
    ),
    Rule(
        "Time of day missing (midnight to the second)",
        "completeness",
        lambda r: (r.ordered_at.hour() + r.ordered_at.minute() + r.ordered_at.second()) == 0,
        "Hours of the day mean nothing for them.",
        limit=0.02,
    ),
    Rule(
        "Ordered on or after the report date",
        "freshness",
        lambda r: r.late,
        "Left out of every analysis.",
        limit=1.0,
    ),
)

ORDER_RULES = (
    Rule(
        "Basket worth nothing",
        "validity",
        lambda r: r.net == 0,
        "Kept; they count as orders and lower the average basket.",
    ),
    Rule(
        "Order with several customers",
        "uniqueness",
        lambda r: r.several_customers,
        "Order numbers are used twice, or lines are attached to the wrong customer.",
        limit=0.0,
    ),
    Rule(
        "Order in several stores",
        "uniqueness",
        lambda r: r.several_stores,
        "Order numbers may be unique by store only: build them from both.",
        needs=("several_stores",),
        limit=0.0,
    ),
    Rule(
        "Order on several days",
        "uniqueness",
        lambda r: r.several_days,
        "Order numbers are used again, or lines are written at delivery.",
        limit=0.0,
    ),
)

"""What a promotion is measured by, and what customers are compared on before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import ibis

Kind = Literal["mean", "share", "ratio"]


@dataclass(frozen=True)
class Measure:
    """One measure of an arm.

    Parameters
    ----------
    key, label
        Name in tables, and in words.
    kind
        Mean a customer, share of customers, or ratio of two totals.
    money
        The measure is an amount of the currency.
    per
        Column of the ratio's denominator.
    """

    key: str
    label: str
    kind: Kind
    money: bool = False
    per: str = ""


#: All are by assignment: those who never came count as zero.
MEASURES = (
    Measure("margin", "Margin a customer", "mean", money=True),
    Measure("net", "Net sales a customer", "mean", money=True),
    Measure("orders", "Orders a customer", "mean"),
    Measure("units", "Units a customer", "mean"),
    Measure("discount", "Discount a customer", "mean", money=True),
    Measure("converted", "Customers who bought", "share"),
    Measure("participated", "Customers who bought the offer", "share"),
    Measure("redeemed", "Customers who redeemed", "share"),
    Measure("basket", "Net sales an order", "ratio", money=True, per="orders"),
    Measure("margin_to_date", "Margin with the weeks after", "mean", money=True),
    Measure("category", "Margin of the category on offer", "mean", money=True),
    Measure("category_to_date", "The same with the weeks after", "mean", money=True),
    Measure("rivals", "Margin of its other products", "mean", money=True),
    Measure("offered_after", "Margin of the offer, weeks after", "mean", money=True),
)
BY_KEY = {measure.key: measure for measure in MEASURES}

#: What was known of every customer before the first day.
COVARIATES = ("before_margin", "before_orders", "before_net", "before_offered_orders")

#: Columns of moments that all measures and adjustments are computed from.
COLUMNS = (
    *("margin", "net", "orders", "units", "discount", "margin_to_date"),
    *("category", "category_to_date", "rivals", "offered_after"),
    *("converted", "participated", "redeemed"),
    *COVARIATES,
)


def measured(rows: ibis.Table) -> ibis.Table:
    """Add what `MEASURES` needs to ``outcomes.compute``: shares as 0 and 1, and sums over time."""
    import ibis

    return rows.mutate(
        converted=(rows.orders > 0).cast("int64"),
        participated=(rows.offered_orders > 0).cast("int64"),
        redeemed=(ibis.coalesce(rows.redemptions, 0) > 0).cast("int64"),
        margin_to_date=rows.margin + rows.after_margin,
        category=rows.offered_margin + rows.rival_margin,
        category_to_date=rows.offered_margin
        + rows.rival_margin
        + rows.after_offered_margin
        + rows.after_rival_margin,
        rivals=rows.rival_margin,
        offered_after=rows.after_offered_margin,
    )

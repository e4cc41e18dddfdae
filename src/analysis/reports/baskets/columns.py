"""Columns of the tables of baskets and sequences."""

from __future__ import annotations

from analysis.reporting.notebook import formats, words
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def pairs(interval: str, *, within: bool = False) -> Columns:
    """Return the columns of pairs that hold; ``within``: marked where both are of one category."""
    marked = {"same_category": formats.mark("One category")} if within else {}
    return {
        "brief": formats.text("Who buys – also buys"),
        **marked,
        "gain": formats.money(0, "Extra margin"),
        "orders": formats.integer("Orders"),
        "lift": formats.number(1, "Lift"),
        "second_lift": formats.number(1, "2nd half"),
        "or_least": formats.number(1, "Odds ratio"),
        "or_least_low": formats.interval("or_least_high", 1, interval, unit=""),
    }


def doubts() -> Columns:
    """Return the columns of pairs that are not to be believed."""
    return {
        "brief": formats.text("Who buys – also buys"),
        "lift": formats.number(1, "Lift"),
        "second_lift": formats.number(1, "2nd half"),
        "or_least": formats.number(2, "Odds ratio"),
        "why": formats.text("Explained by"),
    }


def threes(interval: str) -> Columns:
    """Return the columns of sets of three against their pairs."""
    return {
        "label": formats.text("In one order"),
        "orders": formats.integer("Orders"),
        "expected": formats.integer("Expected"),
        "second_ratio": formats.number(2, "Ratio"),
        "second_low": formats.interval("second_high", 2, interval, unit=""),
        "holds": formats.mark("Holds"),
    }


def leading() -> Columns:
    """Return the columns of rules to one target."""
    return {
        "a": formats.text("Who buys"),
        "orders": formats.integer("Orders"),
        "confidence": formats.percent(1, "Confidence"),
        "lift": formats.number(1, "Lift"),
        "lift_low": formats.interval("lift_high", 1, "Interval of lift", unit=""),
    }


def substitutes() -> Columns:
    """Return the columns of ``Substitutes.table``."""
    return {
        "brief": formats.text("This – or that"),
        "both": formats.integer("Together"),
        "expected_size": formats.number(0, "Expected"),
        "buyers": formats.integer("Buyers of both"),
        "buyer_lift": formats.number(1, "Buyer lift"),
    }


def bundles(discount: str) -> Columns:
    """Return the columns of `bundles.bundles`."""
    return {
        "brief": formats.text("Bundle"),
        "orders": formats.integer("Orders"),
        "margin": formats.money(2, "Margin"),
        "margin_left": formats.money(2, f"at {discount} off"),
        "break_even": formats.percent(0, "Break-even"),
    }


def cross_sell() -> Columns:
    """Return the columns of `bundles.cross_sell`."""
    return {
        "a_name": formats.text("Buyers of"),
        "b_name": formats.text("Not yet of"),
        "segment": formats.text("Segment"),
        "open": formats.integer("Customers"),
        "reach": formats.percent(0, "Penetration"),
    }


def follow_ups(interval: str) -> Columns:
    """Return the columns of ``Following.table``."""
    return {
        "label": formats.text("First, then"),
        "matched": formats.integer("Buyers"),
        "difference": formats.points(1, "Difference"),
        "difference_low": formats.interval("difference_high", 1, interval, unit=words.POINTS),
        "write_on": formats.integer("Contact on day"),
    }


def sequences() -> Columns:
    """Return the columns of sequences against permuted visits."""
    return {
        "label": formats.text("Sequence"),
        "customers": formats.integer("Buyers"),
        "expected": formats.integer("Random order"),
        "ratio": formats.number(2, "Ratio"),
        "q": formats.p("q"),
    }


def rhythms() -> Columns:
    """Return the columns of ``Replenishment.items``."""
    return {
        "name": formats.text("Item"),
        "customers": formats.integer("Buyers"),
        "median_days": formats.integer("Median days"),
        "quarter_days": formats.interval("three_quarter_days", 0, "Quartiles", unit=""),
        "due_soon": formats.integer("Due within a week"),
    }


def recommenders(interval: str) -> Columns:
    """Return the columns of ``Evaluation.table``."""
    return {
        "recommender": formats.text("Recommender"),
        "chosen": formats.mark("Chosen"),
        "recall": formats.percent(1, "Recall"),
        "recall_low": formats.interval("recall_high", 1, interval),
        "ndcg": formats.number(3, "NDCG"),
        "coverage": formats.percent(0, "Coverage"),
        "novelty": formats.number(1, "Novelty, bits"),
    }


def recommendations() -> Columns:
    """Return the columns of recommendations."""
    return {
        "customer_id": formats.text("Customer"),
        "place": formats.integer("Place"),
        "item_name": formats.text("Product"),
        "why": formats.text("Why"),
    }


def offers(interval: str) -> Columns:
    """Return the columns of ``cannibalisation.at_risk``."""
    return {
        "offered_name": formats.text("On offer"),
        "other_name": formats.text("The other"),
        "gained": formats.integer("Orders gained"),
        "lost": formats.integer("Lost by the other"),
        "lost_low": formats.interval("lost_high", 0, interval, unit=""),
        "q": formats.p("q"),
    }


def first_orders(interval: str) -> Columns:
    """Return the columns of ``FirstBaskets.table``."""
    return {
        "name": formats.text("In the first order"),
        "customers": formats.integer("Buyers"),
        "difference": formats.money(2, "Difference", signed=True),
        "low": formats.interval("high", 2, interval, unit=""),
        "q": formats.p("q"),
    }


def shelves() -> Columns:
    """Return the columns of shelf groups, a row a group."""
    return {
        "members": formats.text("Bought together"),
        "orders": formats.integer("Orders"),
        "odds": formats.number(1, "Odds ratio"),
    }

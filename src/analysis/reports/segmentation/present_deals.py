"""How report 02 presents price buyers and relationship customers."""

from __future__ import annotations

import pandas as pd

from analysis.customers.deals import deal_proneness
from analysis.customers.deals.deal_proneness import Buyers
from analysis.reporting.notebook.presentation import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.segmentation import charts, columns, text, text_deals
from analysis.reports.segmentation.telling import describe
from analysis.tables.periods import Period


def _measured_on(report: Report) -> str:
    after = Period.before(report.as_of, days=report.params.holdout_days)
    return f"Kinds formed before, measured on {after}."


@presents()
def buyers(report: Report, attitude: Buyers, by_buyer: pd.DataFrame) -> None:
    """Show who buys for the price, and what they bring."""
    report.finding(**text_deals.buyers_finding(attitude))
    headline = text_deals.buyers_headline(by_buyer)
    report.headline(headline)
    report.chart(
        charts.buyers_map(attitude.table, attitude.threshold),
        alt="Dots of customers: share bought on offer over the place in margin, coloured by class. "
        + headline,
        caption="Shares shrunk towards the average; line: threshold. An even sample is drawn.",
    )
    describe(report, by_buyer, deal_proneness.MEANING)
    with report.detail("How kinds of buyers are told"):
        report.say(text_deals.buyers_rule(attitude))

    shown = columns.worth(report.interval, label="Kind")
    with report.detail("Kinds of buyers in figures"):
        report.table(text.enough(by_buyer), name="buyers", columns=shown, caption=report.margin)
    report.save(attitude.table, "buyer_shares")


@presents()
def buyers_next(report: Report, followed: pd.DataFrame, before: Period, after: Period) -> None:
    """Show what each kind did afterwards."""
    with report.detail("What each kind did next, and how it takes deeper offers"):
        report.headline(text_deals.buyers_next(followed))
        report.table(
            text.enough(followed),
            name="buyers_next",
            columns=columns.what_next(report.interval, label="Kind"),
            caption=f"Formed on {before}, followed on {after}.",
        )


@presents()
def reaction(report: Report, found: pd.DataFrame) -> None:
    """Show how each kind reacts to deeper discounts."""
    with report.detail("What each kind did next, and how it takes deeper offers"):
        report.headline(text_deals.reaction(found))
        report.table(
            found,
            name="price_reaction",
            columns=columns.reaction(report.interval),
            caption="Change of their part of a category's lines when its discount that week, as "
            f"all other customers got it, is ten points deeper. {_measured_on(report)}",
        )


@presents()
def stocked(report: Report, found: pd.DataFrame) -> None:
    """Show how many further units each kind takes of deeper offers."""
    with report.detail("What each kind did next, and how it takes deeper offers"):
        report.headline(text_deals.stocked(found))
        report.table(
            found,
            name="stocking_up",
            columns=columns.stocked(report.interval),
            caption="Units beyond the first of a discounted line, and how much more of them are "
            f"taken of an offer that is ten points deeper. {_measured_on(report)}",
        )


@presents()
def paused(report: Report, found: pd.DataFrame) -> None:
    """Show who ordered in the weeks without discounts."""
    with report.detail("What each kind did next, and how it takes deeper offers"):
        report.headline(text_deals.paused(found))
        report.table(
            found,
            name="discount_pause",
            columns=columns.paused(report.interval),
            caption="Weeks in which the shop gave hardly any discount, against as many before and "
            "after. Kinds formed on the year before these.",
        )

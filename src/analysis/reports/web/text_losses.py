"""What the report on visits says of slow pages, searches that lead nowhere and baskets left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.reporting.notebook import words
from analysis.reports.web.text import DISCOVERED
from analysis.stats.multiplicity import bonferroni, normal_quantile
from analysis.stats.sizes import FEWEST_FOLLOWED

if TYPE_CHECKING:
    from analysis.engagement.web.abandoned_baskets import AbandonedBaskets
    from analysis.engagement.web.page_faults import PageFaults
    from analysis.engagement.web.page_paths import SiteSearch

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def worst_fault(found: PageFaults) -> pd.Series | None:
    """Return the fault whose sessions order significantly less, the dearest; None without one."""
    table = found.costs
    known = table[(table["q"] <= DISCOVERED) & (table["difference"] < 0)]
    return None if known.empty else known.loc[known["orders"].idxmax()]


def faults_headline(found: PageFaults) -> str:
    """Return the dearest fault."""
    worst = worst_fault(found)
    if worst is None:
        return "No slow or failing page goes with fewer orders by more than chance"
    return (
        f"Sessions that met {_faulty(worst)} ordered less: "
        f"{words.percent(worst['with_fault'], 0)} against {words.percent(worst['without'], 0)}"
    )


def _faulty(row: pd.Series) -> str:
    return f"a {row['fault']} {row['page']}"


def faults_finding(found: PageFaults, confidence: float, currency: str) -> Fields | None:
    """Return the finding on the dearest fault; None where none stands out."""
    worst = worst_fault(found)
    if worst is None:
        return None
    known = worst["amount"] == worst["amount"]
    worth = f", worth {words.money(worst['amount'], 0, currency)}" if known else ""
    return {
        "key": "page_fault",
        "sentence": f"fewer of the sessions that met {_faulty(worst)} ended in an order than of "
        "others on like devices (no causal proof); were the fault the cause, "
        f"{words.count(round(worst['orders']), 'order')}{worth}",
        "value": -float(worst["difference"]), "low": -float(worst["high"]),
        "high": -float(worst["low"]), "unit": "points", "n": int(worst["met"]), "noun": "session",
        "direction": "up_bad", "alert": True, "level": confidence,
        "at_stake": float(worst["amount"]) if known else None, "observational": True,
        "otherwise": "whether the fault costs these orders stays unknown; a test on half of the "
        "visitors would tell",
    }  # fmt: skip


def faults_reading(found: PageFaults) -> str:
    """Return what the comparison is and is not."""
    price = (
        ""
        if found.order_value != found.order_value
        else " Amounts are orders fewer times the mean order that page views name, as if the fault "
        "were the cause."
    )
    return (
        f"Slow is {words.number(found.slow_ms)} ms or more, failing a status of 400 or more. "
        "Compared are sessions by their first view of the same page, on the same kind of device. "
        "Observational: "
        "who meets a slow page may have a poor line or an old device, and would order less anyway; "
        f"only a test that mends the page for half of the visitors can tell.{price}"
    )


def search_headline(found: SiteSearch) -> str:
    """Return the term that most often leads to no product."""
    whole = float(found.totals["share"])
    named = found.terms[found.terms["term"] != "(others)"]
    said = f"{words.percent(whole, 0)} of searches are followed by a product"
    wider = normal_quantile(bonferroni(0.95, max(len(named), 1))) / normal_quantile(0.95)
    poor = named[named["clicked"] + wider * (named["high"] - named["clicked"]) < whole]
    if poor.empty:
        return f"{said}, and no term stands out"
    worst = poor.iloc[0]
    return f"{said}; of those for “{worst['term']}”, {words.percent(worst['clicked'], 0)}"


def search_finding(found: SiteSearch, confidence: float) -> Fields | None:
    """Return the finding on searches that lead to no product; None of too few searches."""
    if found.totals["trials"] < FEWEST_FOLLOWED:
        return None
    row = found.totals
    return {
        "key": "search_without_click",
        "sentence": "of searches on the site are not followed by a product",
        "value": 1 - float(row["share"]), "low": 1 - float(row["high"]),
        "high": 1 - float(row["low"]), "unit": "%", "n": int(row["trials"]), "noun": "search",
        "direction": "up_bad", "level": confidence,
    }  # fmt: skip


def search_reading(found: SiteSearch) -> str:
    """Return what is not known of searches, and how sessions with one convert."""
    rates = found.conversion.set_index("searched")["conversion"]
    both = (
        f"Of sessions of two pages or more, {words.percent(rates[True])} of those with a search "
        f"and {words.percent(rates[False])} of those without end in an order, which is no effect "
        "of searching: whoever searches may want something already. "
        if {True, False} <= set(rates.index)
        else ""
    )
    return (
        both + "Page views hold no number of results: a search without a result is told only by "
        "the product that is not seen next. Terms of few visitors, and such that may name a "
        "person, stand together."
    )


def baskets_headline(found: AbandonedBaskets) -> str:
    """Return how many baskets were left and by whom."""
    return (
        f"{words.count(found.baskets, 'basket')} {'was' if found.baskets == 1 else 'were'} left in "
        f"the last {words.count(found.days, 'day')}; "
        f"{words.count(len(found.customers), 'known customer')} "
        f"{'has' if len(found.customers) == 1 else 'have'} bought nothing since"
    )


def baskets_finding(found: AbandonedBaskets, currency: str) -> Fields:
    """Return the finding on the baskets whose customers can be written to."""
    worth = float(found.customers["value"].astype("float64").sum())
    return {
        "key": "abandoned_baskets",
        "sentence": "is the price, one of each, of the products that page views name in the "
        f"baskets that known customers left in the last {found.days} days without buying since",
        "value": worth, "unit": currency, "n": len(found.customers), "noun": "customer",
    }  # fmt: skip


def baskets_reading(found: AbandonedBaskets) -> str:
    """Return how many come back by themselves, and what a reminder must beat."""
    said = (
        f"Of {words.count(found.known, 'basket')} whose customer is known (of "
        f"{words.number(found.baskets)} left), those whose customer ordered since, by any "
        "channel, are not listed."
    )
    given = found.returns[found.returns["baskets"] > 0]
    if given.empty:
        return said
    last = given.iloc[-1]
    return (
        f"{said} After {words.percent(last['bought'], 0)} of "
        f"{words.count(int(last['baskets']), 'basket')} left the customer ordered within "
        f"{int(last['days'])} days, whatever was sent: what a reminder adds is known only against "
        "customers who are randomly not reminded."
    )

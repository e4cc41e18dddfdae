"""The sentences of report 01 say what the numbers say, whatever these are."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.customers.segments.profile import Portrait
from analysis.demand.change.contribution import Movers
from analysis.demand.change.revenue_tree import RevenueTree
from analysis.quality.drift import Drift
from analysis.reporting.notebook.findings import Finding
from analysis.reports.profiling import columns, text, text_people, text_quality
from analysis.tables.comparison import Comparison
from analysis.tables.periods import Period

CURRENT = Period.before("2018-01-01", days=182)
COMPARED = Comparison(CURRENT, CURRENT.previous(), date(2017, 1, 1), date(2017, 12, 31), None)


def tree(contributions: list[float], *, reach: float = 5.0, before: float = 1000.0) -> RevenueTree:
    parts = np.array(contributions)
    factors = pd.DataFrame(
        {
            "factor": ["customers", "orders_per_customer", "items_per_order", "net_per_item"],
            "before": 1.0,
            "now": 1.1,
            "growth": parts / 1000,
            "growth_low": (parts - reach) / 1000,
            "growth_high": (parts + reach) / 1000,
            "contribution": parts,
            "low": parts - reach,
            "high": parts + reach,
        }
    )
    change = float(parts.sum())
    low, high = change - reach, change + reach
    return RevenueTree(factors, before, before + change, change, low, high, 50)


@pytest.mark.parametrize(
    ("contributions", "title"),
    [
        ([1.0, 1.0, 1.0, 40.0], "Sales grew 4.3 %: net per item rose"),
        ([-30.0, 0.0, 0.0, -20.0], "Sales fell 5.0 %: customers and net per item fell"),
        (
            [0.0, 0.0, -20.0, 21.0],
            "Net sales did not change significantly: net per item rose, items per order fell",
        ),
        ([0.0, 0.0, 1.0, 1.0], "Net sales did not change significantly"),
    ],
)
def test_the_title_is_the_finding(contributions: list[float], title: str) -> None:
    assert text.title(tree(contributions)) == title


def test_nothing_falls_by_more_than_all_of_it() -> None:
    """Returns beyond sales: from 100 to -4 is no fall of 104 %."""
    below = tree([-26.0] * 4, before=100.0)
    assert below.growth[:2] == (-1.0, -1.0)
    assert text.title(below).startswith("Sales fell 100.0 %")


def test_without_a_comparison_the_title_claims_nothing() -> None:
    assert text.title(None) == "Who buys what, and whether the data can be believed"


def test_findings_carry_intervals_and_alert_on_a_fall() -> None:
    fallen = Finding(**text.net_change(tree([-30.0, 0.0, 0.0, -20.0]), COMPARED, 0.95))
    assert (fallen.value, fallen.low, fallen.high) == pytest.approx((-0.05, -0.055, -0.045))
    assert fallen.alert
    level = Finding(**text.net_change(tree([0.0, 0.0, -20.0, 21.0]), COMPARED, 0.95))
    assert not level.alert
    assert "not significant" in level.sentence


def test_the_driver_is_the_largest_of_those_that_are_certain() -> None:
    found = Finding(**text.driver(tree([0.0, 3.0, -20.0, 8.0]), "USD", 0.95))
    assert found.sentence == "change of items per order, worth −$ 20."
    unsure = Finding(**text.driver(tree([0.0, 3.0, 0.0, 1.0]), "USD", 0.95))
    assert "not significant" in unsure.sentence


def bridge(**changes: float) -> pd.DataFrame:
    groups = [name.replace("_", " ") for name in changes]
    frame = pd.DataFrame({"group": groups, "change": list(changes.values()), "customers": 7})
    kept = frame["group"].str.startswith("buying")
    return frame.assign(
        low=frame["change"] - 1,
        high=frame["change"] + 1,
        by_chance=np.where(kept, frame["change"] / 2, np.nan),
    )


def test_the_bridge_says_how_much_of_it_is_noise() -> None:
    made = bridge(lost=-1.0, buying_less=-50.0, buying_more=48.0, new=1.0)
    told = text.bridge_headline(made, "USD")
    assert (
        told
        == "Kept customers make 98 % of the ups and downs; 50 % of that is week-to-week variation"
    )
    assert "do not reach back far enough" in text.bridge_paragraph(made, COMPARED, "USD")
    assert "$ 49" in text.bridge_paragraph(made, COMPARED, "USD")


def test_variation_is_that_of_who_bought_less() -> None:
    made = bridge(buying_less=-49.0, buying_more=70.0, new=1.0)
    detail = text.bought_less(made, "USD", 0.95)["detail"]
    own, others = detail.split("; ")
    assert own.endswith("of it is week-to-week variation")
    assert others == "kept customers who bought more brought +$ 70"


def test_no_attribute_separates_what_chance_does() -> None:
    known = pd.DataFrame({"attribute": ["income", "age"], "explained": [0.03, 0.02]})
    for chances, said in (
        ([0.4, 0.6], "No attribute separates spending significantly"),
        ([0.01, 0.6], "Income separates spending most, yet explains only 3.0 % of"),
    ):
        found = Portrait(pd.DataFrame(), known.assign(q=chances), 9)
        assert text_people.portrait_headline(found, 0.1).startswith(said)


def test_a_bridge_of_newcomers_says_so() -> None:
    made = bridge(buying_more=10.0, new=90.0)
    assert text.bridge_headline(made, "EUR") == "The largest part of the change: new, +€ 90"
    found = Finding(**text.bought_less(made, "EUR", 0.95))
    assert (found.value, found.number) == (0.0, "€ 0")


def found_movers(sure: list[bool], status: list[str] | None = None) -> Movers:
    n = len(sure)
    table = pd.DataFrame(
        {
            "group": [f"g{i}" for i in range(n)],
            "change": [10.0 - 3 * i for i in range(n)],
            "growth": [
                np.nan if (status or ["continued"] * n)[i] != "continued" else 0.1 * i
                for i in range(n)
            ],
            "share_q": 0.01,
            "sure": sure,
            "status": status or ["continued"] * n,
        }
    )
    return Movers(table, 3, -7.0, 30, 0.95, 0.10)


def test_groups_that_changed_are_counted_and_the_largest_named() -> None:
    head = text.groups_headline
    none = found_movers([False, False])
    assert head(none, "USD", noun="store", nouns="stores") == "No store changed significantly"
    some = found_movers([True, True, False], ["launched", "continued", "continued"])
    told = head(some, "USD", noun="store", nouns="stores")
    counted = "2 of 3 stores changed significantly, 1 of them new"
    assert told == f"{counted}; of the others most money in store g1, +$ 7 (+10 %)"
    assert head(some, "USD", noun="store", nouns="stores", apart=["g1"]) == counted
    assert text.movers_headline(some) == "2 products rose and 0 fell significantly, of 3 searched"
    assert text.movers_headline(none) == "No product moved significantly"


def test_what_is_withheld_is_said() -> None:
    assert text.withheld(found_movers([True]), "USD", nouns="stores") == (
        "3 stores are withheld, with fewer than 30 customers or so that none of those can be had "
        "by subtraction; together they changed by −$ 7."
    )
    paragraph = text.movers_paragraph(found_movers([True]), COMPARED, "USD")
    assert "at most 10 % are expected to be chance" in paragraph
    assert "different seasons" in paragraph


def test_whole_years_are_not_told_to_differ_in_season() -> None:
    year = Period.before("2025-12-29", days=364)
    years = Comparison(year, year.previous(), date(2024, 1, 1), date(2025, 12, 28), None)
    moved = found_movers([True, True])
    assert "season" not in text.movers_paragraph(moved, years, "USD")
    assert "season" not in text.moved_products(moved, years)["sentence"]
    assert "season" in text.moved_products(moved, COMPARED)["sentence"]
    assert years.whole_years
    assert not COMPARED.whole_years


def test_units_and_numbers_of_things_are_those_of_what_is_counted() -> None:
    """Customers are whole, guests' sales no customers, orders of a product orders."""
    made = text.tree_table(tree([1.0] * 4)).assign(before=[2394.0, 32.41, 12.4, 2.36], now=2.0)
    written = columns.tree("95 % interval")["before"].write(made, "before", currency="EUR")
    assert written == ["2,394", "32.4", "12.4", "2.36"]
    rates = pd.DataFrame(
        {"product_id": ["p"], "department": ["Household"], "sold": [7424], "rate": [0.09],
         "low": [0.08], "high": [0.1], "usual": [0.015], "faulty": [True]}
    )  # fmt: skip
    assert Finding(**text_quality.returned_product(rates)).observations == "7,424 orders"
    limits = pd.DataFrame(
        {"measure": ["quantity", "price", "basket"], "below": [0, 2, 1], "above": [0, 1, 0]}
    )
    assert text_quality.extremes_headline(limits) == "3 prices and 1 basket are far from usual"


def test_an_empty_search_is_described() -> None:
    empty = found_movers([]).table.assign(name=pd.Series(dtype="str"))
    assert "nothing moved" in text.movers_alt(empty, "USD")
    assert text.label_products(empty).empty


def drifted(sure: bool, dimension: str = "Store") -> Drift:
    row = {"dimension": dimension, "moved": 0.081, "limit": 0.04, "sure": sure}
    return Drift(pd.DataFrame([row]), pd.DataFrame(), 99)


def test_drift_is_told_with_what_chance_reaches() -> None:
    real = Finding(**text_quality.drift(drifted(True)))
    assert real.sentence.startswith("of orders would have to change store")
    assert "more than weeks differ" in real.sentence
    assert real.detail == "chance reaches 4.0 %"
    lines = Finding(**text_quality.drift(drifted(False, "Department (lines)")))
    assert lines.sentence.startswith("of order lines would have to change department")
    assert "no more than weeks differ" in lines.sentence
    assert text_quality.drift_headline(drifted(False)).startswith(
        "The mix of orders is what it was"
    )
    assert text_quality.drift_headline(drifted(True)) == (
        "1 of 1 mixes moved significantly; furthest beyond chance by store, 8.1 %"
    )


CHECKED = pd.DataFrame(
    {
        "severity": ["decide", "know", "fine"],
        "topic": ["validity", "returns", "gaps"],
        "check": ["Line worth nothing", "Return", "Day missing"],
        "rows": [5, 0, 0],
        "amount": [np.nan, 0.0, np.nan],
        "what_to_do": ["Ask.", "Doubt it.", "Nothing to do."],
    }
)


def test_checks_are_listed_with_what_to_do() -> None:
    listed = text_quality.checks_list(CHECKED, "USD").splitlines()
    assert listed == [
        "- **Decide.** **Line worth nothing:** 5. Ask.",
        "- **Return:** none. Doubt it.",
    ]
    assert text_quality.checks_headline(CHECKED) == "1 check of 3 needs a decision; 1 thing to know"
    found = Finding(**text_quality.checks(CHECKED))
    assert (found.value, found.alert, found.detail) == (1, True, "line worth nothing")


def test_trust_says_what_is_wrong() -> None:
    told = {"table": "t", "source": "s", "rule": "", "outcome": ["read", "accepted"], "rows": 10}
    ledger = pd.DataFrame(told)
    lines = {
        label: ok
        for label, ok, _ in text_quality.trust(COMPARED, ledger, CHECKED, tree([1.0] * 4), None)
    }
    assert lines == {
        "Rows": True,
        "Checks": False,
        "Returns": False,
        "Adds up": True,
        "Season": False,
    }
    off = tree([1.0] * 4)
    off.factors.loc[0, "contribution"] += 0.01
    lines = {label: ok for label, ok, _ in text_quality.trust(COMPARED, ledger, CHECKED, off, None)}
    assert lines["Adds up"] is False
    unknown = text_quality.trust(
        COMPARED, ledger, CHECKED, None, pd.DataFrame({"share": [0.3, 0.7]})
    )
    assert ("Portrait", False, "Attributes are known of 30 % of customers") in unknown


def test_rows_left_out_are_named() -> None:
    ledger = pd.DataFrame(
        {
            "table": "order_lines",
            "source": "b.csv",
            "outcome": ["read", "accepted", "rejected"],
            "rule": ["", "", "not a date"],
            "rows": [1000, 998, 2],
        }
    )
    assert text_quality.ledger_headline(ledger) == (
        "All 1,000 rows are accounted for; 2 left out, each by a named rule"
    )
    assert text_quality.ledger_paragraph(ledger) == "2 of b.csv rejected (not a date)."
    assert "none was left out" in text_quality.ledger_headline(ledger[:2])


def test_what_is_gathered_from_rows_of_others_is_no_loss() -> None:
    ledger = pd.DataFrame(
        {
            "table": ["order_lines"] * 2 + ["customers"] * 4,
            "source": "b.csv",
            "outcome": ["read", "accepted", "read", "accepted", "dropped", "dropped"],
            "rule": ["", "", "", "", "another row of the same customer_id", "no customer_id"],
            "rows": [1000, 1000, 1000, 40, 900, 60],
        }
    )
    assert text_quality.ledger_headline(ledger) == (
        "All 1,000 rows are accounted for; none was left out"
    )
    assert text_quality.ledger_paragraph(ledger) == (
        "Every source row is in a canonical table. 40 customers were gathered from the same rows, "
        "one row of each key."
    )


def test_rhythm_is_told() -> None:
    days = pd.DataFrame({"name": ["Monday", "Sunday"], "index": [80.0, 120.0]})
    assert text_people.rhythm_headline(days) == (
        "Sunday sells +20 % against the average day, Monday −20 %"
    )


def test_a_week_that_sells_nothing_net_of_returns_stands_out_by_no_share() -> None:
    weeks = pd.DataFrame({"week_start": pd.date_range("2024-01-01", periods=3, freq="7D")})
    assert text_people.weeks_headline(weeks.assign(net_amount=[5.0, -9.0, 4.0])).startswith(
        "Net of"
    )
    assert text_people.weeks_headline(weeks.assign(net_amount=0.0)).startswith("Net of returns")
    assert text_people.weeks_headline(weeks.assign(net_amount=7.0)) == "Every week sold the same"
    days = pd.DataFrame({"name": ["Monday", "Sunday"], "index": [np.nan, np.nan]})
    assert text_people.rhythm_headline(days).startswith(
        "Net of returns the average day sold nothing"
    )
    assert text_people.rhythm_headline(days.assign(index=100.0)) == "Every weekday sells the same"
    assert text_people.rhythm_headline(days.assign(index=100.0)[1:]) == "Only Sundays saw orders"


def test_one_customer_alone_is_no_evidence() -> None:
    alone = tree([1.0, 1.0, 1.0, 40.0], reach=np.nan)
    assert text.title(alone) == "Sales grew 4.3 %"
    told = text.tree_paragraph(alone, "USD", 0.95)
    assert "of one customer alone, so that chance cannot be told" in told
    assert "interval" not in told.partition(".")[0]
    for fields in (
        text.net_change(alone, COMPARED, 0.95),
        text.driver(alone, "USD", 0.95),
    ):
        assert "chance cannot be told" in Finding(**fields).sentence


def test_sales_that_did_not_change_have_no_driver() -> None:
    assert text.tree_headline(tree([0.0] * 4), "USD").startswith("Net sales are what they were")


def test_noise_beyond_the_change_is_no_share_of_it() -> None:
    bridge = pd.DataFrame(
        {"group": ["buying less"], "customers": 3, "change": -49.0, "low": -60.0, "high": -30.0,
         "by_chance": -55.0}
    )  # fmt: skip
    assert text.bridge_headline(bridge, "USD").endswith("variation alone makes as many")
    told = text.bought_less(bridge, "USD", 0.95)
    assert "which week-to-week variation alone makes as well" in told["sentence"]


def test_groups_too_small_are_not_called_unchanged() -> None:
    table = pd.DataFrame(columns=["group", "change", "growth", "status", "sure", "share_q"])
    table = table.astype({"sure": bool})
    few = Movers(table, 1, 49.0, 30, 0.95, 0.1)
    assert text.groups_headline(few, "USD", noun="store", nouns="stores") == (
        "No store has 30 customers, so that none is compared"
    )
    assert text.movers_headline(few).startswith("No product has 30 customers")
    assert text.withheld(few, "USD", nouns="stores").startswith("1 store is withheld, with fewer")
    withheld = text.withheld(few, "USD", nouns="products")
    assert text.movers_paragraph(few, COMPARED, "USD") == withheld
    assert Finding(**text.moved_products(few, COMPARED)).detail == "none has 30 customers"


def test_everyone_known_needs_no_warning() -> None:
    known = pd.DataFrame(
        {
            "share": [1.0, 0.0],
            "net_share": [1.0, 0.0],
            "ratio": np.nan,
            "low": np.nan,
            "high": np.nan,
        }
    )
    told = text_people.known_paragraph(known, ["street"])
    assert told.startswith("Something is known of every customer who bought.")
    assert told.endswith("Left out, for making no groups: street.")

"""Charts and sentences of visits: the graph reads from entry to exit, a claim is counted."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.reporting.notebook.findings import Finding
from analysis.reports.web import charts, text, text_losses
from tests.legibility import smallest_text


def moves(*rows: tuple[str, str, int]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["page", "next_page", "moves"])
    return table.assign(share=table["moves"] / table.groupby("page")["moves"].transform("sum"))


SHOP = moves(
    ("(entry)", "/home", 60), ("(entry)", "/product", 40), ("/home", "/category", 50),
    ("/category", "/product", 45), ("/product", "/category", 15), ("/product", "/basket", 25),
    ("/basket", "/checkout", 20), ("/checkout", "/thanks", 15), ("/home", "(exit)", 10),
    ("/thanks", "(exit)", 14), ("/thanks", "/home", 1), ("/product", "/product", 30),
)  # fmt: skip


def test_pages_stand_in_the_order_of_the_way() -> None:
    drawn = charts.graph(SHOP)
    placed = {text.get_text(): text.get_position()[1] for text in drawn.texts}
    way = ["(entry)", "/home", "/category", "/product", "/basket", "/checkout", "/thanks", "(exit)"]
    assert sorted(placed, key=placed.__getitem__) == way
    assert len(drawn.patches) == 11  # a page that follows itself needs no arrow


def test_the_matrix_writes_what_follows_in_per_cent() -> None:
    drawn = charts.matrix(SHOP)
    written = [text.get_text() for text in drawn.texts]
    assert written.count("43") == 1  # of 70 that follow a product, 30 are products
    figure = drawn.figure
    assert smallest_text(figure) >= 11


def test_the_funnel_says_what_is_kept_of_the_step_before() -> None:
    steps = pd.DataFrame(
        {"step": ["visit", "basket"], "share": [1.0, 0.25], "kept": [float("nan"), 0.25]}
    )
    written = [text.get_text() for text in charts.funnel(steps).texts]
    assert written == ["100.0 %", "25.0 % (25 % of the step before)"]


def test_most_sessions_end_on_a_page_only_where_more_than_half_do() -> None:
    told = text.paths_headline(SimpleNamespace(moves=SHOP.assign(sessions="all")))
    # Of 24 sessions that end in view, 14 do on the last page.
    assert told == (
        "60 % of sessions begin on /home; 58 % end on /thanks, more than on any other page"
    )
    assert "most end" not in told


def test_a_fault_that_was_not_randomised_causes_nothing_in_words() -> None:
    worst = pd.DataFrame(
        [("/checkout", "slow", -0.326, -0.341, -0.311, 0.38, 0.71, 4_732, 1_544, 33_773.0, 0.0)],
        columns=["page", "fault", "difference", "low", "high", "with_fault", "without", "met",
                 "orders", "amount", "q"],
    )  # fmt: skip
    found = SimpleNamespace(costs=worst, slow_ms=3_000, order_value=21.9)
    finding = text_losses.faults_finding(found, 0.95, "EUR")
    assert finding is not None
    assert (
        "others on like devices (no causal proof); were the fault the cause, 1,544 orders"
        in (finding["sentence"])
    )
    told = Finding(**finding)
    assert told.weight == pytest.approx(33_773 / 2)  # at most half without a test
    assert replace(told, observational=False).weight == pytest.approx(33_773 * 0.311 / 0.326)
    assert "as if the fault were the cause" in text_losses.faults_reading(found)


def test_what_is_known_of_a_basket_is_said_and_no_reminder_is_assumed_away() -> None:
    people = pd.DataFrame({"customer_id": ["a", "b"], "value": [2.0, 3.0]})
    returns = pd.DataFrame({"days": [7], "baskets": [8_467], "bought": [0.632]})
    found = SimpleNamespace(customers=people, days=14, known=667, baskets=1_915, returns=returns)
    finding = text_losses.baskets_finding(found, "EUR")
    assert finding["sentence"].startswith("is the price, one of each, of the products that page")
    said = text_losses.baskets_reading(found)
    assert "After 63 % of 8,467 baskets left the customer ordered within 7 days, whatever" in said
    assert "Without a reminder" not in said


def test_pages_are_headed_by_the_one_seen_most() -> None:
    table = pd.DataFrame({"page": ["/a", "/b"], "view_share": [0.38, 0.2], "exit_rate": [0.22, 0]})
    said = text.attention_headline(table)
    assert said == "38 % of views are of /a; 22 % of them end the session"

"""Charts of visits: the graph of paths reads from the entry down to the exit; a heading."""

from __future__ import annotations

import pandas as pd

from analysis.reporting.charts.style import smallest_text
from analysis.reports.web import charts, text


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


def test_pages_are_headed_by_the_one_seen_most() -> None:
    table = pd.DataFrame({"page": ["/a", "/b"], "view_share": [0.38, 0.2], "exit_rate": [0.22, 0]})
    said = text.attention_headline(table)
    assert said == "38 % of views are of /a; 22 % of them end the session"

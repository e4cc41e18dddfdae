from __future__ import annotations

from bs4 import BeautifulSoup

from analysis.reporting.site import page

DRAWING = """<div><style>x</style><table class="gt_table" data-quarto-bootstrap="false">
<thead><tr class="gt_heading"><td colspan="3">T</td></tr>
<tr><th id="a">Who</th><th id="s">Share</th><th id="l">95 % interval</th></tr></thead>
<tbody><tr><td>A &amp; B</td><td>30.0 %</td><td>20.0 to 40.0 %</td></tr></tbody></table></div>"""


def test_the_interval_moves_into_the_cell_of_its_estimate_and_nothing_is_said_twice():
    table = BeautifulSoup(page.on_page(DRAWING, [2]), "html.parser")
    cells = [[c.get_text() for c in row.find_all(["th", "td"])] for row in table.find_all("tr")]
    assert cells == [["Who", "Share 95 % interval"], ["A & B", "30.0 % 20.0 to 40.0 %"]]
    assert table.select_one("td .pair .ends").get_text() == "20.0 to 40.0 %"


def test_a_table_without_intervals_stays_as_it_is_but_for_foreign_styles():
    drawn = page.on_page(DRAWING)
    assert "pair" not in drawn
    assert "style" not in drawn
    assert "quarto" not in drawn
    assert drawn.count("<td>") == 3


def test_sentences_may_break_and_short_words_stay_on_a_line():
    words = "of margin is at risk with declining customers"
    drawing = f'<table><tr><td headers="a" class="gt_row gt_left">{words}</td>' + (
        '<td headers="b" class="gt_row gt_left">Customer care</td>'
        f'<td headers="c" class="gt_row gt_right">{words}</td></tr></table>'
    )
    cells = BeautifulSoup(page.on_page(drawing), "html.parser").find_all("td")
    assert ["long" in cell["class"] for cell in cells] == [True, False, False]

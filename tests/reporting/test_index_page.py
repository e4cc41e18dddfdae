from __future__ import annotations

import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from analysis.reporting.site import index_page
from analysis.reporting.store.layout import RunFolder
from tests.reporting.sample_run import write_run


@pytest.fixture(scope="session")
def index(newest_run: Path) -> BeautifulSoup:
    return BeautifulSoup((newest_run / "index.html").read_text("utf-8"), "html.parser")


def words_of(tag: object) -> str:
    return " ".join(tag.get_text().split()).replace("\u00a0", " ")  # type: ignore[attr-defined]


def card(index: BeautifulSoup, name: str) -> BeautifulSoup:
    return index.select_one(f".card#\\3{name[0]} {name[1:]}")


def test_decisions_come_first_with_their_report(index: BeautifulSoup):
    assert words_of(index.h1) == "What needs a decision"
    first = index.select_one("main .finding")
    assert words_of(first.select_one(".number")) == "212"
    assert first.select_one(".small a")["href"] == "03_deciles.html"
    assert "4 reports: 1 done, 1 reused, 1 failed and 1 without data. 1 finding asks" in words_of(
        index.select_one(".lede")
    )


@pytest.mark.parametrize(
    ("name", "label", "sentence"),
    [
        ("01_profiling", "reused", "99.7 % of rows are clean"),
        ("03_deciles", "decide", "A tenth of the customers"),
        ("07_value", "failed", "The kernel died: out of memory"),
        ("09_loyalty", "no data", "This study has no points table"),
    ],
)
def test_each_report_says_its_state_in_a_sentence(
    index: BeautifulSoup, name: str, label: str, sentence: str
):
    shown = card(index, name)
    assert words_of(shown.select_one(".pill")) == label
    assert words_of(shown.p).startswith(sentence)


def test_every_finding_is_on_the_index_with_its_change(index: BeautifulSoup):
    lines = [words_of(line) for line in card(index, "03_deciles").select(".brief li")]
    assert len(lines) == 4
    assert lines[0].endswith("▲ 1.1 points since last run, within the interval")
    assert "last run" not in lines[1], "a number that reads as it did needs no note"
    assert "A finding without a note reads as it did" in words_of(index)
    assert "▼ 3.0 % since last run" in lines[2]


def test_a_failed_report_shows_where_and_leads_to_its_last_good_run(
    index: BeautifulSoup, newest_run: Path
):
    shown = card(index, "07_value")
    assert "Cell In[4], line 1" in shown.select_one("details pre").get_text()
    assert not shown.details.has_attr("open")
    assert not shown.h3.find("a")
    link = shown.select_one(".small a")
    assert words_of(link) == "7 Nov 2026"
    assert (newest_run / link["href"]).resolve().is_file()


def test_every_local_link_of_the_site_leads_somewhere(newest_run: Path):
    reports = newest_run.parents[1]
    pages = sorted(reports.rglob("*.html"))
    assert len(pages) == 1 + 3 * 3 + 1
    for page in pages:
        soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
        for link in soup.find_all("a", href=True):
            path, _, anchor = link["href"].partition("#")
            if path.startswith("https://"):
                continue
            target = (page.parent / path).resolve() if path else page
            assert target.is_file(), (page, link["href"])
            if anchor:
                there = BeautifulSoup(target.read_text("utf-8"), "html.parser")
                assert there.find(id=anchor), (page, link["href"])


def test_the_first_run_compares_with_nothing(newest_run: Path):
    first = newest_run.parent / "2026-11-07T060000Z" / "index.html"
    assert "since" not in BeautifulSoup(first.read_text("utf-8"), "html.parser").main.get_text()


def test_a_change_beyond_the_interval_is_news(tmp_path: Path):
    first = write_run(tmp_path, 1, scale=0.5)
    second = write_run(tmp_path, 2, previous=first)
    soup = BeautifulSoup((second / "index.html").read_text("utf-8"), "html.parser")
    assert words_of(soup.h1) == "What changed, and what needs a decision"
    news = soup.select_one("section[aria-label='Findings that changed']")
    changed = [words_of(line) for line in news.select(".finding .number")]
    assert changed == ["35.1 %"]
    assert words_of(news.select(".bad")[0]).startswith("▲ 17.5 points")


def test_a_report_that_failed_last_time_compares_with_the_run_before(tmp_path: Path):
    first = write_run(tmp_path, 1, scale=0.9)
    second = write_run(tmp_path, 2, previous=first)
    status = RunFolder(second).status("03_deciles")
    failed = {**json.loads(status.read_text("utf-8")), "status": "failed"}
    status.write_text(json.dumps(failed), encoding="utf-8")
    third = write_run(tmp_path, 3, previous=second)
    text = (third / "index.html").read_text("utf-8")
    assert "since the run of 1 Nov 2026" in text


def test_a_run_with_other_parameters_is_named_and_no_news(tmp_path: Path):
    first = write_run(tmp_path, 1, scale=0.5)
    run_json = RunFolder(first).run_json
    record = json.loads(run_json.read_text("utf-8"))
    record["reports"]["03_deciles"]["parameters"] = {"groups": 5, "as_of": "2017-12-25"}
    run_json.write_text(json.dumps(record), encoding="utf-8")
    second = write_run(tmp_path, 2, previous=first)
    soup = BeautifulSoup((second / "index.html").read_text("utf-8"), "html.parser")
    line = card(soup, "03_deciles").select_one(".brief .small")
    assert words_of(line) == "▲ 17.5 points since last run, which had other parameters (groups)"
    assert soup.select_one("section[aria-label='Findings that changed']") is None


def test_a_damaged_earlier_run_is_passed_over(tmp_path: Path):
    first = write_run(tmp_path, 1, scale=0.9)
    second = write_run(tmp_path, 2, previous=first)
    RunFolder(second).run_json.write_text("{", encoding="utf-8")
    third = write_run(tmp_path, 3, previous=second)
    assert "since the run of 1 Nov 2026" in (third / "index.html").read_text("utf-8")


def test_the_overview_lists_all_runs_newest_first(newest_run: Path):
    reports = newest_run.parents[1]
    soup = BeautifulSoup((reports / "index.html").read_text("utf-8"), "html.parser")
    rows = [words_of(row) for row in soup.select("#demo table.runs tbody tr")]
    assert [row.split(",")[0] for row in rows] == ["21 Nov 2026", "14 Nov 2026", "7 Nov 2026"]
    assert "06:00 UTC" in rows[0]
    assert words_of(soup.h2) == "Complete Journey"


def test_a_damaged_run_does_not_take_the_overview_down(tmp_path: Path):
    write_run(tmp_path / "demo", 1)
    broken = tmp_path / "demo" / "2026-11-02T060000Z"
    broken.mkdir()
    (broken / "run.json").write_text("{", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    index_page.write_overview(tmp_path)
    soup = BeautifulSoup((tmp_path / "index.html").read_text("utf-8"), "html.parser")
    rows = [words_of(row) for row in soup.select("#demo table.runs tbody tr")]
    assert rows[0].startswith("2026-11-02T060000Zcannot be read:")
    assert rows[1].startswith("1 Nov 2026")
    assert words_of(soup.h2) == "Complete Journey"
    assert soup.find(id="empty") is None


def test_without_a_run_the_overview_says_so(tmp_path: Path):
    index_page.write_overview(tmp_path)
    assert "Nothing has been published yet" in (tmp_path / "index.html").read_text("utf-8")


def without_decision(cells: list[str]) -> list[str]:
    return [cell.replace("alert=True", "alert=False") for cell in cells]


def test_a_failed_report_never_stands_below_nothing_needs_a_decision(tmp_path: Path):
    run = write_run(tmp_path / "demo", 1, change=without_decision)
    soup = BeautifulSoup((run / "index.html").read_text("utf-8"), "html.parser")
    assert words_of(soup.h1) == "1 report failed"
    run_json = RunFolder(run).run_json
    record = json.loads(run_json.read_text("utf-8"))
    record["reports"]["01_profiling"]["status"] = "incomplete"
    run_json.write_text(json.dumps(record), encoding="utf-8")
    index_page.write_index(run, None)
    soup = BeautifulSoup((run / "index.html").read_text("utf-8"), "html.parser")
    assert words_of(soup.h1) == "1 report failed and 1 is incomplete"


def edit_record(run: Path, **changed: object) -> None:
    run_json = RunFolder(run).run_json
    record = json.loads(run_json.read_text("utf-8"))
    for name, value in changed.items():
        record[name] = {**record[name], **value}  # type: ignore[dict-item]
    run_json.write_text(json.dumps(record), encoding="utf-8")


def test_an_edited_mapping_and_params_are_settings_changed_not_news(tmp_path: Path):
    first = write_run(tmp_path, 1, scale=0.5)
    second = write_run(tmp_path, 2, previous=first)
    edit_record(first, data={"mappings": {"shop": "aa"}}, params={"margins": {"default": 0.2}})
    edit_record(second, data={"mappings": {"shop": "bb"}}, params={"margins": {"default": 0.3}})
    index_page.write_index(second, first)
    soup = BeautifulSoup((second / "index.html").read_text("utf-8"), "html.parser")
    section = soup.select_one("section[aria-labelledby='settings']")
    assert words_of(section.h2) == "Settings changed"
    assert words_of(section.p).startswith("margins and mapping shop: other than in the last run.")
    assert soup.select_one("section[aria-label='Findings that changed']") is None
    line = card(soup, "03_deciles").select_one(".brief .small")
    assert words_of(line).endswith("which had other settings (margins and mapping shop)")


def test_settings_that_stayed_are_not_called_changed(tmp_path: Path):
    first = write_run(tmp_path, 1, scale=0.5)
    second = write_run(tmp_path, 2, previous=first)
    edit_record(first, data={"mappings": {}}, params={"title": "Shop"})
    edit_record(second, data={"mappings": {}}, params={"title": "The shop"})
    index_page.write_index(second, first)
    soup = BeautifulSoup((second / "index.html").read_text("utf-8"), "html.parser")
    assert soup.select_one("section[aria-labelledby='settings']") is None


def test_no_setting_is_told_as_changed_where_none_was(tmp_path: Path):
    first = write_run(tmp_path, 1)
    second = write_run(tmp_path, 2, previous=first)
    soup = BeautifulSoup((second / "index.html").read_text("utf-8"), "html.parser")
    assert soup.select_one("section[aria-labelledby='settings']") is None


def test_decisions_rank_by_money_times_evidence(tmp_path: Path):
    def asked(cells: list[str]) -> list[str]:
        more = (
            "c:report.finding(key='a', sentence='small.', value=900.0, low=100.0, high=1700.0, "
            "unit='USD', alert=True, at_stake=900.0)\n"
            "report.finding(key='b', sentence='large.', value=500.0, low=400.0, high=600.0, "
            "unit='USD', alert=True, at_stake=500.0)"
        )
        return [*cells, more]

    run = write_run(tmp_path / "demo", 1, change=asked)
    soup = BeautifulSoup((run / "index.html").read_text("utf-8"), "html.parser")
    numbers = [words_of(each) for each in soup.select("main > section:first-of-type .number")]
    assert numbers == ["$ 500", "$ 900", "212"]

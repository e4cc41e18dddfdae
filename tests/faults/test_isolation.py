"""A section that fails takes along only what needs it; output without end is bounded."""

from __future__ import annotations

import fcntl
import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bs4 import BeautifulSoup

from analysis.reporting.execution.failures import without_values
from analysis.reporting.execution.isolation import names_of
from analysis.reporting.store.layout import RunFolder
from tests.projects import Project
from tests.tiny import Journey

OPEN = """\
import pandas as pd
from analysis.reporting import open_report
report = open_report("{0}", study=study, as_of=as_of, seed=seed)"""

#: A section that fails, one that needs it, one that makes the name anew, and one beside them.
SECTIONS = [
    "## Data",
    OPEN.format("10_a"),
    "## Value",
    "report.finding(key='a', sentence='before it failed.', value=1)",
    "who = [f'Planted-{n} Ann' for n in range(12)]\n"
    "try:\n    value = float(who[7])\n"
    "except ValueError as cause:\n    raise KeyError('missing') from cause",
    "report.say(f'Never said: {value}')",
    "## Growth",
    "report.say('Growth is fine.')",
    "twice = value * 2",
    "report.say(f'Never said: {twice}')",
    "## Again",
    "value = 3\nreport.say(f'Made anew: {value}.')",
    "report.save(pd.DataFrame({'a': [value]}), 'again')",
    "## Not here",
    "from analysis.errors import NotApplicable",
    "raise NotApplicable('This study has no points table.')",
    "## Limits\n\nNone.",
]

NEEDS = OPEN.format("{0}") + "\nreport.save(report.need('10_a/{1}'), 'x')"

PRINTS = """\
import os, sys, warnings
for number in range(20):
    print('x' * 1_000_000)
print('the end')
warnings.warn('y' * 3_000_000)
os.system('echo a note from a library >&2')"""


def sectioned(project: Project, report: str, parts: list[str]) -> None:
    """Write a notebook of sections: parts that begin with ``#`` are Markdown."""
    path = project.add(report, *parts)
    content = json.loads(path.read_text())
    for cell in content["cells"][1:]:
        if cell["source"].startswith("##"):
            del cell["outputs"], cell["execution_count"]
            cell["cell_type"] = "markdown"
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def ran(shared_dir: Path) -> SimpleNamespace:
    """The run of all these notebooks, made once for all workers of the test session."""
    root = shared_dir / "isolation"
    root.mkdir(exist_ok=True)
    outcome = root / "outcome.pickle"
    with (root / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if not outcome.exists():
            project = Project.ingested(Journey.create(root))
            sectioned(project, "10_a", SECTIONS)
            setup = ["## Data", OPEN.format("11_b"), "1 / 0", "## Value", "report.say('x')"]
            sectioned(project, "11_b", setup)
            alone = ["## Data", OPEN.format("12_c"), "## Value", "1 / 0", "report.say('x')"]
            sectioned(project, "12_c", alone)
            project.add("20_d", NEEDS.format("20_d", "again"), needs=["10_a/again"])
            project.add("21_e", NEEDS.format("21_e", "lost"), needs=["10_a/lost"])
            project.add("30_f", PRINTS)
            outcome.write_bytes(pickle.dumps(project.run()))
    record, listener = pickle.loads(outcome.read_bytes())
    folder = Project(Journey(root)).reports.run(record.run_id)
    return SimpleNamespace(record=record, listener=listener, folder=folder)


def page(ran: SimpleNamespace, report: str) -> Any:
    folder: RunFolder = ran.folder
    return BeautifulSoup(folder.page(report).read_text("utf-8"), "html.parser")


WHY = "Section Value failed: KeyError: 'missing'; section Growth is incomplete without it"


def test_the_report_is_published_and_says_what_failed(ran: SimpleNamespace) -> None:
    report = ran.record.reports["10_a"]
    assert (report.status, report.reason) == ("incomplete", WHY)
    assert report.good is False
    reasons = {name: ran.record.reports[name].reason for name in ran.record.failed}
    assert [*reasons] == ["10_a", "11_b", "12_c", "21_e"], f"the run ends with 1: {reasons}"
    assert ran.listener.ended["10_a"].exit_code == 1
    assert "10_a/again.csv" in "".join(report.files)
    index = BeautifulSoup(ran.folder.index.read_text("utf-8"), "html.parser")
    card = index.select_one("[id='10_a']")
    assert card.select_one(".pill.incomplete").get_text() == "incomplete"
    assert card.select_one("h3 a")["href"] == "10_a.html"
    assert WHY in card.get_text().replace("\xa0", " ")
    assert "before it failed" in card.get_text()


def test_the_page_says_it_where_it_is_with_the_traceback_folded(ran: SimpleNamespace) -> None:
    value = page(ran, "10_a").select_one("section#value")
    assert value.select_one(".lost p").get_text() == "This section failed. KeyError: 'missing'"
    trace = value.select_one("details.trace:not([open]) pre").get_text()
    assert "raise KeyError('missing') from cause" in trace
    assert "ValueError: could not convert string to float: […]" in trace
    growth = page(ran, "10_a").select_one("section#growth")
    assert [each.get_text() for each in growth.select(".lost")] == [
        "Left out here: what needs the section Value, which failed."
    ]
    assert "Growth is fine." in growth.get_text()


def test_no_published_file_quotes_the_value_that_an_exception_names(ran: SimpleNamespace) -> None:
    files = [path for path in ran.folder.path.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path.name for path in files if b"Planted-7" in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("division by zero", "division by zero"),
        ("'missing'", "'missing'"),
        ("12346", "[…]"),
        ("could not convert string to float: 'Ann Lee'", "could not convert string to float: […]"),
        ("no order of Ann Lee, ann@lee.example, 030 123", "no order of […]"),
        ("'DataFrame' object has no attribute 'missing'",
         "'DataFrame' object has no attribute 'missing'"),
        ("unsupported operand type(s) for +: 'int' and 'str'",
         "unsupported operand type(s) for +: 'int' and 'str'"),
        ("没有会员 7", "[…]"),
        ("['Ann Lee'] not in index", "[[…]] not in index"),
    ],
)  # fmt: skip
def test_what_is_kept_of_the_message_of_an_exception(message: str, shown: str) -> None:
    assert without_values(message, "value = {}['missing']") == shown


def test_nothing_else_is_lost(ran: SimpleNamespace) -> None:
    text = page(ran, "10_a").get_text()
    assert "Made anew: 3." in text
    prose = " ".join(each.get_text() for each in page(ran, "10_a").select(".prose"))
    assert "Never said: " not in prose
    assert "Not reported: This study has no points table." in text


def test_what_fails_in_the_set_up_or_leaves_no_section_fails_the_report(
    ran: SimpleNamespace,
) -> None:
    reasons = {name: ran.record.reports[name].reason for name in ("11_b", "12_c")}
    assert reasons == {
        "11_b": "ZeroDivisionError: division by zero",
        "12_c": "Section Value failed: ZeroDivisionError: division by zero",
    }
    for name in reasons:
        assert ran.record.reports[name].status == "failed"
        assert not ran.folder.page(name).exists()
        assert not ran.folder.notebook(name).exists()


def test_what_needs_a_table_of_it_runs_if_the_table_was_made(ran: SimpleNamespace) -> None:
    assert ran.record.reports["20_d"].status == "done"
    lost = ran.record.reports["21_e"]
    assert (lost.status, lost.reason) == (
        "failed",
        f"It needs 10_a/lost, which 10_a could not make: {WHY}",
    )


def test_printing_without_end_costs_nothing_and_is_said(ran: SimpleNamespace) -> None:
    report = ran.record.reports["30_f"]
    assert report.status == "done", report.reason
    assert report.peak_memory_mb < 400
    assert ran.folder.page("30_f").stat().st_size < 120_000
    shown = page(ran, "30_f")
    said = "[Cut off: of what a cell prints, 20,000 characters are kept.]"
    assert shown.select_one("pre.plain").get_text().rstrip().endswith(said)
    assert "the end" not in shown.select_one("pre.plain").get_text()
    assert said in shown.select_one("#warnings").get_text()


@pytest.mark.parametrize(
    ("code", "made", "read"),
    [
        ("a = b + c", {"a"}, {"b", "c"}),
        ("a = 1\nb = a", {"a", "b"}, set()),
        ("b = a\na = 1", {"a", "b"}, {"a"}),
        ("with f(r):\n    x = y\n    z = x", {"x", "z"}, {"f", "r", "y"}),
        ("from m import n as o\nimport p.q", {"o", "p"}, set()),
        ("x = [row for row in rows if row in keep]", {"x"}, {"rows", "keep"}),
        ("f = lambda v: v + w", {"f"}, {"w"}),
        ("x, y = z", {"x", "y"}, {"z"}),
        ("r.say(f'{a} and {b:.2f}')", set(), {"r", "a", "b"}),
        ("def f(a):\n    return a + g", {"f"}, {"g"}),
        ("%matplotlib inline", set(), set()),
    ],
)
def test_the_names_of_a_cell(code: str, made: set[str], read: set[str]) -> None:
    names = names_of(code)
    assert (names.made, names.read) == (made, read)

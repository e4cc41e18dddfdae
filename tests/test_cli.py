"""The command line: exit codes, one-line refusals, quick help."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analysis import cli
from analysis.project import find_root
from analysis.reporting.runner import dispatch
from tests.projects import Project
from tests.reporting.test_run import Pretended
from tests.tiny import Journey

COMMANDS = ("alerts", "check", "diff", "ingest", "lab", "lists", "new", "run", "run-one", "sent")
COMMANDS += ("serve", "verify")


@pytest.fixture
def project(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project to work in, whose notebooks are not really executed."""
    monkeypatch.setattr(dispatch, "Worker", Pretended)
    monkeypatch.chdir(journey.root)
    assert find_root() == journey.root
    made = Project(journey)
    made.add("10_a", "x = 1")
    return made


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, arguments)


def refused(result: Result, code: int, sentence: str) -> None:
    """The command ended with this exit code and one line on standard error, and no traceback."""
    assert result.exit_code == code, result.output
    assert re.search(sentence, result.stderr), result.stderr
    assert result.stderr.startswith("analysis: ")
    assert result.stderr.count("\n") == 1


def test_help_lists_the_commands() -> None:
    result = call("--help")
    assert result.exit_code == 0
    assert tuple(re.findall(r"^  ([a-z][a-z-]*) +[A-Z]", result.output, flags=re.M)) == COMMANDS
    for command in COMMANDS:
        assert call(command, "-h").exit_code == 0


def test_help_is_quick_because_it_loads_nothing_heavy() -> None:
    heavy = "pandas ibis duckdb pydantic nbformat numpy psutil yaml matplotlib"
    code = (
        "import sys\nfrom analysis import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        f"sys.exit(' '.join(set('{heavy}'.split()) & set(sys.modules)))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == "", "loaded without need"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 0.5


def test_a_good_run(project: Project) -> None:
    result = call("run", "tiny")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "Tiny shop, as of 2018-01-01"
    assert re.fullmatch(r"  data      16 rows in 8 tables, read in \d+\.\d s", lines[1])
    assert lines[2:4] == [
        "  start     10_a",
        "  done      10_a                        0.1 s       0 MB",
    ]
    run = project.reports.runs()[0]
    assert re.fullmatch(f"Published {re.escape(str(run.index))} in \\d+ s", lines[4])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}Z", run.run_id)

    again = call("run", "tiny", "--jobs", "1").stdout.splitlines()
    assert again[1:3] == ["  data      16 rows in 8 tables, as before", "  cached    10_a"]


def test_a_failed_report_is_exit_code_1_and_the_rest_is_published(project: Project) -> None:
    project.add("20_b", "1 / 0")
    result = call("run", "tiny", "--no-cache", "--set", "seed=3")
    assert result.exit_code == 1
    assert "FAILED    20_b                        0.1 s       0 MB  ZeroDivisionError" in (
        result.stdout
    )
    assert "Published" in result.stdout
    assert project.reports.runs()[0].page("10_a").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "nowhere"), r"There is no nowhere\.yaml in params/; studies there: tiny"),
        (("run", "tiny", "--set", "seeed=1"), r"tiny\.yaml: seeed: no such key; allowed are"),
        (("run", "tiny", "--set", "as_of=2018-02-30"), "as_of=2018-02-30: day is out of range"),
        (("run", "tiny", "--set", "seed"), "--set seed: write it as key=value"),
        (("run", "tiny", "--only", "77"), "--only 77: there is no such report; there are 10_a"),
        (("check", "tiny", "--set", "currency=dollar"), r"tiny\.yaml: currency"),
        (("ingest", "tiny", "--set", "source.kind=oracle"), r"source\.kind: 'oracle' is not one"),
    ],
)
def test_wrong_params_are_exit_code_2(
    project: Project, arguments: tuple[str, ...], sentence: str
) -> None:
    refused(call(*arguments), 2, sentence)
    assert not list(project.reports.path.glob("2*"))


@pytest.mark.parametrize(
    "arguments", [("run",), ("runs", "tiny"), ("run", "tiny", "--jobs", "0"), ("run-one",)]
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr


@pytest.mark.parametrize("command", ["run", "ingest", "check"])
def test_refused_data_are_exit_code_3(project: Project, command: str) -> None:
    project.journey.path("products").unlink()
    refused(call(command, "tiny"), 3, r"products\.parquet is missing")
    assert not list(project.reports.path.glob("2*"))


def test_outside_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(call("run", "tiny"), 1, "has params/ and notebooks/")


def test_ingest_says_what_became_of_every_row(project: Project) -> None:
    first = call("ingest", "tiny")
    assert first.exit_code == 0
    head, *lines = first.stdout.splitlines()
    assert re.fullmatch(r"tables [0-9a-f]{16} were read in \d+\.\d s", head)
    assert (
        "  promotion_products              1 of            2 from coupons.parquet: " in first.stdout
    )
    assert lines[-1].endswith("promotions.parquet: 1 repeated product, store and week")
    assert "are as before" in call("ingest", "tiny").stdout
    assert "were read in" in call("ingest", "tiny", "--force").stdout


def test_check_says_which_reports_can_run_and_runs_none(project: Project) -> None:
    project.add("20_b", requires=["points"])
    project.add("30_c", needs=["20_b/x"])
    result = call("check", "tiny")
    assert result.exit_code == 0
    assert "params of tiny are fine: as of 2018-01-01, seed 1" in result.stdout
    lines = result.stdout.splitlines()
    before_the_page = lines[: lines.index("")]
    assert lines[len(before_the_page) + 1] == "What was read: hold it against the till"
    assert before_the_page[-3:] == [
        "can run    10_a",
        "cannot run 20_b                    This study has no points table.",
        "cannot run 30_c                    It needs 20_b, which cannot run.",
    ]
    assert not list(project.reports.path.glob("2*"))


def test_check_says_which_reports_need_values_that_no_row_states(project: Project) -> None:
    project.add("20_b", requires=["order_lines.store_id"])
    project.add("30_c", requires=["order_lines.returned_order_id", "products"])
    lines = call("check", "tiny").stdout.splitlines()
    assert "can run    20_b" in lines
    lacking = "No row of order_lines states its returned_order_id."
    assert f"cannot run 30_c                    {lacking}" in lines
    project.add("40_d", requires=["order_lines.mood"])
    refused = call("check", "tiny")
    assert refused.exit_code == 2
    assert "requires names order_lines.mood, which is no column of order_lines" in refused.stderr


def test_check_finds_a_broken_notebook(project: Project) -> None:
    project.add("20_b", parameters=None)
    project.add("30_c", needs=["20_b/x"])
    result = call("check", "tiny")
    assert result.exit_code == 2
    assert "BROKEN     20_b                    20_b.ipynb needs exactly one cell" in result.stdout
    assert "cannot run 30_c                    It needs 20_b, which cannot run." in result.stdout


def test_words_for_days_are_resolved_and_kept(project: Project) -> None:
    from analysis.reporting.store.run_record import RunRecord

    assert call("run", "tiny", "--set", "as_of=last-complete-month").exit_code == 0
    record = RunRecord.read(project.reports.runs()[0].run_json)
    assert re.fullmatch(r"\d{4}-\d\d-01", record.as_of)
    assert record.params["as_of"] == record.as_of == record.reports["10_a"].parameters["as_of"]


def test_verify_tells_by_its_exit_code(project: Project) -> None:
    call("run", "tiny")
    same = call("verify", "tiny")
    assert (same.exit_code, same.stderr) == (0, "")
    assert same.stdout.endswith("All 0 tables and findings files are the same, byte for byte.\n")
    tables = project.reports.runs()[0].tables("10_a")
    tables.mkdir(parents=True)
    (tables / "invented.csv").write_text("a\n")
    other = call("verify", str(project.reports.latest))
    assert other.exit_code == 1
    assert "tables/10_a/invented.csv was not made again" in other.stdout
    refused(call("verify", "elsewhere"), 1, "There is no run elsewhere")


def test_serve_needs_reports(project: Project) -> None:
    refused(call("serve", "--port", "0"), 1, "There is no report in .* yet; run `analysis run")


def test_python_m_analysis_is_the_same_command() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "analysis", "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("analysis, version ")


def test_sent_says_which_lists_there_are(project: Project) -> None:
    sentence = "tiny has no list 'spring'; it has none: `analysis lists` writes them"
    refused(call("sent", "tiny", "spring"), 1, sentence)


def test_sent_takes_a_day_as_others_do(project: Project) -> None:
    refused(call("sent", "tiny", "spring", "--on", "Monday"), 2, "--on Monday: write the day as")

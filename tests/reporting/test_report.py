from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from analysis.answers import NotGiven
from analysis.errors import AnalysisError, NotApplicable, ParamsError
from analysis.project import ROOT, find_root
from analysis.reporting import open_report
from analysis.reporting.charts import style
from analysis.reporting.notebook import outputs
from analysis.reporting.notebook.formats import Columns
from analysis.reporting.notebook.report import Report
from analysis.reporting.store.layout import STAGING, Workspace

DECILES = pd.DataFrame({"decile": [1, 2, 3], "share": [0.5, 0.3, 0.2]})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("params", "notebooks", "reports"):
        (tmp_path / folder).mkdir()
    for variable in (ROOT, STAGING):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path


@pytest.fixture
def shown() -> list[outputs.Output]:
    return []


@pytest.fixture
def report(tmp_path: Path, shown: list[outputs.Output]) -> Report:
    return make(tmp_path, shown.append)


def make(directory: Path, show: Callable[[outputs.Output], None], *, staged: bool = True) -> Report:
    return Report(
        "03_deciles",
        study="demo",
        as_of=date(2018, 1, 1),
        seed=1,
        workspace=Workspace(directory / "run", directory / "reports" / "demo", staged),
        tables=SimpleNamespace(manifest=SimpleNamespace(currency="USD")),  # type: ignore[arg-type]
        show=show,
    )


def test_importing_the_package_loads_nothing_heavy():
    heavy = "{'pandas', 'matplotlib', 'great_tables', 'IPython', 'nbconvert', 'pyarrow'}"
    code = f"import sys, analysis.reporting; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (answer.stdout.strip(), answer.stderr) == ("[]", "")


def test_in_jupyterlab_everything_lands_in_the_draft(project: Path):
    opened = open_report("03_deciles", study="demo", as_of="2018-01-01")
    opened.save(DECILES, "deciles")
    draft = project / "reports" / "demo" / "draft"
    assert opened.as_of == date(2018, 1, 1)
    assert sorted(p.name for p in (draft / "tables" / "03_deciles").iterdir()) == [
        "deciles.csv",
        "deciles.parquet",
    ]
    assert (draft / "findings" / "03_deciles.json").is_file()


def test_in_a_run_everything_lands_in_its_staging(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(STAGING, str(project / "staging"))
    open_report("03_deciles", study="demo", as_of="2018-01-01").save(DECILES, "deciles")
    assert (project / "staging" / "tables" / "03_deciles" / "deciles.csv").is_file()
    assert not (project / "reports" / "demo").exists()


def test_outside_a_project_the_root_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(ROOT, raising=False)
    with pytest.raises(AnalysisError, match="params/ and notebooks/"):
        find_root(tmp_path)
    monkeypatch.setenv(ROOT, str(tmp_path))
    assert find_root() == tmp_path


@pytest.mark.parametrize("name", ["../x", "A", "", "a b", "a/b"])
def test_names_that_could_leave_the_folder_are_refused(report: Report, name: str):
    with pytest.raises(ParamsError, match="cannot be a name"):
        report.save(DECILES, name)


def test_what_a_cell_shows_carries_its_part_on_the_page(
    report: Report, shown: list[outputs.Output]
):
    report.title("Top tenth: 50 %")
    report.headline("Half comes from one")
    report.say("worth $ 5 or $ 7, no formula $x^2$")
    report.finding(key="a", sentence="of sales.", value=0.5, unit="%")
    report.trust([("Checked", True, "adds up"), ("Assumed", False, "margin"), ("n", None, "3")])
    roles = [output.metadata["analysis"]["role"] for output in shown]
    assert roles == ["title", "headline", "text", "finding", "trust"]
    assert shown[2].data["text/markdown"] == r"worth \$ 5 or \$ 7, no formula \$x\^2\$"
    assert shown[3].data["text/plain"] == "50.0 % of sales."
    assert shown[4].data["text/markdown"].splitlines() == [
        "- ✓ **Checked** adds up",
        "- ! **Assumed** margin",
        "- – **n** 3",
    ]
    assert all("text/plain" in output.data for output in shown)


def test_a_table_without_rows_is_saved_and_not_drawn(
    report: Report, shown: list[outputs.Output], tmp_path: Path
):
    report.table(DECILES[:0], name="none")
    assert shown == []
    report.table(DECILES[:0], name="still_none", title="Deciles")
    assert [output.data["text/plain"] for output in shown] == ["Deciles: none."]
    for name in ("none", "still_none"):
        assert (tmp_path / "run" / "tables" / "03_deciles" / f"{name}.csv").is_file()


def test_title_and_findings_are_written_as_they_are_said(report: Report, tmp_path: Path):
    report.title("First")
    report.finding(key="a", sentence="of sales.", value=0.5, unit="%", alert=True)
    written = json.loads((tmp_path / "run" / "findings" / "03_deciles.json").read_text("utf-8"))
    assert written["title"] == "First"
    assert [f["key"] for f in written["findings"]] == ["a"]


def test_a_report_that_is_opened_again_starts_empty(tmp_path: Path):
    make(tmp_path, outputs.show).workspace  # noqa: B018
    first = make(tmp_path, lambda _: None)
    first.finding(key="a", sentence="of sales.", value=0.5, unit="%")
    make(tmp_path, lambda _: None)
    path = tmp_path / "run" / "findings" / "03_deciles.json"
    assert json.loads(path.read_text("utf-8"))["findings"] == []


def test_a_run_refuses_two_things_under_one_name(tmp_path: Path):
    staged = make(tmp_path, lambda _: None)
    staged.save(DECILES, "deciles")
    with pytest.raises(AnalysisError, match="two tables under the name 'deciles'"):
        staged.save(DECILES, "deciles")
    staged.finding(key="a", sentence="s", value=1)
    with pytest.raises(AnalysisError, match="two findings under the key 'a'"):
        staged.finding(key="a", sentence="s", value=2)


def test_an_analyst_may_run_a_cell_twice(tmp_path: Path):
    draft = make(tmp_path, lambda _: None, staged=False)
    for value in (1, 2):
        draft.save(DECILES, "deciles")
        draft.finding(key="a", sentence="s", value=value)
    path = tmp_path / "run" / "findings" / "03_deciles.json"
    assert [f["value"] for f in json.loads(path.read_text("utf-8"))["findings"]] == [2.0]


def test_a_table_shows_some_rows_and_saves_all(
    report: Report, shown: list[outputs.Output], tmp_path: Path
):
    report.table(
        DECILES,
        name="deciles",
        title="Deciles",
        columns=Columns("share: Share & more")(),
        rows=2,
    )
    html = shown[0].data["text/html"]
    assert "50.0 %" in html
    assert "30.0 %" in html
    assert "20.0 %" not in html
    assert "Share &amp; more" in html
    assert "decile</th>" not in html.lower()
    facts = shown[0].metadata["analysis"]
    assert (facts["shown"], facts["total"], facts["title"]) == (2, 3, "Deciles")
    saved = pd.read_csv(tmp_path / "run" / "tables" / "03_deciles" / "deciles.csv")
    pd.testing.assert_frame_equal(saved, DECILES)


def test_text_in_a_table_is_text(report: Report, shown: list[outputs.Output]):
    report.table(pd.DataFrame({"name": ["<script>x</script>", "a & b"]}), name="names")
    html = shown[0].data["text/html"]
    assert "<script>x" not in html
    assert "&lt;script&gt;" in html


def test_a_chart_needs_words(report: Report, shown: list[outputs.Output]):
    ax = style.new_axes()
    ax.plot([1, 2])
    with pytest.raises(AnalysisError, match="alt text"):
        report.chart(ax, alt=" ")
    report.chart(ax, alt='Two "points"', caption="All of them.")
    output = shown[0]
    assert output.metadata["image/svg+xml"] == {"alt": 'Two "points"'}
    assert output.metadata["analysis"]["caption"] == "All of them."
    assert 'aria-label="Two &quot;points&quot;"' in output.data["image/svg+xml"]


def test_a_needed_table_is_this_runs_then_the_latest_runs(report: Report, tmp_path: Path):
    study = tmp_path / "reports" / "demo"
    for run, first in (("2026-11-07T060000Z", 1), ("2026-11-14T060000Z", 2), ("draft", 3)):
        make_run(study / run, first)
    (study / "latest").symlink_to("2026-11-07T060000Z")
    assert report.need("02_segmentation/segments")["first"].item() == 2
    make_run(tmp_path / "run", 4)
    assert report.need("02_segmentation/segments")["first"].item() == 4


def make_run(directory: Path, first: int) -> None:
    tables = directory / "tables" / "02_segmentation"
    tables.mkdir(parents=True)
    (directory / "run.json").write_text("{}")
    pd.DataFrame({"first": [first]}).to_parquet(tables / "segments.parquet")


def test_a_table_nobody_made_names_the_report_to_run(report: Report):
    with pytest.raises(AnalysisError, match="analysis run demo --only 02_segmentation"):
        report.need("02_segmentation/segments")


def test_outputs_reach_jupyter_with_their_caption(monkeypatch: pytest.MonkeyPatch):
    calls: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **rest: calls.append((data, rest)))
    outputs.show(outputs.chart("<svg></svg>", alt="A line", caption="Costs $ 5"))
    assert [rest["metadata"]["analysis"]["role"] for _, rest in calls] == ["chart", "caption"]
    assert all(rest["raw"] for _, rest in calls)
    assert calls[1][0]["text/markdown"] == r"*Costs \$ 5*"


def test_what_is_shown_as_detail_says_so_and_the_rest_does_not(tmp_path: Path):
    capture: list[outputs.Output] = []
    report = Report(
        "03_deciles",
        study="demo",
        as_of=date(2018, 1, 1),
        seed=1,
        workspace=Workspace(tmp_path, tmp_path, staged=True),
        show=capture.append,
    )
    report.say("before")
    with report.detail("How it was chosen"):
        report.headline("a")
        report.say("b")
    report.say("after")
    assert [each.metadata[outputs.KEY].get("detail") for each in capture] == [
        None,
        "How it was chosen",
        "How it was chosen",
        None,
    ]


def test_a_reason_is_said_once_and_then_only_referred_to(
    report: Report, shown: list[outputs.Output]
) -> None:
    nothing = NotGiven("No order is known.")
    report.show("losses", nothing)
    report.show("profit_groups", nothing)
    facts = [output.metadata[outputs.KEY] for output in shown]
    assert [(each["role"], each["again"]) for each in facts] == [
        ("not given", False),
        ("not given", True),
    ]
    assert shown[0].data["text/plain"] == "Not reported: No order is known."


def test_a_presenter_that_finds_nothing_to_show_says_why(
    report: Report, shown: list[outputs.Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(report: Report, *given: object) -> None:
        report.say("First.")
        raise NotApplicable("There is no second.")

    found = {"losses": refused}
    monkeypatch.setattr(outputs, "presenters", lambda report: found)
    report.show("losses", DECILES)
    assert [output.data["text/plain"] for output in shown] == [
        "First.",
        "Not reported: There is no second.",
    ]


def test_one_part_can_be_taken_alone(
    report: Report, shown: list[outputs.Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(report: Report, table: pd.DataFrame) -> None:
        report.headline("All of it")
        report.table(table, name="deciles")

    monkeypatch.setattr(outputs, "presenters", lambda report: {pd.DataFrame: both})
    report.show(DECILES, only="headline")
    assert [output.metadata[outputs.KEY]["role"] for output in shown] == ["headline"]


def test_what_a_report_cannot_show_is_refused_with_what_it_can(report: Report) -> None:
    with pytest.raises(AnalysisError, match=r"does not know how to show 'fading'; it has .*losses"):
        report.show("fading", DECILES)


def test_a_report_without_its_ground_ends_as_a_whole(report: Report) -> None:
    with pytest.raises(NotApplicable, match="No order is known"):
        report.require(NotGiven("No order is known."))
    report.require(DECILES)

"""Which reports there are, and in which order they run."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import ParamsError
from analysis.reporting.runner.run_plan import Plan, make_plan, missing_tables, read_notebook
from tests.projects import notebook


def write(folder: Path, report: str, **options: Any) -> None:
    (folder / f"{report}.ipynb").write_text(json.dumps(notebook(report, **options)))


def order(plan: Plan) -> list[str]:
    return [planned.report for planned in plan.reports]


def test_reports_run_after_what_they_need_and_otherwise_by_name(tmp_path: Path) -> None:
    write(tmp_path, "10_a", needs=["30_c/x", "30_c/y"])
    write(tmp_path, "20_b")
    write(tmp_path, "30_c", needs=["20_b/z"])
    write(tmp_path, "40_d")
    plan = make_plan(tmp_path)
    assert order(plan) == ["20_b", "40_d", "30_c", "10_a"]
    assert plan.chosen == {"10_a", "20_b", "30_c", "40_d"}
    assert plan.by_name()["10_a"].upstream == ("30_c",)
    sorter = plan.sorter()
    assert set(sorter.get_ready()) == {"20_b", "40_d"}


def test_only_takes_beginnings_of_names_and_all_they_need(tmp_path: Path) -> None:
    write(tmp_path, "01_a")
    write(tmp_path, "02_b", needs=["01_a/x"])
    write(tmp_path, "03_c", needs=["02_b/x"])
    write(tmp_path, "10_d")
    assert make_plan(tmp_path, only=["03"]).chosen == {"01_a", "02_b", "03_c"}
    assert make_plan(tmp_path, only=["01_a", "10"]).chosen == {"01_a", "10_d"}
    assert make_plan(tmp_path, only=["01_a, 10"]).chosen == {"01_a", "10_d"}
    assert set(order(make_plan(tmp_path, only=["10"]))) == {"01_a", "02_b", "03_c", "10_d"}


def test_a_whole_name_does_not_also_mean_longer_ones(tmp_path: Path) -> None:
    write(tmp_path, "03_deciles")
    write(tmp_path, "03_deciles_more")
    assert make_plan(tmp_path, only=["03_deciles"]).chosen == {"03_deciles"}


@pytest.mark.parametrize("only", ["7", "deciles", "", "01,"])
def test_only_must_name_a_report(tmp_path: Path, only: str) -> None:
    write(tmp_path, "01_a")
    with pytest.raises(ParamsError, match=r"there is no such report; there are 01_a"):
        make_plan(tmp_path, only=[only])


def test_a_circle_is_named(tmp_path: Path) -> None:
    write(tmp_path, "01_a", needs=["02_b/x"])
    write(tmp_path, "02_b", needs=["03_c/x"])
    write(tmp_path, "03_c", needs=["01_a/x"])
    with pytest.raises(ParamsError) as refusal:
        make_plan(tmp_path)
    circle = str(refusal.value).removeprefix("The reports need each other in a circle: ")
    names = circle.split(" needs ")
    assert names[0] == names[-1]
    assert set(names) == {"01_a", "02_b", "03_c"}
    follows = {"01_a": "02_b", "02_b": "03_c", "03_c": "01_a"}
    assert all(follows[a] == b for a, b in itertools.pairwise(names))


@pytest.mark.parametrize("need", ["02_b/x", "01_a", "01_a/", "/x", "x"])
def test_an_unknown_need_is_refused(tmp_path: Path, need: str) -> None:
    write(tmp_path, "01_a")
    write(tmp_path, "03_c", needs=[need])
    with pytest.raises(ParamsError, match=r"03_c.ipynb needs .*; write report/table with one of"):
        make_plan(tmp_path)


def test_a_report_that_needs_itself_is_a_circle(tmp_path: Path) -> None:
    write(tmp_path, "01_a", needs=["01_a/x"])
    with pytest.raises(ParamsError, match="circle: 01_a needs 01_a"):
        make_plan(tmp_path)


def test_a_folder_without_reports_is_refused(tmp_path: Path) -> None:
    made = notebook("scratch")
    del made["metadata"]["analysis"]
    (tmp_path / "scratch.ipynb").write_text(json.dumps(made))
    assert read_notebook(tmp_path / "scratch.ipynb") is None
    with pytest.raises(ParamsError, match="There is no report in"):
        make_plan(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("title", 3, "title must be text, not 3"),
        ("requires", "order_lines", "requires must be a list of texts"),
        ("needs", [1], "needs must be a list of texts"),
        ("requires", ["receipts"], "requires names receipts, which is no canonical table"),
        ("need", [], "must have exactly title, question, requires, needs"),
    ],
)
def test_wrong_metadata_are_refused(tmp_path: Path, key: str, value: Any, sentence: str) -> None:
    made = notebook("01_a")
    made["metadata"]["analysis"][key] = value
    (tmp_path / "01_a.ipynb").write_text(json.dumps(made))
    with pytest.raises(ParamsError, match=f"01_a.ipynb: its `analysis` metadata.* {sentence}"):
        make_plan(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"metadata": 3}', "<<<<<<< HEAD"])
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "01_a.ipynb").write_text(content)
    with pytest.raises(ParamsError, match=r"01_a\.ipynb is not a readable notebook"):
        make_plan(tmp_path)


def test_missing_tables_are_one_sentence(tmp_path: Path) -> None:
    write(tmp_path, "01_a", requires=["order_lines", "points", "tiers", "feedback"])
    planned = make_plan(tmp_path).reports[0]
    everything = {"order_lines", "points", "tiers", "feedback"}
    assert missing_tables(planned, everything) == ""
    assert missing_tables(planned, everything - {"points"}) == "This study has no points table."
    assert missing_tables(planned, {"order_lines"}) == (
        "This study has no points, tiers and feedback tables."
    )


def test_what_a_report_can_do_without_only_orders_the_run(tmp_path: Path) -> None:
    write(tmp_path, "10_a", needs=["30_c/x?", "99_z/y?", "20_b/z"])
    write(tmp_path, "20_b")
    write(tmp_path, "30_c")
    plan = make_plan(tmp_path, only=["10"])
    assert order(plan) == ["20_b", "30_c", "10_a"]
    assert plan.chosen == {"10_a", "20_b", "30_c"}
    planned = plan.by_name()["10_a"]
    assert planned.upstream == ("20_b",)
    assert planned.wants == ("30_c/x", "99_z/y")


@pytest.mark.parametrize("need", ["?", "x?", "/x?", "01_a/?"])
def test_an_optional_need_still_names_report_and_table(tmp_path: Path, need: str) -> None:
    write(tmp_path, "03_c", needs=[need])
    with pytest.raises(ParamsError, match=r"03_c.ipynb needs .*; write report/table\?"):
        make_plan(tmp_path)


def test_a_report_reads_tables_that_it_needs_and_others_that_it_can_do_without(
    tmp_path: Path,
) -> None:
    write(tmp_path, "10_a", needs=["30_c/x?", "20_b/y"])
    write(tmp_path, "20_b")
    write(tmp_path, "30_c")
    plan = make_plan(tmp_path)
    assert order(plan)[-1] == "10_a"
    planned = plan.by_name()["10_a"]
    assert planned.reads == ("20_b/y", "30_c/x")
    assert planned.needs == ("20_b/y",)


def test_a_report_on_every_other_runs_last_and_asks_for_none(tmp_path: Path) -> None:
    write(tmp_path, "00_all", needs=["*"])
    write(tmp_path, "10_a", needs=["20_b/x"])
    write(tmp_path, "20_b")
    plan = make_plan(tmp_path)
    assert order(plan) == ["20_b", "10_a", "00_all"]
    assert plan.by_name()["00_all"].others == ("10_a", "20_b")
    assert plan.by_name()["00_all"].upstream == ()
    assert make_plan(tmp_path, only=["00"]).chosen == {"00_all"}


def test_the_longest_way_to_the_end_is_the_most_urgent(tmp_path: Path) -> None:
    write(tmp_path, "10_a", needs=["30_c/x"])
    write(tmp_path, "20_b")
    write(tmp_path, "30_c")
    write(tmp_path, "40_d", needs=["10_a/y?"])
    plan = make_plan(tmp_path)
    assert plan.urgency({}) == {"30_c": 3, "10_a": 2, "20_b": 1, "40_d": 1}
    taken = {"20_b": 47.0, "30_c": 22.0, "10_a": 23.0}
    assert plan.urgency(taken) == {"20_b": 47, "30_c": 46, "10_a": 24, "40_d": 1}

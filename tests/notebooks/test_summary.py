"""Report 00 on a board written by hand: every figure is one of a table or finding of its report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.answers import NotGiven
from analysis.errors import NotApplicable, ParamsError
from analysis.reporting.briefing.board import Board, read_board
from analysis.reporting.briefing.brief import priorities
from analysis.reporting.briefing.decisions_log import measured, planned, read_log
from analysis.reporting.briefing.director_questions import data_trust, last_promotion, losses
from analysis.reporting.briefing.period_sales import sales_changes, week_drivers
from analysis.reporting.briefing.strategy_scorecard import MEASURES, scorecard
from analysis.reporting.notebook.findings import Finding
from analysis.reporting.notebook.outputs import KEY
from analysis.reporting.notebook.sheet import Panel, from_facts
from analysis.reporting.store.layout import RunFolder, Workspace
from tests.notebooks.studies import STUDY, Page, run_notebook
from tests.reporting import boards


@pytest.fixture
def shop() -> dict[str, pd.DataFrame]:
    """Canonical tables: report 00 reads no row of them, only which currency they count in."""
    lines = {"order_id": ["1"], "product_id": ["p"], "ordered_at": pd.to_datetime(["2025-12-01"])}
    return {
        "order_lines": pd.DataFrame({**lines, "quantity": [1.0], "net_amount": [1.0]}),
        "products": pd.DataFrame({"product_id": ["p"], "department": ["d"], "category": ["c"]}),
    }


def page_of(
    shop: dict[str, pd.DataFrame], root: Path, monkeypatch: pytest.MonkeyPatch, **board: Any
) -> Page:
    """Run the notebook beside a board that is a published run."""
    monkeypatch.setenv("ANALYSIS_STAGING", str(root / "reports" / STUDY / ".staging-now"))
    boards.write_board(RunFolder(root / "reports" / STUDY / ".staging-now"), **board)
    return run_notebook("00_summary", shop, root, monkeypatch, as_of=boards.AS_OF.isoformat())


def panels(page: Page) -> dict[str, Panel]:
    sheet = next(o for o in page.outputs if o.metadata[KEY]["role"] == "sheet")
    return {panel.key: panel for panel in from_facts(sheet.metadata[KEY]["panels"])}


def board_of(root: Path, **board: Any) -> Board:
    """Return the board of a run in ``root``, with nothing of the engine."""

    class Open:
        """What `read_board` asks of an open report."""

        name, study, as_of, currency = "00_summary", "odd", boards.AS_OF, "EUR"
        workspace = Workspace(root / "now", root / "reports", staged=True)

    boards.write_board(RunFolder(root / "now"), **board)
    return read_board(Open())  # type: ignore[arg-type]


def test_five_questions_are_answered_by_figures_of_the_other_reports(
    shop: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(shop, tmp_path, monkeypatch)
    said = panels(page)
    week = said["sales"].rows[0]
    assert [cell.text for cell in week[:3]] == ["Week to 28 Dec 2025", "$ 900", "−10.0 %"]
    assert [cell.text for cell in said["why"].rows[0]] == ["Customers", "+10.0 %", "+$ 1,000"]
    assert [row[0].text for row in said["decide"].rows] == ["€ 800", "−€ 1.50", "1", "no figure"]
    assert said["promotion"].rows[0][0].text == "−$ 26"
    assert "Coffee" in said["promotion"].rows[0][1].text
    assert "1 promotion begun since" in said["promotion"].note
    assert [row[0].text for row in said["losses"].rows] == ["12", "€ 800", "12.0 %", "€ 400"]
    assert [row[0].text for row in said["trust"].rows] == ["97.0 %", "1", "0"]
    assert page.findings.by_key()["last_week"].sentence == (
        "change of net sales in the week to 28 Dec 2025 on the week before, to $ 900"
    )
    assert page.findings.title == "What 01_profiling found. Last week $ 900, −10.0 % on the week " \
        "before, outside the usual −2 to 2 %"  # fmt: skip


def test_every_figure_leads_to_a_page_of_its_report(
    shop: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = panels(page_of(shop, tmp_path, monkeypatch))
    figure = re.compile(r"^[−+]?[€$]? ?[\d,.]+")
    cells = [c for key in said for row in said[key].rows for c in row if figure.match(c.text)]
    assert len(cells) > 15
    for cell in cells:
        assert re.fullmatch(r"\d\d_\w+\.html#[\w-]+", cell.target), cell


def test_what_lacks_is_not_measured_and_what_failed_is_said(
    shop: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = {"03_deciles": boards.findings()["03_deciles"]}
    page = page_of(shop, tmp_path, monkeypatch, found=only, made={},
                   failed={"01_profiling": "The kernel died"})  # fmt: skip
    said = panels(page)
    for key in ("sales", "promotion", "trust"):
        assert said[key].rows == ()
        assert said[key].note.startswith("Not measured: ")
    assert "acquisition, development, retention, win-back, satisfaction" in said["scorecard"].note
    assert page.findings.title == "Sales are not measured in this run"
    assert "Failed: 01_profiling" in " ".join(page.shown("trust"))


def test_without_any_report_it_is_not_applicable(
    shop: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotApplicable, match="No other report"):
        page_of(shop, tmp_path, monkeypatch, found={}, made={})


def test_a_change_is_unusual_only_beyond_the_changes_before(tmp_path: Path) -> None:
    for last, unusual in ((900.0, True), (1_000.0, False), (1_200.0, True)):
        week = boards.weeks(last=last)
        made = boards.tables(**{"01_profiling/weeks": week, "01_profiling/days": boards.days(week)})
        board = board_of(tmp_path / str(last), made=made)
        row = sales_changes(board, plan={"2025-W52": 1_000.0}).iloc[0]
        assert row["change"] == pytest.approx(last / 1_000 - 1)
        assert (row["low"], row["high"]) == pytest.approx((1_000 / 1_020 - 1, 0.02))
        assert (not row["low"] <= row["change"] <= row["high"]) == unusual


def test_a_plan_and_the_year_before_are_held_against_week_and_month(tmp_path: Path) -> None:
    board = board_of(tmp_path)
    plan = {"2025-W52": 1_000.0, "2025-11": 5_000.0}
    found = sales_changes(board, plan=plan).set_index(["period", "against"])
    days = boards.tables()["01_profiling/days"]
    november = days[days["day"].dt.strftime("%Y-%m") == "2025-11"]["net_amount"].sum()
    october = days[days["day"].dt.strftime("%Y-%m") == "2025-10"]["net_amount"].sum()
    assert found.loc[("week", "plan"), "change"] == pytest.approx(-0.1)
    assert found.loc[("week", "last year"), "other"] == boards.weeks()["net_amount"].iloc[-53]
    assert found.loc[("month", "before"), "net_amount"] == pytest.approx(november)
    assert found.loc[("month", "before"), "change"] == pytest.approx(november / october - 1)
    assert found.loc[("month", "plan"), "change"] == pytest.approx(november / 5_000 - 1)
    assert found.loc[("month", "last year"), "reason"] == "the data do not reach back so far"


def test_the_parts_of_the_last_week_add_up_to_its_change(tmp_path: Path) -> None:
    board = board_of(tmp_path)
    week = boards.weeks()["net_amount"]
    drivers = week_drivers(board)
    assert drivers["contribution"].sum() == pytest.approx(week.iloc[-1] - week.iloc[-2])
    assert (1 + drivers["growth"]).prod() == pytest.approx(week.iloc[-1] / week.iloc[-2])


def test_decisions_rank_by_money_times_evidence_and_name_their_owner(tmp_path: Path) -> None:
    owners = {"03_deciles": "Care", "06_promotions/promotion_p2": "Anna"}
    asked = priorities(board_of(tmp_path), owners=owners)
    assert list(asked["key"]) == ["margin_at_risk", "promotion_p2", "checks", "promotion_p3"]
    assert asked["weight"].tolist() == pytest.approx([600.0, 17.0, 0.0, 0.0])
    assert asked["owner"].tolist() == ["Care", "Anna", "no owner named", "no owner named"]
    assert asked["otherwise"].tolist() == ["it is missing", "", "", ""]


def test_the_last_promotion_is_the_last_with_an_estimate_and_the_arm_that_is_judged(
    tmp_path: Path,
) -> None:
    every = boards.tables()["06_promotions/returns_all"]
    arms = pd.concat([every, every[every["promotion_id"] == "P2"].assign(
        arm="b", label="Coffee: b", net=99.0, low=90.0, high=110.0)])  # fmt: skip
    made = boards.tables(**{"06_promotions/returns_all": arms.reset_index(drop=True)})
    verdicts = pd.DataFrame({"promotion_id": ["P2"], "arm": ["treatment"]})
    made["06_promotions/verdicts_after_costs"] = verdicts
    last = last_promotion(board_of(tmp_path, made=made))
    assert (last.name, last.net, last.low, last.high) == ("Coffee", -25.5, -40.0, -11.0)
    assert (last.randomised, last.newer) == (True, 1)


def test_trust_counts_rows_checks_days_and_reports(tmp_path: Path) -> None:
    late = boards.tables()
    late["01_profiling/days"] = late["01_profiling/days"].iloc[:-2]
    found = data_trust(board_of(tmp_path, made=late, failed={"05_baskets": "no memory"}))
    assert (found.read, found.kept, found.rejected, found.dropped) == (1_000, 970, 20, 10)
    assert found.reconciled
    assert not found.sound
    assert (found.days_late, found.to_decide, found.wrong) == (2, ("Keys repeat",), ("05_baskets",))
    lost = boards.tables()
    ledger = lost["01_profiling/row_reconciliation"]
    lost["01_profiling/row_reconciliation"] = ledger.assign(rows=[1_000, 969, 20, 10])
    assert not data_trust(board_of(tmp_path / "lost", made=lost)).reconciled


def test_losses_do_without_the_reports_that_are_not_there(tmp_path: Path) -> None:
    found = {"07_value": boards.findings()["07_value"]}
    lost = losses(board_of(tmp_path, found=found, made={}))
    assert lost.declining is None
    assert lost.churn is not None
    assert lost.churn.value == 0.12
    assert isinstance(lost.groups, NotGiven)


def test_the_scorecard_has_every_aim_with_target_interval_or_the_reason_why_not(
    tmp_path: Path,
) -> None:
    board = board_of(tmp_path)
    targets = {"acquisition": 900.0, "development": -0.1, "value": 5_500.0, "retention": 0.1}
    scores = scorecard(board, targets=targets).set_index("measure")
    assert list(scores["aim"]) == [measure.name for measure in MEASURES]
    assert scores.loc["acquisition", ["value", "low", "high"]].tolist() == [700.0, 600.0, 800.0]
    met = scores["met"].to_dict()
    assert met["acquisition"] is False, "the whole interval lies below the target"
    assert met["development"] is True
    assert met["value"] is None, "the interval holds the target"
    assert met["retention"] is None, "churn has no interval"
    lacking = scores[scores["value"].isna()]
    assert set(lacking.index) == {
        "win_back", "satisfaction", "renewal", "repeat_purchase", "word_of_mouth"
    }  # fmt: skip
    assert lacking["reason"].str.len().min() > 10


def test_a_decision_stands_beside_what_came_of_it(tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "odd.yaml").write_text(
        "decided:\n"
        "  - {day: 2025-01-01, decision: A, report: 03_deciles, finding: margin_at_risk, "
        "expected: 700}\n"
        "  - {day: 2025-02-01, decision: B, report: 06_promotions, finding: promotion_p2, "
        "expected: 1}\n"
        "  - {day: 2025-03-01, decision: C, report: 09_loyalty, finding: renewal, expected: 0.5}\n"
        "  - {day: 2026-03-01, decision: later, report: 03_deciles, finding: margin_at_risk}\n"
        "planned:\n  - {day: 2026-02-01, what: D}\n  - {day: 2025-02-01, what: long ago}\n"
    )
    board, log = board_of(tmp_path), read_log("odd", root=tmp_path)
    came = measured(board, log).set_index("decision")
    assert came["came"].to_dict() == {"C": "not measured", "B": "below", "A": "as expected"}
    assert came.loc["B", ["value", "low", "high"]].tolist() == [-1.5, -2.0, -1.0]
    assert planned(board, log)["what"].tolist() == ["D"]


def test_a_wrong_file_of_decisions_names_its_key(tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "odd.yaml").write_text("decided:\n  - {day: soon, decision: A}\n")
    with pytest.raises(ParamsError, match=r"decisions/odd.yaml: decided.0.day: .*a plan has day"):
        read_log("odd", root=tmp_path)
    assert read_log("none", root=tmp_path).decided == ()


def test_a_report_left_out_of_a_run_is_read_from_the_last_good_one(tmp_path: Path) -> None:
    earlier = RunFolder(tmp_path / "reports" / "2025-12-22T060000Z")
    boards.write_board(earlier)
    boards.record(earlier, as_of=boards.AS_OF.replace(day=22)).write(earlier.run_json)
    found = {"03_deciles": [Finding("margin_at_risk", "is at risk", 1.0, unit="EUR")]}
    board = board_of(tmp_path, found=found, made={})
    assert board.finding("03_deciles/margin_at_risk").value == 1.0  # type: ignore[union-attr]
    assert board.finding("07_value/churn").value == 0.12  # type: ignore[union-attr]
    assert board.page("07_value") == "../2025-12-22T060000Z/07_value.html"
    assert board.standings["07_value"].as_of == boards.AS_OF.replace(day=22)


def test_todays_figures_are_kept_behind_those_of_earlier_days(
    shop: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = RunFolder(tmp_path / "reports" / STUDY / "2025-12-22T060000Z")
    boards.write_board(before, found={}, made={
        "00_summary/history": pd.DataFrame({
            **{"as_of": ["2025-12-22"], "report": "scorecard", "key": "value", "value": [4_000.0]},
            **{"low": [1.0], "high": [2.0], "unit": "EUR"}}),
    })  # fmt: skip
    boards.record(before, {}).write(before.run_json)
    page = page_of(shop, tmp_path, monkeypatch)
    kept = page.table("history")
    assert kept is not None
    values = kept[(kept["report"] == "scorecard") & (kept["key"] == "value")]
    assert values["as_of"].tolist() == ["2025-12-22", "2025-12-29"]
    assert values["value"].tolist() == [4_000.0, 5_000.0]
    aim = next(row for row in panels(page)["scorecard"].rows if row[0].text == "Value")
    assert aim[1].trend == (4_000.0, 5_000.0)


def test_the_scores_of_loyalty_and_feedback_are_taken_where_they_are(tmp_path: Path) -> None:
    nothing = float("nan")
    made = boards.tables()
    made["09_loyalty/strategy_scores"] = pd.DataFrame(
        [
            ("bought in a year and again in the next", nothing, nothing, nothing, "too short"),
            ("bought in a half-year and again in the next", 0.8, 0.7, 0.9, ""),
            ("renewed a term that ended", nothing, nothing, nothing, "no term has ended yet"),
        ],
        columns=["score", "value", "low", "high", "reason"],
    )
    asked = {
        "09_loyalty": [],
        "10_feedback": [Finding("score_nps", "score", 0.3, 0.2, 0.4, "points")],
    }
    board = board_of(tmp_path, found={**boards.findings(), **asked}, made=made)
    scores = scorecard(board, targets={"retention": 0.6}).set_index("measure")
    assert scores.loc["retention", ["value", "low", "high", "met"]].tolist() == [
        0.8,
        0.7,
        0.9,
        True,
    ]
    assert scores.loc["satisfaction", "value"] == 0.3
    asked["10_feedback"].append(Finding("weighted_score", "score", -0.1, -0.2, 0.0, "points"))
    board = board_of(tmp_path, found={**boards.findings(), **asked}, made=made)
    found = scorecard(board, targets={}).set_index("measure").loc["satisfaction"]
    assert (found["value"], found["what"]) == (-0.1, "net promoter score of all asked, weighted")
    assert scores.loc["renewal", "reason"] == "no term has ended yet", "the report's own reason"


def test_one_customer_contacted_is_no_score(tmp_path: Path) -> None:
    made = boards.tables()
    shown = {"stage": ["Lapsed"], "difference": [0.66], "low": [-0.1], "high": [0.7]}
    for contacted, known in ((1, False), (30, True)):
        table = pd.DataFrame({**shown, "contacted": [contacted], "not_contacted": [90]})
        made["02_segmentation/win_back"] = table
        found = {**boards.findings(), "02_segmentation": []}
        board = board_of(tmp_path / str(contacted), found=found, made=made)
        row = scorecard(board, targets={}).set_index("measure").loc["win_back"]
        assert (row["value"] == 0.66) == known
        assert ("fewer than 30" in row["reason"]) != known

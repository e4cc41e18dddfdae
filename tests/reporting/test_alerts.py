"""Alerts: what the rules find, told once until it changes, and how often they cry wolf."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from analysis.params.study import AlertParams, AlertRule
from analysis.reporting.mail.alert_book import AlertBook, book_path, judged, told
from analysis.reporting.mail.alert_rules import Evidence, Seen, read_evidence
from analysis.reporting.notebook.findings import Finding
from analysis.reporting.store.layout import RunFolder, StudyReports
from tests.reporting import boards

DAY = date(2026, 1, 5)


def finding(value: float, half: float = 0.02, **rest: object) -> Finding:
    ends = {"low": value - half, "high": value + half, "unit": "%", "direction": "up_good"}
    return Finding(**{"key": "net_change", "sentence": "growth of net sales", "value": value,
                      **ends, **rest})  # type: ignore[arg-type]  # fmt: skip


def seen(*items: Finding, status: str = "done", reason: str = "", settings: str = "s") -> Seen:
    return Seen("Profiling", status, reason, settings, items)


def run(*items: Finding, day: date = DAY, late: int = 0, **reports: Seen) -> Evidence:
    all_reports = {"01_profiling": seen(*items), **reports}
    last = day - timedelta(days=1 + late)
    return Evidence("odd", "Odd shop", f"run-{day}", day, last, all_reports)


def tell(book: AlertBook, evidence: Evidence, params: AlertParams, day: date = DAY) -> AlertBook:
    """Judge a run and tell what is new, as after a run whose mail arrived."""
    return told(judged(book, evidence, params, day), evidence, day)


def only(*rules: AlertRule, **rest: object) -> AlertParams:
    return AlertParams(rules=list(rules), **rest)  # type: ignore[arg-type]


def test_a_threshold_is_told_with_change_threshold_and_interval() -> None:
    params = only(AlertRule(when="threshold", finding="01_profiling/net_*", below=0.0))
    book = judged(AlertBook("odd"), run(finding(-0.05)), params, DAY)
    alert = book.news()[0]
    assert alert.key == "threshold:01_profiling/net_change/below"
    assert alert.subject == "−5.0 % growth of net sales (below 0.0 %)"
    assert alert.body == (
        "−5.0 % growth of net sales (95 % interval −7.0 to −3.0 %). The threshold is 0.0 %."
    )
    doubtful = judged(AlertBook("odd"), run(finding(-0.01)), params, DAY).news()[0]
    assert doubtful.body.endswith("The threshold lies within the interval.")
    assert judged(AlertBook("odd"), run(finding(0.01)), params, DAY).active == ()


def test_an_alert_is_quiet_until_it_changes() -> None:
    params = only(AlertRule(when="threshold", below=0.0))
    book = tell(AlertBook("odd"), run(finding(-0.05)), params)
    assert len(book.new) == 1
    book = tell(book, run(finding(-0.06)), params)
    assert (len(book.active), book.new) == (1, ()), "still below: nobody is told again"
    book = tell(book, run(finding(0.05)), params)
    assert (book.active, book.new) == ((), ())
    assert book.resolved == ("−6.0 % growth of net sales (below 0.0 %)",)
    book = tell(book, run(finding(-0.05)), params)
    assert len(book.new) == 1, "it is below once more"


def test_what_could_not_be_sent_is_new_again() -> None:
    params = only(AlertRule(when="decision"))
    asked = run(finding(0.1, alert=True))
    book = judged(AlertBook("odd"), asked, params, DAY)
    again = judged(book, asked, params, DAY)
    assert book.new == again.new == ("decision:01_profiling/net_change",)
    assert tell(again, asked, params).news() != []
    assert tell(tell(again, asked, params), asked, params).news() == []


def test_no_more_than_so_many_are_told_a_day_and_the_heaviest_first() -> None:
    params = only(AlertRule(when="decision"), most_a_day=2)
    items = [
        Finding(
            f"f{n}", "is at risk", float(n), n / 2, n * 2.0, "EUR", alert=True, at_stake=float(n)
        )
        for n in range(1, 6)
    ]
    book = tell(AlertBook("odd"), run(*items), params)
    assert book.new == ("decision:01_profiling/f5", "decision:01_profiling/f4")
    book = tell(book, run(*items), params)
    assert (len(book.new), len(book.waiting)) == (0, 3), "the day has had its two"
    book = tell(book, run(*items), params, DAY + timedelta(days=1))
    assert book.new == ("decision:01_profiling/f3", "decision:01_profiling/f2")


def test_late_data_and_failed_reports_come_before_everything() -> None:
    failed = seen(status="failed", reason="out of memory")
    evidence = run(finding(0.1, alert=True), late=4, **{"02_segmentation": failed})
    book = tell(AlertBook("odd"), evidence, AlertParams())
    assert [alert.kind for alert in book.news()] == ["failed", "late", "decision"]
    assert book.news()[0].body == (
        "Report 02_segmentation failed. Why stands on the page of the run."
    )
    assert "4 days up to 4 Jan 2026 have none" in book.news()[1].body
    later = run(day=DAY + timedelta(days=1), late=5)
    assert tell(book, later, AlertParams()).new == (), "the same silence goes on"
    assert tell(AlertBook("odd"), run(late=2), AlertParams()).active == ()


def test_a_change_is_held_against_both_intervals_and_told_once() -> None:
    params = only(AlertRule(when="changed"))
    book = tell(AlertBook("odd"), run(finding(0.10)), params)
    assert book.active == ()
    book = tell(book, run(finding(0.125)), params)
    assert book.active == (), "beyond today's interval, and yet no more than two intervals leave"
    changed = tell(book, run(finding(0.02)), params)
    alert = changed.news()[0]
    assert alert.subject == "fell from 10.0 %: 2.0 % growth of net sales"
    assert alert.body.endswith("leave to chance. That is bad news.")
    assert tell(changed, run(finding(0.02)), params).active == ()


def test_a_slow_drift_is_told_though_no_step_is_significant() -> None:
    params = only(AlertRule(when="changed"))
    book, told_at = AlertBook("odd"), []
    for week in range(12):
        book = tell(book, run(finding(0.10 - 0.008 * week)), params)
        told_at += [week] if book.new else []
    assert told_at == [4, 8]


def test_findings_of_other_settings_are_not_compared() -> None:
    params = only(AlertRule(when="changed"))
    book = tell(AlertBook("odd"), run(finding(0.10)), params)
    other = Evidence(
        **{**vars(run()), "reports": {"01_profiling": seen(finding(0.5), settings="t")}}
    )
    assert tell(book, other, params).active == ()


def test_what_a_run_leaves_out_stays_as_it_was() -> None:
    params = only(AlertRule(when="decision"))
    book = tell(AlertBook("odd"), run(finding(0.1, alert=True)), params)
    without = replace(run(), reports={"06_promotions": seen()})
    book = tell(book, without, params)
    assert (len(book.active), book.new) == (1, ())


@pytest.mark.parametrize("findings", [1, 20])
def test_the_rate_of_false_alarms_where_nothing_changes(findings: int) -> None:
    """Weekly findings of 26 weeks each, two years: how many years have a false alarm of change.

    Means of a moving window are looked at every week and held against when they were last told.
    """
    generator = np.random.default_rng(7)
    params, years, weeks, window = only(AlertRule(when="changed")), 40, 52, 26
    alarms = 0
    for _ in range(years):
        noise = generator.standard_normal((weeks + window, findings))
        book = AlertBook("odd")
        for week in range(weeks):
            means = noise[week : week + window].mean(axis=0)
            half = 1.96 / np.sqrt(window)
            items = [finding(m, half, key=f"f{n}", unit="") for n, m in enumerate(means)]
            book = tell(book, run(*items), params)
            alarms += len(book.new)
    rate = alarms / years
    assert rate <= 0.4, "of 60 such years 14 and 13 alarms were measured"


def test_the_naive_rule_would_cry_wolf_three_times_as_often() -> None:
    """Whether yesterday's value lies in today's interval is no test at 5 %: both are uncertain."""
    generator = np.random.default_rng(3)
    before, now = generator.standard_normal((2, 20_000))
    naive = np.mean(np.abs(now - before) > 1.96)
    assert naive == pytest.approx(0.166, abs=0.01)
    ours = np.mean(np.abs(now - before) / np.sqrt(2) > 1.96)
    assert ours == pytest.approx(0.05, abs=0.006)


def test_the_book_is_one_file_that_reads_back(tmp_path: Path) -> None:
    params = AlertParams()
    book = tell(AlertBook("odd"), run(finding(0.1, alert=True), late=9), params)
    path = book_path(StudyReports(tmp_path))
    book.write(path)
    assert AlertBook.read(path, "odd") == book
    path.write_text("{")
    assert AlertBook.read(path, "odd") == AlertBook("odd")


def test_the_evidence_of_a_run_leaves_out_what_was_not_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "now")
    boards.write_board(folder)
    states = {"03_deciles": "done", "07_value": "left_out", "06_promotions": "failed",
              "00_summary": "done"}  # fmt: skip
    evidence = read_evidence(folder, boards.record(folder, states))
    assert set(evidence.reports) == {"03_deciles", "06_promotions"}
    assert evidence.last_day == date(2025, 12, 28)
    assert [f.key for _, f in evidence.findings()] == ["fading_customers", "margin_at_risk"]


@pytest.mark.parametrize("rule", [{"when": "threshold"}, {"when": "late", "above": 1.0},
                                  {"when": "threshold", "above": 1.0, "below": 0.0}])  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="either above or below"):
        AlertRule(**rule)  # type: ignore[arg-type]

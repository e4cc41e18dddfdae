"""`make reports` on the real data set: everything published, right to the digit, repeatable."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from analysis.reporting.checking.verify import params_of
from analysis.reporting.runner.run import Request, executed
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import RunRecord
from tests.projects import Listener
from tests.real_site import REPOSITORY, Site

pytestmark = pytest.mark.slow

#: Reports for which the real data set has no table.
NOT_APPLICABLE = ("09_loyalty", "10_feedback", "11_channels", "12_web")
NOTEBOOKS = sorted(path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
AGAIN = ("01_profiling", "03_deciles")
REPORTS = [name for name in NOTEBOOKS if name not in NOT_APPLICABLE]


def findings(run: Path, report: str) -> dict[str, dict[str, object]]:
    content = json.loads((run / "findings" / f"{report}.json").read_text("utf-8"))
    return {finding["key"]: finding for finding in content["findings"]}


def test_the_site_is_published(real_site: Site) -> None:
    assert real_site.said == ""
    assert real_site.run is not None


def test_every_report_is_done(real_run: Path) -> None:
    record = json.loads((real_run / "run.json").read_text("utf-8"))
    expected = dict.fromkeys(REPORTS, "done") | dict.fromkeys(NOT_APPLICABLE, "not_applicable")
    assert {name: report["status"] for name, report in record["reports"].items()} == expected
    for report in NOT_APPLICABLE:
        assert record["reports"][report]["reason"].startswith("This study has no ")
    for report in REPORTS:
        page = real_run / f"{report}.html"
        assert 50_000 < page.stat().st_size < 1_500_000
        assert findings(real_run, report)
    assert record["as_of"] == "2018-01-01"
    assert record["data"]["rows"]["order_lines"] == 1_469_307
    assert not RunFolder(real_run).shared.exists()


def test_the_published_shares_are_those_of_plain_pandas(real_run: Path, real_totals: pd.Series):
    ranked = real_totals.sort_values(ascending=False)
    table = pd.read_parquet(real_run / "tables" / "03_deciles" / "deciles.parquet")
    top, two = table["customers"].iloc[0], table["customers"].iloc[:2].sum()
    assert table["customers"].sum() == len(ranked) == 2_469
    assert table["share"].iloc[0] == pytest.approx(
        ranked.iloc[:top].sum() / ranked.sum(), abs=1e-12
    )
    assert table["share"].iloc[:2].sum() == pytest.approx(
        ranked.iloc[:two].sum() / ranked.sum(), abs=1e-12
    )
    assert [f"{100 * table['share'].iloc[:n].sum():.1f}" for n in (1, 2)] == ["35.0", "54.5"]


def test_a_second_run_gives_every_table_byte_for_byte(real_run: Path) -> None:
    """On 1.5 million lines, with another number of jobs, the two reports that ask most of DuckDB.

    All thirteen, on other differences between two runs: ``tests/notebooks/test_repeatable.py``.
    """
    before, root = RunFolder(real_run), real_run.parents[2]
    settings = params_of(RunRecord.read(before.run_json))
    again = Request(settings, root, lambda: datetime.now(UTC), AGAIN, jobs=1, reuse=False)
    with executed(again, Listener()) as second:
        assert {second.record.reports[report].status for report in AGAIN} == {"done"}
        for report in AGAIN:
            first, now = (results(folder, report) for folder in (before, second.folder))
            assert sorted(first) == sorted(now)
            assert [name for name in first if first[name] != now[name]] == []


def results(run: RunFolder, report: str) -> dict[str, bytes]:
    files = [*run.results(report), run.findings(report)]
    return {str(path.relative_to(run.path)): path.read_bytes() for path in files}

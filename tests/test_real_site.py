"""`make reports` on the real data set: everything published, right to the digit, repeatable."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.real_site import REPOSITORY, Site, analysis

pytestmark = pytest.mark.slow

#: Reports for which the real data set has no table.
NOT_APPLICABLE = ("09_loyalty", "10_feedback", "11_channels", "12_web")
NOTEBOOKS = sorted(path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
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
    root = real_run.parent.parent.parent
    verified = analysis(root, "verify", real_run.name)
    assert verified.returncode == 0, verified.stdout + verified.stderr

"""Tables that name customers are kept among the run's lists, and no page shows a customer."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.reporting.briefing.finding_history import table_before
from analysis.reporting.notebook import outputs
from analysis.reporting.notebook.report import Report
from analysis.reporting.store.atomic import write_json
from analysis.reporting.store.layout import RunFolder, Workspace
from tests.projects import Project
from tests.reporting.sample_run import write_run
from tests.tiny import Journey

IDS = [f"planted-{n}" for n in range(12)]
PEOPLE = pd.DataFrame({"customer_id": IDS, "segment": "best", "as_of": "2017-01-01"})

#: What the page says instead of the rows.
SENTENCE = "Segments: 12 rows on single customers, in {}/03_deciles/segments.csv of this run. "


def report_in(folder: Path) -> tuple[Report, list[outputs.Output]]:
    """Return report 03 that writes into a run's folder, and what it shows."""
    shown: list[outputs.Output] = []
    workspace = Workspace(folder, folder.parent, staged=True)
    made = Report(
        "03_deciles",
        study="demo",
        as_of=date(2018, 1, 1),
        seed=1,
        workspace=workspace,
        show=shown.append,
    )
    return made, shown


@pytest.mark.parametrize("key", ["customer_id", "referrer_id", "referred_id"])
def test_a_table_with_customers_keys_is_kept_apart_and_read_by_others(
    tmp_path: Path, key: str
) -> None:
    report, shown = report_in(tmp_path / "run")
    table = PEOPLE.rename(columns={"customer_id": key})
    report.table(table, name="segments", title="Segments", rows=5)
    folder = RunFolder(tmp_path / "run")
    assert not folder.tables("03_deciles").exists()
    assert {path.name for path in folder.results("03_deciles")} == {
        "segments.csv",
        "segments.parquet",
    }
    (said,) = shown
    assert said.data["text/plain"] == SENTENCE.format("lists") + "No page shows them."
    assert not any(identity in str(said) for identity in IDS)
    pd.testing.assert_frame_equal(report.need("03_deciles/segments"), table)
    assert table_before(report, "03_deciles/segments", moment="as_of") is None, "not published"
    write_json(tmp_path / "run" / "run.json", {})
    assert table_before(report, "03_deciles/segments", moment="as_of") is not None


def test_a_study_may_publish_them_but_no_page_shows_them(journey: Journey, tmp_path: Path) -> None:
    params = Project(journey).request("publish=customers").params
    (tmp_path / "run").mkdir()
    write_json(tmp_path / "run" / "params.json", params.model_dump(mode="json"))
    report, shown = report_in(tmp_path / "run")
    report.table(PEOPLE, name="segments", title="Segments", rows=5)
    assert (RunFolder(tmp_path / "run").tables("03_deciles") / "segments.csv").is_file()
    assert shown[0].data["text/plain"] == SENTENCE.format("tables") + "No page shows them."


def test_no_file_that_is_published_names_a_customer(tmp_path: Path) -> None:
    ids = "[f'planted-{n}' for n in range(12)]"  # the code itself names nobody
    people = f"pd.DataFrame({{'customer_id': {ids}, 'spent': range(12)}})"
    cells = [
        f"c:report.table({people}, name='segments', title='Segments', rows=5)",
        f"c:report.save({people}, 'more')",
        f"c:report.table({people}[['spent']], name='sums', title='Sums')",
    ]
    run = write_run(tmp_path / "demo", 1, change=lambda parts: [*parts, *cells])
    naming = {
        path.relative_to(run).parts[0]
        for path in run.rglob("*")
        if path.is_file() and IDS[7].encode() in path.read_bytes()
    }
    assert naming == {"lists"}
    page = BeautifulSoup((run / "03_deciles.html").read_text("utf-8"), "html.parser")
    assert SENTENCE.format("lists") in page.get_text()
    downloads = page.select_one("#downloads").get_text()
    assert "segments: on single customers, kept in lists/03_deciles of the run" in downloads
    assert not page.select("a[href*=segments], a[href*=lists]")
    assert page.select("a[href='tables/03_deciles/sums.csv']")

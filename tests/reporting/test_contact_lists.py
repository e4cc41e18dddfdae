"""Whom to contact leaves the last good run in the form, with the ids and the consent it needs."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from analysis.errors import AnalysisError
from analysis.params import StudyParams
from analysis.reporting.contacts.contact_lists import SOURCES, ListSource, write_lists
from analysis.reporting.notebook import frames
from analysis.reporting.store.layout import RunFolder, StudyReports
from analysis.reporting.store.run_record import ReportRecord
from analysis.reporting.store.status import Status
from tests.conftest import REPOSITORY
from tests.ingest.shop import Shop
from tests.reporting.sample_run import record

CUSTOMERS = {
    "table": "customers",
    "from": "members",
    "columns": {"customer_id": "No", "consent_email": "Mail_ok", "consent_sms": "Sms_ok"},
    "identity": {"email": "Mail"},
}
MAPPING = {"files": {"members": {"paths": "*.csv"}}, "tables": [CUSTOMERS]}
HEADER = "No,Mail,Mail_ok,Sms_ok"
CRM = ["77,ann@x.com,yes,no", "78,bo@x.com,no,no", "79,cy@x.com,yes,yes", "80,di@x.com,,"]
WEB = ["1,ANN@x.com,yes,no", "2,ed@x.com,yes,yes"]


@pytest.fixture
def study(tmp_path: Path) -> StudyParams:
    """A CRM and a web shop; Ann is in both, Ed in the web shop alone."""
    shop = Shop(tmp_path)
    for name, mapping, lines in (("web", "web", WEB), ("crm", "zoho_crm", CRM)):
        shop.map({"mapping": mapping, **MAPPING}, mapping)
        folder = tmp_path / "data" / "raw" / name
        folder.mkdir(parents=True)
        (folder / "members.csv").write_text("\n".join([HEADER, *lines]))
    shop.source = {
        "kind": "files",
        "sources": {
            "web": {"mapping": "web", "folder": "data/raw/web"},
            "crm": {"mapping": "zoho_crm", "folder": "data/raw/crm"},
        },
        "unify": {},
    }
    shop.ingest()
    return StudyParams(
        study="shop",
        title="Shop",
        source=shop.source,
        as_of=date(2024, 1, 1),
        timezone="UTC",
        currency="GBP",
    )


def run(root: Path, day: int, ids: list[str], *, good: bool = True) -> RunFolder:
    """Publish a run in which report 03 found ``ids`` worth contacting."""
    folder = StudyReports.of("shop", root=root).run(f"2024-01-{day:02}T000000Z")
    report = "03_deciles"
    Status(report, "done" if good else "failed").write(folder.status(report))
    kept = record(folder.run_id, datetime(2024, 1, day, tzinfo=UTC), simulated=False)
    reports = {report: ReportRecord("Deciles", "Who?", "done" if good else "failed")}
    replace(kept, reports=reports).write(folder.run_json)
    found = pd.DataFrame({"customer_id": ids, "before": 90.0, "now": -1.5, "at_risk": 88.25})
    frames.save(found, folder.tables(report) / "worth_contacting")
    return folder


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.reader(stream))


ALL = ["web:1", "web:2", "crm:78", "crm:79", "crm:80"]


def test_the_crm_gets_its_own_ids_and_only_those_who_agreed(
    study: StudyParams, tmp_path: Path
) -> None:
    folder = run(tmp_path, 5, ALL)
    said = write_lists(study, root=tmp_path)
    assert rows(folder.path / "lists" / "zoho_crm" / "worth_contacting.csv") == [
        ["Id", "Target_List", "Contact_Channel", "List_Reason"],
        ["77", "worth_contacting", "email", "margin at risk: 88.25"],  # Ann, web:1 in the study
        ["79", "worth_contacting", "email;sms", "margin at risk: 88.25"],
    ]
    assert said[0] == "Only customers who agreed to any of email and sms are in the lists."
    assert said[2].endswith(
        "zoho_crm/worth_contacting.csv: 2 customers; left out: 2 did not agree to be contacted, "
        "1 not known to crm"
    )


def test_a_plain_list_keeps_every_column_and_the_studys_ids(
    study: StudyParams, tmp_path: Path
) -> None:
    folder = run(tmp_path, 5, ALL)
    write_lists(study, root=tmp_path, systems=("csv",))
    header, *found = rows(folder.path / "lists" / "csv" / "worth_contacting.csv")
    assert header == ["customer_id", "before", "now", "at_risk", "reason", "channel"]
    assert [row[0] for row in found] == ["crm:79", "web:1", "web:2"]
    assert {row[2] for row in found} == {"-1.5"}  # a number, no formula


def test_lists_carry_the_address_that_a_pseudonym_stands_for(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    mapping = {**MAPPING, "tables": [{"table": "customers", "from": "members"}]}
    mapping["tables"][0]["columns"] = {"customer_id": "Mail", "consent_email": "Mail_ok"}
    shop.map(mapping, "fxiaoke")
    (shop.folder / "members.csv").write_text("\n".join([HEADER, *WEB]))
    shop.source = {"kind": "files", "mapping": "fxiaoke", "folder": "data/raw/shop"}
    shop.ingest()
    ann, ed = sorted(shop.table("customers"), key=lambda row: row["personal_key"])
    params = StudyParams(
        study="shop",
        title="Shop",
        source=shop.source,
        as_of=date(2024, 1, 1),
        timezone="UTC",
        currency="GBP",
    )
    folder = run(tmp_path, 5, [ann["customer_id"], ed["customer_id"]])
    write_lists(params, root=tmp_path)
    header, *found = rows(folder.path / "lists" / "csv" / "worth_contacting.csv")
    assert header[-1] == "personal_key"
    assert {(row[0], row[-1]) for row in found} == {
        (ann["customer_id"], "ANN@x.com"),
        (ed["customer_id"], "ed@x.com"),
    }
    path = folder.path / "lists" / "fxiaoke" / "worth_contacting.xlsx"
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert {row[0] for row in sheet} == {"客户名称", "ANN@x.com", "ed@x.com"}


def test_consent_is_counted_by_channel(study: StudyParams, tmp_path: Path) -> None:
    folder = run(tmp_path, 5, ALL)
    said = write_lists(study, root=tmp_path, systems=("fxiaoke",), channel="sms")
    path = folder.path / "lists" / "fxiaoke" / "worth_contacting.xlsx"
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert [row[0] for row in sheet] == ["客户名称", "crm:79", "web:2"]
    assert sheet[1][2] == "sms"
    assert said[1].endswith("2 customers; left out: 3 did not agree to sms")


def test_a_channel_that_nobody_was_asked_about_is_refused(
    study: StudyParams, tmp_path: Path
) -> None:
    run(tmp_path, 5, ALL)
    with pytest.raises(AnalysisError, match="does not record who agreed to phone"):
        write_lists(study, root=tmp_path, channel="phone")


def test_the_last_good_run_counts_and_lists_are_replaced_whole(
    study: StudyParams, tmp_path: Path
) -> None:
    good = run(tmp_path, 5, ALL)
    failed = run(tmp_path, 6, ["web:2"], good=False)
    write_lists(study, root=tmp_path, systems=("csv",))
    stale = good.path / "lists" / "csv" / "stale.csv"
    stale.write_text("x")
    write_lists(study, root=tmp_path, systems=("csv",))
    assert not stale.exists()
    assert [p.name for p in (good.path / "lists").iterdir()] == ["csv"]
    assert not (failed.path / "lists").exists()


def test_without_a_run_it_says_what_to_do(study: StudyParams, tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="first run `analysis run shop`"):
        write_lists(study, root=tmp_path)


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.report)
def test_the_reports_save_what_is_listed(source: ListSource) -> None:
    path = REPOSITORY / "notebooks" / f"{source.report}.ipynb"
    cells = json.loads(path.read_text())["cells"]
    code = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    room = REPOSITORY / "src" / "analysis" / "reports" / source.report.partition("_")[2]
    code += "".join(presenter.read_text() for presenter in room.glob("present*.py"))
    assert f'name="{source.table}"' in code

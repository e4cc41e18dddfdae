"""Whom to contact leaves the last good run in the form, with the ids and the consent it needs."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from analysis.errors import AnalysisError
from analysis.params import StudyParams
from analysis.reporting.contacts.contact_lists import SOURCES, ListSource, write_lists
from analysis.reporting.notebook import frames
from analysis.reporting.store.layout import RunFolder, StudyReports
from analysis.reporting.store.run_record import Outcome, ReportRecord, Status
from analysis.tables.manifest import sha256_of
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


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A CRM and a web shop; Ann is in both, Ed in the web shop alone."""
    root = tmp_path_factory.mktemp("two_sources")
    shop = Shop(root)
    for name, mapping, lines in (("web", "web", WEB), ("crm", "zoho_crm", CRM)):
        shop.map({"mapping": mapping, **MAPPING}, mapping)
        folder = root / "data" / "raw" / name
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
    return shop


@pytest.fixture
def study(ingested: Shop, tmp_path: Path) -> StudyParams:
    """The shop in a directory of the test's own."""
    shutil.copytree(ingested.root, tmp_path, symlinks=True, dirs_exist_ok=True)
    shop = ingested
    return StudyParams(
        study="shop",
        title="Shop",
        source=shop.source,
        as_of=date(2024, 1, 1),
        timezone="UTC",
        currency="GBP",
    )


def run(
    root: Path,
    day: int,
    ids: list[str],
    *,
    good: bool = True,
    assumed: tuple[str, ...] = (),
    **more: Any,
) -> RunFolder:
    """Publish a run in which report 08 ruled that ``ids`` be contacted, and one left alone."""
    folder = StudyReports.of("shop", root=root).run(f"2024-01-{day:02}T000000Z")
    report = "08_targets"
    Status(report, "done" if good else "failed").write(folder.status(report))
    kept = record(folder.run_id, datetime(2024, 1, day, tzinfo=UTC), simulated=False)
    given = {"channel_costs": {"email": 0.05}, "consent_assumed": assumed, "list_days": 28}
    status: Outcome = "done" if good else "failed"
    reports = {report: ReportRecord("Targets", "Who?", status, parameters=given)}
    replace(kept, study="shop", reports=reports, as_of="2024-01-01").write(folder.run_json)
    found = pd.DataFrame(
        {
            "customer_id": ids,
            "ruling": "contact",
            "reason": "margin at risk: 88.25",
            "offer": "=5 % off",
            "channel": "email",
            "hour": 9,
            "expected_margin": 2.5,
            "low": 0.5,
            "high": 4.5,
            "cost": 0.25,
            "arm": "target",
            **more,
        }
    )
    left = {"customer_id": ["web:9"], "ruling": "no consent", "arm": ""}
    frames.save(pd.concat([found, pd.DataFrame(left)]), folder.lists(report) / "rulings")
    return folder


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.reader(stream))


ALL = ["web:1", "web:2", "crm:78", "crm:79", "crm:80"]
LIST = "targets-2024-01-05T000000Z"
REASON = "margin at risk: 88.25"


def test_the_crm_gets_its_own_ids_and_only_those_who_agreed(
    study: StudyParams, tmp_path: Path
) -> None:
    folder = run(tmp_path, 5, ALL)
    said = write_lists(study, root=tmp_path)
    header, *found = rows(folder.path / "lists" / "zoho_crm" / "targets.csv")
    assert header[:4] == ["Id", "Target_List", "Target_Arm", "Contact_Channel"]
    assert header[4:] == ["Offer", "Contact_On", "Contact_Hour", "List_Reason"]
    rest = [LIST, "target", "email", "'=5 % off", "2024-01-01", "9", REASON]
    assert found == [["77", *rest], ["79", *rest]]  # 77 is Ann, web:1 in the study
    assert said[0] == "Only customers who agreed to any of email and sms are in the lists."
    assert said[2].endswith(
        "zoho_crm/targets.csv: 2 customers; left out: 2 did not agree to be contacted, "
        "1 not known to crm"
    )


def test_a_plain_list_has_the_needed_columns_and_the_studys_ids(
    study: StudyParams, tmp_path: Path
) -> None:
    folder = run(tmp_path, 5, ALL)
    write_lists(study, root=tmp_path, systems=("csv", "excel"))
    header, *found = rows(folder.path / "lists" / "csv" / "targets.csv")
    needed = ["customer_id", "promotion_id", "arm", "channel", "offer", "contact_on", "hour"]
    assert header == [*needed, "reason"]
    assert [row[0] for row in found] == ["crm:79", "web:1", "web:2"]
    book = CalamineWorkbook.from_path(folder.path / "lists" / "excel" / "targets.xlsx")
    sheet = book.get_sheet_by_index(0).to_python()
    assert sheet[0] == header
    assert [row[0] for row in sheet[1:]] == [row[0] for row in found]


def test_a_mail_tool_gets_whom_to_write_to_and_what(study: StudyParams, tmp_path: Path) -> None:
    folder = run(tmp_path, 5, ALL, channel=["email", "sms", "email", "sms", "email"])
    write_lists(study, root=tmp_path, systems=("mail",))
    found = rows(folder.path / "lists" / "mail" / "targets.csv")
    assert found[0] == ["Recipient", "List", "Offer", "Send_On", "Send_Hour"]
    assert [row[0] for row in found[1:]] == ["web:1"]  # the others agreed to text messages alone


def test_those_held_out_are_in_the_assignments_and_in_no_other_file(
    study: StudyParams, tmp_path: Path
) -> None:
    folder = run(tmp_path, 5, ALL, arm=["target", "holdout", "target", "target", "holdout"])
    said = write_lists(study, root=tmp_path, systems=("csv", "mail", "excel", "fxiaoke"))
    for path in (folder.path / "lists").glob("*/targets.*"):
        if path.parent.name != "manifests":
            assert b"web:2" not in path.read_bytes()
    drawn = pd.read_parquet(folder.path / "lists" / "manifests" / "targets_assignments.parquet")
    assert dict(zip(drawn["customer_id"], drawn["arm"], strict=True)) == {
        "crm:79": "target",
        "web:1": "target",
        "web:2": "control",
    }
    assert drawn["randomised"].all()
    assert drawn.groupby("arm")["planned_share"].first().tolist() == [
        pytest.approx(1 / 3),
        pytest.approx(2 / 3),
    ]
    assert said[-1].endswith(
        f"list {LIST}, 1 customer held out; once it is sent: `analysis sent shop {LIST}`"
    )


def test_the_manifest_counts_and_names_nobody(study: StudyParams, tmp_path: Path) -> None:
    folder = run(tmp_path, 5, ALL)
    write_lists(study, root=tmp_path, systems=("csv",))
    text = (folder.path / "lists" / "manifests" / "targets.json").read_text()
    found = json.loads(text)
    assert found["list_id"] == LIST
    assert found["rulings"] == {"contact": 5, "no consent": 1}
    assert found["left_out"] == {"no consent when the list was written": 2}
    assert found["customers"] == {"target": 3}
    assert found["promised"] == {"margin": 7.5, "low": 1.5, "high": 13.5}
    digest = sha256_of(folder.path / "lists" / "csv" / "targets.csv")
    assert found["files"] == {"csv/targets.csv": digest}
    assert not re.search(r"web:|crm:|@|88\.25", text)


def test_consent_is_looked_up_again_when_the_list_is_written(
    study: StudyParams, tmp_path: Path
) -> None:
    """A consent withdrawn since the run keeps its customer out of either arm."""
    folder = run(tmp_path, 5, ["crm:78", "crm:79"], arm=["holdout", "target"])
    write_lists(study, root=tmp_path, systems=("csv",))
    drawn = pd.read_parquet(folder.path / "lists" / "manifests" / "targets_assignments.parquet")
    assert drawn["customer_id"].tolist() == ["crm:79"]


def test_a_channel_without_recorded_consent_needs_the_params_word(
    study: StudyParams, tmp_path: Path
) -> None:
    """Post is nowhere recorded; a recorded refusal of e-mail is never overruled."""
    channels = ["mail", "mail", "email", "email", "mail"]
    folder = run(tmp_path, 5, ALL, channel=channels)
    write_lists(study, root=tmp_path, systems=("csv",))
    path = folder.path / "lists" / "csv" / "targets.csv"
    assert [row[0] for row in rows(path)[1:]] == ["crm:79"]
    run(tmp_path, 5, ALL, channel=channels, assumed=("mail", "email"))
    write_lists(study, root=tmp_path, systems=("csv",))
    assert [row[0] for row in rows(path)[1:]] == ["crm:79", "crm:80", "web:1", "web:2"]


def test_where_no_consent_is_recorded_and_none_assumed_nobody_is_listed(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.deliver("a.csv", "1001,C1,SKU1,2024-03-01 10:00,2,9.99,ok")
    shop.ingest()
    params = StudyParams(
        study="shop", title="Shop", source=shop.source, as_of=date(2024, 1, 1),
        timezone="UTC", currency="GBP",
    )  # fmt: skip
    folder = run(tmp_path, 5, ["C1"])
    said = write_lists(params, root=tmp_path)
    assert said[0].startswith("The study records no consent.")
    assert said[1] == "targets: nobody may be contacted; 1 customer left out"
    assert not (folder.path / "lists" / "csv").exists()
    run(tmp_path, 5, ["C1"], assumed=("email",))
    write_lists(params, root=tmp_path)
    assert (folder.path / "lists" / "csv" / "targets.csv").is_file()


def test_every_occasion_is_a_list_of_its_own(study: StudyParams, tmp_path: Path) -> None:
    folder = run(tmp_path, 5, ALL, list=["birthday", "birthday", "points", "points", "points"])
    write_lists(study, root=tmp_path, systems=("csv",))
    names = sorted(p.name for p in (folder.path / "lists" / "csv").iterdir())
    assert names == ["birthday.csv", "points.csv"]
    assert (folder.path / "lists" / "manifests" / "birthday.json").is_file()


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
    header, *found = rows(folder.path / "lists" / "csv" / "targets.csv")
    assert header[1] == "personal_key"
    assert {(row[0], row[1]) for row in found} == {
        (ann["customer_id"], "ANN@x.com"),
        (ed["customer_id"], "ed@x.com"),
    }
    path = folder.path / "lists" / "fxiaoke" / "targets.xlsx"
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert {row[0] for row in sheet} == {"客户名称", "ANN@x.com", "ed@x.com"}


def test_a_list_for_one_channel_has_those_who_agreed_to_it(
    study: StudyParams, tmp_path: Path
) -> None:
    folder = run(tmp_path, 5, ALL, channel=["sms", "sms", "email", "sms", "sms"])
    said = write_lists(study, root=tmp_path, systems=("fxiaoke",), channel="sms")
    path = folder.path / "lists" / "fxiaoke" / "targets.xlsx"
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert [row[0] for row in sheet] == ["客户名称", "crm:79", "web:2"]
    assert sheet[1][3] == "sms"
    assert said[1].endswith("2 customers; left out: 2 did not agree to sms")


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
    rooms = sorted(p.name for p in (good.path / "lists").iterdir())
    assert rooms == ["08_targets", "csv", "manifests"]
    assert [p.name for p in (failed.path / "lists").iterdir()] == ["08_targets"]


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

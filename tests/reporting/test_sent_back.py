"""A list that was sent comes back as the assignments that the study measures."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter

from analysis.errors import AnalysisError, DataError
from analysis.ingest.ingest import ingest
from analysis.ingest.sources.sent_lists import SentLists, sent_dir
from analysis.params import StudyParams
from analysis.reporting.contacts.contact_lists import write_lists
from analysis.reporting.contacts.sent_back import take_back
from tests.ingest.shop import Shop
from tests.reporting.test_contact_lists import HEADER, LIST, MAPPING, ingested, run, study

__all__ = ["ingested", "study"]  # the fixtures: a CRM and a web shop; Ann is in both

#: 1 is Ann, in the CRM 77; 79 is Cy; 2 is Ed, whom the CRM does not know. All agreed to e-mail.
WHO, ARMS = ["web:1", "crm:79", "web:2"], ["target", "target", "holdout"]
DAY = date(2024, 1, 8)


@pytest.fixture
def listed(study: StudyParams, tmp_path: Path) -> StudyParams:
    run(tmp_path, 5, WHO, arm=ARMS)
    write_lists(study, root=tmp_path)
    return study


def recorded(root: Path) -> pd.DataFrame:
    rows = pd.read_parquet(sent_dir("shop", root=root) / LIST / "assignments.parquet")
    return rows.set_index("customer_id")


def export(tmp_path: Path, text: str, name: str = "sent.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_without_an_export_all_targets_were_sent(listed: StudyParams, tmp_path: Path) -> None:
    said = take_back(listed, "targets", root=tmp_path, today=DAY)
    rows = recorded(tmp_path)
    assert rows["arm"].to_dict() == {"crm:79": "target", "web:1": "target", "web:2": "control"}
    assert rows["sent_at"].notna().to_dict() == {"crm:79": True, "web:1": True, "web:2": False}
    assert said[1] == "2 of 2 targets were sent, 1 held out."
    assert said[-1].startswith(f"List {LIST} is recorded, from 2024-01-08 to 2024-02-04.")
    assert len(SentLists.of("shop", root=tmp_path).files) == 2


def test_saying_it_twice_changes_nothing(listed: StudyParams, tmp_path: Path) -> None:
    take_back(listed, LIST, root=tmp_path, today=DAY)
    files = SentLists.of("shop", root=tmp_path).files
    again = take_back(listed, LIST, root=tmp_path, today=date(2024, 1, 20), on=DAY)
    assert again[-1] == f"List {LIST} is recorded so already; nothing changed."
    assert SentLists.of("shop", root=tmp_path).files == files
    other = take_back(listed, LIST, root=tmp_path, today=DAY, on=date(2024, 1, 9))
    assert "is recorded anew, in place of what was said before" in other[-1]


def test_whom_the_crm_left_out_stays_a_target(listed: StudyParams, tmp_path: Path) -> None:
    """The CRM knows Ann by its own id and says when."""
    path = export(tmp_path, "Id;Sent_Time\n77;2024-01-08 09:30\n")
    said = take_back(listed, LIST, root=tmp_path, today=date(2024, 2, 1), export=path)
    rows = recorded(tmp_path)
    assert rows["arm"].to_dict() == {"crm:79": "target", "web:1": "target", "web:2": "control"}
    assert rows.loc["web:1", "sent_at"] == pd.Timestamp("2024-01-08 09:30")
    assert rows.loc["crm:79", "sent_at"] is pd.NaT
    assert said[0] == "1 of 2 targets were sent, 1 held out."
    assert said[1].startswith("1 of the targets were not sent and still count as targets")
    assert "from 2024-01-08" in said[-1]


def test_who_was_sent_though_held_out_is_said(listed: StudyParams, tmp_path: Path) -> None:
    path = export(tmp_path, "customer_id\nweb:1\ncrm:79\nweb:2\n")
    said = take_back(listed, LIST, root=tmp_path, today=DAY, export=path)
    assert recorded(tmp_path).loc["web:2", "arm"] == "control"
    assert said[1].startswith("1 who were to be held out were sent all the same")


def test_a_workbook_with_chinese_headers_is_read(listed: StudyParams, tmp_path: Path) -> None:
    path = tmp_path / "导出.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for i, row in enumerate([["客户名称", "发送时间"], ["77", "2024-01-09"], ["99", ""]]):
            sheet.write_row(i, 0, row)
    said = take_back(listed, LIST, root=tmp_path, today=date(2024, 1, 30), export=path)
    assert recorded(tmp_path)["sent_at"].notna().sum() == 1
    assert said[0].endswith("1 row on customers who are not of this list, the first in row 3: "
                            "passed over.")  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Kunde\n77\n", r"sent.csv: no column Id or .* its header has Kunde"),
        ("Id,Name\n77,x\n,x\n", r"sent.csv, row 3: Id is empty"),
        ("Id,sent_at\n77,soon\n", r"sent.csv, row 2: sent_at is no time"),
        ("Id\n5\n6\n", r"sent.csv, row 2: none of its 2 customers is of list"),
    ],
)
def test_a_wrong_export_is_refused_by_file_row_and_column(
    listed: StudyParams, tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        take_back(listed, LIST, root=tmp_path, today=DAY, export=export(tmp_path, text))
    assert not sent_dir("shop", root=tmp_path).exists()


def test_a_list_that_is_not_there(listed: StudyParams, tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match=f"no list 'spring'; it has {LIST}"):
        take_back(listed, "spring", root=tmp_path, today=DAY)


@pytest.mark.parametrize(
    ("on", "sentence"),
    [(date(2023, 12, 31), "cannot have been sent on 2023-12-31"), (date(2024, 6, 1), "more than")],
)
def test_a_day_that_cannot_be(listed: StudyParams, tmp_path: Path, on: date, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        take_back(listed, LIST, root=tmp_path, today=DAY, on=on)


def test_assignments_changed_by_hand_are_refused(listed: StudyParams, tmp_path: Path) -> None:
    (path,) = tmp_path.glob("reports/shop/*/lists/manifests/targets_assignments.parquet")
    pd.read_parquet(path).head(1).to_parquet(path)
    with pytest.raises(DataError, match=r"of list targets-.*is missing or holds other bytes"):
        take_back(listed, LIST, root=tmp_path, today=DAY)


# Privacy ----------------------------------------------------------------------------------------

PLANTED = ("ann.planted@x.com", "+49 30 5550199", "5550199", "bo.planted@x.com")


@pytest.fixture
def by_address(tmp_path: Path) -> StudyParams:
    """A shop that knows its customers by e-mail address or phone number alone."""
    shop = Shop(tmp_path)
    mapping = {**MAPPING, "tables": [{"table": "customers", "from": "members"}]}
    mapping["tables"][0]["columns"] = {"customer_id": "Mail", "consent_email": "Mail_ok"}
    shop.map(mapping, "shop")
    lines = [f"{i},{who},yes,no" for i, who in enumerate((*PLANTED[:2], PLANTED[3]))]
    (shop.folder / "members.csv").write_text("\n".join([HEADER, *lines]))
    shop.ingest()
    return StudyParams(
        study="shop", title="Shop", source=shop.source, as_of=date(2024, 1, 1),
        timezone="Europe/London", currency="GBP",
    )  # fmt: skip


def test_no_address_leaves_the_files_that_are_imported(
    by_address: StudyParams, tmp_path: Path
) -> None:
    """The way round: list, export with addresses, refusals, assignments, the next ingest."""
    customers = tmp_path / "data" / "canonical" / "shop" / "current" / "customers"
    people = pd.read_parquet(customers)
    folder = run(tmp_path, 5, people["customer_id"].tolist())
    said = write_lists(by_address, root=tmp_path, systems=("csv", "mail", "excel"))
    rows = (folder.path / "lists" / "mail" / "targets.csv").read_text()
    assert PLANTED[0] in rows  # a mail tool needs it
    names = "\n".join(("Recipient", PLANTED[0], PLANTED[1]))
    path = export(tmp_path, f"{names}\n", "from_the_crm.csv")
    said += take_back(by_address, LIST, root=tmp_path, today=DAY, export=path)
    assert "2 of 3 targets were sent" in " ".join(said)
    wrong = export(tmp_path, f"Recipient\n{PLANTED[2]}\n", "wrong.csv")
    with pytest.raises(DataError) as refused:
        take_back(by_address, LIST, root=tmp_path, today=DAY, export=wrong)
    said.append(str(refused.value))
    result = ingest(by_address.ingest_request(), root=tmp_path)
    said += [str(result.manifest), *result.news]
    for text in said:
        assert not any(word in text for word in PLANTED), text
    kept = [
        *sent_dir("shop", root=tmp_path).rglob("*.*"),
        *(folder.path / "lists" / "manifests").iterdir(),
        folder.run_json,
        customers.parent / "manifest.json",
        *(customers.parent / "assignments").iterdir(),
        *(customers.parent / "promotions").iterdir(),
    ]
    assert len(kept) >= 8
    for path in (p for p in kept if p.is_file()):
        text = pd.read_parquet(path).to_csv() if path.suffix == ".parquet" else path.read_text()
        assert not any(word in text for word in PLANTED), path

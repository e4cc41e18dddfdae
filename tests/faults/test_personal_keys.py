"""E-mail addresses, phone numbers and names that are customers' keys are published nowhere."""

from __future__ import annotations

import hmac
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from analysis.errors import DataError
from analysis.ingest.identity.pseudonyms import customer_key
from analysis.ingest.inspection.sniff import look
from analysis.ingest.mapping import model
from analysis.ingest.onboarding.draft_mapping import mapping_text
from analysis.tables.engine import open_study
from tests.ingest.shop import MAPPING, Shop
from tests.projects import Project
from tests.tiny import Journey

PLANTED = ("ann.planted@x.de", "+49 171 5550101", "cy.planted@x.de")
ORDERS = (
    "1,Ann.Planted@X.de ,A,2024-01-01 10:00,1,2.00,x",
    "2,ann.planted@x.de,A,2024-01-02 10:00,1,3.00,x",
    "3,+49 171 5550101,A,2024-01-03 10:00,1,5.00,x",
    "4,17850,A,2024-01-04 10:00,1,7.00,x",
    "5,,A,2024-01-05 10:00,1,11.00,x",
)
#: Shows and saves whatever it finds about customers, as a careless analyst would.
CARELESS = """\
import pandas as pd

from analysis.reporting import open_report

report = open_report("{report}", study=study, as_of=as_of, seed=seed)
customers = report.tables.customers.to_pandas()
lines = report.tables.order_lines.to_pandas()
report.table(customers, name="customers")
report.table(lines[["order_id", "customer_id", "net_amount"]], name="lines")
report.finding(key="n", sentence=f"customers, such as {{customers.iloc[-1, 0]}}.", value=1)
customers"""


@dataclass
class Keyed:
    """A shop whose orders name customers by what a person is known by."""

    shop: Shop

    def spend(self) -> dict[str, float]:
        """Return the sums by customer id; guests under an empty text."""
        sums: dict[str, float] = {}
        for row in self.shop.table("order_lines"):
            name = row["customer_id"] or ""
            sums[name] = sums.get(name, 0.0) + float(row["net_amount"])
        return sums

    def people(self) -> dict[str, str]:
        """Return what is known about each customer: personal key, or else the id, to id."""
        rows = self.shop.table("customers")
        return {r.get("personal_key") or r["customer_id"]: r["customer_id"] for r in rows}

    @property
    def secret(self) -> Path:
        return self.shop.current.parent / ".pseudonyms.key"


@pytest.fixture
def keyed(tmp_path: Path) -> Keyed:
    shop = Shop(tmp_path)
    shop.deliver("a.csv", *ORDERS)
    return Keyed(shop)


def test_case_and_blanks_do_not_make_another_customer(keyed: Keyed) -> None:
    keyed.shop.ingest()
    people = keyed.people()
    assert set(people) == {"ann.planted@x.de", "+49 171 5550101", "17850"}
    assert people["17850"] == "17850"
    ann, phone = people["ann.planted@x.de"], people["+49 171 5550101"]
    assert keyed.spend() == {ann: 5.0, phone: 5.0, "17850": 7.0, "": 11.0}


def test_the_pseudonym_is_hmac_sha_256_under_a_secret_of_the_study(keyed: Keyed) -> None:
    keyed.shop.ingest()
    assert stat.S_IMODE(keyed.secret.stat().st_mode) == 0o600
    secret = bytes.fromhex(keyed.secret.read_text())
    assert len(secret) == 32
    people = keyed.people()
    for key, folded in (
        ("ann.planted@x.de", b"ann.planted@x.de"),
        ("+49 171 5550101", b"491715550101"),
    ):
        assert people[key] == "p" + hmac.digest(secret, folded, "sha256").hex()[:24]


def test_pseudonyms_stay_over_new_deliveries_and_forced_reading(keyed: Keyed) -> None:
    keyed.shop.ingest()
    before = keyed.people()
    keyed.shop.deliver("b.csv", "9,ANN.PLANTED@X.DE,A,2024-02-01 10:00,1,1.00,x")
    keyed.shop.ingest(force=True)
    assert keyed.people()["ANN.PLANTED@X.DE"] == before["ann.planted@x.de"]
    assert keyed.spend()[before["ann.planted@x.de"]] == 6.0
    assert len(keyed.shop.table("customers")) == 3


def test_another_secret_means_other_pseudonyms_everywhere(keyed: Keyed) -> None:
    keyed.shop.ingest()
    before = set(keyed.spend())
    keyed.secret.unlink()
    keyed.shop.ingest()
    assert set(keyed.spend()) & before == {"17850", ""}
    assert set(keyed.spend()) == {*keyed.people().values(), ""}


def test_a_copy_that_others_could_read_is_closed_to_them_again(keyed: Keyed) -> None:
    keyed.shop.ingest()
    keyed.secret.chmod(0o644)
    keyed.shop.ingest()
    assert stat.S_IMODE(keyed.secret.stat().st_mode) == 0o600


def test_a_damaged_secret_is_said_and_nothing_is_read_under_it(keyed: Keyed) -> None:
    keyed.shop.ingest()
    before = keyed.spend()
    keyed.secret.write_text("")
    with pytest.raises(
        DataError,
        match=r"\.pseudonyms\.key is damaged: it should hold 64 hexadecimal digits\. Put back a "
        "copy of it; or remove it, and every customer gets a new pseudonym",
    ):
        keyed.shop.ingest()
    assert keyed.spend() == before


@pytest.mark.parametrize(
    ("key", "values", "customers"),
    [
        ("auto", ["0171 5550101", "0171-5550101"], 2),  # may be a card: kept as they are
        ("phone", ["0171 5550101", "0171-5550101", "0171/555 0101"], 1),
        ("phone", ["+49 171 5550101", "0049 171 5550101", "49 171 5550101"], 1),
        ("name", ["Ann Lee", "ann  lee", "ANN LEE "], 1),
        ("name", ["Zoë", "Zoe\u0308"], 1),
        ("id", ["+49 171 5550101", "+49171 5550101"], 2),
        ("id", ["ann@x.de", "Ann@x.de"], 1),  # an address is one whatever it is called
        ("email", ["mailto:Ann@x.de", "ann@x.de"], 1),
    ],
)
def test_what_a_mapping_says_customers_are(
    tmp_path: Path, key: str, values: list[str], customers: int
) -> None:
    shop = Shop(tmp_path)
    shop.map({**MAPPING, "customer_key": key})
    lines = [f"{i},{value},A,2024-01-01 10:00,1,1.00,x" for i, value in enumerate(values)]
    shop.deliver("a.csv", *lines)
    shop.ingest()
    ids = {r["customer_id"] for r in shop.table("order_lines")}
    assert len(ids) == customers
    assert ids == {r["customer_id"] for r in shop.table("customers")}
    kept = key == "auto" or (key == "id" and "@" not in values[0])
    assert (ids <= set(values)) == kept


def test_a_list_that_comes_back_with_pseudonyms_still_joins(keyed: Keyed) -> None:
    keyed.shop.map({**MAPPING, "customer_key": "email"})
    keyed.shop.ingest()
    ann = keyed.people()["ann.planted@x.de"]
    keyed.shop.deliver("back.csv", f"7,{ann},A,2024-02-01 10:00,1,4.00,x")
    keyed.shop.ingest()
    assert keyed.spend()[ann] == 9.0
    assert keyed.people()["ann.planted@x.de"] == ann


def test_a_column_named_after_phones_holds_phones() -> None:
    raw: dict[str, Any] = yaml.safe_load(yaml.safe_dump(MAPPING))
    assert customer_key(model.parse(raw, "x")) == "auto"
    raw["tables"][2]["columns"]["customer_id"] = {"column": "Mobile No."}
    assert customer_key(model.parse(raw, "x")) == "phone"


@pytest.mark.parametrize(
    ("column", "values", "line"),
    [
        ("Client", ["Ann@x.de", "bo@x.de"], "customer_key: email"),
        ("Client", ["0171 5550101", "030/5550102"], "customer_key: phone   # UNSURE: "),
        ("会员号", ["13800138000", "15912345678"], "customer_key: phone   # UNSURE: "),
        ("客户名称", ["安娜", "鲍勃"], "customer_key: name"),
        ("Client", ["17850", "2600000000017"], ""),
    ],
)
def test_a_draft_says_what_customers_are(
    tmp_path: Path, column: str, values: list[str], line: str
) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{i},{value},A,2024-01-13,1,2.00" for i, value in enumerate(values)]
    path.write_text("\n".join([f"order id,{column},sku,date,qty,price", *rows]) + "\n", "utf-8")
    drafted = mapping_text("shop", look(path))
    found = [each for each in drafted.splitlines() if each.startswith("customer_key")]
    assert found[0].startswith(line) if line else found == []
    parsed = model.parse(yaml.load(drafted, yaml.BaseLoader), "shop.yaml")
    assert parsed.customer_key == (line.split()[1] if line else "auto")


def test_reports_never_see_what_a_pseudonym_stands_for(keyed: Keyed) -> None:
    keyed.shop.ingest()
    tables = open_study("shop", root=keyed.shop.root)
    assert "personal_key" not in tables.customers.columns
    tables.close()


def test_planted_keys_are_in_no_published_file(journey: Journey) -> None:
    project = Project(journey)
    folder = project.root / "data" / "raw" / "shop"
    folder.mkdir()
    header = "id,customer,sku,when,qty,price,note\n"
    refused = f"6,{PLANTED[2]},A,never,1,1.00,x"
    (folder / "a.csv").write_text(header + "\n".join([*ORDERS, refused]) + "\n")
    (project.root / "params" / "sources").mkdir()
    sources = project.root / "params" / "sources" / "shop.yaml"
    sources.write_text(yaml.safe_dump(MAPPING))
    params = yaml.safe_load((project.root / "params" / "tiny.yaml").read_text())
    params |= {"source": {"kind": "files", "mapping": "shop", "folder": "data/raw/shop"}}
    (project.root / "params" / "tiny.yaml").write_text(yaml.safe_dump(params))
    project.add("10_a", CARELESS.replace("{report}", "10_a").replace("{{", "{").replace("}}", "}"))
    said = project.command("run", "tiny")
    assert said.returncode == 0, said.stdout + said.stderr
    texts = {path: published_text(path) for path in files_below(project.root / "reports")}
    assert any(path.suffix == ".html" for path in texts)
    assert any(path.suffix == ".parquet" for path in texts)
    for words in (*PLANTED, "planted", "5550101"):
        found = [path.name for path, text in texts.items() if words in text.lower()]
        assert found == [], words
    assert "17850" in "".join(texts.values())  # an id that identifies nobody: the test can see
    assert (
        "note: 3 customers are known by an e-mail address, a phone number or a name and go by a "
        "pseudonym (keyed digest) in its place. What it stands for is kept in the table customers, "
        "column personal_key, for contact lists alone."
    ) in project.command("check", "tiny").stdout


def files_below(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]


def published_text(path: Path) -> str:
    """Return what a reader of a published file finds in it."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv()
    return path.read_bytes().decode("utf-8", "replace")

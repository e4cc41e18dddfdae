"""Who is one customer: exact rules, what must not connect anybody, and what it does to orders."""

from __future__ import annotations

import hmac

import pandas as pd
import pytest

from analysis.ingest.identity import identity
from analysis.ingest.identity.identity import own_ids
from analysis.ingest.mapping.model import UnifyOptions
from tests.ingest.shop import Shop

GB = UnifyOptions(phone_region="GB")


def people(**columns: list) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    return frame.assign(rank=frame.get("rank", 0))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("020 7946 0018", "+442079460018"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("'+442079460018", "+442079460018"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("12", None),
        ("none", None),
    ],
)
def test_phone_numbers_have_one_spelling(text: str, number: str | None) -> None:
    assert identity.phone(text, region="GB") == number


def test_mail_addresses_and_cards_have_one_spelling() -> None:
    assert identity.email(" Ann@X.com ") == "ann@x.com"
    assert identity.email("no address") is None
    assert identity.code("ab-12 3") == "AB123"


def test_connected_through_others() -> None:
    records = people(
        customer_id=["web:1", "store:2", "app:3", "web:4"],
        email=["a@x.com", "A@x.com ", None, "b@x.com"],
        phone=[None, "020 7946 0018", "+442079460018", None],
        rank=[0, 1000, 2000, 0],
    )
    found = identity.merged(records, GB)
    links, notes = found.links, found.notes
    assert dict(zip(links["source_id"], links["unified_id"], strict=True)) == {
        "web:1": "web:1",
        "store:2": "web:1",
        "app:3": "web:1",
    }
    assert dict(zip(links["source_id"], links["rule"], strict=True)) == {
        "web:1": "email",
        "store:2": "email",
        "app:3": "phone",
    }
    assert notes[0].startswith("3 customer records of the sources are 1 customers, connected by")


def test_the_shops_own_phone_connects_nobody() -> None:
    records = people(customer_id=[f"c{i}" for i in range(9)], phone=["020 7946 0018"] * 9)
    found = identity.merged(records, GB)
    links, notes = found.links, found.notes
    assert links.empty
    assert "1 values of phone are shared by more than 5 customer records each" in notes[1]


def test_nothing_shared_merges_nobody() -> None:
    found = identity.merged(people(customer_id=["a", "b"], email=["a@x.com", None]), GB)
    links, notes = found.links, found.notes
    assert links.empty
    assert notes == ["No two customer records share any of crm_id, card, email, phone."]


CRM = {
    "mapping": "crm",
    "files": {"members": {"paths": "members.csv"}},
    "tables": [
        {
            "table": "customers",
            "from": "members",
            "columns": {"customer_id": "No", "city": "City"},
            "identity": {"email": "Mail", "phone": "Phone"},
        }
    ],
}


def test_web_store_and_app_are_one_customer(shop: Shop) -> None:
    web = {
        "mapping": "web",
        "files": {"sales": {"paths": "*.csv"}},
        "tables": [
            {
                "table": "order_lines",
                "from": "sales",
                "columns": {
                    "order_id": "id",
                    "customer_id": {"column": "mail", "case": "lower"},
                    "product_id": "sku",
                    "ordered_at": "when",
                    "quantity": {"constant": "1"},
                    "net_amount": "price",
                },
            },
            {
                "table": "customers",
                "from": "sales",
                "once_per_key": "true",
                "columns": {"customer_id": {"column": "mail", "case": "lower"}, "region": "land"},
                "identity": {"email": "mail"},
            },
        ],
    }
    shop.map(web, "web")
    shop.map(CRM, "crm")
    folders = {name: shop.root / "data" / "raw" / name for name in ("web", "crm")}
    for folder in folders.values():
        folder.mkdir()
    (folders["web"] / "a.csv").write_text(
        "id,mail,sku,when,price,land\n1,Ann@x.com,A,2024-01-01,1.00,GB\n2,bo@x.com,A,2024-01-02,2.00,GB\n"
    )
    (folders["crm"] / "members.csv").write_text(
        "No,Mail,Phone,City\n77,ANN@X.COM,020 7946 0018,Leeds\n78,cy@x.com,,York\n"
    )
    shop.source = {
        "kind": "files",
        "sources": {
            "crm": {"mapping": "crm", "folder": "data/raw/crm"},
            "web": {"mapping": "web", "folder": "data/raw/web"},
        },
        "unify": {"phone_region": "GB"},
    }
    result = shop.ingest()
    (secret,) = (bytes.fromhex(p.read_text()) for p in shop.current.parent.glob("*.key"))
    ann, bo = (
        "web:p" + hmac.digest(secret, address, "sha256").hex()[:24]
        for address in (b"ann@x.com", b"bo@x.com")
    )
    assert [(r["customer_id"], r["city"], r["region"]) for r in shop.table("customers")] == [
        ("crm:77", "Leeds", "GB"),
        ("crm:78", "York", None),
        (bo, None, "GB"),
    ]
    assert [(r["order_id"], r["customer_id"]) for r in shop.table("order_lines")] == [
        ("web:1", "crm:77"),
        ("web:2", bo),
    ]
    links = pd.read_parquet(shop.current / "identity" / "links.parquet")
    assert sorted(zip(links["source_id"], links["unified_id"], strict=True)) == [
        ("crm:77", "crm:77"),
        (ann, "crm:77"),
    ]
    unified = pd.Series(["crm:77", bo, "crm:78"])
    asked = own_ids(unified, "web", version=shop.current)
    assert [None if v != v else v for v in asked] == ["ann@x.com", "bo@x.com", None]
    dropped = {e.source: e.dropped for e in result.manifest.ledger if e.table == "customers"}
    assert dropped["web/a.csv"] == {"merged with another row of the same key": 1}

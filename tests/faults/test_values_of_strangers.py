"""Numbers and times as strangers write them: read right, or refused in words that name them."""

from __future__ import annotations

import copy
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import DataError
from tests.ingest.shop import MAPPING, Shop, Verdict, changed, judge

COLUMNS = {
    "order_id": "id",
    "customer_id": "customer",
    "product_id": "sku",
    "ordered_at": {"column": "when", "dates": "%d/%m/%Y"},
    "quantity": "qty",
    "net_amount": "price",
}


def read(
    folder: Path, qty: list[str], price: list[str], *, when: Any = "01/03/2024", **columns: Any
) -> Verdict:
    """Judge a semicolon file of these quantities and prices, line by line."""
    raw = changed(encoding="utf-8", delimiter="semicolon")
    zone = columns.pop("timezone", "Europe/London")
    raw["tables"][0] |= {"columns": COLUMNS | columns, "timezone": zone, "drop": []}
    moments = [when] * len(qty) if isinstance(when, str) else when
    lines = [
        f"{1000 + i};C1;SKU1;{w};{q};{p};"
        for i, (q, p, w) in enumerate(zip(qty, price, moments, strict=True))
    ]
    path = folder / "sales.csv"
    path.write_text("\n".join(["id;customer;sku;when;qty;price;note", *lines]) + "\n", "utf-8")
    return judge(path, folder / "work", raw)


def amounts(verdict: Verdict) -> list[Decimal]:
    return [row["net_amount"] for row in verdict.accepted]


POINT = {
    "12.50": "12.50", "12,-": "12", "12.-": "12", "€ 149,-": "149", "149,– €": "149",
    "1,25,000": "125000", "12,34,567.50": "1234567.50", "₹ 1,25,000.00": "125000",
    "1’250.50": "1250.50", "CHF 1'250.50": "1250.50", "'-10.00": "-10", "'10.00": "10",
    "10.00-": "-10", "10.00 -": "-10", "−10.00": "-10", "A$12.50": "12.50", "1 250.50": "1250.50",
    "1,234": "1234", "(7.25)": "-7.25", "$1,234,567": "1234567",
}  # fmt: skip
COMMA = {
    "12,50": "12.50", "12,-": "12", "€ 149,-": "149", "12,--": "12", "Rp 2.500.000": "2500000",
    "Rp. 2.500.000,00": "2500000", "1.250,50 €": "1250.50", "1’250,50": "1250.50",
    "12.500": "12500",
    "0,800": "0.80", "1 250,50": "1250.50", "12,50-": "-12.50", "'-10,00": "-10", "1,234": "1.23",
}  # fmt: skip


@pytest.mark.parametrize("forms", [POINT, COMMA], ids=["point", "comma"])
def test_amounts_in_every_form(forms: dict[str, str], tmp_path: Path) -> None:
    verdict = read(tmp_path, ["1"] * len(forms), list(forms))
    assert verdict.rejected == Counter()
    assert dict(zip(forms, amounts(verdict), strict=True)) == {
        text: Decimal(value) for text, value in forms.items()
    }


def test_kilograms_with_three_decimals_beside_a_price_with_a_comma(tmp_path: Path) -> None:
    """``0,800`` and ``1,250`` kg: the price tells, though the mapping says nothing of quantity."""
    verdict = read(tmp_path, ["1,250", "2,500"], ["3,20", "4,00"])
    assert [row["quantity"] for row in verdict.accepted] == [1.25, 2.5]
    stated = read_again(
        tmp_path, ["1,250"], ["1.234"], net_amount={"column": "price", "decimal": ","}
    )
    assert [(r["quantity"], r["net_amount"]) for r in stated.accepted] == [(1.25, Decimal(1234))]


def read_again(folder: Path, *args: Any, **kwargs: Any) -> Verdict:
    other = folder / "again"
    other.mkdir()
    return read(other, *args, **kwargs)


def test_thousands_without_anything_that_tells_are_refused_by_name(tmp_path: Path) -> None:
    verdict = read(tmp_path, ["1", "2", "3"], ["12.500", "7", "8"])
    assert verdict.rejected == Counter(
        {"price can be read with a decimal comma or with a decimal point": 1}
    )
    assert amounts(verdict) == [Decimal(7), Decimal(8)]


def test_stated_thousands_are_read(tmp_path: Path) -> None:
    comma = read(tmp_path, ["1"], ["12.500"], net_amount={"column": "price", "decimal": ","})
    point = read_again(tmp_path, ["1"], ["12.500"], net_amount={"column": "price", "decimal": "."})
    assert (amounts(comma), amounts(point)) == ([Decimal(12500)], [Decimal("12.50")])


def test_a_column_may_differ_from_its_file_where_it_is_certain_itself(tmp_path: Path) -> None:
    verdict = read(tmp_path, ["0.500", "1.250", "0.75"], ["3,20", "4,00", "5,10"])
    assert [row["quantity"] for row in verdict.accepted] == [0.5, 1.25, 0.75]
    assert sum(amounts(verdict)) == Decimal("12.30")


def test_one_slip_does_not_turn_the_thousands_of_a_column(tmp_path: Path) -> None:
    verdict = read(tmp_path, ["1,234"] * 50 + ["1,5"], ["9.99"] * 51)
    assert verdict.rejected == Counter({"qty is not a number": 1})
    assert {row["quantity"] for row in verdict.accepted} == {1234.0}


def test_two_habits_in_one_column_refuse_what_either_could_have_written(tmp_path: Path) -> None:
    verdict = read(tmp_path, ["1"] * 5, ["1.50", "2.50", "3.50", "4,50", "1.250"])
    assert verdict.rejected == Counter(
        {
            "price is not an amount of money": 1,
            "price can be read with a decimal comma or with a decimal point": 1,
        }
    )


OFFSET = {
    "2025-02-01 10:00:00 +0100": "2025-02-01 09:00:00",
    "2025-02-01 10:00:00 +01:00": "2025-02-01 09:00:00",
    "2025-02-01T10:00:00+01": "2025-02-01 09:00:00",
    "2024-03-01 00:30:00 UTC": "2024-03-01 00:30:00",
    "2024-03-01T00:30:00Z": "2024-03-01 00:30:00",
    "2024-03-01 00:30 GMT": "2024-03-01 00:30:00",
    "2024-07-01 00:30:00 -0530": "2024-07-01 07:00:00",
}
FORMATS = {
    "3/14/2024 12:30 PM": ("%m/%d/%Y %I:%M %p", "2024-03-14 12:30:00"),
    "3/4/2024 1:05:09 am": ("%m/%d/%Y %I:%M:%S %p", "2024-03-04 01:05:09"),
    "Mar 1, 2024": ("%b %d, %Y", "2024-03-01 00:00:00"),
    "1 March 2024": ("%d %B %Y", "2024-03-01 00:00:00"),
    "45352.520833333336": ("excel", "2024-03-01 12:30:00"),
    "45352": ("excel", "2024-03-01 00:00:00"),
}


def test_times_that_carry_their_offset(tmp_path: Path) -> None:
    when = {"column": "when"}
    n = len(OFFSET)
    verdict = read(
        tmp_path, ["1"] * n, ["2"] * n, when=list(OFFSET), ordered_at=when, timezone="offset"
    )
    assert [str(r["ordered_at"]) for r in verdict.accepted] == list(OFFSET.values())


def test_times_in_stated_formats(tmp_path: Path) -> None:
    formats = list(dict.fromkeys(f for f, _ in FORMATS.values()))
    when = {"column": "when", "dates": formats}
    n = len(FORMATS)
    verdict = read(tmp_path, ["1"] * n, ["2"] * n, when=list(FORMATS), ordered_at=when)
    assert [str(r["ordered_at"]) for r in verdict.accepted] == [t for _, t in FORMATS.values()]


def test_a_format_that_is_not_stated_is_refused_by_name(tmp_path: Path) -> None:
    when = ["01/03/2024", "2024-03-01 10:00:00 +0100", "45352.5", "Mar 1, 2024"]
    verdict = read(tmp_path, ["1"] * 4, ["2"] * 4, when=when)
    assert verdict.rejected == Counter({"when is not a time in the format stated": 3})


def test_dates_in_the_other_order_of_day_and_month_are_said(tmp_path: Path) -> None:
    verdict = read(tmp_path, ["1"] * 3, ["2"] * 3, when=["31/03/2024", "03/31/2024", "04/03/2024"])
    words = "when is a date only with day and month the other way round"
    assert verdict.rejected == Counter({words: 1})


def test_where_both_orders_are_stated_a_date_of_both_is_refused(tmp_path: Path) -> None:
    when = ["31/03/2024", "03/31/2024", "04/03/2024", "03/03/2024"]
    both = {"column": "when", "dates": ["%d/%m/%Y", "%m/%d/%Y"]}
    verdict = read(tmp_path, ["1"] * 4, ["2"] * 4, when=when, ordered_at=both)
    words = "when is a date in both orders of day and month in dates:"
    assert verdict.rejected == Counter({words: 1})
    assert [str(r["ordered_at"])[:10] for r in verdict.accepted] == [
        "2024-03-31", "2024-03-31", "2024-03-03",
    ]  # fmt: skip


MIXED = (
    "1001,C1,A,2024-03-01 10:00,1,£10.00,", "1002,C1,A,2024-03-01 10:00,1,10.00,",
    "1003,C1,A,2024-03-01 10:00,1,€20.00,", "1004,C1,A,2024-03-01 10:00,1,$40.00,",
    "1005,C1,A,2024-03-01 10:00,1,GBP 5.00,", "1006,C1,A,2024-03-01 10:00,1,¥900,",
)  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def stated_currency(shop: Shop, currency: dict[str, Any] | str) -> None:
    raw = copy.deepcopy(MAPPING)
    raw["tables"][0]["currency"] = currency
    shop.map(raw)


def total(shop: Shop) -> Decimal:
    return sum((r["net_amount"] for r in shop.table("order_lines")), Decimal(0))


def test_signs_of_other_currencies_are_never_added_up(shop: Shop) -> None:
    shop.deliver("sales.csv", *MIXED)
    result = shop.ingest()
    assert total(shop) == Decimal("25.00")
    assert result.manifest.ledger[0].rejected == {
        f"its amounts are in {sign}, the study's in GBP": 1 for sign in "$¥€"
    }
    stated_currency(shop, {"others": "drop"})
    assert shop.ingest().manifest.ledger[0].rejected == {}
    assert total(shop) == Decimal("25.00")


def test_signs_are_converted_at_stated_rates(shop: Shop) -> None:
    shop.deliver("sales.csv", *MIXED)
    stated_currency(shop, {"rates": {"€": "0.85", "$": "0.8", "¥": "0.005"}})
    shop.ingest()
    assert total(shop) == Decimal("25.00") + Decimal("17.00") + Decimal("32.00") + Decimal("4.50")


def test_a_currency_column_is_held_against_the_study(shop: Shop) -> None:
    rows = [f"10{i},C1,A,2024-03-01 10:00,1,{p},{c}" for i, p, c in
            [(1, "10", "GBP"), (2, "20", "eur"), (3, "40", ""), (4, "7", "SEK")]]  # fmt: skip
    shop.deliver("sales.csv", *rows)
    stated_currency(shop, "note")
    result = shop.ingest()
    assert result.manifest.ledger[0].rejected == {
        "its amounts are in EUR, the study's in GBP": 1,
        "its amounts are in SEK, the study's in GBP": 1,
    }
    stated_currency(shop, {"column": "note", "rates": {"EUR": "0.5"}, "others": "drop"})
    assert shop.ingest().manifest.ledger[0].dropped == {
        "its amounts are in SEK, the study's in GBP": 1
    }
    assert total(shop) == Decimal("60.00")


def test_a_file_in_another_currency_is_refused_by_name(shop: Shop) -> None:
    shop.deliver("sales.csv", "1001,C1,A,2024-03-01 10:00,1,€20.00,")
    with pytest.raises(DataError, match="its amounts are in €, the study's in GBP"):
        shop.ingest()

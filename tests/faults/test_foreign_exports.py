"""Exports of shops, tills and payment services in other languages: from raw bytes to the totals."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from analysis.errors import DataError, ParamsError
from analysis.ingest.inspection.value_forms import date_forms
from analysis.ingest.readers import json_documents
from tests.faults.newcomer import Newcomer

READY = Path(__file__).parents[2] / "params" / "sources"


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    shutil.copytree(READY, tmp_path / "params" / "sources")
    (tmp_path / "notebooks").mkdir()
    return Newcomer(tmp_path)


@dataclass(frozen=True)
class Line:
    order: int
    at: datetime
    customer: int
    product: int
    quantity: int
    price: int

    @property
    def amount(self) -> int:
        return self.quantity * self.price


def lines(count: int = 40) -> list[Line]:
    """Return lines of orders of two, a day and a bit apart; prices in hundredths."""
    start = datetime(2024, 1, 9, 8, 5)
    return [
        Line(
            1001 + i // 2,
            start + timedelta(days=i // 2, minutes=37 * (i // 2)),
            i // 2 % 7,
            i % 5,
            1 + i % 4,
            123_400 + 5_071 * (i % 5),
        )
        for i in range(count)
    ]


def text_of(rows: list[list[str]], delimiter: str = ",") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return stream.getvalue()


def money(hundredths: int, form: str) -> str:
    """Return an amount in a form such as ``R$ 1.234,56`` or, without places, ``1,234円``."""
    shown = re.search(r"1(\D?)234((\D)56)?", form)
    assert shown is not None
    value = f"{hundredths / 100:,.2f}" if shown[2] else f"{hundredths:,}"
    own = {",": shown[1], ".": shown[3] or ""}
    return form.replace(shown[0], re.sub("[,.]", lambda m: own[m[0]], value))


#: Encoding, delimiter, currency, decimal places, header, time, amount, word for cancelled.
EXPORTS = {
    "Japanese": ("cp932", ",", "JPY", 0, "注文番号,注文日時,お客様番号,商品コード,商品名,数量,"
                 "単価,金額,ステータス", "%Y/%m/%d %H:%M", "1,234円", "キャンセル"),
    "Korean": ("cp949", ",", "KRW", 0, "주문번호,주문일시,고객번호,상품코드,상품명,수량,단가,"
               "결제금액,주문상태", "%Y-%m-%d 오전 %I:%M:%S", "1,234원", "주문취소"),
    "Taiwanese": ("big5", ";", "TWD", 0, "訂單編號;日期;會員卡號;商品編號;商品名稱;數量;單價;"
                  "銷售額;狀態", "%Y-%m-%d 00:00:00", "NT$1,234", "取消"),
    "Polish": ("cp1250", ";", "PLN", 2, "Numer zamówienia;Data zamówienia;Klient;Kod produktu;"
               "Nazwa produktu;Ilość;Cena jednostkowa;Wartość;Status", "%d.%m.%Y %H:%M",
               "1 234,56 zł", "Anulowane"),
    "Russian": ("cp1251", ";", "RUB", 2, "Номер чека;Дата;Покупатель;Артикул;Номенклатура;"
                "Количество;Цена;Сумма;Статус", "%d.%m.%Y %H:%M:%S", "1 234,56 руб.", "Отменён"),
    "Turkish": ("cp1254", ";", "TRY", 2, "Fiş No;Tarih;Müşteri No;Ürün Kodu;Ürün Adı;Adet;"
                "Birim Fiyat;Tutar;Durum", "%d.%m.%Y %H:%M", "1.234,56 TL", "İptal"),
    "Brazilian": ("cp1252", ";", "BRL", 2, "Nº do Pedido;Data do Pedido;CPF;SKU;Produto;Quantidade;"
                  "Preço Unitário;Valor Total;Status do Pedido", "%d/%m/%Y %H:%M:%S",
                  "R$ 1.234,56", "Cancelado"),
    "Spanish": ("cp1252", ";", "EUR", 2, "Nº Factura;Fecha;Código Cliente;Código Artículo;"
                "Descripción;Cantidad;Precio;Importe;Estado", "%d/%m/%Y %H:%M", "1234,56",
                "Anulada"),
    "Italian": ("utf-8", ";", "EUR", 2, "Numero Scontrino;Data;Codice Cliente;Codice Articolo;"
                "Descrizione;Quantità;Prezzo Unitario;Importo;Stato", "%d/%m/%Y %H.%M",
                "€ 1.234,56", "Annullato"),
    "Dutch": ("utf-8", ";", "EUR", 2, "Bonnummer;Datum;Klantnummer;Artikelnummer;Omschrijving;"
              "Aantal;Stukprijs;Bedrag;Status", "%d-%m-%Y %H:%M", "1234,56", "Geannuleerd"),
    "French": ("cp1252", ";", "EUR", 2, "N° commande;Date d’achat;Code client;Code article;"
               "Désignation;Quantité;Prix unitaire;Montant;Statut", "%d/%m/%Y %H:%M",
               "1 234,56 €", "Annulée"),
}  # fmt: skip


@pytest.mark.parametrize("language", EXPORTS)
def test_an_export_in_another_language_needs_no_edit(language: str, newcomer: Newcomer) -> None:
    encoding, delimiter, currency, places, header, form, price, cancelled = EXPORTS[language]
    rows = [
        [
            str(each.order), each.at.strftime(form), f"K{each.customer}", f"P{each.product}",
            f"N{each.product}", str(each.quantity), money(each.price, price),
            money(each.amount, price), cancelled if each.order % 8 == 0 else "OK",
        ]
        for each in lines()
    ]  # fmt: skip
    text = text_of([header.split(delimiter), *rows], delimiter)
    newcomer.writes("export.csv", text, encoding=encoding)
    newcomer.drafts()
    newcomer.reads()
    kept = [each for each in lines() if each.order % 8]
    table = newcomer.lines()
    assert table["net_amount"].sum() == pytest.approx(sum(x.amount for x in kept) / 10**places)
    assert table["quantity"].sum() == sum(x.quantity for x in kept)
    assert table["order_id"].nunique() == len({x.order for x in kept})
    assert table["customer_id"].nunique() == len({x.customer for x in kept})
    assert table["product_id"].nunique() == 5
    assert table["ordered_at"].dt.date.nunique() == len({x.at.date() for x in kept})
    assert f"currency: {currency}" in newcomer.params_text


def drafted(newcomer: Newcomer, header: str, rows: list[str], name: str = "export.csv") -> Newcomer:
    newcomer.writes(name, "\n".join([header, *rows]))
    newcomer.drafts()
    return newcomer


def of_lines(row: str) -> list[str]:
    """Return the lines of orders as rows in a format of `str.format`."""
    return [
        row.format(
            day=x.at.date(), q=x.quantity, p=x.price / 100, a=x.amount / 100, o=x.order,
            c=x.customer, s=x.product,
        )
        for x in lines()
    ]  # fmt: skip


TOTAL = sum(x.amount for x in lines()) / 100


# ------------------------------------------------------------------- sums between columns


def test_names_that_are_misspelt_or_unknown_are_told_by_the_sums(newcomer: Newcomer) -> None:
    drafted(
        newcomer, "nr,tag,wer,was,stk,jedes,zusammen", of_lines("{o},{day},{c},{s},{q},{p},{a}")
    )
    assert "UNSURE: no name says so, but zusammen is stk x jedes" in newcomer.line("quantity")
    newcomer.reads()
    table = newcomer.lines()
    assert table["net_amount"].sum() == pytest.approx(TOTAL)
    assert table["quantity"].sum() == sum(x.quantity for x in lines())


def test_two_products_of_columns_are_a_question(newcomer: Newcomer) -> None:
    header = "order id,order date,sku,stk,einkauf,verkauf,kosten,erlös"
    rows = [
        f"{x.order},{x.at.date()},S{x.product},{x.quantity},{x.price // 2 / 100},{x.price / 100},"
        f"{x.quantity * (x.price // 2) / 100},{x.amount / 100}"
        for x in lines()
    ]
    drafted(newcomer, header, rows)
    assert '"?"   # UNSURE: kosten and erlös are each stk x a price' in newcomer.line("net_amount")
    with pytest.raises(ParamsError, match="net_amount still says"):
        newcomer.reads()
    newcomer.answers('net_amount: "?"', "net_amount: erlös")
    newcomer.reads()
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(TOTAL)


def test_numbers_that_may_be_money_are_asked_about_and_never_zero(newcomer: Newcomer) -> None:
    rows = [f"{x.order},{x.at.date()},S{x.product},{x.amount}" for x in lines()]
    drafted(newcomer, "order id,order date,sku,umsetz", rows)
    assert 'is it umsetz? If none is, say {constant: "0"}' in newcomer.line("net_amount")


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("Quantity,Unit price,Tax 5%,Total", "{q},{p},{t},{at}", "Total is that and Tax 5%"),
        ("Qty,Subtotal,VAT,Grand Total (Base)", "{q},{a},{t},{at}",
         "Grand Total (Base) is that and VAT"),
        ("Gross,Fee,Net", "{a},-{t},{an}", "Net is that and Fee"),
    ],
)  # fmt: skip
def test_a_total_with_tax_or_less_a_fee_is_no_sales(
    newcomer: Newcomer, header: str, row: str, said: str
) -> None:
    rows = []
    for x in lines():
        tax = round(x.amount * 0.05)
        cells = {"q": x.quantity, "p": x.price / 100, "t": tax / 100, "a": x.amount / 100,
                 "at": (x.amount + tax) / 100, "an": (x.amount - tax) / 100}  # fmt: skip
        rows.append(f"{x.order},{x.at.date()},S{x.product}," + row.format(**cells))
    drafted(newcomer, f"order id,order date,sku,{header}", rows)
    assert said in newcomer.line("net_amount")
    newcomer.reads()
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(TOTAL)


def test_what_was_refunded_is_taken_off_a_charge(newcomer: Newcomer) -> None:
    header = "id,Created date (UTC),Amount,Amount Refunded,Currency,Status,Customer ID,Invoice ID"
    rows, expected = [], 0.0
    for n, x in enumerate(lines()):
        back = x.amount / 100 if n % 9 == 0 else 0
        status = "Failed" if n % 7 == 3 else "Paid"
        rows.append(f"ch_{n},{x.at},{x.amount / 100},{back},usd,{status},cus_{x.customer},")
        expected += x.amount / 100 - back if status == "Paid" else 0
    drafted(newcomer, header, rows)
    assert "less what was given back, in 5 rows?" in newcomer.line("net_amount")
    assert newcomer.line("order_id").startswith("order_id: id   # UNSURE: another in every row")
    newcomer.reads()
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(expected)


# --------------------------------------------------------------------- what is no sale


def test_cancelled_orders_are_left_out_and_others_named(newcomer: Newcomer) -> None:
    rows = [
        f"{x.order},{x.at.date()},S{x.product},{x.quantity},{x.price / 100},"
        + (
            "Cancelled"
            if x.order % 5 == 0
            else "Shipped - Returned"
            if x.order % 5 == 1
            else "Done"
        )
        for x in lines()
    ]
    drafted(newcomer, "order id,order date,sku,qty,price,Status", rows)
    assert 'equals: ["Cancelled"]' in newcomer.line("when")
    assert "UNSURE: 8 of 40 rows; no sales? And what of: Status is Shipped - Returned in 8?" in (
        newcomer.line("when")
    )
    newcomer.reads()
    kept = sum(x.amount for x in lines() if x.order % 5) / 100
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(kept)


def test_a_status_that_may_be_a_sale_is_asked_about(newcomer: Newcomer) -> None:
    rows = [
        f"{x.order},{x.at.date()},S{x.product},{x.quantity},{x.price / 100},"
        + ("Pending" if x.order % 5 == 0 else "Done")
        for x in lines()
    ]
    drafted(newcomer, "order id,order date,sku,qty,price,Status", rows)
    assert "# UNSURE: Status is Pending in 8: sales or not?" in newcomer.mapping_text


def test_refunds_of_a_type_with_amounts_above_zero_are_given_back(newcomer: Newcomer) -> None:
    rows = [
        f"{x.order},{x.at.date()},S{x.product},{x.quantity},{x.amount / 100},"
        + ("Refund" if x.order % 5 == 0 else "Sale")
        for x in lines()
    ]
    drafted(newcomer, "receipt number,date,sku,quantity,net sales,Receipt type", rows)
    assert 'equals: ["Refund"]' in newcomer.line("returns")
    newcomer.reads()
    expected = sum(x.amount * (-1 if x.order % 5 == 0 else 1) for x in lines()) / 100
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(expected)


# ------------------------------------------------------------------------------ JSON


def orders_of_json() -> list[dict[str, object]]:
    orders: dict[int, dict[str, object]] = {}
    for x in lines():
        order = orders.setdefault(
            x.order,
            {"orderId": x.order, "createdAt": f"{x.at.isoformat()}Z",
             "customer": {"id": f"c{x.customer}"}, "items": []},
        )  # fmt: skip
        items = order["items"]
        assert isinstance(items, list)
        items.append({"sku": f"S{x.product}", "quantity": x.quantity, "price": x.price / 100})
    return list(orders.values())


@pytest.mark.parametrize("form", ["array", "within", "lines", "pretty objects"])
def test_orders_that_hold_their_items_are_a_row_an_item(newcomer: Newcomer, form: str) -> None:
    orders = orders_of_json()
    texts = {
        "array": json.dumps(orders, indent=2),
        "within": json.dumps({"shop": "x", "orders": orders}, indent=1),
        "lines": "\n".join(map(json.dumps, orders)),
        "pretty objects": "\n".join(json.dumps(each, indent=2) for each in orders),
    }
    newcomer.writes("orders.json", texts[form])
    newcomer.drafts()
    newcomer.reads()
    table = newcomer.lines()
    assert table["net_amount"].sum() == pytest.approx(TOTAL)
    assert (len(table), table["order_id"].nunique(), table["customer_id"].nunique()) == (40, 20, 7)


def test_an_object_cut_off_is_refused_alone(newcomer: Newcomer) -> None:
    flat = [{"order_id": x.order, "date": str(x.at), "sku": f"S{x.product}",
             "quantity": x.quantity, "amount": x.amount / 100} for x in lines()]  # fmt: skip
    newcomer.writes("orders.json", json.dumps(flat, indent=1)[:-40])
    newcomer.drafts()
    newcomer.reads()
    kept = sum(x.amount for x in lines()[:-1]) / 100
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(kept)
    assert "1 row refused because the line is not a JSON object" in newcomer.checks()


def test_a_document_is_cut_alike_wherever_reading_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_documents, "CHUNK", 7)
    orders = [{"id": n, "name": f"Käse {n} 飲料 {{[]}} \\n"} for n in range(9)]
    text = json.dumps(orders, indent=2, ensure_ascii=False).encode()

    def chunks() -> Iterator[bytes]:
        yield from (text[at : at + 5] for at in range(0, len(text), 5))

    read = list(json_documents.numbered_lines(chunks()))
    assert [json.loads(line) for _, line in read] == orders
    assert [number for number, _ in read] == list(range(1, 10))


# ------------------------------------------------------------------------- wide tables


@pytest.mark.parametrize(
    "header",
    [
        ["id", "item_id", "store_id", *(f"d_{n}" for n in range(1, 31))],
        ["customer_id", *(f"day_{n}" for n in range(30))],
        ["Product", "Category", *(f"2023-{m:02}" for m in range(1, 13)), "Total"],
        ["Article", *(f"{date(2024, m, 1):%b %Y}" for m in range(1, 13))],
    ],
)
def test_a_column_for_each_period_is_refused_in_words(
    newcomer: Newcomer, header: list[str]
) -> None:
    rows = [[f"A{r}", *(str((r * c) % 7) for c in range(1, len(header)))] for r in range(30)]
    newcomer.writes("wide.csv", text_of([header, *rows]))
    with pytest.raises(DataError, match=r"wide\.csv has a column for each period, from .*Unpivot"):
        newcomer.drafts()


# ------------------------------------------------------------------------- days and times


@pytest.mark.parametrize(
    "clock", ["%H:%M:%S.%f", "%H.%M.%S", "%I:%M:%S %p", "오전 %I:%M", "%I:%M a. m."]
)
def test_a_time_of_day_in_its_own_column_is_never_lost(newcomer: Newcomer, clock: str) -> None:
    rows = [
        f"{x.order},{x.at:%d/%m/%Y},{x.at.replace(hour=9).strftime(clock)},S{x.product},"
        f"{x.quantity},{x.price / 100}"
        for x in lines()
    ]
    drafted(newcomer, "order id,Datum des Kaufs,um,sku,qty,price", rows)
    newcomer.reads()
    hours = newcomer.lines()["ordered_at"].dt.hour
    assert set(hours) == {9}


def test_dates_half_turned_by_a_spreadsheet_keep_the_order_of_the_others() -> None:
    found = date_forms(["04-25-22", "04-26-22", "05-08-2022", "06-07-2022"] * 5)
    assert set(found.forms) == {"%m-%d-%y", "%m-%d-%Y"}
    assert found.either


@pytest.mark.parametrize(
    "form",
    ["%A, %B %d, %Y", "%b-%d-%y", "%d/%b/%Y", "%b %d %Y, %I:%M:%S %p", "%Y-%m-%d 오후 %I:%M:%S"],
)
def test_more_ways_to_write_a_day(newcomer: Newcomer, form: str) -> None:
    rows = [
        f'{x.order},"{x.at.replace(hour=9).strftime(form)}",S{x.product},{x.quantity},'
        f"{x.price / 100}"
        for x in lines()
    ]
    drafted(newcomer, "order id,order date,sku,qty,price", rows)
    assert newcomer.as_of == date(2024, 1, 29)
    newcomer.reads()
    assert len(newcomer.lines()) == 40


# ----------------------------------------------------------------------- columns and keys


def test_an_empty_column_is_no_product(newcomer: Newcomer) -> None:
    rows = [f"{x.order},{x.at.date()},,Tea {x.product},{x.quantity},{x.price / 100}"
            for x in lines()]  # fmt: skip
    drafted(newcomer, "Transaction ID,Date,SKU,Item,Qty,Price", rows)
    assert newcomer.mapping_text.count("product_id: Item\n") == 2


def test_a_product_number_that_is_often_missing_gives_way_to_the_name(newcomer: Newcomer) -> None:
    rows = [
        f"{x.order},{x.at.date()},{'' if x.product else 'A1'},Tea {x.product},{x.quantity},1.50"
        for x in lines()
    ]
    drafted(newcomer, "Transaction ID,Date,SKU,Item,Qty,Price", rows)
    assert "{first: [SKU, Item]}   # SKU is empty in 32 of 40 rows" in newcomer.mapping_text
    newcomer.reads()
    assert newcomer.lines()["product_id"].nunique() == 5


def test_a_shopify_export_that_a_spreadsheet_saved_again(newcomer: Newcomer) -> None:
    header = (
        "Name,Email,Financial Status,Fulfillment Status,Currency,Subtotal,Total,Discount Amount,"
        "Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,"
        "Refunded Amount"
    )
    names = header.split(",")
    rows, last = [], 0
    for x in lines():
        first, last = x.order != last, x.order
        cells = {
            "Name": f"#{x.order}", "Created at": f"{x.at:%d/%m/%Y %H:%M}", "Lineitem name": "N",
            "Lineitem quantity": str(x.quantity), "Lineitem sku": f"S{x.product}",
            "Lineitem price": f"{x.price / 100:.2f}".replace(".", ","),
        }  # fmt: skip
        if first:
            cells |= {"Email": f"c{x.customer}@example.com", "Financial Status": "paid",
                      "Currency": "BRL", "Discount Amount": "0,00", "Refunded Amount": "0,00",
                      "Subtotal": "0,00"}  # fmt: skip
        rows.append([cells.get(name, "") for name in names])
    newcomer.writes("orders_export.csv", text_of([names, *rows], ";"))
    newcomer.drafts()
    assert newcomer.mapping_text.count('dates: ["%d/%m/%Y %H:%M"]') == 3
    assert "UNSURE: the zone of the times in the file, which state no offset" in (
        newcomer.mapping_text
    )
    newcomer.reads()
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(TOTAL)

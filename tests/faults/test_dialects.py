"""The same 200 orders in every dialect: equal rows, or a refusal that names the column."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.ingest.shop import MAPPING, Verdict, judge

HEADERS = {
    "English": ("Order ID", "Customer", "SKU", "Date", "Quantity", "Amount"),
    "German": ("Belegnr.", "Käufer", "Artikel", "Datum", "Menge", "Betrag in €"),
    "French": ("N° commande", "Client", "Article", "Date d’achat", "Quantité", "Montant"),
    "Chinese": ("订单编号", "客户", "商品", "下单时间", "数量", "金额"),
    "Japanese": ("注文番号", "お客様番号", "商品コード", "注文日時", "数量", "金額"),
    "Russian": ("Номер чека", "Покупатель", "Артикул", "Дата", "Количество", "Сумма"),
    "Polish": ("Numer zamówienia", "Klient", "Produkt", "Data", "Ilość", "Wartość"),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "gb18030", "cp932", "cp1251", "cp1250")
FORMATS = (
    "iso", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%b %d, %Y",
    "%Y年%m月%d日", "%Y%m%d", "excel", "%d.%m.%Y %H.%M", "%A, %B %d, %Y", "%Y-%m-%d, %I:%M:%S %p",
)  # fmt: skip
SIGNS = ("{}", "€{}", "{} €", "EUR {}", "-{}")
GROUPS = {".": ("", ",", " ", "'", "’", "lakh"), ",": ("", ".", " ", "\u00a0", "’")}


@dataclass(frozen=True)
class Order:
    """An order as it was, before anybody wrote it down."""

    id: str
    at: datetime
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Dialect:
    """How the orders are written; ``typed`` keeps numbers and times as such where a file can."""

    container: str
    language: str
    encoding: str
    separator: str
    decimal: str
    group: str
    date: str
    sign: str
    cents: bool
    kilos: bool
    typed: bool


def orders(dialect: Dialect) -> list[Order]:
    """Return 200 orders; without cents and kilos all numbers are whole."""
    draw = random.Random(20240229)
    minus = -1 if dialect.sign == "-{}" else 1
    made = []
    for n in range(200):
        amount = Decimal(draw.randrange(1, 25_000_000 if n % 9 == 0 else 250_000)) / 100
        quantity = Decimal(draw.randrange(1, 3_000_000)) / 1000
        made.append(
            Order(
                f"B{n:04d}",
                datetime(2024, 1, 1)
                + timedelta(days=draw.randrange(366), hours=draw.randrange(8, 21)),
                quantity if dialect.kilos else quantity.to_integral_value() + 1,
                minus * (amount if dialect.cents else amount.to_integral_value() + 1),
            )
        )
    return made


def number(value: Decimal, dialect: Dialect) -> str:
    """Return a number as the dialect writes it, its digits grouped."""
    whole, _, places = f"{abs(value)}".partition(".")
    cut = r"(?<=\d)(?=(\d{2})*\d{3}$)" if dialect.group == "lakh" else r"(?<=\d)(?=(\d{3})+$)"
    grouped = re.sub(cut, "," if dialect.group == "lakh" else dialect.group, whole)
    return grouped + (dialect.decimal + places if places else "")


def when(at: datetime, form: str) -> str:
    if form == "excel":
        return f"{(at - datetime(1899, 12, 30)) / timedelta(days=1):.9f}"
    return at.isoformat(" ") if form == "iso" else at.strftime(form)


def texts(order: Order, dialect: Dialect) -> list[str]:
    amount = dialect.sign.format(number(order.amount, dialect))
    return [
        order.id, f"C{order.id[-1]}", "A-1", when(order.at, dialect.date),
        number(order.quantity, dialect), amount,
    ]  # fmt: skip


def typed(order: Order) -> list[Any]:
    return [
        order.id,
        f"C{order.id[-1]}",
        "A-1",
        order.at,
        float(order.quantity),
        float(order.amount),
    ]


def write_csv(path: Path, header: tuple[str, ...], dialect: Dialect) -> Path:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=dialect.separator)
    writer.writerow(header)
    writer.writerows(texts(order, dialect) for order in orders(dialect))
    path.write_bytes(stream.getvalue().encode(dialect.encoding))
    return path


def write_excel(path: Path, header: tuple[str, ...], dialect: Dialect) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet, date = book.add_worksheet(), book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        sheet.write_row(0, 0, header)
        for row, order in enumerate(orders(dialect), start=1):
            if not dialect.typed:
                for column, text in enumerate(texts(order, dialect)):
                    sheet.write_string(row, column, text)
                continue
            sheet.write_row(row, 0, typed(order)[:3])
            sheet.write_datetime(row, 3, order.at, date)
            sheet.write_row(row, 4, typed(order)[4:])
    return path


def write_json(path: Path, header: tuple[str, ...], dialect: Dialect) -> Path:
    records = [dict(zip(header, texts(order, dialect), strict=True)) for order in orders(dialect)]
    if dialect.typed:
        for record, order in zip(records, orders(dialect), strict=True):
            record |= {header[4]: float(order.quantity), header[5]: float(order.amount)}  # type: ignore[dict-item]
    if dialect.container == "json":
        path.write_text(json.dumps(records, ensure_ascii=False, indent=2), "utf-8")
    else:
        lines = (json.dumps(record, ensure_ascii=False) for record in records)
        path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def write_parquet(path: Path, header: tuple[str, ...], dialect: Dialect) -> Path:
    rows = [typed(o) if dialect.typed else texts(o, dialect) for o in orders(dialect)]
    columns = [pa.array(list(column)) for column in zip(*rows, strict=True)]
    pq.write_table(pa.table(columns, names=list(header)), path)
    return path


WRITERS: dict[str, Callable[[Path, tuple[str, ...], Dialect], Path]] = {
    "csv": write_csv, "xlsx": write_excel, "jsonl": write_json, "json": write_json,
    "parquet": write_parquet,
}  # fmt: skip


def read(dialect: Dialect, folder: Path) -> Verdict:
    """Read the orders with a mapping that states names and dates, and no decimal mark."""
    header = HEADERS[dialect.language]
    path = WRITERS[dialect.container](folder / f"sales.{dialect.container}", header, dialect)
    table = dict(MAPPING["tables"][0]) | {"drop": [], "timezone": "Europe/London"}
    names = ("order_id", "customer_id", "product_id", "ordered_at", "quantity", "net_amount")
    columns: dict[str, Any] = dict(zip(names, header, strict=True))
    kept = dialect.typed and dialect.container in {"xlsx", "parquet"}
    columns["ordered_at"] = {"column": header[3], "dates": "iso" if kept else dialect.date}
    files: dict[str, Any] = {"paths": "*"}
    if dialect.container == "csv":
        files |= {"encoding": dialect.encoding, "delimiter": dialect.separator}
    raw = {"mapping": "shop", "files": {"sales": files}, "tables": [{**table, "columns": columns}]}
    return judge(path, folder / "work", raw)


def writable(dialect: Dialect) -> bool:
    """Tell whether the encoding has the letters of the header, the dates and the sign."""
    text = "".join(HEADERS[dialect.language]) + dialect.date + dialect.sign + dialect.group
    try:
        text.encode(dialect.encoding)
    except UnicodeEncodeError:
        return False
    return dialect.separator not in dialect.date


dialects = st.sampled_from([".", ","]).flatmap(
    lambda decimal: st.builds(
        Dialect,
        container=st.sampled_from(["csv", "csv", "csv", "xlsx", "jsonl", "json", "parquet"]),
        language=st.sampled_from(list(HEADERS)),
        encoding=st.sampled_from(ENCODINGS),
        separator=st.sampled_from([",", ";", "\t", "|"]),
        decimal=st.just(decimal),
        group=st.sampled_from(GROUPS[decimal]),
        date=st.sampled_from(FORMATS),
        sign=st.sampled_from(SIGNS),
        cents=st.booleans(),
        kilos=st.booleans(),
        typed=st.booleans(),
    )
)
WHOLE = Dialect(
    "csv", "German", "utf-8", ";", ",", ".", "%d.%m.%Y %H:%M", "{} €", False, False, False
)


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(dialects.filter(writable))
@example(WHOLE)
def test_every_dialect_reads_the_same_or_is_refused_by_name(tmp_path_factory, dialect) -> None:
    verdict = read(dialect, tmp_path_factory.mktemp("dialect"))
    true = {order.id: order for order in orders(dialect)}
    for row in verdict.accepted:
        order = true.pop(row["order_id"])
        assert row["net_amount"] == order.amount
        assert Decimal(str(row["quantity"])) == order.quantity
        assert row["ordered_at"].date() == order.at.date()
    names = HEADERS[dialect.language]
    assert len(true) == verdict.rejected.total()
    assert all(reason.startswith(names) for reason in verdict.rejected)
    unsettled = not dialect.cents and not dialect.kilos and dialect.group in {".", ","}
    assert not true or unsettled, "refused without need"


def test_whole_thousands_that_nothing_settles_are_refused_naming_the_column(tmp_path) -> None:
    """``1.250 €`` with no cents anywhere is twelve hundred and fifty, or one and a quarter."""
    verdict = read(WHOLE, tmp_path)
    assert set(verdict.rejected) == {
        f"{name} can be read with a decimal comma or with a decimal point"
        for name in ("Menge", "Betrag in €")
    }

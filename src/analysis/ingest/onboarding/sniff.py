"""Look at a newcomer's file: its form, its header, some rows, and what its columns seem to be.

Guess from values how they are written: dates, numbers, money.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from analysis.errors import DataError
from analysis.ingest.mapping.model import FileSpec
from analysis.ingest.readers import archives, encodings, excel
from analysis.ingest.readers.delimited import cells, guess_delimiter
from analysis.ingest.readers.stage import FORMATS
from analysis.ingest.readers.staged_table import header_names

HEAD, TAIL = 3_000, 500

MIDDLE, MIDDLE_A_CHUNK = 5_000, 200

WORDS_FOR_NOTHING = ("NULL", "null", "NaN", "nan", "NA", "N/A", "n/a", "None", "#N/A", "-", "\\N")


#: Names that columns go by, as they read without blanks, case and signs; the best first.
NAMES: dict[str, tuple[str, ...]] = {
    "order_id": (
        "orderid", "orderno", "ordernumber", "invoiceno", "invoicenumber", "invoice", "invoiceid",
        "receipt", "receiptno", "receiptid", "transactionid", "transaction", "basketid", "bonnr",
        "belegnummer", "bestellnummer", "order", "订单编号", "订单号", "销售订单编号", "单号",
    ),
    "customer_id": (
        "customerid", "customerno", "customernumber", "clientid", "memberid", "userid", "cardno",
        "cardnumber", "card", "kundennummer", "kunde", "customer", "client", "member", "email",
        "customeremail", "客户编号", "会员号", "会员编号", "客户名称", "客户",
    ),
    "product_id": (
        "stockcode", "sku", "productid", "productcode", "itemid", "itemcode", "articleid",
        "artikelnummer", "ean", "upc", "barcode", "product", "item", "商品编号", "产品编码",
        "产品编号", "商品", "产品名称",
    ),
    "ordered_at": (
        "invoicedate", "orderdate", "orderedat", "createdat", "ordertime", "timestamp", "datetime",
        "transactiondate", "purchasedate", "date", "time", "datum", "bestelldatum", "下单时间",
        "下单日期", "订单日期", "日期", "创建时间",
    ),
    "quantity": ("quantity", "qty", "units", "pieces", "menge", "anzahl", "count", "数量"),
    "price": ("unitprice", "price", "itemprice", "preis", "einzelpreis", "单价", "销售单价"),
    "net_amount": (
        "netamount", "lineamount", "linetotal", "amount", "total", "salesvalue", "sales",
        "revenue", "net", "betrag", "umsatz", "小计", "金额", "销售额", "实付金额",
    ),
    "name": (
        "description", "productname", "itemname", "title", "bezeichnung", "商品名称", "产品名称",
    ),
    "department": ("department", "productgroup", "warengruppe", "abteilung", "部门", "大类"),
    "category": (
        "category", "productcategory", "kategorie", "subcategory", "产品分类", "分类", "类别",
    ),
    "store_id": ("storeid", "store", "shop", "branch", "filiale", "门店", "店铺"),
    "channel": ("channel", "saleschannel", "kanal", "渠道"),
    "region": ("country", "region", "state", "land", "billingcountry", "国家", "省", "地区"),
    "email": ("email", "customeremail", "emailaddress", "邮箱", "邮件"),
    "phone": ("phone", "phonenumber", "mobile", "telefon", "手机", "手机号", "电话"),
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What a look at a file shows.

    Parameters
    ----------
    path
        The file.
    header
        Names of its columns.
    rows
        Some rows, from its start and its end.
    encoding, delimiter
        How it is written; empty where that means nothing.
    columns
        Canonical idea (``order_id``, ``price`` and so on) to the column that seems to hold it.
    """

    path: Path
    header: list[str]
    rows: list[list[str]]
    encoding: str = ""
    delimiter: str = ""
    columns: dict[str, str] = field(default_factory=dict)

    def values(self, column: str) -> list[str]:
        """Return the values of a column that are there."""
        place = self.header.index(column)
        found = (row[place].strip() for row in self.rows if len(row) == len(self.header))
        return [v for v in found if v and v not in WORDS_FOR_NOTHING]

    def words_for_nothing(self) -> list[str]:
        """Return the words that stand where nothing is known."""
        seen = Counter(cell.strip() for row in self.rows for cell in row)
        return [word for word in WORDS_FOR_NOTHING if seen[word]]


def look(path: Path) -> Look:
    """Look at a file; DataError if it cannot be read at all."""
    member = archives.members(path, path.name)[0]
    kind = FORMATS.get(member.suffix)
    if kind is None:
        known = ", ".join(FORMATS)
        raise DataError(f"{path.name}: no kind of file that can be read; there are {known}")
    reader = {"csv": _csv, "excel": _excel, "parquet": _parquet, "jsonl": _json_lines}[kind]
    found = reader(member)
    if not found.header:
        raise DataError(f"{path.name} is empty")
    return Look(
        found.path, found.header, found.rows, found.encoding, found.delimiter, _ideas(found)
    )


def _csv(member: archives.Member) -> Look:
    encoding = encodings.detect(member, "auto")
    lines = _some_lines(encodings.as_utf8(member.chunks(), encoding))
    if not lines:
        return Look(member.path, [], [])
    delimiter = guess_delimiter(lines[0].encode())
    rows = list(csv.reader(lines[1:], delimiter=delimiter))
    header = header_names(cells(lines[0].encode(), delimiter))
    return Look(member.path, header, rows, encoding.name, delimiter)


def _some_lines(chunks: Iterable[bytes]) -> list[str]:
    """Return lines from the start and the end of a text, and some from all over it."""
    head: list[bytes] = []
    middle: list[bytes] = []
    tail: list[bytes] = []
    rest = b""
    for chunk in chunks:
        lines = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        rest = lines.pop()
        room = max(0, HEAD - len(head))
        head += lines[:room]
        later = lines[room:]
        if len(middle) < MIDDLE:  # a day after the twelfth tells days from months
            middle += later[:: max(1, len(later) // MIDDLE_A_CHUNK)]
        tail = [*tail, *later][-TAIL:]
    tail = [*tail, rest] if rest else tail
    found = [*head, *middle, *tail]
    return [line.decode("utf-8", "replace") for line in found if b"\0" not in line]


def _excel(member: archives.Member) -> Look:
    book = excel.open_workbook(member)
    rows = [row for _, row in itertools.islice(excel.rows_of(book, book.sheet_names[0]), HEAD)]
    return Look(member.path, header_names(rows[0]) if rows else [], rows[1:])


def _parquet(member: archives.Member) -> Look:
    import pyarrow.parquet as pq

    try:
        batch = next(pq.ParquetFile(member.path).iter_batches(batch_size=HEAD), None)
    except (OSError, ValueError) as error:
        raise DataError(f"{member.label} cannot be read as Parquet: {error}") from None
    rows = (
        []
        if batch is None
        else [["" if v is None else str(v) for v in r.values()] for r in batch.to_pylist()]
    )
    return Look(member.path, [] if batch is None else batch.schema.names, rows)


def _json_lines(member: archives.Member) -> Look:
    records = []
    for line in _some_lines(member.chunks()):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    header = list(dict.fromkeys(k for r in records for k in r))
    rows = [["" if r.get(k) is None else str(r[k]) for k in header] for r in records]
    return Look(member.path, header, rows)


def _ideas(found: Look) -> dict[str, str]:
    """Return the column that each idea most likely is; no column serves two identifiers."""
    plain = {re.sub(r"[\W_]", "", name.casefold()): name for name in reversed(found.header)}
    ideas: dict[str, str] = {}
    for idea, names in NAMES.items():
        taken = {ideas.get(i) for i in ("order_id", "customer_id", "product_id", "ordered_at")}
        free = {p: n for p, n in plain.items() if n not in taken or idea in {"email", "name"}}
        match = next((free[n] for n in names if n in free), None)
        if match is not None:
            ideas[idea] = match
    return ideas


def fits(header: list[str], spec: FileSpec, wanted: Iterable[str]) -> bool:
    """Tell whether a header has every column that a ready mapping wants of it."""
    plain = {" ".join(n.casefold().replace("_", " ").split()) for n in header}
    for name in wanted:
        names = [name, *spec.aliases.get(name, ())]
        known = any(" ".join(n.casefold().replace("_", " ").split()) in plain for n in names)
        if not known and name not in spec.may_lack:
            return False
    return True


FORMS = (
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d-%m-%Y %H:%M",
    "%m-%d-%Y %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y年%m月%d日",
    "%Y%m%d",
)

ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?")

ISO_OFFSET = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})"
)

CURRENCIES = {"£": "GBP", "€": "EUR", "$": "USD", "¥": "CNY", "₹": "INR", "₩": "KRW", "元": "CNY"}


def date_forms(values: list[str]) -> tuple[list[str], bool, bool]:
    """Return the formats that read the values, whether that is unsure, and whether offsets are in.

    Unsure: day and month could be the other way round in every value.
    """
    if values and sum(bool(ISO_OFFSET.fullmatch(v)) for v in values) > len(values) / 2:
        return ["iso"], False, True
    left, forms, unsure = list(values), [], False
    if any(ISO.fullmatch(v) for v in left):
        forms, left = ["iso"], [v for v in left if not ISO.fullmatch(v)]
    while left and len(left) > len(values) / 200:
        scores = {form: sum(_fits(v, form) for v in left) for form in FORMS}
        best = max(scores, key=lambda f: scores[f])
        if not scores[best]:
            break
        other = best.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
        unsure |= other != best and scores.get(other, 0) == scores[best]
        forms, left = [*forms, best], [v for v in left if not _fits(v, best)]
    return forms, unsure or len(left) > len(values) / 200, False


def last_day(values: Iterable[str], forms: list[str]) -> datetime | None:
    """Return the latest moment among the values."""
    return max((m for v in values for m in _moments(v, forms)), default=None)


def _moments(value: str, forms: list[str]) -> Iterator[datetime]:
    for form in forms:
        try:
            read = (
                datetime.fromisoformat(value) if form == "iso" else datetime.strptime(value, form)
            )
        except ValueError:
            continue
        if 1900 <= read.year < 2200:
            yield read.replace(tzinfo=None)
            return


def _fits(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def decimal_comma(values: list[str]) -> bool:
    """Tell whether numbers are written with a decimal comma."""
    commas = sum(bool(re.search(r"\d,\d{1,2}\D*$", v)) for v in values)
    points = sum(bool(re.search(r"\d\.\d{1,2}\D*$", v)) for v in values)
    return commas > points


def currency(values: list[str]) -> str | None:
    """Return the currency whose sign stands in the values."""
    signs = Counter(c for v in values for c in v if c in CURRENCIES)
    return CURRENCIES[signs.most_common(1)[0][0]] if signs else None

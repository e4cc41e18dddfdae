"""What a look at all of a newcomer's files suggests: which hold the lines, what refers where."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from analysis.ingest.inspection.column_names import NOT_THE_ORDER
from analysis.ingest.inspection.column_sums import Product, with_products
from analysis.ingest.inspection.file_scans import day_counts
from analysis.ingest.inspection.foreign_keys import Kind, Reference, joined, references
from analysis.ingest.inspection.sniff import Look
from analysis.ingest.inspection.value_forms import (
    DateForms,
    currencies,
    date_forms,
    day_text,
    days_of,
    days_read,
    halves_last,
    without_lone,
)
from analysis.ingest.onboarding.draft_order_keys import Line, Numbers, judge

#: What a file of order lines says; a file that says more of it is likelier the one.
TOLD = ("order_id", "product_id", "ordered_at", "quantity", "price", "net_amount", "customer_id")
OF_PRODUCTS = {"price", "name", "category", "department"}
CLOCK = re.compile(r"\d{1,2}(?::\d{2}){1,2}(\.\d+)?( ?[APap]\.? ?[Mm]\.?)?|\d{1,2}(?:\.\d{2}){1,2}")
#: What stands in a row that adds up the rows above, in small letters.
TOTALS = frozenset(
    (
        "total", "totals", "grand total", "subtotal", "sub-total", "sub total", "sum", "summe",
        "gesamt", "gesamtsumme", "zwischensumme", "total général", "total general", "总计", "合计",
        "小计", "合計", "小計", "総計", "합계", "총계", "소계", "итого", "всего", "razem", "suma",
        "totale", "totaal", "totaux", "toplam", "genel toplam", "celkem", "subtotale",
    )
)  # fmt: skip
#: Words and letters of a language that is spoken most where a currency is money.
LANGUAGES = {
    "JPY": r"[\u3040-\u30ff]|注文|顧客",
    "KRW": r"[\uac00-\ud7a3]",
    "TWD": r"訂單|會員|數量|銷售|編號|單價",
    "CNY": r"[\u4e00-\u9fff]",
    "RUB": r"[\u0400-\u04ff]",
    "PLN": r"\b(zamówieni\w+|ilość|wartość|kwota|paragon\w*|klienta)\b",
    "TRY": r"\b(müşteri|ürün|fiyat\w*|tutar|sipari[sş]|fi[sş])\b",
    "BRL": r"\b(preço|quantidade|produto|cpf)\b",
    "EUR": r"\b(datum|menge|kunde|kundenn\w+|artikel\w*|beleg\w*|preis|umsatz|montant|prix|"
    r"quantité|importo|prezzo|quantità|scontrino|aantal|bedrag|klantnummer|importe)\b",
}
#: Values of a column that are tried as dates where no name tells.
TRIED = 300
#: Order lines that order numbers are judged by.
JUDGED = 400_000
#: Runs of rows, and rows in each, that sums between columns are held against.
RUNS, RUN = 10, 4_000


@dataclass(frozen=True)
class Plan:
    """How a newcomer's files are to become tables.

    Parameters
    ----------
    study
        Key of the study.
    lines
        The files of order lines.
    looked_up
        What their rows refer to.
    found
        The lines with what is looked up beside them.
    products, customers
        The reference to the files of products and of customers; None where there are none.
    beside_products
        What the rows of the files of products refer to, such as their categories.
    unused
        Files of no use.
    dates
        How the time of an order is written.
    days
        Rows a day, over all files and rows; a few rows far from all others left out.
    lone
        Days left out.
    numbers
        What is known of the order numbers.
    totals
        The column in which rows say that they add up others, and what they say there.
    products_of_columns
        Columns that are the product of two others, where names alone do not tell the amount.
    """

    study: str
    lines: Kind
    looked_up: tuple[Reference, ...]
    found: Look
    products: Reference | None
    customers: Reference | None
    beside_products: tuple[Reference, ...]
    unused: tuple[Kind, ...]
    dates: DateForms
    days: Counter[date] = field(default_factory=Counter)
    lone: tuple[date, ...] = ()
    numbers: Numbers = field(default_factory=Numbers)
    totals: tuple[str, tuple[str, ...]] = ("", ())
    products_of_columns: tuple[Product, ...] = ()

    @property
    def kinds(self) -> list[Kind]:
        """Return the kinds of file in use, the lines first."""
        found = {self.lines.name: self.lines}
        for reference in (*self.looked_up, self.products, self.customers, *self.beside_products):
            if reference is not None:
                found.setdefault(reference.other.name, reference.other)
        return list(found.values())

    @property
    def clock(self) -> str:
        """Return the column with the time of day, where the day stands in another; else empty."""
        return clock_of(self.found)


def plan(study: str, kinds: Sequence[Kind]) -> Plan:
    """Return how ``kinds`` of file are to become the tables of ``study``."""
    links = {k.name: references(k, [o for o in kinds if o is not k]) for k in kinds}
    lines = max(kinds, key=lambda k: _told(k, links[k.name]))
    looked_up = _useful(links[lines.name], lines)
    every = with_dates(joined(lines.pooled, looked_up))
    found, made = with_products(_thinned(every))
    products = _of_products(looked_up, found)
    if products is not None and "product_id" not in lines.pooled.columns:
        found.columns["product_id"] = products.match
    customers = _of_customers(found, lines, looked_up, links)
    dates, counts = _dates(found, lines, looked_up)
    days = days_of(counts, dates.forms)
    kept = without_lone(days)
    used = {lines.name, *(r.other.name for r in looked_up)}
    used |= {r.other.name for r in (products, customers) if r is not None}
    beside = _beside(products, links, used)
    used |= {r.other.name for r in beside}
    return Plan(
        study,
        lines,
        tuple(looked_up),
        found,
        products,
        customers,
        tuple(beside),
        tuple(k for k in kinds if k.name not in used),
        dates,
        kept,
        tuple(sorted(set(days) - set(kept))),
        judge(_lines(lines, every, dates)) if dates.forms else Numbers(),
        rows_of_totals(lines.pooled),
        tuple(made),
    )


def rows_of_totals(found: Look) -> tuple[str, tuple[str, ...]]:
    """Return the column in which rows say that they add up others, and the words they say there.

    Such a row fills fewer cells than the others; where one does not, ``Total`` is a name.
    """
    width = len(found.header)
    rows = [row for row in found.rows if len(row) == width]
    for name in found.header:
        words = {v for v in set(found.cells(name)) if v.rstrip(": ").casefold() in TOTALS}
        if not words:
            continue
        usual = Counter(sum(map(bool, map(str.strip, row))) for row in rows).most_common(1)[0][0]
        cells = zip(found.cells(name), rows, strict=True)
        said = [sum(map(bool, map(str.strip, row))) for cell, row in cells if cell in words]
        if all(filled < usual for filled in said):
            return name, tuple(sorted(words))
    return "", ()


def _without(counts: Counter[str], kind: Kind, name: str) -> Counter[str]:
    """Return the days that were counted without those that stand in rows of totals."""
    for each in kind.looks:
        column, words = rows_of_totals(each)
        if column and name in each.header:
            pairs = zip(each.cells(column), each.cells(name), strict=True)
            counts.subtract(day_text(when) for cell, when in pairs if when and cell in words)
    return +counts


def _thinned(found: Look) -> Look:
    """Return the look with runs of rows from all over it, so that sums over them stay quick."""
    if len(found.rows) <= RUNS * RUN:
        return found
    step = len(found.rows) // RUNS
    rows = [row for run in range(RUNS) for row in found.rows[run * step : run * step + RUN]]
    return replace(found, rows=rows, whole=False)


def _told(kind: Kind, links: Sequence[Reference]) -> tuple[int, int]:
    if kind.pooled.baskets:
        return -1, 0
    ideas = with_dates(kind.pooled).columns
    return sum(name in ideas for name in TOLD) + len(links), len(kind.pooled.rows)


def _useful(links: Sequence[Reference], lines: Kind) -> list[Reference]:
    """Return the references of different columns that bring something that the lines lack."""
    own = set(with_dates(lines.pooled).columns)
    return [r for r in links if set(with_dates(r.other.pooled).columns) - own]


def _of_products(looked_up: Sequence[Reference], found: Look) -> Reference | None:
    """Return the reference to the files of products: the product column's, or by content."""
    own = found.columns.get("product_id")
    by_name = next((r for r in looked_up if r.match == own), None)
    if by_name is not None or own is not None:
        return by_name
    keys = {found.columns.get(idea) for idea in ("order_id", "customer_id", "store_id")}
    free = [r for r in looked_up if r.match not in keys]
    return next((r for r in free if OF_PRODUCTS & set(r.other.pooled.columns)), None)


def _of_customers(
    found: Look, lines: Kind, looked_up: Sequence[Reference], links: dict[str, list[Reference]]
) -> Reference | None:
    column = found.columns.get("customer_id")
    if column is None:
        return None
    own = next((r for r in looked_up if r.match == column and r.other is not lines), None)
    if own is not None:
        return own
    prefix, _, base = column.partition(".")
    return next((r for r in links.get(prefix, []) if r.match == base), None)


def _beside(
    products: Reference | None, links: dict[str, list[Reference]], used: set[str]
) -> list[Reference]:
    """Return what the files of products refer to, in files of no other use."""
    if products is None:
        return []
    return [r for r in links[products.other.name] if r.other.name not in used]


def with_dates(found: Look) -> Look:
    """Return the look with a column of dates for the time of an order, if no name told one."""
    told = found.columns.get("ordered_at")
    if told is not None and date_forms(found.values(told)[:TRIED]).forms:
        return found
    taken = set(found.columns.values())
    for name in found.header:
        if name in taken or NOT_THE_ORDER.search(name.casefold()):
            continue
        values = found.values(name)[:TRIED]
        forms = date_forms(values) if values else DateForms([])
        if forms.forms and not forms.unread and forms.forms != ["excel"]:
            found.columns["ordered_at"] = name
            break
    return found


def clock_of(found: Look) -> str:
    """Return the column with the time of day, where that of the day has none; else empty."""
    day, named = found.columns.get("ordered_at"), found.columns.get("time_of_day")
    if day is None:
        return ""
    days = found.values(day)[:TRIED]
    if any(day_text(v.removesuffix(" 00:00:00")) != v.removesuffix(" 00:00:00") for v in days):
        return ""
    taken = set(found.columns.values())
    free = [name for name in found.header if name not in taken]
    clocks = [c for c in ([named] if named else free) if c != day and _is_clock(found.values(c))]
    return clocks[0] if len(clocks) == 1 else ""


def _is_clock(values: list[str]) -> bool:
    """Tell whether values are times of day; ``10.15`` is one only where no hour is above 23."""
    times = [halves_last(f"0 {value}")[2:] for value in values[:TRIED]]
    if not times or not all(map(CLOCK.fullmatch, times)):
        return False
    parts = [[int(p) for p in re.findall(r"\d+", t)[:3]] for t in times]
    dotted = not any(":" in t for t in times)
    telling = not dotted or (len(set(times)) > 2 and all("." in t for t in times))
    return telling and all(p[0] < 24 and p[1] < 60 for p in parts)


def _dates(
    found: Look, lines: Kind, looked_up: Sequence[Reference]
) -> tuple[DateForms, Counter[str]]:
    """Return how times are written and the days of all rows of all files, as written."""
    column = found.columns.get("ordered_at")
    if column is None:
        return DateForms([]), Counter()
    owner = next((r.other for r in looked_up if column.startswith(f"{r.other.name}.")), lines)
    name = column if owner is lines else column.removeprefix(f"{owner.name}.")
    counts = _without(day_counts(owner.looks, name), owner, name)
    return date_forms(owner.pooled.values(name), counts), counts


def _lines(lines: Kind, found: Look, dates: DateForms) -> list[Line]:
    """Return the lines looked at but returns, with order, day, store, file and customer."""
    key, when = found.columns.get("order_id"), found.columns.get("ordered_at")
    if key is None or when is None:
        return []
    files = [
        n for n, each in enumerate(lines.looks) for row in each.rows if len(row) == len(each.header)
    ]
    cells = [_or_nothing(found, idea) for idea in ("store_id", "customer_id", "quantity")]
    rows = zip(found.cells(key), found.cells(when), *cells, files, strict=False)
    known = days_read(found.cells(when)[:JUDGED], dates.forms)
    judged = []
    for order, text, store, customer, quantity, file in itertools.islice(rows, JUDGED):
        day = known[text]
        if order and day is not None and not quantity.startswith(("-", "(")):
            judged.append(Line(order, day, store, file, customer))
    return judged


def _or_nothing(found: Look, idea: str) -> list[str]:
    """Return the cells of an idea's column; empty texts where the file has none."""
    name = found.columns.get(idea)
    return found.cells(name) if name else [""] * len(found.rows)


def currency_of(found: Look) -> tuple[str | None, Counter[str]]:
    """Return the currency of the amounts, None if nothing tells, and the rows of each seen."""
    if "currency" in found.columns:
        seen = Counter(v.upper() for v in found.values(found.columns["currency"]))
        codes = Counter({c: n for c, n in seen.items() if re.fullmatch(r"[A-Z]{3}", c)})
        if codes:
            return codes.most_common(1)[0][0], codes
    for idea in ("price", "net_amount"):
        if idea in found.columns:
            signs = currencies(found.values(found.columns[idea]))
            if signs:
                return signs.most_common(1)[0][0], signs
    return _by_language(found.header), Counter()


def _by_language(header: Sequence[str]) -> str | None:
    """Return the currency of where a header's language is spoken most; None for English."""
    words = " ".join(header).casefold()
    return next((code for code, sign in LANGUAGES.items() if re.search(sign, words)), None)

"""Which columns are quantity, price and amount: the sums between them tell, whatever the names.

Of a file in a language that nobody thought of, or with names misspelt, one column is still the
product of two others in every row: the amount. And an amount that is another column and a tax, a
fee or the postage holds what is no sale.

A column that goes by the name of an amount may be quantity x price, that less a discount, or the
total of the order repeated on each of its lines; added up, the three give three different years.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.ingest.inspection.column_names import KEYS, NAMES, places_of, plain
from analysis.ingest.inspection.sniff import Look
from analysis.ingest.inspection.value_forms import decimal_comma, number

#: Rows that are looked at, rows that it takes to tell, and the share in which a sum must hold.
LOOKED_AT, ENOUGH, HOLDS = 2_000, 8, 0.95
#: Rows in which neither factor is one: else the product is the other factor.
TELLING = 0.05
#: A cell that is a number, at most with a sign or a word of currency beside it.
AMOUNT = re.compile(
    r"'?[^\d\s]{0,4}\s?[-+(]?\s?[^\d\s]{0,3}\s?\d[\d.,'’ \u00a0\u202f]*\)?\s?[^\d\s]{0,5}-?"
)
#: Names of what an order's total holds beside its goods.
BESIDE = re.compile(
    r"tax|vat|mwst|steuer|tva|iva$|^iva|btw|imposto|impuesto|imposta|podatek|ндс|kdv|税|부가세|"
    r"shipping|versand|freight|postage|porto|frete|envio|spedizion|livraison|доставк|kargo|送料|"
    r"배송|运费|運費|^fee|fees?$|^tip|gratuity|handling"
)
#: Names of numbers that are no money.
NO_MONEY = re.compile(
    r"index|^id$|id$|zip|postal|plz|cap$|phone|year|month|week|day|hour|^age$|alter|latitude|"
    r"longitude|rating|score|percent|percentage|rank|row|line|temperature|code|stamp|rate$"
)


@dataclass(frozen=True)
class Product:
    """A column that is the product of two others: ``rows`` of ``of`` rows say so."""

    quantity: str
    price: str
    amount: str
    rows: int
    of: int


def is_money(name: str) -> bool:
    """Tell whether a column of numbers of this name may be money."""
    return NO_MONEY.search(plain(name)) is None


def numeric_columns(found: Look) -> dict[str, NDArray[np.float64]]:
    """Return the columns of numbers, as such, without keys and times; NaN where there is none."""
    taken = {found.columns.get(key) for key in (*KEYS, "time_of_day")}
    cells = {n: found.cells(n)[:LOOKED_AT] for n in found.header if n not in taken}
    texts = {n: c for n, c in cells.items() if _are_numbers(c)}
    comma = bool(decimal_comma(texts.values()))
    return {name: _as_numbers(column, comma) for name, column in texts.items()}


def _are_numbers(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and sum(map(bool, map(AMOUNT.fullmatch, filled))) >= HOLDS * len(filled)


def _as_numbers(cells: Sequence[str], comma: bool) -> NDArray[np.float64]:
    read = (number(cell, comma=comma) for cell in cells)
    return np.array([np.nan if value is None else value for value in read], np.float64)


def products(found: Look) -> list[Product]:
    """Return every column that is the product of two others in nearly all rows."""
    columns = numeric_columns(found)
    varied = {n: v for n, v in columns.items() if len(np.unique(v[~np.isnan(v)])) > 1}
    made = []
    for one, other in itertools.combinations(varied, 2):
        product = varied[one] * varied[other]
        for name, amount in varied.items():
            if name in {one, other}:
                continue
            held = agreeing(amount, product)
            if held is not None and _tells(varied[one], varied[other]):
                quantity, price = _by_size(one, other, varied)
                made.append(Product(quantity, price, name, *held))
    return made


def agreeing(amounts: NDArray[np.float64], others: NDArray[np.float64]) -> tuple[int, int] | None:
    """Return in how many rows two columns agree, of how many; None where they mostly do not."""
    both = ~np.isnan(amounts) & ~np.isnan(others)
    a, b = amounts[both], others[both]
    if len(a) < ENOUGH or 2 * len(a) < np.sum(~np.isnan(amounts)):
        return None
    whole = bool(np.all(a == np.round(a))) and float(np.median(np.abs(a))) > 50
    near = np.abs(a - b) <= (0.51 if whole else 0.011) + np.abs(b) * 1e-4
    held = int(near.sum())
    return (held, len(a)) if held >= HOLDS * len(a) else None


def _tells(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    plain_rows = np.isin(np.abs(one), (0, 1)) | np.isin(np.abs(other), (0, 1))
    return float(np.mean(~plain_rows)) >= TELLING


def _by_size(one: str, other: str, columns: dict[str, NDArray[np.float64]]) -> tuple[str, str]:
    """Return which of two factors is the quantity: whole numbers, and the smaller ones."""

    def size(name: str) -> tuple[bool, float]:
        values = columns[name][~np.isnan(columns[name])]
        return bool(np.any(values != np.round(values))), float(np.median(np.abs(values)))

    first, second = sorted((one, other), key=size)
    return first, second


def with_products(found: Look) -> tuple[Look, list[Product]]:
    """Return the look with quantity, price and amount that no name tells, and the other amounts.

    Nothing is taken from a name that is known: the sums speak only where names are silent. Where
    several columns are products, of a price and of a cost, none is the amount for certain.
    """
    ideas = ("quantity", "price", "net_amount")
    named = {idea: found.columns[idea] for idea in ideas if idea in found.columns}
    if len(named) == len(ideas):
        return found, []
    fitting = [p for p in products(found) if _agrees(p, named)]
    if not fitting:
        return found, []
    first = fitting[0]
    same = {"quantity": {p.quantity for p in fitting}, "price": {p.price for p in fitting}}
    same["net_amount"] = {p.amount for p in fitting}
    told = {"quantity": first.quantity, "price": first.price, "net_amount": first.amount}
    found.columns.update({i: told[i] for i in ideas if i not in named and len(same[i]) == 1})
    return found, fitting


def _agrees(made: Product, named: dict[str, str]) -> bool:
    roles = {"quantity": made.quantity, "price": made.price, "net_amount": made.amount}
    return all(roles[idea] == column for idea, column in named.items())


def goods_of(found: Look, total: str) -> tuple[str, str, int, int] | None:
    """Return the column of the goods in a ``total``, and the column of what it holds beside them.

    The goods are a column of their own, or ``quantity x price``, then named ``*``. What stands
    beside is a tax, a fee or the postage. None where no such sum holds.
    """
    columns = numeric_columns(found)
    if total not in columns:
        return None
    beside = [
        n
        for n in columns
        if n != total
        and BESIDE.search(plain(n))
        and np.any(columns[n] > 0) | np.any(columns[n] < 0)
    ]
    goods = {n: v for n, v in columns.items() if n not in {total, *beside} and is_money(n)}
    quantity, price = found.columns.get("quantity"), found.columns.get("price")
    if quantity in columns and price in columns:
        goods = {"*": columns[str(quantity)] * columns[str(price)], **goods}
    for name, values in goods.items():
        for extra in beside:
            held = agreeing(columns[total], values + np.nan_to_num(columns[extra]))
            if held is not None and agreeing(columns[total], values) is None:
                return name, extra, *held
    return None


#: Share of rows in which an identity must hold, and rows that it takes to tell.
MOSTLY, _ENOUGH_ROWS = 0.95, 2
#: Rounding of an amount to the cent, and of a price to the cent times a quantity.
CENT = 0.011
#: Values of each column that tell the decimal sign.
TELLING_VALUES = 5_000


@dataclass(frozen=True)
class Evidence:
    """What a column of amounts is.

    Parameters
    ----------
    column
        Its name.
    identity
        ``product``: quantity x price; ``discounted``: that less the discount; ``order``: the
        order's total on each of its lines; ``other``: neither; ``unknown``: nothing to hold it
        against.
    rows, of
        Rows, or orders, in which that holds, of how many.
    example
        Where ``other``: the first row's quantity, price and amount.
    """

    column: str
    identity: str
    rows: int = 0
    of: int = 0
    example: tuple[str, str, str] = ("", "", "")


def amount_columns(found: Look) -> list[str]:
    """Return the columns that go by the name of an amount, the likeliest first."""
    places = {plain(n.rpartition(".")[2]): n for n in reversed(found.header)}
    places = places_of(found.header) | places
    named = [places[name] for name in NAMES["net_amount"] if name in places]
    told = [found.columns["net_amount"]] if "net_amount" in found.columns else []
    return [name for name in dict.fromkeys([*named, *told]) if found.values(name)]


def has_comma(found: Look) -> bool | None:
    """Tell whether the file's numbers have a decimal comma, weighed over all of them."""
    columns = [*amount_columns(found)]
    columns += [found.columns[i] for i in ("quantity", "price", "discount") if i in found.columns]
    return decimal_comma(found.values(column)[:TELLING_VALUES] for column in columns)


def numbers(found: Look, column: str) -> NDArray[np.float64]:
    """Return a column row by row as numbers; NaN where there is none."""
    return _as_numbers(found.cells(column), bool(has_comma(found)))


def evidence(found: Look, column: str) -> Evidence:
    """Return what a column of amounts is, held against the columns beside it."""
    quantity, price, discount = (found.columns.get(i) for i in ("quantity", "price", "discount"))
    amounts = numbers(found, column)
    repeated = _repeated(found, amounts)
    if quantity is None or price is None:
        known = _mostly(*repeated)
        return Evidence(column, "order", *repeated) if known else Evidence(column, "unknown")
    units = numbers(found, quantity)
    product = units * numbers(found, price)
    held = _equal(amounts, product)
    if _mostly(*held):
        return Evidence(column, "product", *held)
    if _mostly(*repeated):
        return Evidence(column, "order", *repeated)
    if discount is not None:
        off = np.abs(np.nan_to_num(numbers(found, discount)))
        # An amount a line, an amount a unit, a share, per cent.
        for less in (off, off * units, product * off, product * off / 100):
            if _mostly(*(cut := _equal(amounts, product - less))):
                return Evidence(column, "discounted", *cut)
    odd = np.flatnonzero(~np.isnan(amounts - product) & ~_near(amounts, product))
    rows = list(zip(*(found.cells(c) for c in (quantity, price, column)), strict=True))
    example = rows[int(odd[0]) if len(odd) else 0] if rows else ("", "", "")
    return Evidence(column, "other", *held, example)


def _near(amounts: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = np.abs(amounts - others) <= CENT + np.abs(others) * 1e-4
    return near


def _equal(amounts: NDArray[np.float64], others: NDArray[np.float64]) -> tuple[int, int]:
    return int(_near(amounts, others).sum()), int((~np.isnan(amounts - others)).sum())


def _mostly(held: int, of: int) -> bool:
    return of >= _ENOUGH_ROWS and held >= MOSTLY * of


def _repeated(found: Look, amounts: NDArray[np.float64]) -> tuple[int, int]:
    """Return in how many orders of several lines the amount is the same on each, of how many.

    An order whose lines cost the same by chance looks alike: where other orders' amounts differ
    from line to line, the column is no order's.
    """
    key = found.columns.get("order_id")
    if key is None:
        return 0, 0
    lines = pd.DataFrame({"order": found.cells(key), "amount": amounts}).dropna()
    orders = lines[lines["order"] != ""].groupby("order")["amount"]
    several = orders.agg(["size", "min", "max", "first"]).query("size > 1")
    same = int((several["max"] - several["min"] <= CENT).sum())
    different = several["first"].round(2).nunique() > 1
    return (same, len(several)) if different else (0, len(several))


def price_is_of_the_line(found: Look) -> bool:
    """Tell whether a price grows with the quantity: then it is the line's, not the unit's.

    Of products sold in several quantities, the price of a unit stays the same and that of a line
    stays in proportion.
    """
    ideas = found.columns
    if not {"product_id", "quantity", "price"} <= set(ideas):
        return False
    sold: dict[str, set[tuple[float, float]]] = defaultdict(set)
    rows = zip(
        found.cells(ideas["product_id"]),
        numbers(found, ideas["quantity"]),
        numbers(found, ideas["price"]),
        strict=True,
    )
    for product, quantity, price in rows:
        if quantity > 0 and abs(price) > 0:
            sold[product].add((quantity, price))
    same = grown = 0
    for pairs in sold.values():
        if len({q for q, _ in pairs}) < 2:
            continue
        prices = [p for _, p in pairs]
        units = [p / q for q, p in pairs]
        same += max(prices) - min(prices) <= CENT
        grown += max(units) - min(units) <= CENT and max(prices) - min(prices) > CENT
    return grown >= _ENOUGH_ROWS and grown > same

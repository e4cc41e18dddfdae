"""Which column is the amount of an order line: the sums that hold between columns tell.

A column may be quantity x price, that less a discount, or the total of the order repeated on each
of its lines; added up, the three give three different years.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.ingest.inspection.column_names import NAMES, places_of, plain
from analysis.ingest.inspection.sniff import Look
from analysis.ingest.inspection.value_forms import decimal_comma, number

#: Share of rows in which an identity must hold, and rows that it takes to tell.
HOLDS, ENOUGH = 0.95, 2
#: Rounding of an amount to the cent, and of a price to the cent times a quantity.
CENT = 0.011
#: Values of each column that tell the decimal sign.
TELLING = 5_000


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
    return decimal_comma(found.values(column)[:TELLING] for column in columns)


def numbers(found: Look, column: str) -> list[float | None]:
    """Return a column row by row as numbers."""
    comma = bool(has_comma(found))
    return [number(cell, comma=comma) for cell in found.cells(column)]


def evidence(found: Look, column: str) -> Evidence:
    """Return what a column of amounts is, held against the columns beside it."""
    quantity, price, discount = (found.columns.get(i) for i in ("quantity", "price", "discount"))
    amounts = numbers(found, column)
    repeated = _repeated(found, amounts)
    if quantity is None or price is None:
        return (
            Evidence(column, "order", *repeated)
            if _mostly(*repeated)
            else Evidence(column, "unknown")
        )
    factors = list(zip(numbers(found, quantity), numbers(found, price), strict=True))
    products = [None if q is None or p is None else q * p for q, p in factors]
    held = _agreeing(amounts, products)
    if _mostly(*held):
        return Evidence(column, "product", *held)
    if _mostly(*repeated):
        return Evidence(column, "order", *repeated)
    if discount is not None:
        for less in _discounted(products, factors, numbers(found, discount)):
            if _mostly(*(cut := _agreeing(amounts, less))):
                return Evidence(column, "discounted", *cut)
    return Evidence(column, "other", *held, _example(found, (quantity, price, column), products))


def _agreeing(amounts: Sequence[float | None], others: Sequence[float | None]) -> tuple[int, int]:
    pairs = [
        (a, b) for a, b in zip(amounts, others, strict=True) if a is not None and b is not None
    ]
    return sum(abs(a - b) <= CENT + abs(b) * 1e-4 for a, b in pairs), len(pairs)


def _mostly(held: int, of: int) -> bool:
    return of >= ENOUGH and held >= HOLDS * of


def _discounted(
    products: Sequence[float | None],
    factors: Sequence[tuple[float | None, float | None]],
    discounts: Sequence[float | None],
) -> list[list[float | None]]:
    """Return the products less a discount that is an amount a line, a unit, a share or percent."""
    cut: list[list[float | None]] = [[], [], [], []]
    for product, (quantity, _), discount in zip(products, factors, discounts, strict=True):
        if product is None or quantity is None:
            several: tuple[float | None, ...] = (None,) * 4
        else:
            off = discount or 0.0
            several = (
                product - abs(off),
                product - abs(off) * quantity,
                product * (1 - abs(off)),
                product * (1 - abs(off) / 100),
            )
        for values, value in zip(cut, several, strict=True):
            values.append(value)
    return cut


def _repeated(found: Look, amounts: Sequence[float | None]) -> tuple[int, int]:
    """Return in how many orders of several lines the amount is the same on each, of how many.

    An order whose lines cost the same by chance looks alike: where other orders' amounts differ
    from line to line, the column is no order's.
    """
    key = found.columns.get("order_id")
    if key is None:
        return 0, 0
    orders: dict[str, list[float]] = defaultdict(list)
    for order, amount in zip(found.cells(key), amounts, strict=True):
        if order and amount is not None:
            orders[order].append(amount)
    several = [lines for lines in orders.values() if len(lines) > 1]
    same = sum(max(lines) - min(lines) <= CENT for lines in several)
    different = len({round(lines[0], 2) for lines in several}) > 1
    return (same, len(several)) if different else (0, len(several))


def _example(
    found: Look, columns: tuple[str, str, str], products: Sequence[float | None]
) -> tuple[str, str, str]:
    cells = list(zip(*(found.cells(c) for c in columns), strict=True))
    amounts = numbers(found, columns[2])
    odd = (
        place
        for place, (a, b) in enumerate(zip(amounts, products, strict=True))
        if a is not None and b is not None and abs(a - b) > CENT + abs(b) * 1e-4
    )
    place = next(odd, 0)
    return cells[place] if cells else ("", "", "")


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
        if quantity and price and quantity > 0:
            sold[product].add((quantity, price))
    same = grown = 0
    for pairs in sold.values():
        if len({q for q, _ in pairs}) < 2:
            continue
        prices = [p for _, p in pairs]
        units = [p / q for q, p in pairs]
        same += max(prices) - min(prices) <= CENT
        grown += max(units) - min(units) <= CENT and max(prices) - min(prices) > CENT
    return grown >= ENOUGH and grown > same

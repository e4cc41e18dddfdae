"""Write how a drafted mapping takes quantity and amount from a line, with what speaks for it.

And which rows are no sales: cancelled, declined, paid out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.ingest.bounded_yaml import listed, quoted
from analysis.ingest.inspection.column_sums import (
    Evidence,
    Product,
    amount_columns,
    evidence,
    goods_of,
    has_comma,
    is_money,
    numbers,
    numeric_columns,
    price_is_of_the_line,
)
from analysis.ingest.inspection.sniff import Look, ideas_in
from analysis.ingest.inspection.value_forms import currencies, thousands_or_decimals
from analysis.ingest.mapping.model import UNANSWERED

TAX = "UNSURE: without tax?"
#: Currencies of which no sum has three decimals, nor two.
WITHOUT_CENTS = ("JPY", "KRW", "TWD", "VND", "IDR")
REFUND = re.compile(
    r"refund|erstatt|reembols|rimbors|rembours|возврат|iade|返金|退款|환불", re.IGNORECASE
)


def number_of(found: Look, column: str) -> str:
    """Return a column of numbers as a mapping reads it; a question where its sign tells nothing."""
    comma = has_comma(found)
    values = found.values(column)
    if comma is None and thousands_or_decimals(values):
        if _without_cents(values):
            mark = "." if any("," in v for v in values) else ","
            return f'{{column: {quoted(column)}, decimal: "{mark}"}}'
        return f'{{column: {quoted(column)}, decimal: "{UNANSWERED}"}}'
    if comma:
        return f'{{column: {quoted(column)}, decimal: ","}}'
    return quoted(column)


def _without_cents(values: list[str]) -> bool:
    """Tell whether most values carry the sign of a currency that has no smaller unit in use."""
    return sum(currencies(values)[code] for code in WITHOUT_CENTS) > len(values) / 2


def quantity_line(found: Look, made: Sequence[Product] = ()) -> str:
    """Return where the quantity comes from."""
    name = found.columns.get("quantity")
    if name is None:
        said = "no column looks like a quantity, so each line counts as one"
        return f'{{constant: "1"}}   # UNSURE: {said}'
    told = next((p for p in made if p.quantity == name), None)
    if told is None or ideas_in(found).get("quantity") == name:
        return number_of(found, name) + _thousands(found, name)
    return (
        f"{number_of(found, name)}   # UNSURE: no name says so, but {told.amount} is {name} x "
        f"{told.price}"
    )


def amount_lines(found: Look, made: Sequence[Product] = ()) -> list[str]:
    """Return where the amount comes from, and list price and discount where they are known."""
    several = list(dict.fromkeys(p.amount for p in made))
    if len(several) > 1 and "net_amount" not in found.columns:
        return [
            f'      net_amount: "{UNANSWERED}"   # UNSURE: {" and ".join(several[:3])} are each '
            f"{made[0].quantity} x a price; which is what was paid, without tax?"
        ]
    return _amount_lines(found)


def _amount_lines(found: Look) -> list[str]:
    ideas = found.columns
    own = {ideas.get("price"), ideas.get("quantity"), ideas.get("discount")}
    judged = [evidence(found, name) for name in amount_columns(found) if name not in own]
    best = next((e for e in judged if e.identity in {"product", "discounted"}), None)
    best = best or next((e for e in judged if e.identity in {"other", "unknown"}), None)
    orders = [e for e in judged if e.identity == "order"]
    if best is not None and best.identity in {"other", "unknown"}:
        goods = goods_of(found, best.column)
        return _by_goods(found, best.column, *goods) if goods else _by_column(found, best)
    if best is not None:
        return _by_column(found, best)
    if {"price", "quantity"} <= set(ideas):
        return [_by_price(found, orders)]
    if orders:
        return [_of_the_order(orders[0])]
    if "price" in ideas:
        name = ideas["price"]
        return [f"      net_amount: {number_of(found, name)}   # {TAX}{_also(found, name)}"]
    return [_nothing_known(found)]


def _nothing_known(found: Look) -> str:
    """Return a question where some column may be the amount, else nothing as the amount."""
    taken = set(found.columns.values())
    columns = {n: v for n, v in numeric_columns(found).items() if n not in taken and is_money(n)}
    parted = [name for name, values in columns.items() if (values % 1 > 0).any()]
    amounts = parted or list(columns)
    if not amounts:
        said = "no column looks like an amount or a price"
        return f'      net_amount: {{constant: "0"}}   # UNSURE: {said}'
    return (
        f'      net_amount: "{UNANSWERED}"   # UNSURE: no name tells an amount; is it '
        f'{" or ".join(amounts[:3])}? If none is, say {{constant: "0"}}'
    )


def _by_goods(found: Look, total: str, goods: str, beside: str, rows: int, of: int) -> list[str]:
    """Return the amount of the goods in a total that holds a tax, a fee or the postage too."""
    factors = ", ".join(number_of(found, found.columns[i]) for i in ("quantity", "price")
                        if i in found.columns)  # fmt: skip
    value = f"{{multiply: [{factors}]}}" if goods == "*" else number_of(found, goods)
    said = f"{total} is that and {beside} in {rows:,} of {of:,} rows"
    return [f"      net_amount: {value}   # {said}"]


def _by_column(found: Look, told: Evidence) -> list[str]:
    column = number_of(found, told.column)
    also = _also(found, told.column)
    line = f"      net_amount: {column}   # "
    if told.identity == "unknown":
        return [_less_refunds(found, told.column) or f"{line}{TAX}{also}"]
    quantity, price = found.columns["quantity"], found.columns["price"]
    if told.identity == "product":
        return [
            f"{line}it is {quantity} x {price} in {told.rows:,} of {told.of:,} rows. {TAX}{also}"
        ]
    product = f"{{multiply: [{number_of(found, quantity)}, {number_of(found, price)}]}}"
    if told.identity == "discounted":
        return [
            f"{line}it is {quantity} x {price} less {found.columns['discount']} in {told.rows:,} "
            f"of {told.of:,} rows. {TAX}{also}",
            f"      list_amount: {product}",
            f"      discount_amount: {{subtract: [{product}, {column}]}}",
        ]
    one, each, amount = told.example
    return [
        f"{line}UNSURE: it is {quantity} x {price} in only {told.rows:,} of {told.of:,} rows "
        f"({one} x {each}, but {amount}); is it what was paid, without tax? Else multiply{also}"
    ]


def _less_refunds(found: Look, amount: str) -> str:
    """Return an amount less what was given back, where a column of no more than it says so."""
    columns = numeric_columns(found)
    for name in columns:
        if name != amount and REFUND.search(name) and amount in columns:
            back, paid = columns[name], columns[amount]
            given = int((back > 0).sum())
            if given and not (back < 0).any() and not (back > paid + 0.01).any():
                less = f'[{number_of(found, amount)}, {{column: {quoted(name)}, default: "0"}}]'
                if has_comma(found):
                    less = less.replace(", default", ', decimal: ",", default')
                return (
                    f"      net_amount: {{subtract: {less}}}   # UNSURE: less what was given back, "
                    f"in {given:,} rows? Without tax?"
                )
    return ""


def _by_price(found: Look, orders: list[Evidence]) -> str:
    quantity, price = found.columns["quantity"], found.columns["price"]
    also = _also(found, price)
    if orders:
        also += (
            f"; {orders[0].column} is the order's total, on each line of {orders[0].rows:,} of "
            f"{orders[0].of:,} orders, and is not added up"
        )
    if price_is_of_the_line(found):
        return (
            f"      net_amount: {number_of(found, price)}   # UNSURE: it grows with {quantity}, so "
            f"it is the line's and not the unit's? Without tax?{also}"
        )
    product = f"[{number_of(found, quantity)}, {number_of(found, price)}]"
    return f"      net_amount: {{multiply: {product}}}   # UNSURE: is the price without tax?{also}"


def _of_the_order(told: Evidence) -> str:
    return (
        f'      net_amount: "{UNANSWERED}"   # UNSURE: {told.column} is the same on each line of '
        f"{told.rows:,} of {told.of:,} orders: it is the order's total, and no column states a "
        "line's amount. Name one"
    )


def _also(found: Look, column: str) -> str:
    return _thousands(found, column).replace("   # UNSURE: ", "; ", 1)


def _thousands(found: Look, column: str) -> str:
    """Return the question whether three digits behind a sign are thousands or decimals."""
    values = found.values(column)
    comma = has_comma(found)
    if not thousands_or_decimals(values) or _without_cents(values):
        return ""
    shown = next(v for v in values if "," in v or "." in v)
    sign = "," if "," in shown else "."
    other = "." if sign == "," else ","
    if comma is None:
        said = f"{shown} may have decimals (decimal: '{sign}') or thousands (decimal: '{other}')?"
        return f"   # UNSURE: {said}"
    if (sign == ",") != comma:
        return ""
    said = f'{shown} is read with decimals; if they are thousands, state decimal: "{other}"'
    return f"   # UNSURE: {said}"


STATUS = re.compile(
    r"status|stan\b|state$|estado|stato|statut|stav\b|durum|статус|состоян|ステータス|状態|状态|"
    r"상태|狀態",
    re.IGNORECASE,
)
TYPE = re.compile(
    r"type|typ\b|tipo|kind|\bart\b|vorgang|event|тип|tür|類型|类型|구분", re.IGNORECASE
)
FREE_TEXT = re.compile(r"comment|note|reason|message|grund|bemerkung|备注|備考|비고", re.IGNORECASE)
#: What a row says that is no sale.
NO_SALE = re.compile(
    r"(order |주문 ?|已|訂單)?(cancel|annul|anul|storn|geannul|zrušen|отмен|аннул|iptal|キャンセル|"
    r"取消|취소|关闭|交易关闭)|void|fail|declin|abort|abgebroch|expired|trash|"
    r"(general )?withdrawal|payout|chargeback",
    re.IGNORECASE,
)
#: What a row says that may be one or not.
OPEN = re.compile(
    r"pending|unpaid|await|on.hold|return|refund|reject|lost|rück|erstatt|retour|rembours|devol|"
    r"reembols|reso\b|rimbors|zwrot|возврат|iade|返品|返金|退|반품|환불",
    re.IGNORECASE,
)
RETURNED = re.compile(
    r"return|refund|credit|gutschrift|rück|retour|rembours|devol|reembols|reso\b|rimbors|zwrot|"
    r"возврат|iade|返品|返金|退货|退款|退貨|반품|환불",
    re.IGNORECASE,
)
#: Different values of a column that says what became of an order, with and without its name.
MOST, FEW = 40, 12
SHOWN = 4


@dataclass(frozen=True)
class _Said:
    column: str
    rows: Counter[str]
    chosen: tuple[str, ...]

    @property
    def matched(self) -> int:
        return sum(self.rows[value] for value in self.chosen)


def status_lines(found: Look) -> tuple[list[str], list[str]]:
    """Return lines of the table, and rules of its ``drop``, about rows that are no sales."""
    dropped = _best(found, NO_SALE)
    if dropped is None:
        asked = _best(found, OPEN, named=True)
        return (
            [f"    # UNSURE: {_shown(asked, asked.chosen)}: sales or not?"] if asked else []
        ), []
    rest = [v for v in dropped.rows if v not in dropped.chosen and OPEN.search(v)]
    also = f" And what of: {_shown(dropped, rest)}?" if rest else ""
    return [], [
        f"      - rule: no sale by its {dropped.column}",
        f"        when: {{column: {quoted(dropped.column)}, equals: {listed(dropped.chosen)}}}"
        f"   # UNSURE: {dropped.matched:,} of {dropped.rows.total():,} rows; no sales?{also}",
    ]


def returned_lines(found: Look) -> list[str]:
    """Return the rule for rows of a type that gives back, where their amounts are above zero."""
    said = next((s for s in _all(found, RETURNED) if TYPE.search(s.column)), None)
    idea = next((i for i in ("net_amount", "quantity") if i in found.columns), None)
    if said is None or idea is None:
        return []
    pairs = zip(found.cells(said.column), numbers(found, found.columns[idea]), strict=True)
    amounts = [a for value, a in pairs if value in said.chosen and not np.isnan(a)]
    if sum(a > 0 for a in amounts) <= len(amounts) / 2:
        return []
    rule = f"{{column: {quoted(said.column)}, equals: {listed(said.chosen)}}}"
    return [f"    returns: {rule}   # UNSURE: their amounts are above zero; are they given back?"]


def _shown(said: _Said, values: tuple[str, ...] | list[str]) -> str:
    most = sorted(values, key=lambda v: -said.rows[v])[:SHOWN]
    return f"{said.column} is " + ", ".join(f"{value} in {said.rows[value]:,}" for value in most)


def _best(found: Look, pattern: re.Pattern[str], *, named: bool = False) -> _Said | None:
    every = _all(found, pattern)
    rows = max(every, key=lambda s: (bool(STATUS.search(s.column)), s.matched), default=None)
    return None if rows is None or (named and not STATUS.search(rows.column)) else rows


def _all(found: Look, pattern: re.Pattern[str]) -> list[_Said]:
    """Return the columns of few values, some of which begin as ``pattern`` does."""
    taken = set(found.columns.values())
    columns = []
    for name in found.header:
        if name in taken or FREE_TEXT.search(name):
            continue
        rows = Counter(found.values(name))
        most = MOST if STATUS.search(name) or TYPE.search(name) else FEW
        match = pattern.match if pattern is not OPEN else pattern.search
        chosen = tuple(sorted(v for v in rows if match(v))) if 1 < len(rows) <= most else ()
        if chosen and len(chosen) < len(rows):
            columns.append(_Said(name, rows, chosen))
    return columns

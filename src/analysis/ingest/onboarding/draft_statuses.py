"""Write which rows of a drafted mapping are no sales: cancelled, declined, paid out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from analysis.ingest.inspection.line_amounts import numbers
from analysis.ingest.inspection.sniff import Look
from analysis.ingest.onboarding.yaml_text import listed, quoted

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
    amounts = [a for value, a in pairs if value in said.chosen and a is not None]
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

"""Build the expressions that read one staged table as its mapping says.

Which columns of a file a mapping uses.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Iterator
from typing import Any

import ibis

from analysis.ingest.mapping import currencies, decimal_marks, values
from analysis.ingest.mapping.arithmetic import (
    ARITHMETIC,
    exactly,
    levels,
    prepared,
    sums_in,
    verb_of,
)
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.mapping.model import TableSpec
from analysis.ingest.mapping.value_mapping import Condition, Value, kind_of, leaf_key, leaves
from analysis.ingest.readers.staged_table import LINE, Staged
from analysis.tables import engine
from analysis.tables.schema import ENGINE_TYPES, ColumnType

_WORDS = {
    "money": "an amount of money",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "yes or no",
    "timestamp": "a time in the format stated",
    "date": "a date in the format stated",
}

#: How the reason ends for a date that only the other order of day and month reads.
SWAPPED = "with day and month the other way round"

_NUMERIC = {"money", "number", "integer"}


class Reader:
    """Builds the expressions for one staged table and remembers what may be wrong with a row."""

    def __init__(
        self,
        staged: Staged,
        table: TableSpec,
        spec: FileSpec,
        connection: Any,
        timezone: str,
        currency: str = "",
    ) -> None:
        self._currency = currency
        self._staged, self._table, self._spec = staged, table, spec
        self._connection, self._timezone = connection, timezone
        marks = staged.marks
        self._marks = decimal_marks.decide(staged, [table], spec)[0] if marks is None else marks
        self.problems: dict[str, tuple[str, ibis.Value]] = {}
        self.shifts: dict[str, ibis.Value] = {}
        self._columns = {name: f"v{i}" for i, name in enumerate(columns_used([table], spec))}
        self._leaves: dict[str, str] = {}
        self._sums: dict[str, str] = {}
        self.rows = self._parsed(prepared(staged, spec, self._columns))
        self._compute()

    def typed(self) -> dict[str, ibis.Value]:
        """Return the canonical columns of the mapping; each is computed once, before its use."""
        columns = self._table.columns.items()
        exact = {name: self.value(v, kind_of(name, self._table.table)) for name, v in columns}
        exact = {name: self._converted(name, value) for name, value in exact.items()}
        place = {name: f"t{i}" for i, name in enumerate(exact)}
        rounded = {place[n]: self._canonical(n, value) for n, value in exact.items()}
        if self._table.returns is not None:
            rounded["is_return"] = self.test(self._table.returns)
        self.rows = self.rows.mutate(**rounded)
        typed = {name: self.rows[place[name]] for name in exact}
        for name, value in exact.items():
            if kind_of(name, self._table.table) == "money":
                lost = value.notnull() & typed[name].isnull()
                self.problems[f"{name} rounded"] = f"{name} is too large", lost
        return self._returned(typed) if self._table.returns is not None else typed

    def in_another_currency(self) -> tuple[ibis.Value, ibis.Value] | None:
        """Return which rows are in a currency that cannot be counted in, and its name."""
        if not self._currency:
            return None
        word = self._currency_of_row()
        return currencies.foreign(word, self._table.currency, self._currency), word

    def _converted(self, name: str, value: ibis.Value) -> ibis.Value:
        """Return an amount in the study's currency, where the mapping states rates."""
        if kind_of(name, self._table.table) != "money":
            return value
        rate = currencies.rate(self._currency_of_row(), self._table.currency)
        return value if rate is None else exactly(operator.mul, value, rate)

    def _currency_of_row(self) -> ibis.Value:
        """Return what names the currency of each row: a column's text, or a sign; or empty."""
        stated = self._table.currency.column
        if stated is not None:
            return self.rows[self._columns[stated]].cast("string").upper().fill_null("")
        used = {
            self._leaves[leaf_key(leaf, kind)]: None
            for name, value in self._table.columns.items()
            if kind_of(name, self._table.table) == "money"
            for leaf, kind in leaves(value, "money")
            if kind in _NUMERIC
        }
        return currencies.sign_in([(self.rows[f"f{i}"], self.rows[f"p{i}"]) for i in used])

    def _canonical(self, name: str, value: ibis.Value) -> ibis.Value:
        kind = kind_of(name, self._table.table)
        target = ENGINE_TYPES[kind]
        return value.try_cast(target) if kind == "money" else value.cast(target)

    def _returned(self, typed: dict[str, ibis.Value]) -> dict[str, ibis.Value]:
        """Make quantity and amounts negative where a row is a return, whatever their sign was."""
        signed = {n for n in typed if n == "quantity" or n.endswith("_amount")}
        is_return = self.rows["is_return"]
        return {
            name: is_return.ifelse(-value.abs(), value) if name in signed else value
            for name, value in typed.items()
        }

    def value(self, value: Value, kind: ColumnType) -> ibis.Value:
        """Return ``value`` as ``kind``; money and numbers as exact decimals."""
        if value.column is not None:
            result = self._column(value, kind)
        elif value.constant is not None:
            result = self._constant(value, kind)
        elif value.first is not None:
            result = ibis.coalesce(*(self.value(v, kind) for v in value.first))
        elif value.join is not None:
            parts = [self.value(v, "string") for v in value.join]
            result = functools.reduce(lambda a, b: a + value.between + b, parts)
            result = self._moment(result, value, kind) if kind in {"timestamp", "date"} else result
        elif value.when is not None and value.then is not None:
            other = self.value(value.otherwise, kind) if value.otherwise else None
            then = self.value(value.then, kind)
            result = self.test(value.when).ifelse(
                then, then.nullif(then) if other is None else other
            )
        elif value.line is not None:
            result = ibis.literal(self._staged.label + ":") + self.rows[LINE].cast("string")
        else:
            result = self._computed(value)
        return -result if value.negate else result

    def test(self, condition: Condition) -> ibis.Value:
        """Return the condition as true or false, never null."""
        if condition.no is not None:
            return ~self.test(condition.no)
        if condition.any is not None:
            return functools.reduce(operator.or_, [self.test(c) for c in condition.any])
        if condition.all is not None:
            return functools.reduce(operator.and_, [self.test(c) for c in condition.all])
        found = self.rows[self._columns[str(condition.column)]]
        if condition.missing is not None:
            return found.isnull() if condition.missing else found.notnull()
        mark = self._marks.get(str(condition.column), decimal_marks.Mark())
        if condition.below is not None:
            below = values.number(found, decimal=mark.decimal) < condition.below
            return below.fill_null(False)
        if condition.above is not None:
            above = values.number(found, decimal=mark.decimal) > condition.above
            return above.fill_null(False)
        return _text_test(found.cast("string"), condition).fill_null(False)

    def _parsed(self, rows: ibis.Table) -> ibis.Table:
        """Add, for every use of a column, what is found there and what it is read as.

        Each is a column of its own, so that the engine computes it once however often it is used.
        """
        wanted = [
            (value, kind_of(name, self._table.table)) for name, value in self._table.columns.items()
        ]
        wanted += [(value, "string") for value in self._table.identity.values()]
        found_leaves = [leaf for value, kind in wanted for leaf in leaves(value, kind)]
        unique = {leaf_key(value, kind): (value, kind) for value, kind in found_leaves}
        self._leaves = {key: str(i) for i, key in enumerate(unique)}
        found = rows.mutate(
            **{f"f{self._leaves[k]}": self._found(rows, value) for k, (value, _) in unique.items()}
        )
        return found.mutate(
            **{
                f"p{self._leaves[k]}": self._read(found[f"f{self._leaves[k]}"], value, kind)
                for k, (value, kind) in unique.items()
            }
        )

    def _found(self, rows: ibis.Table, value: Value) -> ibis.Value:
        """Return the text of a column after the changes that the mapping asks for."""
        found = rows[self._columns[str(value.column)]]
        if value.extract is not None:
            groups = min(1, re.compile(value.extract).groups)
            found = found.cast("string").re_extract(value.extract, groups).nullif("")
        if value.without is not None:
            text = found.cast("string")
            short = text.left(text.length() - len(value.without))
            found = text.endswith(value.without).ifelse(short, text)
        if value.case is not None:
            found = getattr(found.cast("string"), value.case)()
        if value.values:
            text = found.cast("string")
            known = ((text == k, v) for k, v in value.values.items())
            found = ibis.cases(*known, else_=text).nullif("")
        if value.default is not None:
            found = found.cast("string").fill_null(value.default)
        return found

    def _read(self, found: ibis.Value, value: Value, kind: ColumnType) -> ibis.Value:
        """Return ``found`` as ``kind``; null where it cannot be read."""
        if kind == "string":
            return values.as_text(found)
        if kind in _NUMERIC:
            typed = self._number(found, value)
            return (typed == typed.round(0)).ifelse(typed, None) if kind == "integer" else typed
        if kind == "boolean":
            return values.switch(found)
        offset = self._zone(value, kind) == "offset"
        read = values.moment(found, formats=value.dates, offset=offset)
        return values.in_both_orders(found, value.dates, offset).ifelse(None, read)

    def _mark(self, value: Value) -> decimal_marks.Mark:
        if value.decimal is not None:
            return decimal_marks.Mark(value.decimal)
        return self._marks.get(str(value.column), decimal_marks.Mark())

    def _number(self, found: ibis.Value, value: Value) -> ibis.Value:
        """Return a number; null too where nothing tells a decimal mark from one of thousands."""
        mark = self._mark(value)
        typed = values.number(found, decimal=mark.decimal)
        if mark.refuse_uncertain and found.type().is_string():
            return decimal_marks.uncertain(found).ifelse(None, typed)
        return typed

    def _column(self, value: Value, kind: ColumnType) -> ibis.Value:
        place = self._leaves[leaf_key(value, kind)]
        found, read = self.rows[f"f{place}"], self.rows[f"p{place}"]
        if kind == "string":
            return read
        wrong = found.notnull() & read.isnull()
        if kind in {"timestamp", "date"}:
            self._orders_of_day_and_month(place, found, wrong, value, kind)
        if kind in _NUMERIC and self._mark(value).refuse_uncertain and found.type().is_string():
            words = f"{value.column} can be read with a decimal comma or with a decimal point"
            self.problems[f"{place} uncertain"] = words, wrong & decimal_marks.uncertain(found)
        self.problems[f"{place} read"] = f"{value.column} is not {_WORDS[kind]}", wrong
        return self._local(read, value, kind) if kind in {"timestamp", "date"} else read

    def _orders_of_day_and_month(
        self, place: str, found: ibis.Value, wrong: ibis.Value, value: Value, kind: ColumnType
    ) -> None:
        """Give the reason for a date that two orders read, or only the order that is not stated."""
        offset = self._zone(value, kind) == "offset"
        for name, test, words in (
            ("both", values.in_both_orders, "is a date in both orders of day and month in dates:"),
            ("other", values.in_other_order, f"is a date only {SWAPPED}"),
        ):
            reason = f"{value.column} {words}"
            found_so = wrong.ifelse(test(found, value.dates, offset), False)
            self.problems[f"{place} {name} order"] = reason, found_so

    def _constant(self, value: Value, kind: ColumnType) -> ibis.Value:
        read = self._read(ibis.literal(value.constant), value, kind)
        return self._local(read, value, kind) if kind in {"timestamp", "date"} else read

    def _moment(self, joined: ibis.Value, value: Value, kind: ColumnType) -> ibis.Value:
        """Return the moment that columns make together, such as a date and a time."""
        read = self._read(joined, value, kind)
        words = f"{_named(value)} is not {_WORDS[kind]}"
        self.problems[f"{leaf_key(value, kind)} read"] = words, joined.notnull() & read.isnull()
        return self._local(read, value, kind)

    def _zone(self, value: Value, kind: ColumnType) -> str | None:
        return value.timezone or (self._table.timezone if kind == "timestamp" else None)

    def _local(self, read: ibis.Value, value: Value, kind: ColumnType) -> ibis.Value:
        """Return a moment of the source's zone as the study's local time."""
        zone = self._zone(value, kind)
        if kind == "date" and zone is None:
            return read.date()
        source = "UTC" if zone == "offset" else (zone or self._timezone)
        gap = values.in_gap(read, source).fill_null(False)
        place = leaf_key(value, kind)
        if value.gaps == "shift":
            self.shifts[place] = gap
            moved = engine.localise(self._connection, read, source=source, target=source)
            read = gap.ifelse(moved, read)
        else:
            words = f"{_named(value)} does not exist in {source}, where the clocks went forward"
            self.problems[f"{place} gap"] = words, gap
        local = values.to_local(read, self._connection, source=source, target=self._timezone)
        return local.date() if kind == "date" else local

    def _compute(self) -> None:
        """Add every sum, product and so on as a column of its own, the inner ones first.

        The engine would compute an expression anew wherever it stands, in a test or a choice.
        """
        values_used = [*self._table.columns.values(), *self._table.identity.values()]
        for level in levels([sum_ for value in values_used for sum_ in sums_in(value)]):
            new = {leaf_key(sum_, "number"): self._combined(sum_) for sum_ in level}
            place = {key: f"k{len(self._sums) + i}" for i, key in enumerate(new)}
            self.rows = self.rows.mutate(**{place[key]: result for key, result in new.items()})
            self._sums |= place
        self.problems, self.shifts = {}, {}  # those of the rows as they were before

    def _combined(self, value: Value) -> ibis.Value:
        operation = ARITHMETIC[verb_of(value)]
        operands = [self.value(v, "number") for v in getattr(value, verb_of(value))]
        return functools.reduce(lambda a, b: exactly(operation, a, b), operands)

    def _computed(self, value: Value) -> ibis.Value:
        key = leaf_key(value, "number")
        result = self.rows[self._sums[key]]
        operands = [self.value(v, "number") for v in getattr(value, verb_of(value))]
        there = functools.reduce(operator.and_, [o.notnull() for o in operands])
        words = f"the {verb_of(value)} of columns has no result"
        self.problems[f"{key} sum"] = words, there & result.isnull()
        return result


def _named(value: Value) -> str:
    """Return the column of a value, or the columns that are joined in it."""
    if value.join is None:
        return str(value.column)
    return " with ".join(str(part.column) for part in value.join if part.column is not None)


def _text_test(text: ibis.Value, condition: Condition) -> ibis.Value:
    if condition.equals is not None:
        return text.isin(condition.equals)
    if condition.matches is not None:
        return text.re_search(condition.matches)
    for name, method in (("starts", "startswith"), ("ends", "endswith"), ("contains", "contains")):
        words = getattr(condition, name)
        if words is not None:
            return functools.reduce(operator.or_, [getattr(text, method)(w) for w in words])
    raise AssertionError("the model lets no other test pass")


def columns_used(tables: list[TableSpec], spec: FileSpec) -> tuple[str, ...]:
    """Return the names of the file's columns that ``tables`` use, each once."""
    found = [*((spec.carry.by, *spec.carry.columns) if spec.carry else ())]
    found += [spec.totals.by, *spec.totals.columns] if spec.totals else []
    found += [table.currency.column for table in tables if table.currency.column]
    found += [lookup.match for lookup in spec.lookup]
    for table in tables:
        parts: list[Any] = [*table.columns.values(), *table.identity.values()]
        parts += [d.when for d in table.drop] + [r.when for r in table.reject]
        parts += [table.returns] if table.returns else []
        for part in parts:
            found += _names(part)
    return tuple(dict.fromkeys(found))


def _names(part: Any) -> Iterator[str]:
    from pydantic import BaseModel

    for name in type(part).model_fields:
        value = getattr(part, name)
        if name == "column" and value is not None:
            yield value
        elif isinstance(value, BaseModel):
            yield from _names(value)
        elif isinstance(value, tuple):
            for each in value:
                if isinstance(each, BaseModel):
                    yield from _names(each)

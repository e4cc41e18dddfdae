"""How a mapping says where a value comes from, and which rows something holds of.

The columns of a file that a mapping's values are made of, and what each is read as.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any, Literal
from zoneinfo import ZoneInfo

import duckdb
from pydantic import Field, field_validator, model_validator

from analysis.ingest.mapping import values
from analysis.ingest.mapping.arithmetic import ARITHMETIC
from analysis.ingest.mapping.file_mapping import Strict, as_list
from analysis.tables.schema import TABLES, ColumnType
from analysis.tables.spilling import spill_path

#: A directive of strptime, such as %d or %-d.
_DIRECTIVE = re.compile(r"%-?[A-Za-z]")


def pattern_problem(pattern: str) -> str:
    """Return why ``pattern`` cannot be used as a regular expression; empty if it can."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"{pattern!r} is no regular expression: {error}"
    said = _said_by_engine("regexp_matches('a', {})", pattern)
    if not said:
        return ""
    return (
        f"{pattern!r} uses what the engine's regular expressions lack, such as back references "
        f"and look-ahead ({said})"
    )


def date_format_problem(form: str) -> str:
    """Return why ``form`` is no format of dates; empty if it is one."""
    if not _DIRECTIVE.search(form):
        return f"{form!r} is no format of dates: write one such as %d/%m/%Y %H:%M"
    said = _said_by_engine("try_strptime('1', {})", form)
    return f"{form!r} is no format of dates that the engine knows ({said})" if said else ""


@functools.cache
def _said_by_engine(call: str, word: str) -> str:
    quoted = "'" + word.replace("'", "''") + "'"  # a bound value would import pandas
    try:
        with duckdb.connect(
            config={"threads": 1, "temp_directory": str(spill_path())}
        ) as connection:
            connection.execute(f"SELECT {call.format(quoted)}").fetchall()
    except (duckdb.Error, UnicodeEncodeError, RuntimeError) as error:
        return " ".join(str(error).partition("\n")[0].split())
    return ""


#: What a value is made of; exactly one in each.
VERBS = (
    "column", "constant", "first", "join", "multiply", "add", "subtract", "divide", "least",
    "when", "line",
)  # fmt: skip


class Condition(Strict):
    """A test on a row: a column and what must hold of it, or a combination of tests."""

    column: str | None = None
    equals: tuple[str, ...] | None = None
    starts: tuple[str, ...] | None = None
    ends: tuple[str, ...] | None = None
    contains: tuple[str, ...] | None = None
    matches: str | None = None
    missing: bool | None = None
    below: float | None = None
    above: float | None = None
    any: tuple[Condition, ...] | None = None
    all: tuple[Condition, ...] | None = None
    no: Condition | None = None

    _lists = field_validator("equals", "starts", "ends", "contains", mode="before")(as_list)

    @model_validator(mode="after")
    def _one_test(self) -> Condition:
        combined = [n for n in ("any", "all", "no") if getattr(self, n) is not None]
        tests = [
            n
            for n in type(self).model_fields
            if n not in {"column", "any", "all", "no"} and getattr(self, n) is not None
        ]
        if (self.column is None) == (not combined) or len(combined) + len(tests) != 1:
            raise ValueError(
                "a condition is a column with one of equals, starts, ends, contains, matches, "
                "missing, below, above; or one of any, all, no"
            )
        _check_pattern(self.matches)
        return self


class Value(Strict):
    """Where a canonical column's value comes from; a plain text is the name of a column."""

    column: str | None = None
    constant: str | None = None
    first: tuple[Value, ...] | None = None
    join: tuple[Value, ...] | None = None
    multiply: tuple[Value, ...] | None = None
    add: tuple[Value, ...] | None = None
    subtract: tuple[Value, ...] | None = None
    divide: tuple[Value, ...] | None = None
    least: tuple[Value, ...] | None = None
    when: Condition | None = None
    line: bool | None = None
    then: Value | None = None
    otherwise: Value | None = None
    between: str = ""
    values: dict[str, str] = Field(default_factory=dict)
    extract: str | None = None
    without: str | None = None
    case: Literal["lower", "upper"] | None = None
    default: str | None = None
    dates: tuple[str, ...] = ()
    timezone: str | None = None
    gaps: Literal["reject", "shift"] = "reject"
    #: None: as all numbers of the file together show.
    decimal: Literal[".", ","] | None = None
    negate: bool = False

    _lists = field_validator("dates", mode="before")(as_list)

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        return checked_zone(value)

    @model_validator(mode="after")
    def _one_verb(self) -> Value:
        used = [verb for verb in VERBS if getattr(self, verb) is not None]
        if len(used) != 1:
            raise ValueError(
                f"a value is exactly one of {', '.join(VERBS)}; here: {used or 'none'}"
            )
        if (self.when is None) != (self.then is None):
            raise ValueError("when and then belong together")
        _check_pattern(self.extract)
        _check_formats(self.dates)
        return self


def checked_zone(value: str | None) -> str | None:
    """Return a time zone, or ``offset``; ValueError if there is no such zone."""
    if value not in {None, "offset"}:
        try:
            ZoneInfo(str(value))
        except (OSError, ValueError, KeyError):
            raise ValueError(f"{value!r} is no IANA time zone, such as Europe/London") from None
    return value


def _check_pattern(pattern: str | None) -> None:
    if pattern is not None and (problem := pattern_problem(pattern)):
        raise ValueError(problem)


def _check_formats(formats: tuple[str, ...]) -> None:
    for form in formats:
        if form not in values.SPECIAL and (problem := date_format_problem(form)):
            raise ValueError(f"dates: {problem}")


def leaf_key(value: Value, kind: ColumnType) -> str:
    """Return what is the same for two uses of a column that read it alike."""
    return f"{kind} {value.model_dump_json(exclude_defaults=True, exclude={'negate'})}"


def leaves(value: Value, kind: ColumnType) -> Iterator[tuple[Value, ColumnType]]:
    """Yield the parts of ``value`` that are columns of the file, with what each is read as."""
    if value.column is not None:
        yield value, kind
    for verb in ("first", "join", *ARITHMETIC):
        inner: ColumnType = "string" if verb == "join" else "number" if verb in ARITHMETIC else kind
        for part in getattr(value, verb) or ():
            yield from leaves(part, inner)
    for branch in (value.then, value.otherwise):
        if branch is not None:
            yield from leaves(branch, kind)


def kind_of(name: str, table: str) -> ColumnType:
    """Return the type of a canonical column; one that a study adds is a text."""
    return next((c.type for c in TABLES[table].columns if c.name == name), "string")

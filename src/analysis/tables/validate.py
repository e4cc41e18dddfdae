"""Hold a feed to the schema inside the engine: each row is accepted, rejected or dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.errors import DataError
from analysis.tables.schema import ENGINE_TYPES, Column, Table

if TYPE_CHECKING:
    import ibis

REASON = "_rejected_because"
RULE = "dropped_by"
KEY = "source_key"
COUNT = "_rows_of_key"

_KIND_WORDS = {
    "string": "text",
    "timestamp": "a time",
    "date": "a date",
    "money": "an amount of money",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def judged(rows: ibis.Table, table: Table, *, source: str) -> ibis.Table:
    """Return ``rows`` cast to the schema, with the verdict on each.

    Parameters
    ----------
    rows
        A feed's rows.
    table
        The canonical table they are meant for.
    source
        Name of the source, for messages.

    Returns
    -------
    ibis.Table
        The canonical columns that the feed has, ``source_key``, ``dropped_by`` (rule or null)
        and ``_rejected_because`` (reason or null). Accepted rows have neither.

    Raises
    ------
    DataError
        If a required column is missing altogether, or a column is not in the schema.
    """
    import ibis

    _check_columns(rows, table, source)
    columns = {c.name: c for c in table.columns if c.name in rows.columns}
    extra = [n for n in rows.columns if n not in columns and n not in (KEY, RULE)]
    typed = rows.select(
        *(_typed(rows[c.name], c).name(c.name) for c in columns.values()),
        *extra,
        KEY,
        (rows[RULE] if RULE in rows.columns else ibis.null("string")).name(RULE),
        *(_unreadable(rows[c.name], c).name(f"_unreadable_{c.name}") for c in columns.values()),
    )
    verdict = ibis.coalesce(*(_reason(typed, c) for c in columns.values()), ibis.null("string"))
    flags = [n for n in typed.columns if n.startswith("_unreadable_")]
    kept = typed.mutate(**{REASON: typed[RULE].isnull().ifelse(verdict, ibis.null("string"))})
    return kept.drop(*flags)


def reject_repeated_keys(rows: ibis.Table, table: Table) -> ibis.Table:
    """Return ``rows`` with every row of a repeated key rejected.

    Which of several rows with one key is true cannot be known here, so none is kept; an adapter
    that knows drops the others by a named rule before.
    """
    import ibis

    if not table.key:
        return rows
    accepted = rows.filter(rows[RULE].isnull() & rows[REASON].isnull())
    repeated = accepted.group_by(table.key).agg(**{COUNT: accepted.count()})
    repeated = repeated.filter(repeated[COUNT] > 1)
    joined = rows.left_join(repeated, table.key, rname="_right_{name}")
    clash = joined[COUNT].notnull() & joined[RULE].isnull() & joined[REASON].isnull()
    words = f"{' + '.join(table.key)} stands in several rows"
    marked = joined.mutate(**{REASON: clash.ifelse(words, joined[REASON])})
    return marked.select(*rows.columns).cast({REASON: ibis.dtype("string")})


def _check_columns(rows: ibis.Table, table: Table, source: str) -> None:
    missing = [name for name in table.required if name not in rows.columns]
    if missing:
        raise DataError(
            f"{source}: the canonical table {table.name} needs a column {missing[0]}, which the "
            "mapping does not fill"
        )
    declared = {c.name for c in table.columns} | {KEY, RULE}
    unknown = [name for name in rows.columns if name not in declared]
    if unknown and not (table.open_columns):
        raise DataError(
            f"{source}: {table.name} has no column {unknown[0]}; it has "
            + ", ".join(c.name for c in table.columns)
        )


def _typed(raw: ibis.Value, column: Column) -> ibis.Value:
    target = ENGINE_TYPES[column.type]
    typed = raw if str(raw.type()) == target else raw.try_cast(target)
    if column.type == "string":
        return typed.strip().nullif("")
    if column.type == "number":
        return (typed.isnan() | typed.isinf()).ifelse(None, typed).cast("float64")
    return typed


def _unreadable(raw: ibis.Value, column: Column) -> ibis.Value:
    """Tell whether a value is there but cannot be read as its type."""
    empty = raw.cast("string").strip() == "" if raw.type().is_string() else raw.isnull()
    return raw.notnull() & ~empty & _typed(raw, column).isnull()


def _reason(rows: ibis.Table, column: Column) -> ibis.Value:
    import ibis

    value = rows[column.name]
    cases = [
        (
            rows[f"_unreadable_{column.name}"],
            f"{column.name} is not {_KIND_WORDS[column.type]}",
        )
    ]
    if column.required and not column.nullable:
        cases.append((value.isnull(), f"{column.name} is missing"))
    if column.minimum is not None:
        cases.append((value < column.minimum, f"{column.name} is below {column.minimum:g}"))
    if column.allowed:
        allowed = ", ".join(column.allowed)
        cases.append((value.notin(column.allowed), f"{column.name} is none of {allowed}"))
    return ibis.cases(*cases, else_=ibis.null("string"))

"""Turn the rows of a staged table into the rows of a canonical table, as its mapping says."""

from __future__ import annotations

import functools
import operator
from typing import Any

import ibis

from analysis.ingest import validate
from analysis.ingest.mapping.expressions import Reader
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.mapping.model import TableSpec
from analysis.ingest.mapping.value_mapping import kind_of
from analysis.ingest.readers.staged_table import LINE, REASON, RULE, Staged
from analysis.tables.schema import TABLES

SHIFTED = "_shifted"
IDENTITY = "_identity_"


def canonical_rows(
    staged: Staged,
    table: TableSpec,
    spec: FileSpec,
    *,
    connection: Any,
    timezone: str,
    currency: str = "",
) -> ibis.Table:
    """Return the rows of ``table`` that ``staged`` holds, none left out.

    Returns
    -------
    ibis.Table
        The mapped canonical columns, typed; ``source_key`` and ``_line`` (where the row stands);
        ``dropped_by`` and ``rejected_by``; ``_shifted`` (a time was moved out of the hour that
        the clocks skip); ``_identity_*`` where the mapping has identity keys.
    """
    reader = Reader(staged, table, spec, connection, timezone, currency)
    typed = reader.typed()
    keys = {IDENTITY + k: reader.value(v, "string") for k, v in table.identity.items()}
    rows = reader.rows
    dropped: list[tuple[Any, Any]] = [(reader.test(d.when), d.rule) for d in table.drop]
    refused: list[tuple[Any, Any]] = [(reader.test(r.when), r.reason) for r in table.reject]
    if table.once_per_key:
        dropped += [(typed[k].isnull(), f"no {k}") for k in TABLES[table.table].key]
    other = _in_another_currency(reader, table, currency)
    dropped += other if table.currency.others == "drop" else []
    refused += other if table.currency.others == "reject" else []
    broken = rows[REASON].notnull()
    drop = ibis.cases((broken, ibis.null("string")), *dropped, else_=ibis.null("string"))
    reasons = [*refused, *((test, reason) for reason, test in reader.problems.values())]
    reject = ibis.cases((broken, rows[REASON]), *reasons, else_=ibis.null("string"))
    shifted = functools.reduce(operator.or_, reader.shifts.values(), ibis.literal(False))
    return rows.select(
        **typed,
        **keys,
        **{
            validate.KEY: ibis.literal("line ") + rows[LINE].cast("string"),
            validate.RULE: rows[RULE].fill_null(drop),
            validate.REJECTED: reject,
            LINE: rows[LINE],
            SHIFTED: shifted,
        },
    )


def _in_another_currency(
    reader: Reader, table: TableSpec, currency: str
) -> list[tuple[ibis.Value, ibis.Value]]:
    """Return which rows are in a currency that cannot be counted in, with the words for it."""
    found = reader.in_another_currency()
    if found is None or not any(kind_of(n, table.table) == "money" for n in table.columns):
        return []
    foreign, word = found
    return [(foreign, "its amounts are in " + word + f", the study's in {currency}")]

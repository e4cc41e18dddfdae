"""Stage Parquet: its columns keep their types."""

from __future__ import annotations

from typing import Any

import ibis

from analysis.errors import DataError
from analysis.ingest.readers.archives import Member
from analysis.ingest.readers.staged_table import LINE, REASON, RULE, TEXT, Staged


def stage_parquet(connection: Any, member: Member) -> Staged:
    """Return the staged table of a Parquet file; DataError if it is none."""
    if member.inner or member.path.suffix.lower() == ".gz":
        raise DataError(f"{member.label}: Parquet is packed already; deliver it unpacked")
    try:
        rows = connection.read_parquet(member.path, file_row_number=True)
    except Exception as error:  # the engine raises several kinds for a damaged file
        first = str(error).strip().partition("\n")[0]
        raise DataError(f"{member.label} cannot be read as Parquet: {first}") from error
    names = [n for n in rows.columns if n != "file_row_number"]
    nothing = ibis.null("string")
    staged = rows.select(
        (rows.file_row_number + 1).cast("int64").name(LINE),
        *(nothing.name(n) for n in (REASON, RULE, TEXT)),
        *(_flat(rows[n]).name(f"c{i}") for i, n in enumerate(names)),
    )
    return Staged(member.label, staged, {n: f"c{i}" for i, n in enumerate(names)})


def _flat(value: ibis.Value) -> ibis.Value:
    kind = value.type()
    simple = kind.is_numeric() or kind.is_temporal() or kind.is_boolean() or kind.is_string()
    return value if simple else value.cast("string")

"""Bring one delivered file, whatever its format, into the engine as staged tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError
from analysis.ingest.readers.archives import Member

if TYPE_CHECKING:
    from analysis.ingest.mapping.file_mapping import FileSpec
    from analysis.ingest.readers.staged_table import Staged

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".tab": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".xlsb": "excel",
    ".ods": "excel",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


def format_of(member: Member, spec: FileSpec) -> str:
    """Return csv, excel, parquet, jsonl or baskets; DataError for a suffix that says none."""
    if spec.format != "auto":
        return spec.format
    if member.suffix not in FORMATS:
        raise DataError(
            f"{member.label}: {member.suffix or 'no suffix'} says nothing about its format; state "
            "format: csv, excel, parquet or jsonl in the mapping"
        )
    return FORMATS[member.suffix]


def stage(
    connection: Any, member: Member, spec: FileSpec, directory: Path, wanted: tuple[str, ...]
) -> list[Staged]:
    """Return the tables in ``member``: one, or one a sheet of a workbook.

    Parameters
    ----------
    connection
        DuckDB through Ibis.
    member
        The file to read.
    spec
        How the mapping describes it.
    directory
        An empty directory for what must be written on the way.
    wanted
        Names that the mapping uses; JSON lines have no header to take them from.

    Raises
    ------
    DataError
        If the file cannot be read as its format at all.
    """
    directory.mkdir(parents=True)
    kind = format_of(member, spec)
    if kind == "parquet":
        from analysis.ingest.readers.parquet import stage_parquet

        return [stage_parquet(connection, member)]
    if kind == "excel":
        from analysis.ingest.readers.excel import stage_workbook

        return stage_workbook(connection, member, spec, directory)
    if kind == "jsonl":
        from analysis.ingest.readers.json_lines import stage_json_lines

        return [stage_json_lines(connection, member, spec, directory, wanted)]
    if kind == "baskets":
        from analysis.ingest.readers.basket_lines import stage_baskets

        return [stage_baskets(connection, member, spec, directory)]
    from analysis.ingest.readers.delimited import stage_delimited

    return [stage_delimited(connection, member, spec, directory)]

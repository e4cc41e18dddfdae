"""Stage JSON: one object a line, or an array of them, its names taken as the mapping uses them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from analysis.errors import DataError
from analysis.ingest.readers import encodings
from analysis.ingest.readers.archives import Member
from analysis.ingest.readers.delimited import problem
from analysis.ingest.readers.json_documents import numbered_lines
from analysis.ingest.readers.staged_table import (
    BLANK,
    LINE,
    REASON,
    RULE,
    TEXT,
    Staged,
    StagedFile,
    read_back,
    writing,
)
from analysis.tables.engine import builtin

if TYPE_CHECKING:
    from analysis.ingest.mapping.file_mapping import FileSpec


def stage_json_lines(
    connection: Any, member: Member, spec: FileSpec, directory: Path, wanted: tuple[str, ...]
) -> Staged:
    """Return the staged table of a file of JSON objects with the ``wanted`` names."""
    encoding = encodings.detect(member, spec.encoding)
    text = encodings.as_utf8(member.chunks(), encoding)
    try:
        with writing(directory, 1) as file:
            for number, line in numbered_lines(text, spec.each):
                _take(file, number, line, encoding.name)
    except DataError as error:
        raise DataError(f"{member.label}: {error}") from None
    rows = read_back(connection, file)
    columns = {name: f"c{i}" for i, name in enumerate(wanted)}
    return Staged(member.label, _read(rows, columns), columns)


def _take(file: StagedFile, number: int, line: bytes, encoding: str) -> None:
    reason = problem(line, encoding)
    if reason:
        file.put_aside(number, line, reason=reason)
    elif not line.strip():
        file.put_aside(number, line, rule=BLANK)
    else:
        file.record(number, [line.decode("utf-8")])


def _read(rows: ibis.Table, columns: dict[str, str]) -> ibis.Table:
    valid = builtin("json_valid", ("string",), "boolean")
    kind = builtin("json_type", ("string",), "string")
    keys = builtin("json_keys", ("string",), "array<string>")
    extract = builtin("json_extract_string", ("string", "string"), "string")
    is_object = valid(rows.c0) & (valid(rows.c0).ifelse(kind(rows.c0), "") == "OBJECT")
    text = is_object.ifelse(rows.c0, ibis.null("string"))
    names = keys(text)
    broken = ibis.cases(
        (rows[RULE].notnull() | rows[REASON].notnull(), rows[REASON]),
        (~is_object, "the line is not a JSON object"),
        # Which of the two values is meant, nobody can tell.
        (names.length() != names.unique().length(), "the object has a key twice"),
        else_=ibis.null("string"),
    )
    new = rows[REASON].isnull() & broken.notnull()
    return rows.select(
        LINE,
        broken.name(REASON),
        RULE,
        new.ifelse(rows.c0, rows[TEXT]).name(TEXT),
        *(
            ibis.coalesce(*(extract(text, path) for path in _paths(name))).name(column)
            for name, column in columns.items()
        ),
    )


def _paths(name: str) -> list[str]:
    """Return where a name may stand: a key of that name, or one within another at its points."""
    parts = name.split(".")
    nested = [parts] if len(parts) > 1 and all(parts) else []
    return ["$" + "".join(f'."{part}"' for part in path) for path in [[name], *nested]]

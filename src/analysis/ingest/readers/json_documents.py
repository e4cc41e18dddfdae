"""Cut JSON into records, one line each: JSON lines, an array of objects, orders that hold items.

What is delivered as JSON is most often one document: an array of orders, each with an array of its
items, broken over many lines. Each object of the array becomes a line, and with ``each`` every
element of an array within it. Numbers stay the text that they are.

The records are staged under the names that the mapping uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import ibis

from analysis.errors import DataError
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.readers import encodings
from analysis.ingest.readers.archives import Member
from analysis.ingest.readers.delimited import problem
from analysis.ingest.readers.physical_lines import physical_lines
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

#: Characters that are read at once of a document.
CHUNK = 1_000_000
_EXACT = json.JSONDecoder(parse_float=str, parse_int=str)
_NEXT = re.compile(r"[\s,]*")


def is_document(start: bytes) -> bool:
    """Tell whether a text that starts so is one document, not a record a line."""
    first = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if first.startswith(b"["):
        return True
    line = first.partition(b"\n")[0].strip()
    return first.startswith(b"{") and b"\n" in first and not _is_json(line)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def numbered_lines(chunks: Iterable[bytes], each: str = "") -> Iterator[tuple[int, bytes]]:
    """Yield the records of a text in UTF-8 as lines of JSON, with their numbers.

    Of JSON lines, the number is the line's; of a document, the object's. A line that cannot be
    read is yielded as it is.
    """
    stream = iter(chunks)
    start = next(stream, b"")
    whole = _with_first(start, stream)
    if not is_document(start):
        lines = (line for block in physical_lines(whole) for line in block.lines())
        yield from (
            (number, text)
            for number, line in enumerate(lines, start=1)
            for text in (_exploded(line, each) if each else [line])
        )
        return
    for number, text in enumerate(_objects(whole), start=1):
        yield from ((number, line) for line in _exploded(text, each))


def _with_first(start: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield start
    yield from rest


def _objects(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the elements of an array, or the objects that follow each other, one text each."""
    texts = (chunk.decode("utf-8", "surrogateescape") for chunk in _whole_characters(chunks))
    buffer, ended, inside = "", False, False
    while True:
        at = _NEXT.match(buffer).end()  # type: ignore[union-attr]
        if not inside and buffer[at : at + 1] in {"[", "\ufeff"}:
            buffer, inside = buffer[at + 1 :], buffer[at] == "["
            continue
        if inside and buffer[at : at + 1] == "]":
            buffer, inside = buffer[at + 1 :], False
            continue
        try:
            _, end = _EXACT.raw_decode(buffer, at)
            complete = ended or end < len(buffer)
        except ValueError:
            complete = False
        if complete:
            yield buffer[at:end].encode("utf-8", "surrogateescape")
            buffer = buffer[end:]
        elif ended:
            if buffer[at:].strip():
                yield buffer[at:].encode("utf-8", "surrogateescape")
            return
        else:
            more = next(texts, None)
            ended, buffer = more is None, buffer + (more or "")


def _whole_characters(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield larger pieces that end between characters, so that few reads end within an object."""
    held = b""
    for chunk in chunks:
        held += chunk
        if len(held) >= CHUNK:
            cut = len(held) - next((i for i in range(1, 4) if held[-i] & 0xC0 == 0xC0), 0)
            yield held[:cut]
            held = held[cut:]
    yield held


def _exploded(text: bytes, each: str) -> list[bytes]:
    """Return a record as lines: one for every element of the array ``each``, if one is named."""
    try:
        record = _EXACT.decode(text.decode("utf-8"))
    except ValueError:
        return [b" ".join(text.split())]
    if not each:
        return [b" ".join(text.splitlines())]
    return [json.dumps(one, ensure_ascii=False).encode() for one in _each(record, each.split("."))]


def _each(record: Any, path: list[str]) -> Iterator[Any]:
    if not path or not isinstance(record, dict) or path[0] not in record:
        yield record
        return
    inner = record[path[0]]
    elements = inner if isinstance(inner, list) else [inner]
    for element in elements or [None]:
        for one in _each(element, path[1:]):
            yield {**record, path[0]: one}


def path_of_items(records: Iterable[Any]) -> str:
    """Return where objects hold an array of objects, such as ``items`` or ``orders.items``."""
    found: list[str] = []
    level: list[Any] = list(records)
    while True:
        keys = dict.fromkeys(
            key
            for record in level
            if isinstance(record, dict)
            for key, value in record.items()
            if isinstance(value, list) and any(isinstance(one, dict) for one in value)
        )
        if not keys:
            return ".".join(found)
        key = max(keys, key=lambda k: sum(len(r.get(k) or []) for r in level))
        found.append(key)
        level = [one for r in level for one in (r.get(key) or []) if isinstance(one, dict)]


def flat(record: dict[str, Any], start: str = "") -> dict[str, Any]:
    """Return a record with the names of objects within it joined by points, as a mapping has it."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            found |= flat(value, f"{start}{key}.")
        else:
            found[f"{start}{key}"] = value
    return found


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

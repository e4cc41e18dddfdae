"""Cut JSON into records, one line each: JSON lines, an array of objects, orders that hold items.

What is delivered as JSON is most often one document: an array of orders, each with an array of its
items, broken over many lines. Each object of the array becomes a line, and with ``each`` every
element of an array within it. Numbers stay the text that they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from analysis.ingest.readers.physical_lines import physical_lines

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

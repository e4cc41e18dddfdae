"""Write how a drafted mapping finds and reads the files of each kind."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from analysis.ingest.inspection.foreign_keys import Kind, Reference
from analysis.ingest.inspection.sniff import Look
from analysis.ingest.mapping.file_mapping import DELIMITERS
from analysis.ingest.onboarding.yaml_text import listed, quoted

#: Files of a kind that are named one by one, and names that are shown at most.
NAMED, SHOWN = 3, 12


def heading(study: str, about: str, *keys: str) -> list[str]:
    """Return the first lines of a drafted mapping, down to its files."""
    return [
        f"# How the files of {study} become canonical tables; see template.yaml for all there is.",
        "# Search for UNSURE: those are guesses that only you can check. A ? is no guess but a",
        "# question: nothing is read before it is answered.",
        f"mapping: {study}",
        f"about: Drafted from a look at {about}.",
        *keys,
        "",
        "files:",
    ]


def file_lines(kind: Kind, folder: Path, lookups: Sequence[Reference] = ()) -> list[str]:
    """Return how a kind of file is written, as a mapping states it."""
    found = kind.pooled
    lines = [f"  {kind.name}:", f"    paths: {paths_of(kind, folder)}"]
    if found.baskets:
        lines += ["    format: baskets   # each line is a basket, its cells the products"]
    styles = {each.encoding for each in kind.looks}
    if len(styles) == 1 and not styles & {"", "utf-8", "ascii"}:
        lines.append(
            f"    encoding: {found.encoding}   # detected; UNSURE: do accented letters look right?"
        )
    if {each.delimiter for each in kind.looks} == {found.delimiter} - {"", ","}:
        word = {v: k for k, v in DELIMITERS.items()}.get(found.delimiter, found.delimiter)
        lines.append(f"    delimiter: {word}")
    if found.header_line != 1 or found.baskets:
        lines.append(f"    header: {found.header_line}")
    if found.header_line == 0 and not found.baskets:
        lines.append(f"    names: {listed(found.header)}   # UNSURE: the file has no header")
    if found.each:
        lines.append(f"    each: {quoted(found.each)}   # every element of this array is a row")
    lines += _sheet_lines(found)
    if words := found.words_for_nothing():
        lines.append(f"    missing: {listed(words)}   # words that mean nothing")
    if lacking := kind.lacking():
        lines.append(f"    may_lack: {listed(lacking)}")
    lines += [_lookup_line(lookups)] if lookups else []
    return lines


def _sheet_lines(found: Look) -> list[str]:
    if found.sheet:
        return [f"    sheet: {found.sheet}"]
    others = ", ".join(found.other_sheets[:SHOWN])
    said = f"    sheet: first   # UNSURE: of other columns, and not read: {others}"
    return [said] if others else []


def _lookup_line(lookups: Sequence[Reference]) -> str:
    each = ", ".join(
        f"{{files: {r.other.name}, match: {quoted(r.match)}, key: {quoted(r.key)}}}"
        for r in lookups
    )
    weak = [r for r in lookups if 2 * r.joined < r.of]
    said = "; ".join(f"{r.joined:,} of {r.of:,} {r.match} are found there" for r in weak)
    return f"    lookup: [{each}]" + (f"   # UNSURE: only {said}" if weak else "")


def paths_of(kind: Kind, folder: Path) -> str:
    """Return the files of a kind as a mapping lists them; many by a pattern that fits no other."""
    names = sorted(names_of(kind))
    hint = '   # "*.csv" or the like takes up new files by itself'
    if len(names) <= NAMED:
        return listed([glob.escape(name) for name in names]) + (hint if len(names) == 1 else "")
    start = re.match(r"[^\d*?\[]*", _common(names))
    suffix = re.escape("".join(Path(names[0]).suffixes[-1:]))
    pattern = (start.group() if start else "") + "*" + suffix.replace("\\", "")
    if sorted(path.name for path in folder.glob(pattern)) == names:
        return listed([pattern])
    return listed([glob.escape(name) for name in names])


def _common(names: list[str]) -> str:
    first, last = min(names), max(names)
    size = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first[:size] if size is not None else first


def names_of(kind: Kind) -> list[str]:
    """Return the names of the files of a kind."""
    return [each.path.name for each in kind.looks]

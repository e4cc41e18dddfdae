"""Find the mapping shipped with the project that fits a newcomer's files, and make it theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from analysis.errors import ParamsError
from analysis.ingest.bounded_yaml import listed
from analysis.ingest.inspection.foreign_keys import Kind
from analysis.ingest.inspection.sniff import Look, fits
from analysis.ingest.inspection.value_forms import DateForms, date_forms
from analysis.ingest.mapping import model
from analysis.ingest.mapping.expressions import columns_used
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.mapping.model import Mapping
from analysis.ingest.mapping.value_mapping import Value
from analysis.ingest.onboarding.draft_mapping import paths_of
from analysis.ingest.readers.staged_table import plain_header


@dataclass(frozen=True)
class Fitting:
    """A mapping that fits some files.

    Parameters
    ----------
    mapping
        The mapping.
    text
        Its text.
    files
        The kinds of file of the mapping to those found; without those that may be missing.
    wanted
        Columns that it takes from them: the more, the better it fits.
    """

    mapping: Mapping
    text: str
    files: dict[str, Kind]
    wanted: int


@dataclass(frozen=True)
class Offered:
    """What the mappings of the project are to some files.

    Parameters
    ----------
    ready
        The one shipped with the project that fits best; None if none fits.
    others
        Mappings of other studies that fit: named, never copied.
    broken
        Sentences about mappings that cannot be read.
    """

    ready: Fitting | None
    others: tuple[str, ...]
    broken: tuple[str, ...]


def offered(kinds: Sequence[Kind], root: Path) -> Offered:
    """Return which mappings in ``params/sources`` fit ``kinds`` of file."""
    found: list[Fitting] = []
    broken: list[str] = []
    for path in sorted((root / "params" / "sources").glob("*.yaml")):
        if path.stem == "template":
            continue
        try:
            one = model.load(path)
        except ParamsError as error:
            broken.append(str(error))
            continue
        files = _fitting(one, kinds)
        if files is not None:
            wanted = sum(len(columns_used(one.reading(o), one.files[o])) for o in files)
            found.append(Fitting(one, path.read_text("utf-8"), files, wanted))
    ready = [each for each in found if each.mapping.ready is not None]
    best = max(ready, key=lambda each: (each.wanted, each.mapping.mapping), default=None)
    others = tuple(e.mapping.mapping for e in found if e.mapping.ready is None)
    return Offered(best, others, tuple(broken))


def _fitting(one: Mapping, kinds: Sequence[Kind]) -> dict[str, Kind] | None:
    """Return which kind of the mapping each kind of file is; None if one is left, or lacking."""
    left, files = list(kinds), {}
    for origin, spec in one.files.items():
        wanted = columns_used(one.reading(origin), spec)
        looked_up = {f"{lookup.files}." for lookup in spec.lookup}
        own = [n for n in wanted if not any(n.startswith(p) for p in looked_up)]
        fitting = [k for k in left if _has(k, one, origin, own)]
        named = [k for k in fitting if _is_named(k, spec)]
        kind = next(iter([*named, *(fitting if len(one.files) == 1 else [])]), None)
        if kind is not None:
            files[origin] = kind
            left.remove(kind)
        elif not spec.optional:
            return None
    return None if left else files


def _has(kind: Kind, one: Mapping, origin: str, wanted: Sequence[str]) -> bool:
    spec = one.files[origin]
    if spec.header == 0:
        return all(_is_headerless(each, one, origin) for each in kind.looks)
    return all(
        each.header_line == spec.header and fits(each.header, spec, wanted) for each in kind.looks
    )


def _is_named(kind: Kind, spec: FileSpec) -> bool:
    return all(
        any(each.path.match(pattern) for pattern in spec.paths if "*." not in pattern[:2])
        for each in kind.looks
    )


def _is_headerless(found: Look, one: Mapping, origin: str) -> bool:
    """Tell whether a file without header has the mapping's columns: as many, dates where dates are.

    Nothing else tells what its columns are, so the file's name must be the mapping's as well.
    """
    spec = one.files[origin]
    if found.header_line != 0 or len(found.header) != len(spec.names):
        return False
    if not any(found.path.match(pattern) for pattern in spec.paths):
        return False
    for table in one.reading(origin):
        value = table.columns.get("ordered_at")
        if value is not None and value.column in spec.names:
            column = found.header[spec.names.index(str(value.column))]
            return set(date_forms(found.values(column)).forms) <= set(value.dates)
    return True


def made_theirs(study: str, fitting: Fitting, folder: Path) -> str:
    """Return a ready mapping's text under the study's name, for the study's files and dates."""
    text = re.sub(r"^mapping: .*$", f"mapping: {study}", fitting.text, count=1, flags=re.M)
    text = re.sub(r"^ready:.*\n(?:[ #].*\n)*", "", text, count=1, flags=re.M)
    for origin, kind in fitting.files.items():
        paths = f"    paths: {paths_of(kind, folder)}"
        pattern = rf"^(  {re.escape(origin)}:\n(?:    #.*\n)*)    paths: (?:\[[^\]]*\]|.*)"
        text = re.sub(pattern, partial(_behind, paths), text, count=1, flags=re.M)
    dates = dates_of(fitting)
    if not dates.forms or dates.offset or len(fitting.files) > 1:
        return text
    note = "   # UNSURE: day before month, or month before day?" if dates.unsure else ""
    shown = f"dates: {listed(dates.forms)}"
    if "timezone: offset" in text:
        zone = "timezone: UTC   # UNSURE: the zone of the times in the file, which state no offset"
        text = text.replace("timezone: offset", zone)
        stated = r"^(      ordered_at: \{column: [^,]+, )dates: \[[^\]]*\]\}.*$"
        return re.sub(stated, rf"\1{shown}}}{note}", text, flags=re.M)
    return re.sub(
        r"^(        dates: )\[[^\]]*\].*$",
        lambda _: f"        {shown}{note}",
        text,
        count=1,
        flags=re.M,
    )


def _behind(paths: str, found: re.Match[str]) -> str:
    return found.group(1) + paths


def dates_of(fitting: Fitting) -> DateForms:
    """Return how the files of a ready mapping write the time of an order."""
    for kind, column in ordered_at(fitting):
        return date_forms(kind.pooled.values(column))
    return DateForms([])


def ordered_at(fitting: Fitting) -> list[tuple[Kind, str]]:
    """Return the kinds of file with the time of orders, and the name of its column in each."""
    found: dict[str, tuple[Kind, str]] = {}
    for table in fitting.mapping.tables:
        value = table.columns.get("ordered_at")
        if table.table != "order_lines" or value is None or value.column is None:
            continue
        for origin, name in _places(value, table.origin, fitting):
            kind = fitting.files.get(origin)
            column = _in_header(kind.pooled, name, fitting.mapping.files[origin]) if kind else ""
            if kind is not None and column:
                found.setdefault(origin, (kind, column))
    return list(found.values())


def _places(value: Value, origin: str, fitting: Fitting) -> list[tuple[str, str]]:
    name = str(value.column)
    prefix, _, rest = name.partition(".")
    looked_up = {lookup.files for lookup in fitting.mapping.files[origin].lookup}
    return [(prefix, rest)] if prefix in looked_up else [(origin, name)]


def _in_header(found: Look, name: str, spec: FileSpec) -> str:
    if name in spec.names and len(spec.names) == len(found.header):
        return found.header[spec.names.index(name)]
    wanted = [name, *spec.aliases.get(name, ())]
    alike = {plain_header(n): n for n in found.header}
    return next((alike[p] for p in map(plain_header, wanted) if p in alike), "")

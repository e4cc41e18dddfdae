"""Write a study's first params file and mapping from a look at its files.

Every guess that could be wrong is marked ``UNSURE`` with what to check, so that a newcomer's first
edit is a search for one word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from analysis.errors import ParamsError
from analysis.tables.draft_mapping import currency_of, listed, mapping_text, quoted, zone_of
from analysis.tables.first_look import Look, fits, look
from analysis.tables.guesses import date_forms, last_day
from analysis.tables.sources import mapping
from analysis.tables.sources.encodings import known_as
from analysis.tables.sources.used import columns_used

NEEDED = ("order_id", "product_id", "ordered_at")


@dataclass(frozen=True)
class Draft:
    """What was written.

    Parameters
    ----------
    params, mapping
        The two files.
    said
        What was recognised and what to check, in sentences.
    """

    params: Path
    mapping: Path
    said: tuple[str, ...]


def draft(study: str, files: list[Path], *, root: Path) -> Draft:
    """Look at ``files`` and write ``params/<study>.yaml`` and ``params/sources/<study>.yaml``.

    Raises
    ------
    ParamsError
        If one of the two is there already, the name is none, or the files lie in several folders.
    DataError
        If a file cannot be read, or no file seems to hold orders.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", study):
        raise ParamsError(f"{study!r}: a study's name is lower case letters, digits and _")
    targets = root / "params" / f"{study}.yaml", root / "params" / "sources" / f"{study}.yaml"
    for target in targets:
        if target.exists():
            raise ParamsError(f"{target.relative_to(root)} is there already; nothing was written")
    paths = [_delivered(path) for path in files]
    folders = {path.parent for path in paths}
    if len(folders) != 1:
        raise ParamsError("the files lie in several folders; put a study's files into one")
    looks = [look(path) for path in paths]
    ready = _ready(looks, root)
    orders = next((each for each in looks if set(NEEDED) <= set(each.columns)), None)
    if ready is None and orders is None:
        raise ParamsError(_lacking(looks))
    text = _from_ready(study, ready[1], looks) if ready else mapping_text(study, orders or looks[0])
    params_text = _params_text(study, folders.pop(), orders or looks[0], root)
    for target, content in zip(targets, (params_text, text), strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")
    return Draft(*targets, tuple(_said(looks, ready[0] if ready else None, params_text + text)))


def _delivered(path: Path) -> Path:
    if path.is_symlink() or not path.is_file():
        raise ParamsError(f"{path} is no file")
    return path.absolute()


def _lacking(looks: list[Look]) -> str:
    best = max(looks, key=lambda each: len(set(NEEDED) & set(each.columns)))
    missing = [n for n in NEEDED if n not in best.columns]
    return (
        f"no file seems to hold order lines: {best.path.name} has no column that looks like "
        f"{', '.join(missing)}; its header has {', '.join(best.header)}. Begin from "
        "params/sources/template.yaml"
    )


def _ready(looks: list[Look], root: Path) -> tuple[str, str] | None:
    """Return name and text of the ready mapping, with one kind of file, that fits best."""
    found = []
    for path in sorted((root / "params" / "sources").glob("*.yaml")):
        if path.stem == "template":
            continue
        one = mapping.load(path)
        if len(one.files) != 1:
            continue
        ((origin, spec),) = one.files.items()
        wanted = columns_used(one.reading(origin), spec)
        if spec.header == 1 and all(fits(each.header, spec, wanted) for each in looks):
            found.append((len(wanted), one.mapping, path.read_text("utf-8")))
    return max(found)[1:] if found else None


def _from_ready(study: str, text: str, looks: list[Look]) -> str:
    """Return a ready mapping's text under the study's name, for the study's files and dates."""
    text = re.sub(r"^mapping: .*$", f"mapping: {study}", text, count=1, flags=re.M)
    names = listed([each.path.name for each in looks])
    comment = '   # add "*.csv" or the like to take up new files by themselves'
    found = f"    paths: {names}{comment}"
    text = re.sub(r"^    paths: (\[[^\]]*\]|.*)$", lambda _: found, text, count=1, flags=re.M)
    column = looks[0].columns.get("ordered_at")
    forms, unsure, offset = date_forms(looks[0].values(column)) if column else ([], False, False)
    if not forms or offset:
        return text
    note = "   # UNSURE: day before month, or month before day?" if unsure else ""
    dates = f"        dates: {listed(forms)}{note}"
    return re.sub(r"^        dates: \[[^\]]*\].*$", lambda _: dates, text, count=1, flags=re.M)


def _params_text(study: str, folder: Path, found: Look, root: Path) -> str:
    inside = folder.is_relative_to(root)
    money = currency_of(found)
    sure = money is not None
    return f"""\
# What to run for {study}, and on which data. Search for UNSURE: guesses that only you can check.
study: {study}
title: {study.replace("_", " ").capitalize()}

source:
  kind: files
  mapping: {study}            # params/sources/{study}.yaml
  folder: {quoted(str(folder.relative_to(root) if inside else folder))}

# The first day not looked at: the day after the last order seen. Also: last-complete-month.
as_of: {_as_of(found)}
timezone: {zone_of(found)}    # UNSURE: the zone that reports are in
currency: {money or "USD"}{"" if sure else "    # UNSURE: no currency sign was seen"}
seed: 1

engine:
  kind: duckdb
  memory: 2GB

margins:
  default: 0.30               # UNSURE: contribution margin as a share of net
  note: The margin rate is an assumption set in the study's parameters.
"""


def _as_of(found: Look) -> date:
    name = found.columns.get("ordered_at")
    forms = date_forms(found.values(name))[0] if name else []
    latest = last_day(found.values(name), forms) if name else None
    return (latest.date() if latest else date(2000, 1, 1)) + timedelta(days=1)


def _said(looks: list[Look], ready: str | None, text: str) -> list[str]:
    said = [
        f"{each.path.name}: {len(each.header)} columns"
        + (f", {known_as(each.encoding)}" if each.encoding not in {"", "utf-8"} else "")
        for each in looks
    ]
    if ready is not None:
        said.append(f"The header is that of the ready mapping {ready}, which was copied.")
    unsure = sum("UNSURE: " in line and "Search for" not in line for line in text.splitlines())
    guesses = "1 guess is" if unsure == 1 else f"{unsure} guesses are"
    return [*said, f"{guesses} marked UNSURE; check what stands there, then run: analysis check"]

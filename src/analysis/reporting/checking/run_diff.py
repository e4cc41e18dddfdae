"""What differs between two runs: their findings and their tables, without a single row of either.

Only names of reports, findings, tables and columns are told, and counts; rows may be of customers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.errors import AnalysisError
from analysis.reporting.notebook import frames, words
from analysis.reporting.notebook.findings import Findings
from analysis.reporting.runner.cache import digest
from analysis.reporting.site.history import changed_settings, compare
from analysis.reporting.store.layout import LISTS, TABLES, RunFolder
from analysis.reporting.store.run_record import RunRecord

#: Columns named of a table, where more differ.
_MOST_COLUMNS = 5


@dataclass(frozen=True)
class RunDiff:
    """What differs from one run to another.

    Parameters
    ----------
    heading
        Which runs, and what they were made with that differs.
    findings
        A sentence on each finding that differs.
    tables
        A sentence on each table that differs.
    compared
        How many findings and how many tables were compared.
    """

    heading: tuple[str, ...]
    findings: tuple[str, ...]
    tables: tuple[str, ...]
    compared: tuple[int, int]

    @property
    def same(self) -> bool:
        """Whether findings and tables are the same."""
        return not self.findings and not self.tables

    def lines(self) -> list[str]:
        """Return it as a person reads it."""
        findings, tables = self.compared
        told = [
            f"{len(self.findings)} of {words.count(findings, 'finding')} "
            f"{'differs' if len(self.findings) == 1 else 'differ'}:",
            *(f"  {each}" for each in self.findings),
            f"{len(self.tables)} of {words.count(tables, 'table')} "
            f"{'differs' if len(self.tables) == 1 else 'differ'}:",
            *(f"  {each}" for each in self.tables),
        ]
        return [*self.heading, *told]


def diff(before: RunFolder, now: RunFolder) -> RunDiff:
    """Return what differs from the run ``before`` to the run ``now``.

    Raises
    ------
    AnalysisError
        If the record of a run cannot be read.
    """
    then, here = RunRecord.read(before.run_json), RunRecord.read(now.run_json)
    reports = sorted({*then.reports, *here.reports})
    pairs = [(name, *_findings(before, now, name)) for name in reports]
    counted = sum(len({*old.by_key(), *new.by_key()}) for _, old, new in pairs)
    tables = sorted({*_tables(before), *_tables(now)})
    differing = [told for name in tables if (told := _table(before.path, now.path, name))]
    return RunDiff(
        heading=tuple(_heading(then, here)),
        findings=tuple(
            told for name, old, new in pairs for told in _finding_changes(name, old, new)
        ),
        tables=tuple(differing),
        compared=(counted, len(tables)),
    )


def _heading(then: RunRecord, now: RunRecord) -> Iterator[str]:
    names = (f"{run.study}/{run.run_id} (as of {run.as_of})" for run in (then, now))
    yield " and ".join(names)
    if then.data.get("fingerprint") != now.data.get("fingerprint"):
        yield "The data are others."
    if then.code.get("sources") != now.code.get("sources"):
        yield "The code is another."
    if settings := changed_settings(now, then):
        yield f"Settings that differ: {words.listing(settings)}."


def _findings(before: RunFolder, now: RunFolder, report: str) -> tuple[Findings, Findings]:
    return Findings.read(before.findings(report)), Findings.read(now.findings(report))


def _finding_changes(report: str, old: Findings, new: Findings) -> Iterator[str]:
    was, is_now = old.by_key(), new.by_key()
    for key in sorted({*was, *is_now}):
        if key not in is_now:
            yield f"{report}/{key}: is gone; it was {was[key].number}"
        elif key not in was:
            yield f"{report}/{key}: is new: {is_now[key].number} {is_now[key].sentence}"
        elif was[key] != is_now[key]:
            change = compare(is_now[key], was[key], since="then")
            same = is_now[key].number == was[key].number
            how = "the figure is the same, its words or interval are not" if same else change.text
            yield f"{report}/{key}: {was[key].number} → {is_now[key].number}; {how}"


def _tables(folder: RunFolder) -> set[str]:
    return {
        path.relative_to(folder.path).as_posix()
        for room in (TABLES, LISTS)
        for path in (folder.path / room).rglob("*.parquet")
    }


def _table(before: Path, now: Path, name: str) -> str:
    """Return in a sentence how a table differs; empty where it does not."""
    old, new = before / name, now / name
    shown = name.removesuffix(".parquet")
    if not old.is_file():
        return f"{shown}: is new"
    if not new.is_file():
        return f"{shown}: is gone"
    if digest(old) == digest(new):
        return ""
    if name.startswith(f"{LISTS}/"):
        return f"{shown}: differs; it names customers and is not looked into"
    try:
        return f"{shown}: {_content(frames.load(old), frames.load(new))}"
    except AnalysisError:
        return f"{shown}: cannot be read"


def _content(old: pd.DataFrame, new: pd.DataFrame) -> str:
    said = []
    if len(old) != len(new):
        said.append(f"{words.number(len(old))} → {words.count(len(new), 'row')}")
    gone, come = (
        [str(c) for c in one.columns if c not in other.columns]
        for one, other in ((old, new), (new, old))
    )
    said += [f"without {words.listing(gone)}"] if gone else []
    said += [f"with {words.listing(come)}"] if come else []
    if len(old) == len(new):
        said += _columns(old, new)
    return "; ".join(said) or "the same values, written otherwise"


def _columns(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """Return which columns hold other values, in how many rows."""
    told = []
    for column in (name for name in old.columns if name in new.columns):
        here, there = new[column].to_numpy(), old[column].to_numpy()
        differs = ~((here == there) | (pd.isna(here) & pd.isna(there)))
        if differs.any():
            told.append(f"{column} in {words.number(int(differs.sum()))}")
    more = len(told) - _MOST_COLUMNS
    shown = told[:_MOST_COLUMNS] + ([f"{more} more columns"] if more > 0 else [])
    return [f"other values of {words.listing(shown)} rows"] if shown else []

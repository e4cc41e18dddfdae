"""Which notebooks there are, what each needs, and in which order they run."""

from __future__ import annotations

import graphlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.errors import ParamsError
from analysis.tables.schema import TABLES

_KEYS = {"title": str, "question": str, "requires": list, "needs": list}

#: Ends a need that a report can do without: ``07_value/worth_keeping?``.
_OPTIONAL = "?"

#: What a report needs that reads what every other report found, whatever came of them.
_EVERY = "*"


@dataclass(frozen=True)
class Planned:
    """One notebook as its ``analysis`` metadata describes it.

    Parameters
    ----------
    report
        The notebook's file name without its suffix.
    path
        The notebook's file.
    title, question
        What it is called and what it answers.
    requires
        Canonical tables without which it is not applicable, or columns of them that must hold a
        value, as ``order_lines.customer_id``.
    needs
        Result tables of other reports that it reads, as ``02_segmentation/segments``.
    wants
        The same of tables that it can do without, where no such report is there or made one; in
        the notebook's ``needs`` they end in a question mark.
    every
        It reads what every other report found, whatever came of them; ``*`` in ``needs``.
    others
        The other reports, for one that reads every one.
    """

    report: str
    path: Path
    title: str
    question: str
    requires: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    every: bool = False
    others: tuple[str, ...] = ()

    @property
    def canonical(self) -> tuple[str, ...]:
        """The canonical tables that it requires."""
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self.requires))

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """Table and column of what it requires values of."""
        parts = (name.partition(".") for name in self.requires)
        return tuple((table, column) for table, _, column in parts if column)

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables of other reports that it reads, those it can do without among them."""
        return (*self.needs, *self.wants)

    @property
    def upstream(self) -> tuple[str, ...]:
        """The reports that it cannot run without."""
        return tuple(dict.fromkeys(need.partition("/")[0] for need in self.needs))

    def asks_for(self, present: Collection[str]) -> tuple[str, ...]:
        """Return the reports among those ``present`` that are run where it is asked for."""
        reports = (name.partition("/")[0] for name in self.reads)
        return tuple(dict.fromkeys(report for report in reports if report in present))

    def after(self, present: Collection[str]) -> tuple[str, ...]:
        """Return the reports among those ``present`` that run before it."""
        return tuple(dict.fromkeys([*self.asks_for(present), *self.others]))


@dataclass(frozen=True)
class Plan:
    """The reports of a study, each after those it needs.

    Parameters
    ----------
    reports
        All of them, in an order they can run in, otherwise by name.
    chosen
        Names of those that were asked for, with all they need.
    """

    reports: tuple[Planned, ...]
    chosen: frozenset[str]

    def sorter(self) -> graphlib.TopologicalSorter[str]:
        """Return a prepared sorter that hands out reports as what they need is done."""
        names = {p.report for p in self.reports}
        sorter = graphlib.TopologicalSorter({p.report: p.after(names) for p in self.reports})
        sorter.prepare()
        return sorter

    def urgency(self, seconds: Mapping[str, float]) -> dict[str, float]:
        """Return by report how long it and the longest chain that waits for it take.

        Whatever is not in ``seconds`` counts as one.
        """
        names, urgent = set(self.by_name()), {}
        waiting = dict.fromkeys(names, 0.0)
        for planned in reversed(self.reports):
            urgent[planned.report] = waiting[planned.report] + seconds.get(planned.report, 1.0)
            for before in planned.after(names):
                waiting[before] = max(waiting[before], urgent[planned.report])
        return urgent

    def by_name(self) -> dict[str, Planned]:
        """Return the reports by name."""
        return {planned.report: planned for planned in self.reports}


def make_plan(notebooks: Path, *, only: Sequence[str] = ()) -> Plan:
    """Read the notebooks of a project and put them in order.

    Parameters
    ----------
    notebooks
        Directory of the notebooks. One without ``analysis`` metadata is no report.
    only
        Names or beginnings of names of the reports to run; empty means all.

    Raises
    ------
    ParamsError
        If a notebook's metadata are wrong, a need is unknown, needs form a circle, or ``only``
        names no report.
    """
    found = {p.report: p for p in map(read_notebook, sorted(notebooks.glob("*.ipynb"))) if p}
    if not found:
        raise ParamsError(f"There is no report in {notebooks}")
    for planned in found.values():
        _check_needs(planned, found)
    found = {name: _with_others(planned, found) for name, planned in found.items()}
    graph = {name: planned.after(found) for name, planned in found.items()}
    try:
        order = list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        circle = " needs ".join(reversed(error.args[1]))
        raise ParamsError(f"The reports need each other in a circle: {circle}") from None
    asked = {name: planned.asks_for(found) for name, planned in found.items()}
    chosen = _closed(_matching(only, found), asked) if only else frozenset(found)
    return Plan(tuple(found[name] for name in order), chosen)


def read_notebook(path: Path) -> Planned | None:
    """Return the report that the notebook at ``path`` makes; None if it makes none."""
    try:
        content = json.loads(path.read_text("utf-8"))
        metadata = content["metadata"].get("analysis")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ParamsError(f"{path.name} is not a readable notebook: {error}") from None
    if metadata is None:
        return None
    _check_metadata(metadata, path.name)
    return Planned(
        path.stem,
        path,
        metadata["title"],
        metadata["question"],
        tuple(metadata["requires"]),
        tuple(n for n in metadata["needs"] if not n.endswith((_OPTIONAL, _EVERY))),
        tuple(n.removesuffix(_OPTIONAL) for n in metadata["needs"] if n.endswith(_OPTIONAL)),
        _EVERY in metadata["needs"],
    )


def _check_metadata(metadata: Any, name: str) -> None:
    where = f"{name}: its `analysis` metadata"
    if not isinstance(metadata, Mapping) or set(metadata) != set(_KEYS):
        raise ParamsError(f"{where} must have exactly {', '.join(_KEYS)}")
    for key, kind in _KEYS.items():
        if not isinstance(metadata[key], kind) or not all(map(_is_text, metadata[key])):
            wanted = "text" if kind is str else "a list of texts"
            raise ParamsError(f"{where}: {key} must be {wanted}, not {metadata[key]!r}")
    for required in metadata["requires"]:
        table, _, column = required.partition(".")
        if table not in TABLES:
            raise ParamsError(f"{where}: requires names {table}, which is no canonical table")
        if column and column not in {c.name for c in TABLES[table].columns}:
            raise ParamsError(f"{where}: requires names {required}, which is no column of {table}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _with_others(planned: Planned, found: Mapping[str, Planned]) -> Planned:
    """Return the report with the others it runs after, where it needs every one."""
    if not planned.every:
        return planned
    others = (name for name, other in found.items() if not other.every)
    return replace(planned, others=tuple(others))


def _check_needs(planned: Planned, found: Mapping[str, Planned]) -> None:
    for need in planned.needs:
        report, slash, table = need.partition("/")
        if report not in found or not slash or not table:
            raise ParamsError(
                f"{planned.path.name} needs {need!r}; write report/table with one of the reports "
                + ", ".join(found)
            )
    for want in planned.wants:
        report, slash, table = want.partition("/")
        if not report or not slash or not table:
            raise ParamsError(
                f"{planned.path.name} needs {want + _OPTIONAL!r}; write report/table?"
            )


def _matching(only: Iterable[str], found: Mapping[str, Planned]) -> set[str]:
    chosen: set[str] = set()
    for wanted in (part.strip() for each in only for part in each.split(",")):
        matches = {name for name in found if name == wanted} or {
            name for name in found if name.startswith(wanted)
        }
        if not wanted or not matches:
            raise ParamsError(f"--only {wanted}: there is no such report; there are {_all(found)}")
        chosen |= matches
    return chosen


def _all(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _closed(chosen: set[str], graph: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return ``chosen`` with everything it needs, however far."""
    closed: set[str] = set()
    waiting = set(chosen)
    while waiting:
        name = waiting.pop()
        closed.add(name)
        waiting |= set(graph[name]) - closed
    return frozenset(closed)


def missing_tables(planned: Planned, present: Collection[str]) -> str:
    """Return the sentence that says which tables a report lacks; empty if it has them all."""
    missing = [table for table in planned.canonical if table not in present]
    if not missing:
        return ""
    plural = "s" if len(missing) > 1 else ""
    return f"This study has no {_and(missing)} table{plural}."


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))

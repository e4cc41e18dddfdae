"""What `analysis check` says: the ledger, what is refused or doubted, which reports can run."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import ibis

from analysis.errors import NotApplicable, ParamsError
from analysis.ingest.onboarding.draft import refusals
from analysis.params import StudyParams
from analysis.quality.control_totals import control_totals
from analysis.quality.reconciliation import unmatched
from analysis.reporting.checking.check_page import page, unsure_guesses
from analysis.reporting.checking.ingested import ledger_lines
from analysis.reporting.execution.execute import checked_notebook
from analysis.reporting.runner.run_plan import Planned, make_plan, missing_tables
from analysis.tables.engine import Tables, open_study

if TYPE_CHECKING:
    from analysis.ingest.request import IngestResult
    from analysis.params import StudyParams
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Readiness:
    """Whether a report can run: ``ready``, ``lacking`` data, or ``broken``; and why not."""

    report: str
    state: Literal["ready", "lacking", "broken"]
    reason: str = ""


def readiness(params: StudyParams, tables: Tables, *, root: Path) -> list[Readiness]:
    """Return whether each report can run on the ``tables`` of a study, in running order.

    Parameters
    ----------
    params
        The study's params.
    tables
        Its canonical tables.
    root
        Project root.
    """
    found: dict[str, Readiness] = {}
    for planned in make_plan(root / "notebooks").reports:
        report = planned.report
        try:
            checked_notebook(planned.path, params.notebook_parameters(report))
        except ParamsError as error:
            found[report] = Readiness(report, "broken", str(error))
            continue
        lacking = missing_tables(planned, tables.names()) or _without_values(planned, tables)
        for need in planned.upstream:
            if found[need].state != "ready":
                lacking = lacking or f"It needs {need}, which cannot run."
        found[report] = Readiness(report, "lacking" if lacking else "ready", lacking)
    return list(found.values())


def _without_values(planned: Planned, tables: Tables) -> str:
    """Return the sentence that says which column a report requires holds no value; or nothing."""
    for table, column in planned.columns:
        rows = getattr(tables, table)
        if column not in rows.columns or not rows[column].count().execute():
            return f"No row of {table} states its {column}."
    return ""


#: Share of the references of a key that find nothing before it is doubted.
HALF = 0.5


def doubts(params: StudyParams, *, root: Path) -> list[str]:
    """Return what makes an ingested study doubtful, in sentences; none if nothing does.

    Parameters
    ----------
    params
        The study's params.
    root
        Project root.
    """
    tables = open_study(params.study, settings=params.engine_settings(), root=root)
    try:
        return [*_beyond(tables, params), *_missed(tables)]
    finally:
        tables.close()


def _beyond(tables: Tables, params: StudyParams) -> list[str]:
    """Say how many order lines lie on the day ``as_of`` or later, which no report looks at."""
    if "order_lines" not in tables:
        return []
    lines = tables.order_lines
    later = lines.ordered_at >= ibis.timestamp(params.as_of.isoformat())
    counted = lines.agg(
        rows=lines.count(), later=later.fill_null(False).sum(), last=lines.ordered_at.max()
    )
    found = counted.to_pandas().iloc[0]
    if not found["rows"]:
        return ["There is no order line, so no report has anything to say."]
    if not found["later"]:
        return []
    after = (found["last"] + timedelta(days=1)).date()
    return [
        f"{int(found['later']):,} of {int(found['rows']):,} order lines lie on or after as_of "
        f"({params.as_of}), so no report looks at them; the last is of {found['last']:%Y-%m-%d}. "
        f"To count them, say as_of: {after}."
    ]


def _missed(tables: Tables) -> list[str]:
    """Name the keys of which less than half find what they refer to."""
    found = unmatched(tables)
    weak = found[found["share"] > HALF]
    return [
        f"{row.column} of {row.table}: only {row.rows - row.unmatched:,} of {row.rows:,} rows find "
        f"theirs in {row.refers_to}; is it the right column?"
        for row in weak.itertuples()
    ]


_WORDS = {"ready": "can run", "lacking": "cannot run", "broken": "BROKEN"}


@dataclass(frozen=True)
class Checked:
    """What a check found: lines to read, and whether a report is broken."""

    lines: tuple[str, ...]
    broken: bool


def check_study(params: StudyParams, result: IngestResult, *, root: Path) -> Checked:
    """Return what a look at the params and tables of a study finds, without running a report."""
    with closing(open_study(params.study, settings=params.engine_settings(), root=root)) as tables:
        found = readiness(params, tables, root=root)
        read = _what_was_read(params, tables, root)
    lines = (
        *ledger_lines(result),
        *refusals(params.study, root=root),
        *(f"doubt: {sentence}" for sentence in doubts(params, root=root)),
        *(f"{_WORDS[r.state]:<11}{r.report:<24}{r.reason}" for r in found),
        *read,
    )
    return Checked(
        tuple(line.rstrip() for line in lines), any(each.state == "broken" for each in found)
    )


def _what_was_read(params: StudyParams, tables: Tables, root: Path) -> list[str]:
    try:
        totals = control_totals(tables)
    except NotApplicable as reason:
        return [str(reason)]
    unsure = unsure_guesses(params, root=root)
    return page(totals, tables.manifest, as_of=params.as_of, unsure=unsure)

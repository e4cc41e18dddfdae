"""What `analysis check` says: the ledger, what is refused or doubted, which reports can run."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import NotApplicable
from analysis.ingest.onboarding.refusals import refusals
from analysis.quality.control_totals import control_totals
from analysis.reporting.checking.check_page import page, unsure_guesses
from analysis.reporting.checking.doubts import doubts
from analysis.reporting.checking.ingested import ledger_lines
from analysis.reporting.checking.readiness import readiness
from analysis.tables.engine import Tables, open_study

if TYPE_CHECKING:
    from analysis.ingest.request import IngestResult
    from analysis.params import StudyParams

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

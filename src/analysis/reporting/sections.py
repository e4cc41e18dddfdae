"""Sections that a study may be unable to fill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from analysis.errors import NotApplicable

if TYPE_CHECKING:
    from analysis.reporting.report import Report


@contextmanager
def if_possible(report: Report) -> Iterator[None]:
    """Do what is inside as far as the study allows, else say in one sentence why not.

    A table or a span of time that a study lacks ends the section, not the report::

        with if_possible(report):
            stores = movers.changes(tables, compared, by="store_id")
            report.table(stores.table, name="stores")

    Any other error goes through.
    """
    try:
        yield
    except NotApplicable as reason:
        report.say(f"Not reported: {reason}")


@contextmanager
def continued() -> Iterator[None]:
    """Do what is inside as far as the study allows, in silence.

    For the further cells of a section whose first one has said, by `if_possible`, why the study
    cannot fill it.
    """
    with suppress(NotApplicable):
        yield


def record(report: Report, findings: Iterable[dict[str, Any]]) -> None:
    """Record one finding after the other, each given as `Report.finding` takes it."""
    for fields in findings:
        report.finding(**fields)

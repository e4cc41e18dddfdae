"""Sections that a study may be unable to fill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from analysis.errors import NotApplicable, SaidAbove

if TYPE_CHECKING:
    from analysis.reporting.report import Report


@contextmanager
def if_possible(report: Report) -> Iterator[None]:
    """Do what is inside as far as the study allows, else say in one sentence why not.

    A table or a span of time that a study lacks ends the section, not the report::

        with if_possible(report):
            stores = movers.changes(tables, compared, by="store_id")
            report.table(stores.table, name="stores")

    What an earlier section has said already (`needs`) is not said again. Any other error goes
    through.
    """
    try:
        yield
    except SaidAbove:
        pass
    except NotApplicable as reason:
        report.say(f"Not reported: {reason}")


def needs(*found: object, why: str = "") -> None:
    """End a section where an earlier cell could not find what it is made from.

    Parameters
    ----------
    found
        Results of earlier cells, None where they had to say why there is none.
    why
        What is missing, for a section that has said nothing yet; without it the end is silent.

    Raises
    ------
    NotApplicable
        If any is None: `SaidAbove` without ``why``.
    """
    if all(result is not None for result in found):
        return
    if why:
        raise NotApplicable(why)
    raise SaidAbove("An earlier cell says why this one cannot be filled.")


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

"""Sections that a study may be unable to fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn

from analysis.errors import NotApplicable, SaidAbove

if TYPE_CHECKING:
    from analysis.reporting.notebook.report import Report


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


class Missing:
    """What could not be made; whatever is asked of it raises the NotApplicable that says why.

    It is false, so that what can do without asks ``if``.
    """

    def __init__(self, reason: NotApplicable) -> None:
        self._reason = reason

    def __bool__(self) -> bool:
        return False

    def __getattr__(self, name: str) -> NoReturn:
        raise self._reason

    def __getitem__(self, key: object) -> NoReturn:
        raise self._reason

    def __iter__(self) -> NoReturn:
        raise self._reason

    def __len__(self) -> NoReturn:
        raise self._reason


def attempt(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Return what ``work`` makes, or what says why not in each section that needs it.

    For what several sections share: those that need it end in the sentence of `if_possible`::

        history = attempt(events.fetch, lines, period, min_customers=50)

        with if_possible(report):
            rhythm = replenishment.replenishment(history)
    """
    try:
        return work(*given, **named)
    except NotApplicable as reason:
        return Missing(reason)


def record(report: Report, findings: Iterable[dict[str, Any]]) -> None:
    """Record one finding after the other, each given as `Report.finding` takes it."""
    for fields in findings:
        report.finding(**fields)

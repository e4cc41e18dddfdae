"""How results are presented: by the presenters of the report's own folder.

A presenter is a function of ``reports/<name>/present.py``, marked with what it presents::

    @presents(Decline)
    def decline(report: Report, faded: Decline) -> None:
        report.headline(text.noise(faded))
        report.chart(charts.noise_bars(faded), alt=..., caption=...)

``report.show(faded)`` finds it by the class of the result, ``report.show("decline", faded, plan)``
by its name, for results that are plain tables or that are read together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, wraps
from importlib import import_module
from types import ModuleType
from typing import Any

from analysis.errors import AnalysisError

Presenter = Callable[..., None]


def presents(
    *classes: type, detail: str = "", of: tuple[str, ...] = ()
) -> Callable[[Presenter], Presenter]:
    """Mark a function as the presenter of these classes; of none: found by its name alone.

    Parameters
    ----------
    detail
        Words under which what it shows is folded (`Report.detail`), together with what stands
        beside it under the same; empty: nothing is.
    of
        Roles of what is folded, as ``table`` and ``chart``; none: all of it.
    """

    def marked(presenter: Presenter) -> Presenter:
        @wraps(presenter)
        def folded(report: Any, *shown: Any, **named: Any) -> None:
            with report.detail(detail, *of):
                presenter(report, *shown, **named)

        found: Any = folded if detail else presenter
        found.presents = classes
        return found

    return marked


def folder_of(report: str) -> str:
    """Return the package of a report's content: ``03_deciles`` is ``analysis.reports.deciles``."""
    return f"analysis.reports.{report.partition('_')[2]}"


@cache
def presenters(report: str) -> Mapping[str | type, Presenter]:
    """Return a report's presenters, by their names and by the classes they present."""
    package = folder_of(report)
    try:
        module = import_module(f"{package}.present")
    except ModuleNotFoundError as error:
        if error.name and not f"{package}.present".startswith(error.name):
            raise
        return {}
    return _marked(module)


def _marked(module: ModuleType) -> dict[str | type, Presenter]:
    found: dict[str | type, Presenter] = {}
    for name, member in vars(module).items():
        if hasattr(member, "presents"):
            found[name] = member
            found.update(dict.fromkeys(member.presents, member))
    return found


def presenter_of(report: str, shown: tuple[Any, ...]) -> tuple[Presenter, tuple[Any, ...]]:
    """Return the presenter of what is shown, and what it is given.

    Raises
    ------
    AnalysisError
        If the report has none of that name or class; the message lists those it has.
    """
    known = presenters(report)
    first = shown[0]
    key = first if isinstance(first, str) else type(first)
    if key not in known:
        names = ", ".join(sorted(name for name in known if isinstance(name, str))) or "none"
        asked = repr(first) if isinstance(first, str) else f"a {type(first).__name__}"
        raise AnalysisError(f"{report} does not know how to show {asked}; it has {names}")
    return known[key], shown[1:] if isinstance(first, str) else shown

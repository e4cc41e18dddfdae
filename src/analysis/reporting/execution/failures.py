"""What an exception that ended a notebook means to the person who reads the index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from traceback import format_exception
from typing import Any

from analysis import errors
from analysis.errors import AnalysisError
from analysis.reporting.store.status import Outcome

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


#: Longest reason and traceback that an index page should have to show, in characters.
_LONGEST_REASON = 600
_LONGEST_TRACE = 20_000


@dataclass(frozen=True)
class Limits:
    """Time limits in seconds, of one cell and of a whole notebook."""

    cell_seconds: int = 900
    notebook_seconds: int = 1800


@dataclass(frozen=True)
class Ending:
    """How a notebook ended: the outcome, why in one sentence, and the traceback if it has one."""

    status: Outcome
    reason: str = ""
    traceback: str = ""


def explain(error: Exception, *, limits: Limits, cells: int, expired: bool) -> Ending:
    """Return the ending that ``error`` stands for.

    Parameters
    ----------
    error
        What the execution raised: an error of ours before or after it, or one of Papermill,
        nbclient or the file system.
    limits
        The time limits in force.
    cells
        Code cells that had started.
    expired
        Whether the notebook's time limit had passed.
    """
    trace = "".join(format_exception(error))
    where = f"in code cell {cells}" if cells else "before the first cell"
    kind = type(error).__name__
    if expired:
        limit = limits.notebook_seconds
        return _failed(f"The notebook took longer than {limit} seconds; stopped {where}", trace)
    if isinstance(error, AnalysisError):
        return _failed(str(error))
    if kind == "PapermillExecutionError":
        raised: Any = error
        return said_by(raised.ename, raised.evalue, raised.traceback)
    if kind == "CellTimeoutError":
        limit = limits.cell_seconds
        return _failed(f"A cell took longer than {limit} seconds; stopped {where}", trace)
    if kind == "DeadKernelError":
        return _failed(f"The kernel died {where}: it was killed or ran out of memory", trace)
    return _failed(f"{kind}: {_first_line(str(error))} ({where})", trace)


def said_by(name: str, text: str, traceback: Sequence[str]) -> Ending:
    """Return the ending for an exception in a cell, of which only name and text crossed over."""
    trace = _COLOUR.sub("", "\n".join(traceback))
    ours = getattr(errors, name, None)
    if ours is errors.NotApplicable:
        return Ending("not_applicable", _shortened(text))
    if isinstance(ours, type) and issubclass(ours, AnalysisError):
        return _failed(text, trace)
    return _failed(f"{name}: {_first_line(text)}", trace)


def _failed(reason: str, trace: str = "") -> Ending:
    return Ending("failed", _shortened(reason), trace[-_LONGEST_TRACE:])


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]} …"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message")

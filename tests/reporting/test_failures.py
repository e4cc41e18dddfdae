"""What a person reads about a notebook that did not run to its end."""

from __future__ import annotations

import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from analysis.errors import DataError
from analysis.reporting.execution.failures import Ending, Limits, explain

LIMITS = Limits(cell_seconds=60, notebook_seconds=600)


def in_cell(name: str, text: str, trace: list[str] | None = None) -> PapermillExecutionError:
    """Return what Papermill raises when a cell has raised ``name``."""
    return PapermillExecutionError(4, 3, "x = 1", name, text, trace or ["\x1b[31mx = 1\x1b[0m"])


@pytest.mark.parametrize(
    ("error", "cells", "expected"),
    [
        (in_cell("KeyError", "'share'"), 3, Ending("failed", "KeyError: […]", "x = 1")),
        (
            in_cell("KeyError", "'share'", ["row['share']", "KeyError: 'share'"]),
            3,
            Ending("failed", "KeyError: 'share'", "row['share']\nKeyError: 'share'"),
        ),
        (in_cell("DataError", "No rows."), 3, Ending("failed", "No rows.", "x = 1")),
        (in_cell("NotApplicable", "No points."), 3, Ending("not_applicable", "No points.")),
        (in_cell("ValueError", "\n\n two\nlines"), 3, Ending("failed", "ValueError: two", "x = 1")),
        (in_cell("AssertionError", ""), 3, Ending("failed", "AssertionError: no message", "x = 1")),
        (DataError("Mend the file."), 0, Ending("failed", "Mend the file.")),
    ],
)
def test_errors_in_words(error: Exception, cells: int, expected: Ending) -> None:
    assert explain(error, limits=LIMITS, cells=cells, expired=False) == expected


@pytest.mark.parametrize(
    ("error", "expired", "reason"),
    [
        (DeadKernelError("Kernel died"), False, "The kernel died in code cell 3: it was killed or"),
        (
            DeadKernelError("Kernel died"),
            True,
            "The notebook took longer than 600 seconds; stopped",
        ),
        (
            CellTimeoutError("A cell timed out"),
            False,
            "A cell took longer than 60 seconds; stopped",
        ),
        (OSError(28, "No space left"), False, "OSError: [Errno 28] No space left (in code cell 3)"),
    ],
)
def test_what_stops_a_notebook_from_outside(error: Exception, expired: bool, reason: str) -> None:
    ending = explain(error, limits=LIMITS, cells=3, expired=expired)
    assert ending.status == "failed"
    assert ending.reason.startswith(reason)
    assert type(error).__name__ in ending.traceback


def test_before_the_first_cell() -> None:
    ending = explain(RuntimeError("Kernel died"), limits=LIMITS, cells=0, expired=False)
    assert ending.reason == "RuntimeError: Kernel died (before the first cell)"


def test_endless_texts_are_cut() -> None:
    long = in_cell("ValueError", "x" * 10**6, ["y" * 10**6, "the end"])
    ending = explain(long, limits=LIMITS, cells=1, expired=False)
    assert len(ending.reason) < 700
    assert len(ending.traceback) == 20_000
    assert ending.traceback.endswith("the end")

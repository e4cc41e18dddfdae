"""A row of the table of checks."""

from __future__ import annotations

from typing import Any, Literal

Severity = Literal["decide", "know", "fine"]
Record = dict[str, Any]

#: Columns of the table, in order.
COLUMNS = ("severity", "topic", "check", "rows", "of_rows", "share", "amount", "what_to_do")


def record(
    check: str,
    topic: str,
    *,
    rows: int,
    of_rows: int,
    advice: str,
    severity: Severity,
    amount: float = float("nan"),
) -> Record:
    """Return one row of the table of checks."""
    share = rows / of_rows if of_rows else float("nan")
    values = (severity, topic, check, rows, of_rows, share, amount, advice)
    return dict(zip(COLUMNS, values, strict=True))

"""What report 04 says of closed days."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from analysis.reports.forecast import text

CHRISTMAS = date(2023, 12, 25)
SATURDAYS = [date(2023, 1, 7) + timedelta(days=7 * i) for i in range(50)]


@pytest.mark.parametrize(
    ("closed", "said"),
    [
        ([], "No day inside was closed everywhere."),
        ([CHRISTMAS], "Nothing was sold anywhere on 25 Dec 2023: taken as closed"),
        ([*SATURDAYS, CHRISTMAS], "Nothing was sold anywhere on 50 Saturdays and 25 Dec 2023:"),
        (SATURDAYS[:2], "Nothing was sold anywhere on 7 Jan 2023 and 14 Jan 2023:"),
    ],
)
def test_closed_days_are_named_or_counted(closed: list[date], said: str) -> None:
    assert text.closed(SimpleNamespace(closed=closed)).startswith(said)

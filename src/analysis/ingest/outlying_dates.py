"""Months far from all others that hold next to nothing: mistyped years, not trade.

One line dated 2032 among a year of 2023 would make every window empty that ends with the data. A
break of more than a year before or after which hardly a line stands is no history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: Months without a row between two runs of months that belong together at most.
BREAK = 12
#: Share of all rows that an outlying run may hold at most.
LONE = 0.005


def outlying_months(rows: Mapping[str, int]) -> frozenset[str]:
    """Return the months that are outliers.

    Parameters
    ----------
    rows
        Rows by month, such as ``2024-03``.
    """
    total = sum(rows.values())
    runs = _runs(month for month, n in rows.items() if n)
    if len(runs) < 2:
        return frozenset()
    return frozenset(
        month for run in runs if sum(rows[m] for m in run) <= LONE * total for month in run
    )


def rule(month: str) -> str:
    """Return the name of the rule that leaves a month's rows out."""
    return f"dated {month}, more than a year from all other rows"


def _runs(months: Iterable[str]) -> list[list[str]]:
    """Return the months in order, parted where more than ``BREAK`` months hold nothing."""
    runs: list[list[str]] = []
    for month in sorted(months):
        if runs and _number(month) - _number(runs[-1][-1]) - 1 <= BREAK:
            runs[-1].append(month)
        else:
            runs.append([month])
    return runs


def _number(month: str) -> int:
    year, of_year = month.split("-")
    return 12 * int(year) + int(of_year)

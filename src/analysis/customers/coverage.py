"""What an analysis of customers covers of the order lines, and what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.tables.margin import MICROS, lines_with_margin

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period


@dataclass(frozen=True)
class Coverage:
    """Order lines of the study, of a period in it, and of that period's known customers.

    Parameters
    ----------
    all_lines
        Order lines of the study.
    lines, net_amount, margin_amount
        Order lines inside the period, and what they sum up to (currency).
    guest_lines, guest_amount
        Those of guests: order lines without a customer, and their net amount.
    """

    all_lines: int
    lines: int
    net_amount: float
    margin_amount: float
    guest_lines: int
    guest_amount: float

    @property
    def known_amount(self) -> float:
        """Net amount of known customers, to the cent."""
        return round(self.net_amount - self.guest_amount, 2)


def measure(tables: Tables, period: Period) -> Coverage:
    """Count and sum the order lines, straight from the canonical table.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    period
        The days looked at.
    """
    import ibis

    lines = lines_with_margin(tables)
    start, end = (ibis.timestamp(day.isoformat()) for day in (period.start, period.end))
    inside = (lines.ordered_at >= start) & (lines.ordered_at < end)
    guest = inside & lines.customer_id.isnull()
    sums = lines.agg(
        all_lines=lines.count(),
        lines=inside.sum(),
        net_amount=lines.net_amount.sum(where=inside).cast("float64"),
        margin_micros=lines.margin_micros.sum(where=inside).cast("float64"),
        guest_lines=guest.sum(),
        guest_amount=lines.net_amount.sum(where=guest).cast("float64"),
    )
    row = sums.to_pandas().fillna(0).iloc[0]
    return Coverage(
        all_lines=int(row["all_lines"]),
        lines=int(row["lines"]),
        net_amount=float(row["net_amount"]),
        margin_amount=float(row["margin_micros"]) / MICROS,
        guest_lines=int(row["guest_lines"]),
        guest_amount=float(row["guest_amount"]),
    )

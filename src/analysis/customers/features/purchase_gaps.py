"""Days between a customer's purchases, summed up in the engine by window functions.

Purchases of one day are one purchase day, as in BTYD practice: the clock of a customer's rhythm
ticks in days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from analysis.tables.lines import raw_lines_in

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: Logarithms are summed as whole thousand-millionths: sums then do not depend on thread order.
_NANOS = 1_000_000_000


def purchase_days(tables: Tables, period: Period) -> ibis.Table:
    """Return one row a customer and day with a purchase (a line that is no return).

    Returns
    -------
    ibis.Table
        customer_id, ordered_on, previous_on (the purchase day before; null at the first in the
        period), gap (days between the two), place (0 for the first).
    """
    lines = raw_lines_in(tables, period)
    bought = lines.filter(lines.customer_id.notnull(), lines.quantity >= 0)
    days = bought.select("customer_id", ordered_on=bought.ordered_at.date()).distinct()
    by_day = ibis.window(group_by=days.customer_id, order_by=days.ordered_on)
    days = days.mutate(
        previous_on=days.ordered_on.lag().over(by_day), place=ibis.row_number().over(by_day)
    )
    return days.mutate(gap=days.ordered_on.delta(days.previous_on, unit="day").cast("int64"))


def compute(tables: Tables, period: Period) -> ibis.Table:
    """Return one row a customer with a purchase in ``period``.

    Returns
    -------
    ibis.Table
        customer_id; purchase_days, gaps (purchase_days - 1), gap_sum, gap_mean, gap_median,
        gap_spread (standard deviation, null below two gaps), longest_gap (all in days), log_gaps
        (sum of natural logarithms), last_gap, gap_before_last (days; null where there is none),
        longest_gap_ended_on (the latest day that ended a gap of that length).
    """
    days = purchase_days(tables, period)
    backwards = ibis.window(group_by=days.customer_id, order_by=days.ordered_on.desc())
    everything = ibis.window(group_by=days.customer_id)
    days = days.mutate(
        from_end=ibis.row_number().over(backwards), longest=days.gap.max().over(everything)
    )
    logs = (days.gap.cast("float64").ln() * _NANOS).round().cast("int64")
    sums = days.group_by("customer_id").agg(
        purchase_days=days.count().cast("int64"),
        gaps=days.gap.count().cast("int64"),
        gap_sum=ibis.coalesce(days.gap.sum(), 0).cast("int64"),
        gap_squares=ibis.coalesce((days.gap * days.gap).sum(), 0).cast("int64"),
        longest_gap=days.gap.max(),
        longest_gap_ended_on=days.ordered_on.max(where=days.gap == days.longest),
        log_gaps=ibis.coalesce(logs.sum(), 0).cast("float64") / _NANOS,
        last_gap=days.gap.max(where=days.from_end == 0),
        gap_before_last=days.gap.max(where=days.from_end == 1),
    )
    joined = sums.left_join(_medians(days), "customer_id").drop("customer_id_right")
    return _with_moments(joined)


def _with_moments(sums: ibis.Table) -> ibis.Table:
    """Add mean and standard deviation, from whole numbers so that thread order cannot matter."""
    nothing = ibis.null("float64")
    count = sums.gaps.cast("float64")
    scaled = (sums.gaps * sums.gap_squares - sums.gap_sum * sums.gap_sum).cast("float64")
    return sums.mutate(
        gap_mean=(sums.gaps > 0).ifelse(sums.gap_sum / count.nullif(0), nothing),
        gap_spread=(sums.gaps > 1).ifelse(
            (scaled / (count * (count - 1)).nullif(0)).sqrt(), nothing
        ),
    ).drop("gap_squares")


def _medians(days: ibis.Table) -> ibis.Table:
    """Return exact medians by ranks: engines differ in what they call a median."""
    known = days.filter(days.gap.notnull())
    by_size = ibis.window(group_by=known.customer_id, order_by=[known.gap, known.ordered_on])
    ranked = known.mutate(
        rank=ibis.row_number().over(by_size),
        count=known.count().over(ibis.window(group_by=known.customer_id)),
    )
    middle = ranked.filter(
        (2 * ranked["rank"] >= ranked["count"] - 2) & (2 * ranked["rank"] <= ranked["count"])
    )
    return middle.group_by("customer_id").agg(gap_median=middle.gap.cast("float64").mean())

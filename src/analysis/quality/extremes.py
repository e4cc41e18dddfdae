"""Quantities, prices and baskets far from what is usual for their kind."""

from __future__ import annotations

import ibis
import pandas as pd

from analysis.quality.date_coverage import LIMIT
from analysis.stats.sizes import FEWEST_ROWS
from analysis.tables.engine import Tables
from analysis.tables.margin import lines_with_margin

#: Turns a median absolute deviation into the standard deviation of a normal distribution.
_TO_SD = 1.4826

EVERY_BASKET = "All baskets"


def extremes(tables: Tables, *, top: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find outliers of quantity and price by department, and of basket value.

    A value is an outlier if its logarithm lies more than 3.5 robust standard deviations from
    the median of its group, the deviation being 1.4826 times the median absolute deviation
    (Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers). Where more than half of a
    group has one and the same value, as quantities have, that deviation is zero, and the median
    of the deviations that are not is taken. Groups of fewer than 30 rows are not judged.

    Returns
    -------
    limits : pandas.DataFrame
        measure (``quantity``, ``price`` or ``basket``), department, rows, usual (median), low
        and high (limits), below and above (rows beyond them), net_amount (of these rows).
        Departments whose quantity counts no units have no row for quantity and price.
    examples : pandas.DataFrame
        The ``top`` furthest of each measure: measure, department, order_id, product_id (missing for
        baskets), value, net_amount, score (robust standard deviations from the median).
    """
    limits, examples = [], []
    for values in _measures(tables):
        scored = _scored(values)
        limits.append(_limits(scored))
        examples.append(_furthest(scored, top=top))
    return pd.concat(limits, ignore_index=True), pd.concat(examples, ignore_index=True)


def _measures(tables: Tables) -> list[ibis.Table]:
    """Return the values to look at, each above zero: measure, department, ids, value, net."""
    lines = lines_with_margin(tables)
    lines = lines.mutate(net=lines.net_amount.cast("float64"))
    units = lines.filter(lines.counted, lines.quantity > 0)
    kept = ["department", "order_id", "product_id", "net"]
    orders = tables.order_lines.group_by("order_id").agg(total=tables.order_lines.net_amount.sum())
    baskets = orders.select(
        department=ibis.literal(EVERY_BASKET),
        order_id="order_id",
        product_id=ibis.null("string"),
        net=orders.total.cast("float64"),
        measure=ibis.literal("basket"),
        value=orders.total.cast("float64"),
    )
    priced = units.filter(units.net > 0)
    return [
        units.select(*kept, measure=ibis.literal("quantity"), value=units.quantity),
        priced.select(*kept, measure=ibis.literal("price"), value=priced.net / priced.quantity),
        baskets.filter(baskets.value > 0),
    ]


def _scored(values: ibis.Table) -> ibis.Table:
    """Add ``middle`` and ``spread`` of the logarithm in the row's group, and its ``score``.

    Both are taken out of the engine on the way, a few numbers a department: the rows are then
    read once more instead of being carried along.
    """
    logs = values.mutate(log=values.value.ln())
    middle = logs.group_by("department").agg(rows=logs.count(), middle=logs.log.median())
    centres = middle.to_pandas()
    placed = logs.inner_join(ibis.memtable(centres), "department")
    away = (placed.log - placed.middle).abs()
    spread = placed.group_by("department").agg(
        mad=away.median(), mad_of_others=(away > 0).ifelse(away, None).median()
    )
    known = centres.merge(spread.to_pandas(), on="department", how="left")
    either = known["mad"].where(known["mad"] > 0, known["mad_of_others"])
    known["spread"] = _TO_SD * either.where(known["rows"] >= FEWEST_ROWS)
    joined = logs.inner_join(ibis.memtable(known[["department", "middle", "spread"]]), "department")
    # A missing number comes back from some engines as NaN, which compares as the largest.
    spread = joined.spread.isnan().ifelse(None, joined.spread)
    return joined.mutate(spread=spread, score=(joined.log - joined.middle) / spread)


def _limits(scored: ibis.Table) -> pd.DataFrame:
    low, high = scored.score < -LIMIT, scored.score > LIMIT
    grouped = scored.group_by("measure", "department").agg(
        rows=scored.count(),
        middle=scored.middle.max(),
        spread=scored.spread.max(),
        below=low.coalesce(False).ifelse(1, 0).sum(),
        above=high.coalesce(False).ifelse(1, 0).sum(),
        net_amount=(low | high)
        .coalesce(False)
        .ifelse((scored.net * 100).round(), 0)
        .cast("int64")
        .sum()
        / 100,
    )
    usual = grouped.middle.exp()
    limits = grouped.mutate(
        usual=usual,
        low=(grouped.middle - LIMIT * grouped.spread).exp(),
        high=(grouped.middle + LIMIT * grouped.spread).exp(),
    )
    columns = ("measure", "department", "rows", "usual", "low", "high", "below", "above")
    return (
        limits.select(*columns, "net_amount").order_by(limits.rows.desc(), "department").to_pandas()
    )


def _furthest(scored: ibis.Table, *, top: int) -> pd.DataFrame:
    columns = ["measure", "department", "order_id", "product_id", "value", "net_amount", "score"]
    found = scored.filter(scored.score.abs() > LIMIT).rename(net_amount="net").select(*columns)
    order = [found.score.abs().desc(), "order_id", "product_id"]
    return found.order_by(order).limit(top).to_pandas()

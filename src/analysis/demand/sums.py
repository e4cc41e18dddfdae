"""The sums behind demand series: every level's, by period, with the calendar laid over them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.tables.credit_notes import bought
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.demand.series import Level, Measure
    from analysis.tables.engine import Tables

#: Column that all lines share, so that the total is a level like any other.
_WHOLE = "whole"


def _sums(lines: ibis.Table, keys: list[str], measure: Measure) -> ibis.Table:
    import ibis

    amounts: dict[str, Any] = {
        "net_amount": lambda t: (t.net_amount * 100).cast("int64").sum().cast("float64") / 100,
        "margin": lambda t: t.margin_micros.sum().cast("float64") / MICROS,
        "units": lambda t: t.counted.ifelse(t.quantity, ibis.literal(0.0)).sum(),
        "orders": lambda t: t.order_id.nunique(where=bought(t)).cast("float64"),
    }
    return lines.group_by(*keys, "period_start").agg(value=amounts[measure])


def of_level(
    tables: Tables,
    lines: ibis.Table,
    level: Level,
    measure: Measure,
    periods: tuple[date, ...],
    largest: int | None,
) -> pd.DataFrame:
    """Return a level's value for every series and period of the calendar, zero without a sale."""
    import ibis
    import pandas as pd

    if measure == "units":
        lines = lines.filter(lines.counted)
    keys = list(level) or [_WHOLE]
    sums = _sums(lines.mutate(**{_WHOLE: ibis.literal("Total")}), keys, measure)
    calendar = ibis.memtable(pd.DataFrame({"period_start": list(periods)}))
    calendar = calendar.mutate(period_start=calendar.period_start.cast("date"))
    born = sums.group_by(keys).agg(born=sums.period_start.min(), size=sums.value.sum())
    if largest is not None:
        born = born.order_by(ibis.desc("size"), *keys).limit(largest)
    laid = born.cross_join(calendar).left_join(sums, [*keys, "period_start"])
    sold = ibis.coalesce(laid.value, 0.0)
    known = (laid.period_start >= laid.born).ifelse(sold, ibis.null("float64"))
    ordered = laid.select(*keys, "period_start", value=known).order_by(*keys, "period_start")
    return tables.connection.to_pandas(ordered)


def assembled(
    parts: list[pd.DataFrame],
    levels: Sequence[Level],
    names: Sequence[str],
    columns: int,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return keys and values of all levels, without series that were never sold."""
    import pandas as pd

    named = list(dict.fromkeys(c for level in levels for c in level))
    keys, values = [], []
    for part, level, called in zip(parts, levels, names, strict=True):
        block = part["value"].to_numpy(dtype=float).reshape(-1, columns)
        head = part.iloc[::columns][list(level)].reset_index(drop=True)
        label = head.astype(str).agg(" / ".join, axis=1) if level else pd.Series(["Total"])
        keys.append(head.reindex(columns=named).assign(level=called, name=label))
        values.append(block)
    table = pd.concat(keys, ignore_index=True)[["level", "name", *named]]
    whole = np.vstack(values)
    alive = ~np.isnan(whole).all(axis=1)
    return table[alive].reset_index(drop=True), whole[alive]

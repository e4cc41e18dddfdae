"""Orders by week and kind: the mixes that may drift."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from analysis.tables.comparison import in_either
from analysis.tables.credit_notes import is_order
from analysis.tables.margin import lines_with_margin
from analysis.tables.money import cents

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.tables.comparison import Comparison
    from analysis.tables.engine import Tables

#: Lower edges of basket values, in whole currency: close enough in any currency.
BASKET_EDGES = (0, *(step * 10**power for power in range(6) for step in (1, 2, 5)))

#: Lower edges of the share of list price that an order was discounted by, in per cent.
DISCOUNT_EDGES = (0, 5, 10, 15, 20, 25, 30, 40, 50)


def weekly_mixes(tables: Tables, compared: Comparison) -> dict[str, pd.DataFrame]:
    """Return how many orders each week of both periods had of every kind.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    compared
        The two periods; weeks are counted back from the end of each, broken ones left out.

    Returns
    -------
    dict of str to pandas.DataFrame
        By what the orders are told apart: one row a week (negative in the period before, from 0
        in the current one), one column a value, orders in the cells; order lines for
        departments. Stores, channels and discounts only where the study has them.
    """
    rows = _orders(tables, compared).cache()
    counts = {
        "Store": _weekly(rows, rows.store_id) if "store_id" in rows.columns else None,
        "Channel": _weekly(rows, rows.channel) if "channel" in rows.columns else None,
        "Department (lines)": _departments(tables, compared),
        "Basket value": _weekly(rows, rows.basket, labels=_edge_words(BASKET_EDGES)),
        "Weekday": _weekly(rows, rows.weekday),
        "Hour of the day": _weekly(rows, rows.hour),
        "Discount share": _weekly(rows, rows.discount, labels=_edge_words(DISCOUNT_EDGES, " %"))
        if "discount" in rows.columns
        else None,
    }
    return {name: table for name, table in counts.items() if table is not None}


def _orders(tables: Tables, compared: Comparison) -> ibis.Table:
    """Return one row an order of the whole weeks of both periods, with what is looked at."""
    lines = _in_whole_weeks(in_either(tables.order_lines, compared), compared)
    sums = {
        "net": cents(lines.net_amount).sum(),
        "week": lines.week.min(),
        "time": lines.ordered_at.min(),
        "purchase": is_order(lines),
    }
    sums |= {name: lines[name].min() for name in ("store_id", "channel") if name in lines.columns}
    if "discount_amount" in lines.columns:
        sums["off"] = cents(lines.discount_amount).sum()
    orders = lines.group_by("order_id").agg(**sums)
    orders = orders.filter(orders.purchase)
    looked_at = {
        "basket": orders.net.bucket(
            [100 * e for e in BASKET_EDGES], include_over=True, include_under=True
        ),
        "weekday": orders.time.day_of_week.full_name(),
        "hour": orders.time.hour(),
    }
    if "off" in orders.columns:
        per_cent = 100.0 * orders.off / (orders.net + orders.off).nullif(0)
        looked_at["discount"] = per_cent.bucket(
            list(DISCOUNT_EDGES), include_over=True, include_under=True
        )
    return orders.mutate(**looked_at)


def _in_whole_weeks(lines: ibis.Table, compared: Comparison) -> ibis.Table:
    """Add ``week``, 0 the first whole week of the current period; leave out broken weeks."""
    import ibis

    weeks = len(compared.current.weeks())
    first = compared.current.weeks()[0].start
    day = lines.ordered_at.date().delta(ibis.date(first.isoformat()), unit="day").cast("int64")
    marked = lines.mutate(week=((day + 7 * weeks) // 7).cast("int64") - weeks)
    return marked.filter(marked.week >= -weeks, marked.week < weeks)


def _weekly(
    rows: ibis.Table, value: ibis.Value, *, labels: dict[int, str] | None = None
) -> pd.DataFrame:
    counted = rows.group_by(week=rows.week, value=value).agg(n=rows.count()).to_pandas()
    if labels is not None:
        counted["value"] = counted["value"].map(labels)
    counted["value"] = counted["value"].astype("object").fillna("(not stated)").astype("str")
    table = counted.pivot_table(index="week", columns="value", values="n", aggfunc="sum")
    return table.fillna(0.0).sort_index()


def _departments(tables: Tables, compared: Comparison) -> pd.DataFrame:
    lines = _in_whole_weeks(in_either(lines_with_margin(tables), compared), compared)
    return _weekly(lines, lines.department)


def _edge_words(edges: tuple[int, ...], unit: str = "") -> dict[int, str]:
    """Return the words of each bucket of ``edges``, the ones below and above included."""
    inner = [f"{a:,} to {b:,}{unit}" for a, b in pairwise(edges)]
    return dict(enumerate([f"below {edges[0]}{unit}", *inner, f"{edges[-1]:,}{unit} and more"]))

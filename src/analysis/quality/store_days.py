"""Days on which one store sold nothing while the others did: closed, or its delivery was lost.

A day without any order is seen in any total; the day of one store among many is not, and its
sales are missing from everything that is reported of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.quality.check_record import Record, Severity, record
from analysis.stats.multiplicity import q_values
from analysis.stats.sizes import FEWEST_OF_A_WEEKDAY
from analysis.stats.types import Floats
from analysis.tables.engine import Tables
from analysis.tables.lines import midnight

#: Weeks before and after a day whose same weekday says what the store usually sells.
_WEEKS = 4

#: Orders expected of a run of empty days from which no model of chance explains that none came: it
#: asks for a decision.
CERTAIN = 30


@dataclass(frozen=True)
class StoreGaps:
    """Days of single stores without an order.

    Parameters
    ----------
    table
        One row a run of such days: store_id, first_day, last_day, days, expected_orders and
        expected_net (currency) of those days, q (largest of the run); largest amount first.
    searched
        Days of stores that were looked at.
    """

    table: pd.DataFrame
    searched: int


_COLUMNS = ["store_id", "first_day", "last_day", "days", "expected_orders", "expected_net", "q"]


def store_gaps(tables: Tables, *, as_of: date, fdr: float = 0.05) -> StoreGaps:
    """Return the days on which a store has no order though it should have had many.

    A store is looked at from its first order to its last, on days on which another store sold.
    What it should have had is the median of the same weekday in the four weeks before and after.
    That chance leaves such a day empty is the zero of a negative binomial count with the store's
    own variance over its mean (NB1: Cameron and Trivedi 1998, Regression Analysis of Count Data,
    section 3.3), and all days of all stores are searched.

    Raises
    ------
    NotApplicable
        Where orders name no store, or one store only.
    """
    orders, net = _daily(tables, as_of)
    if orders.shape[1] < 2:
        raise NotApplicable("Orders name one store at most: none can be missing beside others.")
    usual = _usual(orders)
    empty = (orders == 0) & _inside(orders) & (usual > 0)
    empty &= ((orders > 0).sum(axis=1) > 0).to_numpy()[:, None]
    # A day with orders is searched too, and is no discovery.
    p = _zero(usual, _dispersion(orders, usual)).where(orders == 0, 1.0)
    p = p.where(_inside(orders) & (usual > 0))
    found = usual.copy()
    found[:] = q_values(p.to_numpy().ravel()).reshape(p.shape)
    lost = empty & (found <= fdr)
    rows = [_runs(store, lost[store], usual[store], _usual(net)[store], found[store])
            for store in orders.columns[lost.any()]]  # fmt: skip
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=_COLUMNS)
    order = {"by": ["expected_net", "store_id"], "ascending": [False, True]}
    table = table[_COLUMNS].sort_values(**order, kind="stable", ignore_index=True)
    return StoreGaps(table, int(p.notna().to_numpy().sum()))


def _daily(tables: Tables, as_of: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return orders and net amount by day (rows, all of them) and store."""
    if not tables.has("order_lines", "store_id"):
        raise NotApplicable("This study's order lines have no store_id, so none can be compared.")
    lines = tables.order_lines
    lines = lines.filter(lines.ordered_at < midnight(as_of), lines.store_id.notnull())
    sold = lines.group_by("store_id", day=lines.ordered_at.date()).agg(
        orders=lines.order_id.nunique(), net=lines.net_amount.sum().cast("float64")
    )
    counted = sold.to_pandas().assign(day=lambda t: pd.to_datetime(t["day"]))
    if counted.empty:
        raise NotApplicable("Orders name no store.")
    every = pd.date_range(counted["day"].min(), counted["day"].max(), name="day")
    wide = counted.pivot(index="day", columns="store_id")
    orders, net = (wide[what].reindex(every).fillna(0.0) for what in ("orders", "net"))
    return orders, net


def _usual(values: pd.DataFrame) -> pd.DataFrame:
    """Return the median of the same weekday in the weeks around each day, itself left out."""
    around = [values.shift(7 * k) for k in range(-_WEEKS, _WEEKS + 1) if k]
    stacked = np.stack([part.to_numpy() for part in around])
    known = (~np.isnan(stacked)).sum(axis=0) >= FEWEST_OF_A_WEEKDAY // 2
    middle = np.nanmedian(np.where(known, stacked, 0.0), axis=0)
    return pd.DataFrame(np.where(known, middle, 0.0), values.index, values.columns)


def _inside(orders: pd.DataFrame) -> pd.DataFrame:
    """Tell the days between each store's first order and its last."""
    sold = orders > 0
    return sold.cummax() & sold[::-1].cummax()[::-1]


def _dispersion(orders: pd.DataFrame, usual: pd.DataFrame) -> Floats:
    """Return each store's variance over its mean, by days on which it sold; at least 1."""
    seen = (orders > 0) & (usual > 0)
    squared = ((orders - usual) ** 2 / usual.where(seen)).where(seen)
    return np.asarray(np.maximum(squared.mean().fillna(1.0), 1.0 + 1e-9))


def _zero(expected: pd.DataFrame, dispersion: Floats) -> pd.DataFrame:
    """Return the probability of no order at all where so many are expected."""
    zero: pd.DataFrame = np.exp(-expected * (np.log(dispersion) / (dispersion - 1.0)))
    return zero


def _runs(
    store: str, lost: pd.Series, orders: pd.Series, net: pd.Series, q: pd.Series
) -> pd.DataFrame:
    """Return one row a run of days that follow each other."""
    days = lost.index[lost]
    run = (pd.Series(days).diff() != pd.Timedelta(days=1)).cumsum().to_numpy()
    each = pd.DataFrame({"run": run, "day": days, "orders": orders[lost].to_numpy()})
    each = each.assign(net=net[lost].to_numpy(), q=q[lost].to_numpy())
    runs = each.groupby("run").agg(
        first_day=("day", "min"), last_day=("day", "max"), days=("day", "size"),
        expected_orders=("orders", "sum"), expected_net=("net", "sum"), q=("q", "max"),
    )  # fmt: skip
    return runs.assign(store_id=store).reset_index(drop=True)


def gap_record(found: StoreGaps) -> Record:
    """Return the row of the table of checks that says how many such days there are."""
    gaps = found.table
    certain = bool((gaps["expected_orders"] >= CERTAIN).any())
    severity: Severity = "fine" if gaps.empty else "decide" if certain else "know"
    days = int(gaps["days"].sum())
    named = ", ".join(f"{row.store_id} on {_span(row)}" for row in gaps.head(3).itertuples())
    more = f" and {len(gaps) - 3} more" if len(gaps) > 3 else ""
    return record(
        "Day of a store without any order, while others sold",
        "gaps",
        rows=days,
        of_rows=found.searched,
        amount=float(gaps["expected_net"].sum()),
        severity=severity,
        advice=f"{named}{more}: closed, or a lost delivery? Ask for it. The amount is what the "
        "store usually sells on such days."
        if days
        else "Nothing to do.",
    )


def _span(row: object) -> str:
    first, last = row.first_day, row.last_day  # type: ignore[attr-defined]
    start = f"{first.day} {first:%b %Y}"
    return start if first == last else f"{start} to {last.day} {last:%b %Y}"

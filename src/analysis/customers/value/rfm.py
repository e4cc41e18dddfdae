"""Recency, frequency and monetary value, scored by rank with ties kept together.

A score says which of ``bins`` equal groups a customer is in, the highest the best. Equal values
share the mean of their ranks and stay in one group (see ``deciles.equal_groups``), so the groups
need not be equal: their actual sizes are part of the result. Hughes (1994), Strategic Database
Marketing; the eleven names are those of the trade, see ``rfm_rules``.

RFM kept up to date: a new day is folded in, the day that left the window taken out.

The state holds one row a customer: orders, net and last purchase over a window. All three can be
moved by a day without reading the lines in between: orders and net by adding and subtracting, the
last purchase because a day that leaves the window is earlier than all that stay, so it can only
have been the last of a customer who has nothing left. An order belongs to one day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.customers.value.deciles import equal_groups
from analysis.errors import NotApplicable, ParamsError
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.tables.lines import raw_lines_in
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: Score to the column it is made from, and whether more of it is better.
SCORED = {
    "recency": ("recency_days", False),
    "frequency": ("orders", True),
    "monetary": ("net_amount", True),
}

_ALIKE = {
    "recency": "day of the last purchase",
    "frequency": "number of orders",
    "monetary": "net sales",
}

#: A score on which more customers than this are equal holds at most two of five groups.
MOST_ALIKE = 0.8

Cuts = Mapping[str, Sequence[float]]


def score(features: pd.DataFrame, *, bins: int = 5, cuts: Cuts | None = None) -> pd.DataFrame:
    """Score every customer who bought.

    Parameters
    ----------
    features
        One row a customer with customer_id, recency_days, orders, net_amount.
    bins
        Number of equal groups of each score.
    cuts
        Cut points by score name, ascending, in the column's own unit, instead of equal groups:
        ``{"recency": [7, 30, 90, 180]}`` gives 5 to those who bought within the last 7 days.
        One cut point fewer than bins.

    Returns
    -------
    pandas.DataFrame
        customer_id; recency, frequency, monetary (1 to ``bins``, the highest the best), value
        (mean of frequency and monetary, halves rounded up).
    """
    bought = features[features["orders"] > 0]
    scores = {
        name: _cut(bought[column], cuts[name], better, bins, name)
        if cuts and name in cuts
        else bins + 1 - equal_groups(bought[column] if better else -bought[column], bins)
        for name, (column, better) in SCORED.items()
    }
    result = pd.DataFrame({"customer_id": bought["customer_id"].to_numpy(), **scores})
    return result.assign(value=(result["frequency"] + result["monetary"] + 1) // 2)


def require_spread(features: pd.DataFrame, *, cuts: Cuts | None = None) -> None:
    """Raise NotApplicable where customers who are all alike would be called middling.

    Equal groups of equal values are one group, in the middle of the scores: where nobody bought
    twice, the best would be said to buy often.

    Parameters
    ----------
    features
        As for ``score``.
    cuts
        As for ``score``; a score with cut points of its own needs no spread.
    """
    bought = features[features["orders"] > 0]
    free = {n: column for n, (column, _) in SCORED.items() if not (cuts and n in cuts)}
    most = {n: bought[c].value_counts(normalize=True).max() for n, c in free.items()}
    alike = [_ALIKE[name] for name, share in most.items() if share == 1]
    if alike:
        raise NotApplicable(
            f"RFM segments cannot be told: all customers have the same {', the same '.join(alike)}."
        )
    name, share = max(most.items(), key=lambda item: item[1], default=("", 0.0))
    if share > MOST_ALIKE:
        raise NotApplicable(
            f"RFM segments cannot be told: {100 * share:.0f} % of customers have the same "
            f"{_ALIKE[name]}, so it parts hardly anybody."
        )


def sizes(features: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Return how many customers each score really holds, and between which values.

    Returns
    -------
    pandas.DataFrame
        score (recency, frequency, monetary), group (1 to bins), customers, share, smallest,
        largest (of the column scored, amounts to two digits; NaN at the ends where fewer than
        `FEWEST_CUSTOMERS` stand there), tied (customers who share their value with another).
    """
    together = scores.merge(features, on="customer_id", validate="one_to_one")
    rows = []
    for name, (column, _) in SCORED.items():
        tied = together[column].duplicated(keep=False)
        near = partial(_shown, values=together[column])
        grouped = together.assign(tied=tied).groupby(name)
        rows.append(
            pd.DataFrame(
                {
                    "score": name,
                    "group": list(grouped.groups),
                    "customers": grouped.size().to_numpy(),
                    "share": (grouped.size() / len(together)).to_numpy(),
                    "smallest": grouped[column].min().map(near).to_numpy("float64"),
                    "largest": grouped[column].max().map(near).to_numpy("float64"),
                    "tied": grouped["tied"].sum().to_numpy(),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def _shown(value: float, values: pd.Series) -> float:
    """Return an end of a group without telling what a single customer brought."""
    outermost = value in (values.min(), values.max())
    if outermost and (values == value).sum() < FEWEST_CUSTOMERS:
        return float("nan")
    return float(f"{value:.2g}") if values.dtype.kind == "f" else float(value)


def group_sizes(features: pd.DataFrame, *, bins: int = 5, cuts: Cuts | None = None) -> pd.DataFrame:
    """Return ``sizes`` of the scores that ``score`` gives."""
    return sizes(features, score(features, bins=bins, cuts=cuts))


def totals(tables: Tables, period: Period) -> ibis.Table:
    """Return what RFM needs of every customer, summed in the engine from lines to orders first.

    Returns
    -------
    ibis.Table
        customer_id, orders (with a line that is no return), net_cents (int64), last_order_on.
    """
    lines = raw_lines_in(tables, period)
    known = lines.filter(lines.customer_id.notnull())
    orders = known.group_by("customer_id", "order_id").agg(
        net=known.net_amount.sum(),
        ordered_at=known.ordered_at.min(),
        purchase=(known.quantity >= 0).any(),
    )
    bought_on = orders.purchase.ifelse(orders.ordered_at.date(), ibis.null("date"))
    return orders.group_by("customer_id").agg(
        orders=orders.count(where=orders.purchase),
        net_cents=(orders.net.sum() * 100).cast("int64"),
        last_order_on=bought_on.max(),
    )


def compute(customers: ibis.Table, period: Period, *, bins: int = 5) -> ibis.Table:
    """Score every customer inside the engine, as ``score`` does in memory.

    Parameters
    ----------
    customers
        ``totals`` of the period, or a state that ``rfm_state`` keeps. Each score reads them anew:
        where they are costly, cache them first (``with rfm.totals(...).cache() as customers``).
    period
        The days looked at.
    bins
        Number of equal groups of each score.

    Returns
    -------
    ibis.Table
        customer_id, orders, net_cents, last_order_on, recency_days, recency, frequency, monetary.
    """
    bought = customers.filter(customers.orders > 0)
    end = ibis.date(period.end.isoformat())
    scored = bought.mutate(recency_days=end.delta(bought.last_order_on, unit="day"))
    for name, column, better in (
        ("recency", "recency_days", False),
        ("frequency", "orders", True),
        ("monetary", "net_cents", True),
    ):
        groups = _groups(scored, column, better, bins).rename({name: "score"})
        scored = scored.left_join(groups, column).drop(f"{column}_right")
    return scored


def _groups(customers: ibis.Table, column: str, better: bool, bins: int) -> ibis.Table:
    """Return the score of every distinct value: far fewer rows to sort than customers."""
    values = customers.group_by(column).agg(count=customers.count())
    best_first = values[column].desc() if better else values[column].asc()
    upto = ibis.window(order_by=best_first, preceding=None, following=0)
    values = values.mutate(
        ends=values["count"].sum().over(upto), total=values["count"].sum().over(ibis.window())
    )
    twice_rank = 2 * values.ends - values["count"] + 1
    group = (bins * twice_rank + 2 * values.total - 1) // (2 * values.total)
    return values.select(column, score=(bins + 1 - group).cast("int64"))


def _cut(
    values: pd.Series, cuts: Sequence[float], better: bool, bins: int, name: str
) -> np.ndarray:
    edges = np.asarray(cuts, dtype="float64")
    if len(edges) != bins - 1 or (np.diff(edges) <= 0).any():
        raise ParamsError(
            f"cuts of {name} must be {bins - 1} ascending numbers for {bins} bins, got {list(cuts)}"
        )
    if better:
        return 1 + np.searchsorted(edges, values.to_numpy("float64"), side="right")
    return bins - np.searchsorted(edges, values.to_numpy("float64"), side="left")


def fold(state: ibis.Table, tables: Tables, *, kept: Period, wanted: Period) -> ibis.Table:
    """Return the state of ``wanted`` from that of ``kept``.

    Parameters
    ----------
    state
        ``rfm.totals`` of ``kept``: customer_id, orders, net_cents, last_order_on.
    tables
        A study's tables; only the days that arrive and those that leave are read.
    kept, wanted
        The window of the state and the later window wanted; they must overlap.

    Raises
    ------
    ParamsError
        If ``wanted`` is earlier than ``kept`` or does not overlap with it.
    """
    if wanted.start < kept.start or wanted.end < kept.end or wanted.start >= kept.end:
        raise ParamsError(f"A state of {kept} cannot be moved to {wanted}")
    parts = [state]
    if wanted.end > kept.end:
        parts.append(totals(tables, Period(kept.end, wanted.end)))
    if wanted.start > kept.start:
        left = totals(tables, Period(kept.start, wanted.start))
        nothing = ibis.null("date")
        parts.append(left.mutate(orders=-left.orders, net_cents=-left.net_cents))
        parts[-1] = parts[-1].mutate(last_order_on=nothing)
    names = ("customer_id", "orders", "net_cents", "last_order_on")
    moved = ibis.union(*(part.select(*names) for part in parts)) if len(parts) > 1 else state
    summed = moved.group_by("customer_id").agg(
        orders=_whole(moved.orders.sum()),
        net_cents=_whole(moved.net_cents.sum()),
        last_order_on=moved.last_order_on.max(),
    )
    return summed.filter(summed.orders > 0)


def _whole(total: ibis.Value) -> ibis.Value:
    """Return a sum as int64: DuckDB sums integers into 128 bits, which Parquet does not know."""
    return total.cast("decimal(18, 0)").cast("int64")

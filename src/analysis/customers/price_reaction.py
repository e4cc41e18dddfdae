"""Do they react to the depth of a discount? Each kind of buyer against all others.

When a category's discount is deeper than usual in a week, is more of what is sold there bought by
this kind of customer? The depth is what all *other* customers got in that category and week, so
that a kind's own taste for offers cannot make the depth. Categories and weeks are taken out
(two-way fixed effects, weighted by lines), and the error lets weeks of one category go together.

It is an association: nobody drew the discounts by lot.

References
----------
Cameron, Miller (2015), A practitioner's guide to cluster-robust inference, Journal of Human
Resources 50, 317-372, sections II and VI (the error, categories being the clusters).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.customers.features import lines_in
from analysis.discoveries import normal_quantile
from analysis.errors import NotApplicable

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

    Floats = NDArray[np.float64]

_FEWEST_LINES = 20
_FEWEST_CATEGORIES = 20
_ROUNDS = 30
_STEP = 0.10


def react(
    tables: Tables, period: Period, kinds: pd.DataFrame, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Measure how each kind of buyer reacts to deeper discounts, against all others.

    Parameters
    ----------
    tables
        A study's tables.
    period
        The days looked at.
    kinds
        customer_id and buyer, as from ``buyers.judge``.
    confidence
        Coverage of the intervals.

    Returns
    -------
    pandas.DataFrame
        group, lines, categories, reaction (relative change of the group's share of a category's
        lines when the discount there is ten points deeper), low, high, p.

    Raises
    ------
    NotApplicable
        If fewer than twenty categories were sold at discounts that change from week to week.
    """
    import pandas as pd

    cells = _cells(tables, period, kinds)
    rows = [
        (str(name), *_reaction(cells, str(name), confidence))
        for name in kinds["buyer"].cat.categories
        if (kinds["buyer"] == name).any()
    ]
    table = pd.DataFrame(
        rows, columns=["group", "lines", "categories", "reaction", "low", "high", "p"]
    )
    if table["categories"].max() < _FEWEST_CATEGORIES:
        raise NotApplicable(
            "Reaction to discounts cannot be measured: fewer than "
            f"{_FEWEST_CATEGORIES} categories have discounts that change from week to week."
        )
    return table


def _cells(tables: Tables, period: Period, kinds: pd.DataFrame) -> pd.DataFrame:
    """Return lines, list amount and discount by category, week and kind."""
    import ibis

    lines = lines_in(tables, period)
    if "discount_amount" not in lines.columns:
        raise NotApplicable("Reaction to discounts cannot be measured: no discounts are known.")
    named = kinds[["customer_id"]].assign(buyer=kinds["buyer"].astype("str"))
    lines = lines.join(ibis.memtable(named), "customer_id")
    start = ibis.date(period.start.isoformat())
    week = lines.ordered_at.date().delta(start, unit="day").cast("int64") // 7
    discount = (ibis.coalesce(lines.discount_amount, 0) * 100).cast("int64")
    net = (lines.net_amount * 100).cast("int64")
    lines = lines.filter(lines.quantity > 0).mutate(week=week, off=discount, listed=net + discount)
    grouped = lines.group_by("category", "week", "buyer").agg(
        lines=lines.count(), off=lines.off.sum(), listed=lines.listed.sum()
    )
    return grouped.order_by("category", "week", "buyer").to_pandas()


def _reaction(
    cells: pd.DataFrame, kind: str, confidence: float
) -> tuple[int, int, float, float, float, float]:
    keys = ["category", "week"]
    everybody = cells.groupby(keys)[["lines", "off", "listed"]].sum()
    own = cells[cells["buyer"] == kind].groupby(keys)[["lines", "off", "listed"]].sum()
    own = own.reindex(everybody.index).fillna(0)
    others = everybody - own
    used = (everybody["lines"] >= _FEWEST_LINES) & (others["listed"] > 0)
    share = (own["lines"] / everybody["lines"])[used]
    depth = (others["off"] / others["listed"].clip(lower=1))[used]
    weight = everybody.loc[used, "lines"].to_numpy("float64")
    category, week = (used[used].index.get_level_values(k) for k in keys)
    groups = [category.factorize()[0], week.factorize()[0]]
    categories = int(groups[0].max() + 1) if len(groups[0]) else 0
    total = int(own["lines"].sum())
    if categories < _FEWEST_CATEGORIES or total == 0:
        return total, categories, np.nan, np.nan, np.nan, np.nan
    x = _without(depth.to_numpy("float64"), weight, groups)
    y = _without(share.to_numpy("float64"), weight, groups)
    slope, error = _slope(x, y, weight, groups[0])
    usual = np.average(share, weights=weight)
    return (total, categories, *_interval(slope, error, usual, confidence))


def _without(values: Floats, weight: Floats, groups: list[NDArray[np.int64]]) -> Floats:
    """Take weighted means of both groupings out, in turns until nothing is left of them."""
    left = values.copy()
    for _ in range(_ROUNDS):
        for codes in groups:
            mean = np.bincount(codes, weight * left) / np.bincount(codes, weight)
            left = left - mean[codes]
    return left


def _slope(x: Floats, y: Floats, weight: Floats, codes: NDArray[np.int64]) -> tuple[float, float]:
    bread = (weight * x**2).sum()
    if bread <= 1e-12:
        return np.nan, np.nan
    slope = (weight * x * y).sum() / bread
    scores = np.bincount(codes, weight * x * (y - slope * x))
    clusters = len(scores)
    error = np.sqrt((scores**2).sum() * clusters / (clusters - 1)) / bread
    return float(slope), float(error)


def _interval(
    slope: float, error: float, usual: float, confidence: float
) -> tuple[float, float, float, float]:
    from analysis.discoveries import two_sided_p

    reach = normal_quantile(confidence) * error
    scale = _STEP / usual if usual > 0 else np.nan
    p = float(two_sided_p(slope / error)) if error > 0 else np.nan
    return slope * scale, (slope - reach) * scale, (slope + reach) * scale, p

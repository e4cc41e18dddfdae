"""Do they put more into the basket when an offer is deeper? Units a discounted line, by its depth.

The first unit of a line says that it is bought, the others how much of it: those are counted, and
their rate a line is ``exp(a category's level + response x depth)``. The level of each category is
conditioned out (a fixed-effects Poisson regression, whose estimate needs no more than a right mean)
and the error lets lines of one category go together. Only discounted lines are compared, for what
is never on offer may be of another kind.

It is an association: nobody drew the depths by lot.

References
----------
Wooldridge (1999), Distribution-free estimation of some nonlinear panel data models, Journal of
Econometrics 90, 77-97 (the estimate and its error, categories being the clusters).
Neslin, Henderson, Quelch (1985), Consumer promotions and the acceleration of product purchases,
Marketing Science 4, 147-165 (why quantity is looked at apart from choice).
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

_FEWEST_LINES = 200
_FEWEST_CATEGORIES = 10
_ROUNDS = 50
_STEP = 0.10
_PARTS = 20  # depths are taken in steps of five points


def stock_up(
    tables: Tables, period: Period, kinds: pd.DataFrame, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Measure how many more further units each kind of buyer takes of deeper offers.

    Parameters
    ----------
    tables
        A study's tables; needs discount_amount.
    period
        The days looked at.
    kinds
        customer_id and buyer (categories in the order of the result).
    confidence
        Coverage of the intervals.

    Returns
    -------
    pandas.DataFrame
        group, lines (discounted, of products counted in whole units), further (units beyond the
        first, a line), more, low, high (relative change of them when the offer is ten points
        deeper; NaN where fewer than 200 lines or 10 categories tell), response (change of their
        logarithm with the depth, a share), error (its standard error).

    Raises
    ------
    NotApplicable
        If the study knows no discounts, or no kind has lines enough.
    """
    import pandas as pd

    cells = _cells(tables, period, kinds)
    rows = [
        (str(name), *_one(cells[cells["buyer"] == name]))
        for name in kinds["buyer"].cat.categories
        if (kinds["buyer"] == name).any()
    ]
    table = pd.DataFrame(rows, columns=["group", "lines", "further", "response", "error"])
    if table["error"].isna().all():
        raise NotApplicable(
            "Whether deeper offers sell more units cannot be measured: no kind of buyer has "
            f"{_FEWEST_LINES} discounted lines in {_FEWEST_CATEGORIES} categories."
        )
    reach = normal_quantile(confidence) * table["error"]
    for name, edge in (("more", 0.0), ("low", -reach), ("high", reach)):
        table[name] = np.expm1(_STEP * (table["response"] + edge))
    return table


def _cells(tables: Tables, period: Period, kinds: pd.DataFrame) -> pd.DataFrame:
    """Return lines and further units by kind, category and depth of the discount."""
    import ibis

    lines = lines_in(tables, period)
    if "discount_amount" not in lines.columns:
        raise NotApplicable("Whether deeper offers sell more units: no discounts are known.")
    named = kinds[["customer_id"]].assign(buyer=kinds["buyer"].astype("str"))
    off = (lines.discount_amount * 100).cast("int64")
    listed = (lines.net_amount * 100).cast("int64") + off
    units = lines.quantity.cast("int64")
    lines = lines.mutate(off=off, listed=listed, units=units).filter(
        lines.counted, lines.quantity > 0, lines.quantity == units, off > 0, listed > off
    )
    # An engine may divide before it filters, so that a line of no price must divide by nothing.
    whole = lines.listed.nullif(0)
    lines = lines.mutate(part=(_PARTS * lines.off + whole // 2) // whole)
    lines = lines.join(ibis.memtable(named), "customer_id").select(
        "buyer", "category", "part", "units"
    )
    keys = ["buyer", "category", "part"]
    grouped = lines.group_by(keys).agg(lines=lines.count(), further=(lines.units - 1).sum())
    cells = grouped.order_by(keys).to_pandas()
    return cells.assign(depth=cells["part"] / _PARTS)


def _one(cells: pd.DataFrame) -> tuple[int, float, float, float]:
    """Return lines, further units a line, response and its standard error."""
    lines, further = int(cells["lines"].sum()), int(cells["further"].sum())
    rate = further / lines if lines else np.nan
    telling = cells.groupby("category")["further"].transform("sum") > 0
    used = cells[telling]
    if used["lines"].sum() < _FEWEST_LINES or used["category"].nunique() < _FEWEST_CATEGORIES:
        return lines, rate, np.nan, np.nan
    return (
        lines,
        rate,
        *_response(
            used["category"].factorize()[0],
            used["depth"].to_numpy("float64"),
            used["lines"].to_numpy("float64"),
            used["further"].to_numpy("float64"),
        ),
    )


def _response(
    codes: NDArray[np.int64], depth: Floats, lines: Floats, further: Floats
) -> tuple[float, float]:
    """Fit further units on depth with each category's level conditioned out (Newton's method)."""
    slope, scores, curvature = 0.0, np.zeros(1), 0.0
    taken = np.bincount(codes, further)
    for _ in range(_ROUNDS):
        weight = lines * np.exp(slope * depth)
        total = np.bincount(codes, weight)
        mean = np.bincount(codes, weight * depth) / total
        spread = np.bincount(codes, weight * depth**2) / total - mean**2
        scores = np.bincount(codes, further * depth) - taken * mean
        curvature = float((taken * spread).sum())
        if curvature <= 1e-9:
            return np.nan, np.nan
        step = float(np.clip(scores.sum() / curvature, -2.0, 2.0))
        slope += step
        if abs(step) < 1e-10:
            break
    clusters = len(taken)
    error = np.sqrt((scores**2).sum() * clusters / (clusters - 1)) / curvature
    return slope, float(error)

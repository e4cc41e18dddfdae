"""Do they react to the depth of a discount? Each kind of buyer against all others.

When a category's discount is deeper than usual in a week, is more of what is sold there bought by
this kind of customer? The depth is what all *other* customers got in that category and week, so
that a kind's own taste for offers cannot make the depth. Categories and weeks are taken out
(two-way fixed effects, weighted by lines), and the error lets weeks of one category go together.

It is an association: nobody randomised the discounts.

Do they put more into the basket when an offer is deeper? Units a discounted line, by its depth.

The first unit of a line says that it is bought, the others how much of it: those are counted, and
their rate a line is ``exp(a category's level + response x depth)``. The level of each category is
conditioned out (a fixed-effects Poisson regression, whose estimate needs no more than a right mean)
and the error lets lines of one category go together. Only discounted lines are compared, for what
is never on offer may be of another kind.

It is an association: nobody randomised the depths.

References
----------
Cameron, Miller (2015), A practitioner's guide to cluster-robust inference, Journal of Human
Resources 50, 317-372, sections II and VI (the error, categories being the clusters).
Wooldridge (1999), Distribution-free estimation of some nonlinear panel data models, Journal of
Econometrics 90, 77-97 (the estimate and its error, categories being the clusters).
Neslin, Henderson, Quelch (1985), Consumer promotions and the acceleration of product purchases,
Marketing Science 4, 147-165 (why quantity is looked at apart from choice).

Who stays when the discount goes away: weeks without offers against the weeks around them.

Where a shop pauses its discounts, kinds of buyers show themselves: who came for the offer stays
away. Kinds are compared with each other in the same weeks, so that what a week does to everybody
(a holiday, the weather) is taken out. They are formed on the year before: whoever bought much in
the weeks without offers would by that alone seem to care little for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.sizes import (
    FEWEST_CATEGORIES,
    FEWEST_CUSTOMERS,
    FEWEST_LINES,
    FEWEST_STOCKED_CATEGORIES,
    FEWEST_STOCKED_LINES,
)
from analysis.stats.types import Floats
from analysis.tables.lines import lines_in
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

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
    cells = _cells(tables, period, kinds)
    rows = [(str(name), *_reaction(cells, str(name), confidence)) for name in _large_enough(kinds)]
    table = pd.DataFrame(
        rows, columns=["group", "lines", "categories", "reaction", "low", "high", "p"]
    )
    if not table["categories"].max() >= FEWEST_CATEGORIES:
        raise NotApplicable(
            "Reaction to discounts cannot be measured: fewer than "
            f"{FEWEST_CATEGORIES} categories have discounts that change from week to week."
        )
    return table


def _large_enough(kinds: pd.DataFrame) -> list[str]:
    """Return the kinds of buyer with customers enough; NotApplicable if none has them."""
    sizes = kinds["buyer"].value_counts()
    large = [name for name in kinds["buyer"].cat.categories if sizes[name] >= FEWEST_CUSTOMERS]
    if not large:
        raise NotApplicable(
            "Reaction to discounts cannot be measured: no kind of buyer has "
            f"{FEWEST_CUSTOMERS} customers."
        )
    return large


def _cells(tables: Tables, period: Period, kinds: pd.DataFrame) -> pd.DataFrame:
    """Return lines, list amount and discount by category, week and kind."""
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
    used = (everybody["lines"] >= FEWEST_LINES) & (others["listed"] > 0)
    share = (own["lines"] / everybody["lines"])[used]
    depth = (others["off"] / others["listed"].clip(lower=1))[used]
    weight = everybody.loc[used, "lines"].to_numpy("float64")
    category, week = (used[used].index.get_level_values(k) for k in keys)
    groups = [category.factorize()[0], week.factorize()[0]]
    categories = int(groups[0].max() + 1) if len(groups[0]) else 0
    total = int(own["lines"].sum())
    if categories < FEWEST_CATEGORIES or total == 0:
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
    from analysis.stats.multiplicity import two_sided_p

    reach = normal_quantile(confidence) * error
    scale = _STEP / usual if usual > 0 else np.nan
    p = float(two_sided_p(slope / error)) if error > 0 else np.nan
    return slope * scale, (slope - reach) * scale, (slope + reach) * scale, p


_STOCKING_ROUNDS = 50

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
    cells = _stocking_cells(tables, period, kinds)
    rows = [(str(name), *_one(cells[cells["buyer"] == name])) for name in _large_enough(kinds)]
    table = pd.DataFrame(rows, columns=["group", "lines", "further", "response", "error"])
    if table["error"].isna().all():
        raise NotApplicable(
            "Whether deeper offers sell more units cannot be measured: no kind of buyer has "
            f"{FEWEST_STOCKED_LINES} discounted lines in "
            f"{FEWEST_STOCKED_CATEGORIES} categories."
        )
    reach = normal_quantile(confidence) * table["error"]
    for name, edge in (("more", 0.0), ("low", -reach), ("high", reach)):
        table[name] = np.expm1(_STEP * (table["response"] + edge))
    return table


def _stocking_cells(tables: Tables, period: Period, kinds: pd.DataFrame) -> pd.DataFrame:
    """Return lines and further units by kind, category and depth of the discount."""
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
    if (
        used["lines"].sum() < FEWEST_STOCKED_LINES
        or used["category"].nunique() < FEWEST_STOCKED_CATEGORIES
    ):
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
    for _ in range(_STOCKING_ROUNDS):
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


#: A week counts as paused if its discount share is below this part of the median week's.
PAUSED = 0.10


@dataclass(frozen=True)
class Pause:
    """Weeks without discounts, and what they are compared with.

    Parameters
    ----------
    period
        The days looked at; weeks are counted from its start.
    weeks
        Weeks without discounts to speak of.
    usual
        As many weeks before the first of them and after the last.
    formed_on
        The days before all these, on which kinds of buyers are to be formed.
    """

    period: Period
    weeks: tuple[int, ...]
    usual: tuple[int, ...]
    formed_on: Period


def find(tables: Tables, period: Period, *, days: int = 365) -> Pause:
    """Find the weeks of ``period`` without discounts; kinds are formed on ``days`` before.

    Raises
    ------
    NotApplicable
        If no week was without discounts.
    """
    count, paused = _weeks(tables, period)
    n = len(paused)
    around = [*range(paused[0] - n, paused[0]), *range(paused[-1] + 1, paused[-1] + 1 + n)]
    start = period.start + timedelta(days=7 * (paused[0] - n))
    usual = tuple(week for week in around if 0 <= week < count)
    return Pause(period, tuple(paused), usual, Period(start - timedelta(days=days), start))


def compare(
    tables: Tables, pause: Pause, kinds: pd.DataFrame, *, confidence: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Compare how often each kind of buyer orders in weeks without discounts.

    Parameters
    ----------
    tables
        A study's tables.
    pause
        `find`.
    kinds
        customer_id and buyer, as from ``buyers.judge`` on ``pause.formed_on``.
    confidence
        Coverage of the intervals, from resampling whole customers.
    seed
        Seed of the resampling.

    Returns
    -------
    pandas.DataFrame
        A kind with enough customers a row: group, customers, weeks (paused), usual and paused
        (orders a customer and week), stayed (paused over usual), low, high.

    Raises
    ------
    NotApplicable
        If no kind has enough customers.
    """
    orders = _orders(tables, pause).to_pandas()
    people = kinds[["customer_id", "buyer"]].merge(orders, on="customer_id", how="left")
    people = people.fillna({"inside": 0, "outside": 0})
    rows = []
    for name in kinds["buyer"].cat.categories:
        each = people.loc[people["buyer"] == name, ["inside", "outside"]].to_numpy("float64")
        if len(each) < FEWEST_CUSTOMERS:
            continue
        weekly = each / [len(pause.weeks), max(1, len(pause.usual))]
        drawn = resampled_totals(weekly, seed=seed)
        now, usual = weekly.mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = percentile_interval(drawn[:, 0] / drawn[:, 1], confidence=confidence)
        stayed = now / usual if usual > 0 else np.nan
        ends = (low.item(), high.item())
        rows.append((str(name), len(each), len(pause.weeks), usual, now, stayed, *ends))
    if not rows:
        raise NotApplicable(
            f"No kind of buyer of {pause.formed_on} has {FEWEST_CUSTOMERS} customers to follow "
            "into the weeks without discounts."
        )
    columns = ["group", "customers", "weeks", "usual", "paused", "stayed", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _with_week(tables: Tables, period: Period) -> ibis.Table:
    lines = lines_in(tables, period)
    if "discount_amount" not in lines.columns:
        raise NotApplicable("No weeks without discounts: the study knows no discounts.")
    lines = lines.filter(lines.quantity >= 0)
    days = lines.ordered_at.date().delta(ibis.date(period.start.isoformat()), unit="day")
    return lines.mutate(
        week=days.cast("int64") // 7,
        off=(ibis.coalesce(lines.discount_amount, 0) * 100).cast("int64"),
        net=(lines.net_amount * 100).cast("int64"),
    )


def _weeks(tables: Tables, period: Period) -> tuple[int, list[int]]:
    """Return how many whole weeks there are, and which of them had no discounts to speak of."""
    lines = _with_week(tables, period)
    sums = lines.group_by("week").agg(off=lines.off.sum(), net=lines.net.sum())
    found = sums.filter(sums.week < period.days // 7).order_by("week").to_pandas()
    share = found["off"] / (found["off"] + found["net"]).clip(lower=1)
    paused = found.loc[share < PAUSED * share.median(), "week"].tolist()
    if not paused:
        raise NotApplicable(f"There was no week without discounts from {period}.")
    return len(found), paused


def _orders(tables: Tables, pause: Pause) -> ibis.Table:
    lines = _with_week(tables, pause.period)
    known = lines.filter(lines.customer_id.notnull())
    orders = known.select("customer_id", "order_id", "week").distinct()
    return orders.group_by("customer_id").agg(
        inside=orders.count(where=orders.week.isin(pause.weeks)),
        outside=orders.count(where=orders.week.isin(pause.usual)),
    )

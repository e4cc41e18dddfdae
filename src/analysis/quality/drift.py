"""Whether the mix of orders changed between two periods by more than weeks differ anyway.

Orders by week and kind: the mixes that may drift.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values
from analysis.stats.sizes import FEWEST_WEEKS_TO_DEAL
from analysis.stats.types import Floats
from analysis.tables.comparison import Comparison, in_either
from analysis.tables.engine import Tables
from analysis.tables.lines import is_order
from analysis.tables.margin import cents

#: What a share of nothing counts as in the population stability index.
_FLOOR = 1e-4


@dataclass(frozen=True)
class Drift:
    """How far the mix of orders moved, by what it is a mix of.

    Parameters
    ----------
    dimensions
        One row a dimension, the largest shift beyond chance first: dimension, values (distinct),
        moved (share of orders that would have to change value for the mixes to be equal; chance
        alone makes ``by_chance`` of it),
        by_chance (what the median shuffling of weeks shows) and limit (what a share ``fdr`` of
        them exceeds), jensen_shannon (distance, 0 to 1), psi (population stability index), p, q
        and sure (q is at most ``fdr``).
    values
        One row a dimension and value, largest change first: dimension, value, share_before,
        share_now, change.
    shuffles
        Number of times the weeks were shuffled.
    """

    dimensions: pd.DataFrame
    values: pd.DataFrame
    shuffles: int


def mix_drift(
    tables: Tables, compared: Comparison, *, fdr: float = 0.10, seed: int, shuffles: int = 999
) -> Drift:
    """Compare the mix of orders of two periods, by week so that chance has a size.

    Orders are counted by week and store, channel, basket value, discount, weekday and hour, and
    order lines by department. The weeks are then dealt anew to the two periods: if weeks differ
    but nothing changed, the observed distance is one of those. That null keeps all dependence
    within a week; slow movement over the year is what it is meant to find.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    compared
        The two periods.
    fdr
        Share of what is called sure that may be chance.
    seed
        Seed of the shuffling.
    shuffles
        Number of shufflings; the smallest p-value is 1 / (shuffles + 1).

    Notes
    -----
    The test statistic is the Jensen-Shannon distance with logarithm to base 2 (Lin 1991, IEEE
    Trans. Inf. Theory 37(1); Endres and Schindelin 2003 for the root), the p-value that of a
    permutation test, (1 + as large) / (1 + shuffles) (Davison and Hinkley 1997, section 4.3), q
    Benjamini and Hochberg's over the dimensions. ``moved`` is the total variation distance. The
    population stability index is Siddiqi's (2006, Credit Risk Scorecards); shares of zero count
    as 1 in 10,000 there.

    Raises
    ------
    NotApplicable
        If the data do not cover both periods, or these have fewer than six whole weeks each.
    """
    compared.check()
    if min(len(compared.current.weeks()), len(compared.previous.weeks())) < FEWEST_WEEKS_TO_DEAL:
        raise NotApplicable(
            f"Periods of fewer than {FEWEST_WEEKS_TO_DEAL} whole weeks do not tell drift from "
            "the ups and downs of weeks."
        )
    counts = weekly_mixes(tables, compared)
    rng = np.random.default_rng(seed)
    rows, parts = [], []
    for dimension, table in counts.items():
        now = table.index >= 0
        found = tested(table.to_numpy(), now, shuffles=shuffles, fdr=fdr, rng=rng)
        rows.append({"dimension": dimension, **found})
        parts.append(_shares(dimension, table, now))
    dimensions = pd.DataFrame(rows)
    q = q_values(dimensions["p"])
    dimensions = dimensions.assign(q=q, sure=q <= fdr)
    order = (dimensions["moved"] / dimensions["limit"]).sort_values(ascending=False).index
    values = pd.concat(parts, ignore_index=True)
    return Drift(dimensions.loc[order].reset_index(drop=True), values, shuffles)


def jensen_shannon(p: Floats, q: Floats) -> Floats:
    """Return the Jensen-Shannon distance along the last axis: 0 equal, 1 nothing in common."""
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(p > 0, p * np.log2(p / middle), 0.0)
        right = np.where(q > 0, q * np.log2(q / middle), 0.0)
    divergence = (left + right).sum(axis=-1) / 2
    return np.sqrt(np.clip(divergence, 0.0, 1.0))


def stability_index(p: Floats, q: Floats) -> float:
    """Return the population stability index of shares ``q`` against ``p``."""
    a, b = np.maximum(p, _FLOOR), np.maximum(q, _FLOOR)
    return float(((b - a) * np.log(b / a)).sum())


def tested(
    weekly: Floats,
    now: npt.NDArray[np.bool_],
    *,
    shuffles: int,
    fdr: float,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Return how far one mix moved and how far it does by chance.

    Parameters
    ----------
    weekly
        One row a week, one column a value, orders in the cells.
    now
        Which weeks belong to the current period.
    shuffles, fdr
        As in `mix_drift`.
    rng
        Source of the shuffles.

    Returns
    -------
    dict of str to float
        The columns of `Drift.dimensions` from values to p.
    """
    before_shares, now_shares = _two_shares(weekly, now[None, :])
    observed = jensen_shannon(before_shares, now_shares)[0]
    dealt = rng.permuted(np.tile(now, (shuffles, 1)), axis=1)
    null_before, null_now = _two_shares(weekly, dealt)
    null = jensen_shannon(null_before, null_now)
    moved = np.abs(null_before - null_now).sum(axis=1) / 2
    return {
        "values": weekly.shape[1],
        "moved": float(np.abs(before_shares - now_shares).sum() / 2),
        "by_chance": float(np.median(moved)),
        "limit": float(np.quantile(moved, 1 - fdr)),
        "jensen_shannon": float(observed),
        "psi": stability_index(before_shares[0], now_shares[0]),
        "p": float((1 + (null >= observed - 1e-12).sum()) / (1 + shuffles)),
    }


def _two_shares(weekly: Floats, now: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the mixes of the weeks not in and in ``now``, one row a dealing of weeks."""
    sums = (~now).astype(float) @ weekly, now.astype(float) @ weekly
    before, after = (s / np.maximum(s.sum(axis=1, keepdims=True), 1.0) for s in sums)
    return before, after


def _shares(dimension: str, weekly: pd.DataFrame, now: npt.NDArray[np.bool_]) -> pd.DataFrame:
    before, after = _two_shares(weekly.to_numpy(), now[None, :])
    table = pd.DataFrame(
        {
            "dimension": dimension,
            "value": weekly.columns.astype("str"),
            "share_before": before[0],
            "share_now": after[0],
            "change": after[0] - before[0],
        }
    )
    return table.sort_values("change", key=np.abs, ascending=False, ignore_index=True)


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
    lines = _in_whole_weeks(in_either(tables, compared, raw=True), compared)
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
    lines = _in_whole_weeks(in_either(tables, compared), compared)
    return _weekly(lines, lines.department)


def _edge_words(edges: tuple[int, ...], unit: str = "") -> dict[int, str]:
    """Return the words of each bucket of ``edges``, the ones below and above included."""
    inner = [f"{a:,} to {b:,}{unit}" for a, b in pairwise(edges)]
    return dict(enumerate([f"below {edges[0]}{unit}", *inner, f"{edges[-1]:,}{unit} and more"]))

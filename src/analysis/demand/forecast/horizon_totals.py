"""What the whole horizon brings: sums over the periods ahead, with intervals of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.forecast import conformal
from analysis.demand.models.backtest import Backtest, scales
from analysis.demand.series.year_ago import Expected, expected
from analysis.stats.multiplicity import q_values

if TYPE_CHECKING:
    from analysis.demand.forecast.forecast import Outlook

#: Share of false calls for more or less than of late, over everything searched at a level.
FALSE = 0.05

#: Verdict on a coverage that its horizons leave open.
TOO_FEW = "too few to tell"


def over_horizon(
    outlook: Outlook, *, goods: np.ndarray | None = None, coverage: float = 0.95
) -> pd.DataFrame:
    """Return each series' forecast summed over the horizon.

    ``goods`` marks the series that a call for action may be on (`sales_series.merchandise`); None
    takes all.

    Errors of neighbouring periods go together, so that the interval of a sum is not the sum of
    intervals: it is calibrated on the sums that were forecast in the past.

    Returns
    -------
    pandas.DataFrame
        level, name, recent (sum of as many periods before), usual (as many median periods), mean,
        low, high, year_before (what the same periods took one season before; NaN where the data
        do not hold all of them), change (mean / recent - 1) with change_low and change_high, n
        (past sums the interval rests on), kind (``regular``, ``now and then``, ``no
        merchandise``), p (of no change:
        the share of past errors at least as large, two-sided), q (Benjamini and Hochberg over a
        level's regular series), call (``more``, ``less``, ``contradicted`` by the year before, or
        none); largest forecast first within a level.
    """
    plan, values = outlook.plan, outlook.series.values
    goods = np.ones(len(values), dtype=bool) if goods is None else goods
    mean = _next_sums(outlook)
    recent = np.nansum(values[:, -plan.horizon :], axis=1)
    scale = scales(values, season=plan.season)[0]
    summed, expect = _sums(outlook)
    ends = conformal.of_backtest(summed, outlook.published, outlook.classes(), expect, coverage)
    floor = np.where(np.nanmin(np.nan_to_num(values), axis=1) >= 0, 0.0, -np.inf)
    low, high = conformal.intervals(mean[:, None], scale, ends.at(-1), floor=floor)
    past = summed.scaled()[summed.models.index(outlook.published)]
    base = np.where(recent > 0, recent, np.nan)
    table = outlook.series.keys[["level", "name"]].assign(
        recent=recent,
        usual=_medians(values) * plan.horizon,
        mean=mean,
        low=low[:, 0],
        high=high[:, 0],
        year_before=outlook.before.sum(axis=1),
        change=mean / base - 1,
        change_low=low[:, 0] / base - 1,
        change_high=high[:, 0] / base - 1,
        n=ends.n[-1],
        kind=np.select([~goods, outlook.sparse], ["no merchandise", "now and then"], "regular"),
        p=_chances(outlook, expect, np.stack([*past, ((recent - mean) / scale)[:, None]])),
    )
    table = called(table)
    place = {level: i for i, level in enumerate(dict.fromkeys(table["level"]))}
    order = table.assign(place=table["level"].map(place)).sort_values(
        ["place", "mean", "name"], ascending=[True, False, True]
    )
    return order.drop(columns="place").reset_index(drop=True)


def called(table: pd.DataFrame) -> pd.DataFrame:
    """Return `over_horizon` with q and call, from its p, its change and the year before."""
    regular = table["kind"] == "regular"
    q = np.full(len(table), np.nan)
    for level in dict.fromkeys(table["level"]):
        mine = np.asarray(regular & (table["level"] == level))
        q[mine] = q_values(table["p"].to_numpy()[mine])
    up = (q <= FALSE) & (table["change_low"] > 0)
    down = (q <= FALSE) & (table["change_high"] < 0)
    against = (up & (table["year_before"] < table["recent"])) | (
        down & (table["year_before"] > table["recent"])
    )
    call = np.select([against, up, down], ["contradicted", "more", "less"], "")
    return table.assign(q=q, call=call)


def _chances(outlook: Outlook, expect: Expected, errors: np.ndarray) -> np.ndarray:
    """Return how often a past sum's error was as large as the last, that would make no change."""
    p = np.full(errors.shape[1], np.nan)
    calm = (errors / np.where(errors < 0, expect.down, expect.up))[:, :, 0]
    peak = expect.peak[:, :, 0]
    for mask in outlook.classes().values():
        for kind in (False, True):
            now = mask & (peak[-1] == kind)
            past = calm[:-1][mask[None, :] & (peak[:-1] == kind)]
            past = past[~np.isnan(past)]
            if not now.any() or not len(past):
                continue
            against = calm[-1, now]
            one_sided = np.minimum(_beyond(past, against), _beyond(-past, -against))
            p[now] = np.minimum(2 * one_sided, 1.0)
    return np.where(np.isnan(calm[-1]), np.nan, p)


def _beyond(past: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """Return the chance of an error as large: its rank, and an exponential tail past the largest.

    The tail's mean excess is that of the largest tenth (peaks over threshold: Pickands 1975, Annals
    of Statistics 3(1), shape zero).
    """
    past = np.sort(past)
    above = len(past) - np.searchsorted(past, missed, side="left")
    largest = past[-max(len(past) // 10, 1) - 1 :] if len(past) > 1 else past
    excess = max(float((largest - largest[0]).mean()), 1e-12)
    further = np.exp(-np.maximum(missed - past[-1], 0.0) / excess)
    return np.asarray((1 + above) / (len(past) + 1) * further)


def _next_sums(outlook: Outlook) -> np.ndarray:
    return np.asarray(
        outlook.table["mean"].to_numpy().reshape(-1, outlook.plan.horizon).sum(axis=1)
    )


def _sums(outlook: Outlook) -> tuple[Backtest, Expected]:
    """Return past sums, and what is expected of their errors and the next sums'."""
    summed, values, season = outlook.tested.summed(), outlook.series.values, outlook.plan.season
    every = np.stack([*summed.of(outlook.published), _next_sums(outlook)[:, None]]) / summed.span
    scale = np.stack([*summed.scale, scales(values, season=season)[0]])
    return summed, expected(every, values, scale, (*summed.origins, values.shape[1]), season=season)


def realised(outlook: Outlook) -> pd.DataFrame:
    """Return how often past sums lay inside intervals drawn from what was known at their origin.

    `conformal.realised` of the sums, with horizons (how many, end to end) for weeks, and verdict:
    ``as promised``, ``less than promised``, ``more than promised``, ``none judged yet``, or that
    horizons are too few to tell: misses twice as frequent as promised would be no surprise.
    """
    summed, expect = _sums(outlook)
    judge = (summed, outlook.published, outlook.classes())
    reaches = {c: conformal.of_backtest(*judge, expect, c) for c in outlook.plan.coverages}
    table = conformal.realised(*judge, reaches).rename(columns={"weeks": "horizons"})
    low, high, nominal = table["low"], table["high"], table["nominal"]
    open_ = [table["n"] == 0, high < nominal, low > nominal, low <= 2 * nominal - 1]
    told = ["none judged yet", "less than promised", "more than promised", TOO_FEW]
    return table.assign(verdict=np.select(open_, told, "as promised"))


def _medians(values: np.ndarray) -> np.ndarray:
    """Return each series' median over what is known of it."""
    return np.array([np.median(row[~np.isnan(row)]) for row in values])

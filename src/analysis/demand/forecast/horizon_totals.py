"""What the whole horizon brings: sums over the periods ahead, with intervals of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.forecast import conformal
from analysis.demand.models.backtest import scales
from analysis.demand.series.year_ago import Expected, expected
from analysis.stats.multiplicity import q_values

if TYPE_CHECKING:
    from analysis.demand.forecast.forecast import Outlook

#: Share of false calls for more or less than of late, over everything searched at a level.
FALSE = 0.05


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
    mean = outlook.table["mean"].to_numpy().reshape(-1, plan.horizon).sum(axis=1)
    recent = np.nansum(values[:, -plan.horizon :], axis=1)
    scale = scales(values, season=plan.season)[0]
    past, expect = _past_sums(outlook, mean, scale)
    low, high, n = _ends(outlook, mean, scale, (past, expect), coverage)
    base = np.where(recent > 0, recent, np.nan)
    table = outlook.series.keys[["level", "name"]].assign(
        recent=recent,
        usual=_medians(values) * plan.horizon,
        mean=mean,
        low=low,
        high=high,
        year_before=outlook.before.sum(axis=1),
        change=mean / base - 1,
        change_low=low / base - 1,
        change_high=high / base - 1,
        n=n,
        kind=np.select([~goods, outlook.sparse], ["no merchandise", "now and then"], "regular"),
        p=_chances(outlook, expect, np.stack([*past, (recent - mean) / scale])[:, :, None]),
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


def _past_sums(
    outlook: Outlook, mean: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, Expected]:
    """Return past sums' errors, in naive errors, and what is expected of theirs and ``mean``'s."""
    tested, values, plan = outlook.tested, outlook.series.values, outlook.plan
    made = tested.of(outlook.published)
    every = np.stack([*made.sum(axis=2), mean])[:, :, None] / plan.horizon
    scales_then = np.stack([*tested.scale, scale])
    ends = (*tested.origins, values.shape[1])
    expect = expected(every, values, scales_then, ends, season=plan.season)
    return np.asarray((tested.actual - made).sum(axis=2) / tested.scale), expect


def _medians(values: np.ndarray) -> np.ndarray:
    """Return each series' median over what is known of it."""
    return np.array([np.median(row[~np.isnan(row)]) for row in values])


def _ends(
    outlook: Outlook, mean: np.ndarray, scale: np.ndarray,
    past: tuple[np.ndarray, Expected], coverage: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    tested, count = outlook.tested, len(outlook.tested.origins)
    over = [tested.known_at(origin).all(axis=1) for origin in tested.origins]
    known = np.stack([*over, np.ones(count, dtype=bool)])[:, :, None]
    reach = conformal.reach(
        past[0][:, :, None], known, outlook.classes(), past[1], coverage=coverage,
        least=1.0,  # overlapping sums share nearly all their luck: one miss would count many times
    )  # fmt: skip
    floor = np.where(np.nanmin(np.nan_to_num(outlook.series.values), axis=1) >= 0, 0.0, -np.inf)
    low, high = conformal.intervals(mean[:, None], scale, reach.at(-1), floor=floor)
    return low[:, 0], high[:, 0], reach.n[-1]

"""Customers won, lost and kept between two periods, and what each of them changed in sales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.stats.resampling import percentile_interval, resampled_totals

if TYPE_CHECKING:
    from analysis.tables.comparison import Comparison

#: Groups of customers, in the order of the bridge from the period before to this one.
GROUPS = ("lost", "buying less", "unchanged", "buying more", "new", "back", "returns only")


def customer_bridge(
    paired: pd.DataFrame, guests: pd.Series, compared: Comparison, *, confidence: float, seed: int
) -> pd.DataFrame:
    """Return the bridge from the net amount of one period to that of the next.

    Parameters
    ----------
    paired, guests
        As `tables.paired` gives them.
    compared
        The two periods. ``new`` and ``back`` can be told apart only where the data reach back
        one period more; else both are ``new``, which then means not seen in the period before.
    confidence
        Coverage of the intervals, from resampling whole customers; there are none for one alone.
    seed
        Seed of the resampling.

    Returns
    -------
    pandas.DataFrame
        One row a group that has customers, in the order of `GROUPS`, then ``guests`` if there
        are: group, customers (orders for guests), net_before, net_now, change, low, high and
        by_chance: the gain or loss that the same kept customers show between the odd and the
        even weeks, where nothing but the ups and downs of single weeks differs; NaN for other
        groups. ``change`` adds up to the change of net amount to the cent.
    """
    group = _group(paired, compared)
    present = [name for name in GROUPS if (group == name).any()]
    change = (paired["net_now"] - paired["net_before"]).to_numpy()
    member = group.to_numpy()[:, None] == np.array(present)
    drawn = resampled_totals(member * change[:, None], seed=seed, fewest=2)
    low, high = percentile_interval(drawn, confidence=confidence)
    sums = paired.groupby(group.to_numpy())[["net_before", "net_now"]].sum().reindex(present)
    bridge = pd.DataFrame(
        {
            "group": present,
            "customers": [int((group == name).sum()) for name in present],
            "net_before": sums["net_before"].to_numpy().round(2),
            "net_now": sums["net_now"].to_numpy().round(2),
            "low": low[: len(present)],
            "high": high[: len(present)],
            "by_chance": [_by_chance(paired, group, name, compared) for name in present],
        }
    )
    if guests["orders_before"] + guests["orders_now"] > 0:
        bridge = pd.concat([bridge, _guest_row(guests, confidence)], ignore_index=True)
    bridge.insert(4, "change", (bridge["net_now"] - bridge["net_before"]).round(2))
    return bridge


def _group(paired: pd.DataFrame, compared: Comparison) -> pd.Series:
    """Return the group of every customer."""
    before, now = paired["orders_before"] > 0, paired["orders_now"] > 0
    # Whole cents, for a difference of two floats is not zero where it should be.
    change = ((paired["net_now"] - paired["net_before"]) * 100).round()
    reach_back = compared.previous.start - compared.first_day
    known = reach_back.days >= compared.current.days
    seen = paired["first_on"] < pd.Timestamp(compared.previous.start)
    conditions = [
        before & ~now,
        before & now & (change < 0),
        before & now & (change == 0),
        before & now,
        now & ~(seen & known),
        now,
    ]
    chosen = np.select([c.to_numpy() for c in conditions], GROUPS[:-1], default=GROUPS[-1])
    return pd.Series(chosen, index=paired.index)


def _by_chance(paired: pd.DataFrame, group: pd.Series, name: str, compared: Comparison) -> float:
    if name not in ("buying less", "buying more") or compared.current.days % 7:
        return float("nan")
    kept = paired[group.isin(["buying less", "unchanged", "buying more"])]
    swing = (kept["net_even"] - kept["net_odd"]).round(2)
    return float(swing[swing < 0].sum() if name == "buying less" else swing[swing > 0].sum())


def _guest_row(guests: pd.Series, confidence: float) -> pd.DataFrame:
    from analysis.stats.multiplicity import normal_quantile

    change = guests["net_now"] - guests["net_before"]
    reach = normal_quantile(confidence) * guests["variance"] ** 0.5
    row = {
        "group": "guests",
        "customers": int(guests["orders_now"]),
        "net_before": round(guests["net_before"], 2),
        "net_now": round(guests["net_now"], 2),
        "low": change - reach,
        "high": change + reach,
        "by_chance": float("nan"),
    }
    return pd.DataFrame([row])

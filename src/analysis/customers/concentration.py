"""How concentrated the total is, and what losing the largest customers would cost.

References
----------
Gini (1912) by the mean-difference form; for negative totals the normalised form of Raffinetti,
Siletti, Vernizzi (2015), see ``lorenz.Ranked.gini``. Herfindahl-Hirschman index: sum of squared
shares; its inverse is the number of equal customers that would be as concentrated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.customers.intervals import (
    FEWEST_AT_HEAD,
    SINGLE_CASES,
    Estimates,
    Sampling,
    without_interval,
)
from analysis.customers.lorenz import Ranked, estimate
from analysis.customers.weekly import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NEGATIVE = "shares of single customers mean nothing where some totals are negative"


def concentration(
    features: pd.DataFrame, *, value: Value = "net_amount", sampling: Sampling | None = None
) -> pd.DataFrame:
    """Measure how concentrated the total is.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
    value
        What to add up.
    sampling
        How intervals are made: by resampling whole customers and ranking anew.

    Returns
    -------
    pandas.DataFrame
        One measure a row: measure, value_column, estimate, low, high, n (customers), negative
        (customers with a negative total), reason. Measures: ``gini`` (above 1 is possible where
        totals are negative), ``gini_normalised`` (stays below 1 then; the same otherwise),
        ``hhi`` (sum of squared shares), ``effective_customers`` (1 / hhi).
    """
    sampling = sampling or Sampling()
    ranked = Ranked.of(features[value])
    found = _measures(ranked, sampling)
    negative = int((ranked.values < 0).sum())
    if negative:
        _withdraw(found, slice(2, 4), _NEGATIVE)
    return pd.DataFrame(
        {
            "measure": ["gini", "gini_normalised", "hhi", "effective_customers"],
            "value_column": value,
            "estimate": found.value,
            "low": found.low,
            "high": found.high,
            "n": int(ranked.n),
            "negative": negative,
            "reason": found.reason,
        }
    )


def _measures(ranked: Ranked, sampling: Sampling) -> Estimates:
    if ranked.why_not:
        return without_interval(np.full(4, np.nan), ranked.why_not)
    if len(ranked.values) == 1:
        return without_interval(np.full(4, np.nan), "one customer has no spread")
    return estimate(ranked, _all, lambda: _influences(ranked), sampling)


def _all(ranked: Ranked) -> Floats:
    squares = float((ranked.sizes * ranked.values**2).sum()) / ranked.total**2
    return np.array([ranked.gini(), ranked.gini(normalised=True), squares, 1 / squares])


def _influences(ranked: Ranked) -> list[Floats]:
    relative = ranked.values / ranked.values.mean()
    second = float((relative**2).mean())
    squares = (relative**2 - second) - 2 * second * (relative - 1)
    return [
        ranked.gini_influence(),
        ranked.gini_influence(normalised=True),
        squares,
        -squares,
    ]


def _withdraw(found: Estimates, part: slice, reason: str) -> None:
    for ends in (found.value, found.low, found.high):
        ends[part] = np.nan
    found.reason[part] = [reason] * len(found.reason[part])


def losses(
    features: pd.DataFrame,
    *,
    value: Value = "net_amount",
    top: Sequence[int] | None = None,
    sampling: Sampling | None = None,
) -> pd.DataFrame:
    """Say what losing the largest customers would cost.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
    value
        What to rank by.
    top
        Numbers of customers to lose; by default 1, 10 and whole 1 %, 5 %, 10 % and 20 % of them.
    sampling
        How intervals are made.

    Returns
    -------
    pandas.DataFrame
        One number of customers a row: customers, customers_share, net_amount, margin_amount,
        share (of ``value``), share_low, share_high, reason.
    """
    sampling = sampling or Sampling()
    ordered = features.sort_values([value, "customer_id"], ascending=[False, True])
    ranked = Ranked.of(features[value])
    heads = np.array(_heads(len(features)) if top is None else sorted(top), dtype="int64")
    found = _top_shares(ranked, heads, sampling)
    sums = ordered[["net_amount", "margin_amount"]].cumsum().to_numpy()
    return pd.DataFrame(
        {
            "customers": heads,
            "customers_share": heads / max(len(features), 1),
            "net_amount": sums[heads - 1, 0].round(6) if len(heads) else [],
            "margin_amount": sums[heads - 1, 1].round(6) if len(heads) else [],
            "share": found.value,
            "share_low": found.low,
            "share_high": found.high,
            "reason": found.reason,
        }
    )


def _heads(n: int) -> list[int]:
    wanted = {1, 10, n // 100, n // 20, n // 10, n // 5}
    return sorted(head for head in wanted if 0 < head <= n)


def _top_shares(ranked: Ranked, heads: NDArray[np.int64], sampling: Sampling) -> Estimates:
    if ranked.why_not:
        return without_interval(np.full(len(heads), np.nan), ranked.why_not)
    found = estimate(
        ranked,
        lambda drawn: drawn.amount(heads) / drawn.total,
        lambda: (ranked.share_influence(head) for head in heads),
        sampling,
    )
    return found.withheld(heads < FEWEST_AT_HEAD, SINGLE_CASES)

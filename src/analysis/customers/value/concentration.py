"""Purchase deciles and the Pareto curve: how few customers make how much of the total.

The total is cut into equal parts instead of the customers. A customer across a boundary counts
in the part in which their last cent falls, so "44 customers make the first tenth" means that
44 lie wholly within it. Customers of zero or negative total stand last and count in the last
part: the running total first climbs above the total and then comes back to it.

How concentrated the total is, and what losing the largest customers would cost.

References
----------
Gini (1912) by the mean-difference form; for negative totals the normalised form of Raffinetti,
Siletti, Vernizzi (2015), see ``lorenz.Ranked.gini``. Herfindahl-Hirschman index: sum of squared
shares; its inverse is the number of equal customers that would be as concentrated.

The profitable groups of CRM practice, and who in them is fading.

Those who bring the first 10 % of the total, those who bring the next up to 50 %, and all others;
and across all three those who are still profitable but fading against their own past.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.customers.value.ranked import Ranked, estimate
from analysis.stats.resampling import SINGLE_CASES, Estimates, Sampling, without_interval
from analysis.stats.sizes import FEWEST_AT_HEAD, FEWEST_OF_A_SUM
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.customers.retention.decline import Fading

_CURVE_POINTS = 101


def purchase_deciles(
    features: pd.DataFrame, *, parts: int = 10, sampling: Sampling | None = None
) -> pd.DataFrame:
    """Cut the total into equal parts and count the customers who make each.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
    parts
        Number of equal parts of the total.
    sampling
        How intervals are made: by resampling whole customers and ranking anew. They are
        intervals of the part of customers, with a customer across a boundary counted in part.

    Returns
    -------
    pandas.DataFrame
        One part a row, the largest customers first: part (1 first), customers, amount (what
        these customers bring), customers_share (of all customers), share_low, share_high,
        cumulative_customers, cumulative_share, cumulative_low, cumulative_high (of the customers
        up to and including this part; none for the last, which is everybody), reason (why a
        number is missing).
    """
    sampling = sampling or Sampling()
    ranked = Ranked.of(features["net_amount"])
    order = np.arange(1, parts + 1)
    if ranked.why_not:
        nothing = without_interval(np.full(2 * parts, np.nan), ranked.why_not)
        return _parts(order, np.full(parts, np.nan), np.full(parts, np.nan), nothing, ranked.n)
    reached = np.array([*(ranked.within(part, parts) for part in order[:-1]), ranked.n])
    found = estimate(
        ranked,
        lambda drawn: _part_sizes(drawn, order[:-1] / parts),
        lambda: _part_influences(ranked, order[:-1] / parts),
        sampling,
    )
    amounts = np.diff(ranked.amount(reached), prepend=0.0) / 1e6
    few = np.tile(reached < FEWEST_AT_HEAD, 2)
    return _parts(order, reached, amounts, found.withheld(few, SINGLE_CASES), ranked.n)


def _part_sizes(ranked: Ranked, shares: Floats) -> Floats:
    """Return each part's and the cumulative part of the customers."""
    up_to = np.append(ranked.head(shares * ranked.total) / ranked.n, 1.0)
    return np.concatenate([np.diff(up_to, prepend=0.0), up_to])


def _part_influences(ranked: Ranked, shares: Floats) -> list[Floats]:
    nothing = np.zeros(len(ranked.values))
    up_to = [nothing, *(ranked.head_influence(share) for share in shares), nothing]
    return [b - a for a, b in pairwise(up_to)] + up_to[1:]


def _parts(
    order: NDArray[np.int64], reached: Floats, amounts: Floats, found: Estimates, n: float
) -> pd.DataFrame:
    count = len(order)
    customers = np.diff(reached, prepend=0.0)
    alone = max(n, 1.0)
    return pd.DataFrame(
        {
            "part": order,
            "customers": _counts(customers),
            "amount": amounts,
            "customers_share": customers / alone,
            "share_low": found.low[:count],
            "share_high": found.high[:count],
            "cumulative_customers": _counts(reached),
            "cumulative_share": reached / alone,
            "cumulative_low": [*found.low[count:-1], np.nan],
            "cumulative_high": [*found.high[count:-1], np.nan],
            "reason": found.reason[:count],
        }
    )


def _counts(customers: Floats) -> Floats | NDArray[np.int64]:
    """Return whole numbers, but where they are not known."""
    return customers if np.isnan(customers).any() else customers.astype("int64")


def pareto_curve(features: pd.DataFrame, *, sampling: Sampling | None = None) -> pd.DataFrame:
    """Return the Pareto curve: what the first x % of customers bring, the largest first.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
    sampling
        How the band is made: point by point, by resampling whole customers and ranking anew.

    Returns
    -------
    pandas.DataFrame
        customers_share (0 to 1 in steps of 0.01), value_share, share_low, share_high, reason.
        Above 1 where negative totals follow.
    """
    sampling = sampling or Sampling()
    ranked = Ranked.of(features["net_amount"])
    places = np.linspace(0, 1, _CURVE_POINTS)
    inner = places[1:-1]
    if ranked.why_not:
        found = without_interval(np.full(len(inner), np.nan), ranked.why_not)
    else:
        found = estimate(
            ranked,
            lambda drawn: drawn.amount(inner * drawn.n) / drawn.total,
            lambda: (ranked.share_influence(place * ranked.n) for place in inner),
            sampling,
        ).withheld(inner * ranked.n < FEWEST_AT_HEAD, SINGLE_CASES)
    ends = (0.0, 1.0) if not ranked.why_not else (np.nan, np.nan)
    ends_reason = found.reason[-1] if ranked.why_not else ""
    return pd.DataFrame(
        {
            "customers_share": places,
            "value_share": [ends[0], *found.value, ends[1]],
            "share_low": [ends[0], *found.low, ends[1]],
            "share_high": [ends[0], *found.high, ends[1]],
            "reason": [ends_reason, *found.reason, ends_reason],
        }
    )


def lorenz_curve(curve: pd.DataFrame) -> pd.DataFrame:
    """Return the Lorenz curve: what the last x % of customers bring, the smallest first.

    Parameters
    ----------
    curve
        The table of ``pareto_curve``, which is the same line read from the other end.

    Returns
    -------
    pandas.DataFrame
        customers_share, value_share, share_low, share_high, reason. Below 0 where there are
        negative totals.
    """
    turned = curve.iloc[::-1].reset_index(drop=True)
    return pd.DataFrame(
        {
            "customers_share": curve["customers_share"],
            "value_share": 1 - turned["value_share"],
            "share_low": 1 - turned["share_high"],
            "share_high": 1 - turned["share_low"],
            "reason": turned["reason"],
        }
    )


_NEGATIVE = "shares of single customers mean nothing where some totals are negative"


def concentration(features: pd.DataFrame, *, sampling: Sampling | None = None) -> pd.DataFrame:
    """Measure how concentrated the total is.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
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
    ranked = Ranked.of(features["net_amount"])
    found = _measures(ranked, sampling)
    negative = int((ranked.values < 0).sum())
    if negative:
        _withdraw(found, slice(2, 4), _NEGATIVE)
    return pd.DataFrame(
        {
            "measure": ["gini", "gini_normalised", "hhi", "effective_customers"],
            "value_column": "net_amount",
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
    return [ranked.gini_influence(), ranked.gini_influence(normalised=True), squares, -squares]


def _withdraw(found: Estimates, part: slice, reason: str) -> None:
    for ends in (found.value, found.low, found.high):
        ends[part] = np.nan
    found.reason[part] = [reason] * len(found.reason[part])


def losses(
    features: pd.DataFrame, *, top: Sequence[int] | None = None, sampling: Sampling | None = None
) -> pd.DataFrame:
    """Say what losing the largest customers would cost.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
    top
        Numbers of customers to lose; by default 10 and whole 1 %, 5 %, 10 % and 20 % of them,
        as far as neither a head nor what the next adds to it is the total of one or two.
    sampling
        How intervals are made.

    Returns
    -------
    pandas.DataFrame
        One number of customers a row: customers, customers_share, net_amount, margin_amount,
        share (of net_amount), share_low, share_high, reason.
    """
    sampling = sampling or Sampling()
    ordered = features.sort_values(["net_amount", "customer_id"], ascending=[False, True])
    ranked = Ranked.of(features["net_amount"])
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
    heads: list[int] = []
    for head in sorted({10, n // 100, n // 20, n // 10, n // 5}):
        if head - (heads[-1] if heads else 0) >= FEWEST_OF_A_SUM and n - head >= FEWEST_OF_A_SUM:
            heads.append(head)
    return heads


def shown(curve: pd.DataFrame, customers: int) -> pd.DataFrame:
    """Return a curve by steps of no fewer than `FEWEST_OF_A_SUM` customers, half always shown.

    Finer steps, of a small shop, would tell what single customers bring.
    """
    whole = len(curve) - 1
    steps = [step for step in (1, 2, 5, 10, 25) if step / whole * customers >= FEWEST_OF_A_SUM]
    return curve.iloc[:: min(steps, default=whole // 2)].reset_index(drop=True)


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


#: Name of each group; the boundaries are tenths of the total.
FIRST, NEXT, OTHERS, FADING = "first", "next", "others", "fading"
_FIRST_TENTHS, _NEXT_TENTHS = 1, 5


def members(features: pd.DataFrame) -> pd.DataFrame:
    """Return which group each customer is in.

    Customers with equal totals stay together, in the group in which the last cent of the last of
    them falls. Customers of zero or negative total are among the others.

    Returns
    -------
    pandas.DataFrame
        customer_id, group (``first``, ``next``, ``others``).
    """
    ranked = Ranked.of(features["net_amount"])
    micros = np.rint(features["net_amount"].to_numpy() * 1e6)
    reached = _reached(ranked, micros)
    shares = np.full(len(micros), 2.0) if ranked.why_not else reached / ranked.total
    shares = np.where(micros > 0, shares, 2.0)
    group = np.select(
        [shares <= _FIRST_TENTHS / 10, shares <= _NEXT_TENTHS / 10], [FIRST, NEXT], OTHERS
    )
    return pd.DataFrame({"customer_id": features["customer_id"].to_numpy(), "group": group})


def _reached(ranked: Ranked, micros: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what all customers bring who are worth at least as much as each."""
    if len(micros) == 0:
        return np.zeros(0)
    at_least = np.searchsorted(-ranked.values, -micros, side="right")
    return ranked.reached[at_least]


def value_groups(features: pd.DataFrame, fading: Fading) -> pd.DataFrame:
    """Describe the three groups, and across them those who are fading.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
    fading
        Who is fading, from ``fading.judge``.

    Returns
    -------
    pandas.DataFrame
        One group a row (``first``, ``next``, ``others``; then ``fading``, whose customers are
        also in one of the three): group, customers, customers_share, net_amount, net_share,
        margin_amount, margin_share, orders_per_customer, margin_per_customer, discount_share,
        fading (customers in it who are fading), loss (margin that these lost against the first
        half, currency).
    """
    called = fading.called[["customer_id", "loss"]]
    everyone = members(features).merge(features, on="customer_id")
    everyone = everyone.merge(called, on="customer_id", how="left")
    across = everyone[everyone["loss"].notna()].assign(group=FADING)
    rows = pd.concat([everyone, across])
    table = pd.DataFrame(
        [_described(rows[rows["group"] == g], g) for g in (FIRST, NEXT, OTHERS, FADING)]
    )
    whole = features[["net_amount", "margin_amount"]].sum()
    return table.assign(
        discount_share=table["discount_share"].where(bool(features["discount_amount"].any())),
        customers_share=table["customers"] / max(len(features), 1),
        net_share=table["net_amount"] / _positive(whole["net_amount"]),
        margin_share=table["margin_amount"] / _positive(whole["margin_amount"]),
    )


def _described(rows: pd.DataFrame, group: str) -> dict[str, object]:
    listed, customers = rows["list_amount"].sum(), max(len(rows), 1)
    return {
        "group": group,
        "customers": len(rows),
        "net_amount": round(rows["net_amount"].sum(), 6),
        "margin_amount": round(rows["margin_amount"].sum(), 6),
        "orders_per_customer": rows["orders"].sum() / customers,
        "margin_per_customer": rows["margin_amount"].sum() / customers,
        "discount_share": rows["discount_amount"].sum() / listed if listed > 0 else np.nan,
        "fading": int(rows["loss"].notna().sum()),
        "loss": round(rows["loss"].sum(), 6),
    }


def _positive(total: float) -> float:
    return total if total > 0 else float("nan")

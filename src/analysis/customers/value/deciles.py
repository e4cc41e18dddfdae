"""Monetary deciles: customers in ten equal groups by what they are worth.

Customers are ranked over the whole window, which holds both halves that growth compares.
Ranking on the later half alone would make the top tenth look growing and the last look shrinking
by nothing but regression to the mean; ranking on both favours neither. Where ranks by sales and by
margin disagree, a customer is busy but thin, or small but rich.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.customers.features.weekly import Value
from analysis.customers.value.ranked import Ranked, estimate
from analysis.errors import NotApplicable
from analysis.stats.resampling import (
    SINGLE_CASES,
    TOO_FEW,
    Estimates,
    Sampling,
    estimate_totals,
    without_interval,
)
from analysis.stats.sizes import FEWEST_AT_HEAD, FEWEST_CUSTOMERS, FEWEST_OF_A_SUM
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_SHORT = {"net_amount": "net", "margin_amount": "margin"}
_SUMS = ("orders", "net_amount", "margin_amount", "list_amount", "discount_amount")

_TOO_FEW = "A group of one or two customers would show what each of them brings."


@dataclass(frozen=True)
class Deciles:
    """Customers in equal groups by value.

    Parameters
    ----------
    table
        One group a row, the best first: decile (1 best), customers,
        net_amount, margin_amount; share of the value ranked by, share_low,
        share_high, cumulative_share; the other value's share (margin_share or net_share) with
        its ends; orders_per_customer, basket_value, discount_share; and, where halves were
        given, before, now, growth, growth_low, growth_high, contribution (to the total's growth,
        as a fraction of the total before; they add up to it), contribution_low,
        contribution_high, stands_out (the contribution is not zero at the confidence asked for
        all groups taken together); reason (why a number is missing).
    total
        The same for all customers, in one row, without what only a group has.
    members
        One customer a row: customer_id, decile.
    value
        The column ranked by.
    groups
        Number of groups asked for; ``table`` has fewer rows where customers are fewer, or so many
        have equal totals that groups stay empty.
    """

    table: pd.DataFrame
    total: pd.DataFrame
    members: pd.DataFrame
    value: Value
    groups: int


def require(found: Deciles) -> None:
    """Raise NotApplicable where there is one group only, or one of one or two customers."""
    if len(found.table) < 2:
        raise NotApplicable("All customers bring the same, so there is no best and no last group.")
    if found.table["customers"].min() < FEWEST_OF_A_SUM:
        raise NotApplicable(_TOO_FEW)


def equal_groups(values: ArrayLike, groups: int) -> NDArray[np.int64]:
    """Deal customers into groups of equal size by value; 1 is the best.

    The customer of rank r among n is in group ceil(groups x r / n), so the first k groups never
    hold more than k / groups of the customers. Equal values share the mean of their ranks and
    stay together, whatever that does to the sizes.

    Parameters
    ----------
    values
        One value a customer.
    groups
        Number of groups; with fewer customers than groups, some are empty.
    """
    values = np.asarray(values, dtype="float64")
    _, place, count = np.unique(-values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    twice_rank = (2 * ends - count + 1)[place]
    return -(-groups * twice_rank // (2 * max(len(values), 1))).astype("int64")


def monetary_deciles(
    features: pd.DataFrame,
    *,
    value: Value = "net_amount",
    groups: int = 10,
    halves: pd.DataFrame | None = None,
    sampling: Sampling | None = None,
) -> Deciles:
    """Rank customers by value, cut them into equal groups and compare the groups.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
    value
        What to rank by.
    groups
        Number of groups.
    halves
        Two halves of the window by customer, as from ``WeeklyAmounts.halves``, for growth; a
        customer who is missing there bought in neither.
    sampling
        How intervals are made: for shares by resampling whole customers and ranking anew, for
        the rest by resampling whole customers in the groups they are in.
    """
    sampling = sampling or Sampling()
    decile = equal_groups(features[value], groups)
    members = pd.DataFrame({"customer_id": features["customer_id"], "decile": decile})
    table = _sizes(features, decile)
    other: Value = "margin_amount" if value == "net_amount" else "net_amount"
    ranked = Ranked.of(features[value], beside=features[other])
    shares, others = _shares(ranked, table["customers"].to_numpy(), sampling)
    table = _with(table, "share", shares).assign(
        cumulative_share=np.cumsum(shares.value), reason=shares.reason
    )
    table = _with(table, f"{_SHORT[other]}_share", others)
    total = _sizes(features, np.ones_like(decile)).drop(columns="decile")
    if halves is not None:
        table, total = _with_growth(table, total, members, halves, value, sampling)
    return Deciles(_reason_last(table), total, members.reset_index(drop=True), value, groups)


def _sizes(features: pd.DataFrame, decile: NDArray[np.int64]) -> pd.DataFrame:
    grouped = features.groupby(decile)
    sums = grouped[list(_SUMS)].sum().round(6)
    priced = (sums["list_amount"] > 0) & sums["discount_amount"].any()  # else it is not known
    customers = grouped.size()
    return pd.DataFrame(
        {
            "decile": customers.index.astype("int64"),
            "customers": customers.to_numpy(),
            "net_amount": sums["net_amount"].to_numpy(),
            "margin_amount": sums["margin_amount"].to_numpy(),
            "orders_per_customer": (sums["orders"] / customers).to_numpy(),
            "basket_value": (
                sums["net_amount"] / sums["orders"].where(sums["orders"] > 0)
            ).to_numpy(),
            "discount_share": (
                sums["discount_amount"] / sums["list_amount"].where(priced)
            ).to_numpy(),
        }
    )


def _shares(
    ranked: Ranked, customers: NDArray[np.int64], sampling: Sampling
) -> tuple[Estimates, Estimates]:
    """Return each group's share of both amounts; in a resample the groups keep their sizes."""
    count = len(customers)
    single = count > 1 and bool((customers < FEWEST_OF_A_SUM).any())
    if why := ranked.why_not or (_TOO_FEW if single else ""):
        none = without_interval(np.full(count, np.nan), why)
        return none, none
    heads = np.cumsum(customers)
    found = estimate(
        ranked,
        lambda drawn: np.concatenate(
            [_each(drawn.amount(heads)), _each(drawn.amount_beside(heads))]
        ),
        lambda: [
            *_differences([ranked.share_influence(head) for head in heads]),
            *_differences([ranked.beside_influence(head) for head in heads]),
        ],
        sampling,
    )
    found = found.withheld(np.tile(customers < FEWEST_AT_HEAD, 2), SINGLE_CASES)
    return found.part(slice(0, count)), found.part(slice(count, None))


def _each(reached: Floats) -> Floats:
    """Return what each group adds, as a share of what all bring."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.diff(reached, prepend=0.0) / reached[-1]


def _differences(influences: list[Floats]) -> Iterator[Floats]:
    previous = np.zeros_like(influences[0])
    for influence in influences:
        yield influence - previous
        previous = influence


def _with_growth(
    table: pd.DataFrame,
    total: pd.DataFrame,
    members: pd.DataFrame,
    halves: pd.DataFrame,
    value: Value,
    sampling: Sampling,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add what each group brought in both halves; the contributions add up exactly."""
    columns = [f"{_SHORT[value]}_before", f"{_SHORT[value]}_now"]
    joined = members[["customer_id"]].merge(halves, on="customer_id", how="left")
    micros = np.rint(joined[columns].fillna(0.0).to_numpy() * 1e6)
    groups = _one_hot(members["decile"].to_numpy(), table)
    cells = np.hstack([micros[:, [0]] * groups, micros[:, [1]] * groups])
    count = len(table)
    few = np.append(np.tile(table["customers"] < FEWEST_CUSTOMERS, 2), False)
    found = estimate_totals(cells, _growth, sampling).withheld(few, TOO_FEW)
    before, now = np.split(cells.sum(axis=0) / 1e6, 2)
    together = estimate_totals(cells, _growth, _for_all(sampling, count)).withheld(few, TOO_FEW)
    parts = [found.part(slice(0, count)), found.part(slice(count, 2 * count))]
    table = _with(table.assign(before=before, now=now), "growth", parts[0])
    table = _with(table, "contribution", parts[1])
    ends = together.part(slice(count, 2 * count))
    table["stands_out"] = (ends.low > 0) | (ends.high < 0)
    table["reason"] = [a or b for a, b in zip(table["reason"], parts[0].reason, strict=True)]
    total = total.assign(before=before.sum(), now=now.sum())
    return table, _with(total, "growth", found.part(slice(2 * count, None)))


def _growth(sums: Floats) -> Floats:
    """Return growth by group, contribution by group and the total's growth, from both halves.

    A group whose returns exceed its sales fell by all it had, and by no more.
    """
    before, now = np.split(sums, 2, axis=-1)
    whole = before.sum(axis=-1, keepdims=True)
    own = np.where(before > 0, before, np.nan)
    whole = np.where(whole > 0, whole, np.nan)
    gain = now - before
    total = gain.sum(axis=-1, keepdims=True) / whole
    return np.concatenate(
        [np.maximum(gain / own, -1.0), gain / whole, np.maximum(total, -1.0)], axis=-1
    )


def _for_all(sampling: Sampling, count: int) -> Sampling:
    """Return the sampling whose intervals hold for all of ``count`` groups (Bonferroni)."""
    return replace(sampling, confidence=1 - (1 - sampling.confidence) / count)


def _one_hot(decile: NDArray[np.int64], table: pd.DataFrame) -> Floats:
    return (decile[:, None] == table["decile"].to_numpy()[None, :]).astype("float64")


def _with(table: pd.DataFrame, name: str, found: Estimates) -> pd.DataFrame:
    return table.assign(**{name: found.value, f"{name}_low": found.low, f"{name}_high": found.high})


def _reason_last(table: pd.DataFrame) -> pd.DataFrame:
    return table[[*(c for c in table.columns if c != "reason"), "reason"]]


@dataclass(frozen=True)
class Agreement:
    """How the groups by sales and by margin agree.

    Parameters
    ----------
    customers
        One customer a row, only those in different groups, furthest apart first: customer_id,
        net_amount, margin_amount, margin_rate (margin / net; NaN where net is not positive),
        net_decile, margin_decile, steps (net_decile - margin_decile; positive: worth more by
        margin than by sales).
    summary
        One measure a row: measure (``same``, ``one`` group apart, ``more``), customers, share,
        low, high, reason.
    """

    customers: pd.DataFrame
    summary: pd.DataFrame


def rank_agreement(
    features: pd.DataFrame, *, groups: int = 10, sampling: Sampling | None = None
) -> Agreement:
    """Compare each customer's group by net amount with the group by margin.

    Parameters
    ----------
    features
        One customer a row, as from ``features.fetch``.
    groups
        Number of groups.
    sampling
        How intervals are made: by resampling whole customers in the groups they are in.
    """
    net, margin = features["net_amount"], features["margin_amount"]
    table = features[["customer_id", "net_amount", "margin_amount"]].assign(
        margin_rate=margin / net.where(net > 0),
        net_decile=equal_groups(net, groups),
        margin_decile=equal_groups(margin, groups),
    )
    table["steps"] = table["net_decile"] - table["margin_decile"]
    apart = table.assign(distance=table["steps"].abs()).query("distance > 0")
    ordered = apart.sort_values(
        ["distance", "net_amount", "customer_id"], ascending=[False, False, True]
    )
    return Agreement(
        ordered.drop(columns="distance").reset_index(drop=True),
        _summary(table["steps"].abs().to_numpy(), sampling or Sampling()),
    )


def require_disagreement(found: Agreement) -> None:
    """Raise NotApplicable where no customer is in another group by margin than by sales."""
    if found.customers.empty:
        raise NotApplicable("No customer is in another group by margin than by sales.")


def _summary(distance: np.ndarray, sampling: Sampling) -> pd.DataFrame:
    flags = np.column_stack([distance == 0, distance == 1, distance > 1]).astype("float64")
    found = estimate_totals(flags, lambda s: s / s.sum(axis=-1, keepdims=True), sampling)
    return pd.DataFrame(
        {
            "measure": ["same", "one", "more"],
            "customers": flags.sum(axis=0).astype("int64"),
            "share": found.value,
            "low": found.low,
            "high": found.high,
            "reason": found.reason,
        }
    )

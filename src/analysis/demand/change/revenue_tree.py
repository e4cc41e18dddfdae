"""Why sales grew or fell: customers, how often they come, how much they take, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.types import Floats

#: The factors of net amount, in the order of the tree; their product is net amount.
FACTORS = ("customers", "orders_per_customer", "items_per_order", "net_per_item")

_COUNTED = ("customers", "orders", "items", "net")


@dataclass(frozen=True)
class RevenueTree:
    """The change of net amount between two periods, taken apart.

    Parameters
    ----------
    factors
        One row a factor: factor, before, now, growth (now / before - 1) with growth_low and
        growth_high, contribution (currency) with low and high. Contributions add up to
        ``change`` to the cent. A row ``guests`` follows where there are guests: their net amount
        before and now, and its change.
    before, now
        Net amount of the two periods, guests included.
    change, low, high
        Its change, with its interval.
    customers
        Customers resampled: those who bought in either period.
    """

    factors: pd.DataFrame
    before: float
    now: float
    change: float
    low: float
    high: float
    customers: int

    @property
    def growth(self) -> tuple[float, float, float]:
        """Change, and the ends of its interval, as shares of the period before; -1 at least."""
        whole, low, high = (
            max(end / self.before, -1.0) if end == end else end
            for end in (self.change, self.low, self.high)
        )
        return whole, low, high

    @property
    def driver(self) -> pd.Series:
        """The factor that contributed most in the direction of the change."""
        signed = self.factors["contribution"] * (1 if self.change >= 0 else -1)
        return self.factors.iloc[int(signed.to_numpy().argmax())]


def revenue_tree(
    paired: pd.DataFrame, guests: pd.Series, *, confidence: float, seed: int
) -> RevenueTree:
    """Take the change of net amount apart into the factors of the revenue tree.

    Parameters
    ----------
    paired, guests
        As `tables.paired` gives them.
    confidence
        Coverage of the intervals, which come from resampling whole customers, both periods of a
        customer together; there are none for a single customer.
    seed
        Seed of the resampling.

    Notes
    -----
    Net = customers x orders a customer x items an order x net an item, for known customers. The
    contributions are those of the logarithmic mean Divisia index, LMDI-I, in additive form: Ang
    (2005), Energy Policy 33(7), equations 2 to 5. They leave no residual and do not depend on
    the order of the factors. Zero or negative totals have no logarithm, and then there is no tree.

    Raises
    ------
    NotApplicable
        If customers, orders, items or net amount are not above zero in both periods.
    """
    totals = _totals(paired)
    observed = totals.sum(axis=0)
    if not (observed > 0).all():
        raise NotApplicable(
            "Customers, orders, items and net amount must all be above zero in both periods for "
            "the change to be taken apart into them."
        )
    replicates = resampled_totals(totals, seed=seed, fewest=2)
    rng = np.random.default_rng([seed, 1])
    guest_change = guests["net_now"] - guests["net_before"]
    guest_draws = guest_change + rng.normal(size=len(replicates)) * guests["variance"] ** 0.5
    factors = _factors(observed, replicates, confidence)
    if guests["orders_before"] + guests["orders_now"] > 0:
        factors = _with_guests(factors, guests, guest_draws, confidence)
    drawn = replicates[:, 7] - replicates[:, 3] + guest_draws
    low, high = percentile_interval(drawn, confidence=confidence)
    before, now = observed[3] + guests["net_before"], observed[7] + guests["net_now"]
    return RevenueTree(
        factors, before, now, round(now - before, 2), low.item(), high.item(), len(paired)
    )


def contributions(before: Floats, now: Floats) -> Floats:
    """Return what each factor contributed to the change of the product of all factors.

    Parameters
    ----------
    before, now
        Factors along the last axis. Where one is not above zero, all contributions are NaN.

    Returns
    -------
    Array
        Same shape; sums over the last axis to ``now.prod(-1) - before.prod(-1)``.
    """
    defined = ((before > 0) & (now > 0)).all(axis=-1, keepdims=True)
    logs = np.log(np.where(defined, now, 1.0) / np.where(defined, before, 1.0))
    mean = logarithmic_mean(before.prod(axis=-1, keepdims=True), logs.sum(axis=-1, keepdims=True))
    return np.where(defined, mean * logs, np.nan)


def logarithmic_mean(base: Floats, log_ratio: Floats) -> Floats:
    """Return the logarithmic mean of ``base`` and ``base * exp(log_ratio)``.

    (a - b) / (ln a - ln b), and ``base`` where the two are equal.
    """
    safe = np.where(log_ratio == 0, 1.0, log_ratio)
    return np.where(log_ratio == 0, base, base * np.expm1(safe) / safe)


def to_the_cent(parts: Floats, total: float) -> Floats:
    """Round ``parts`` to cents so that they still add up to ``total``, itself whole cents.

    The parts with the largest remainders are rounded up.
    """
    cents = np.asarray(parts) * 100
    floors = np.floor(cents)
    missing = round(total * 100 - floors.sum())
    up = np.argsort(floors - cents, kind="stable")[:missing]
    floors[up] += 1
    return floors / 100


def _totals(paired: pd.DataFrame) -> Floats:
    """Return customers, orders, items and net, before and then now, one row a customer."""
    columns = [
        (paired[f"orders_{when}"] > 0).astype("float64")
        if name == "customers"
        else paired[f"{name}_{when}"].astype("float64")
        for when in ("before", "now")
        for name in _COUNTED
    ]
    return np.column_stack(columns)


def _ratios(totals: Floats) -> Floats:
    """Turn customers, orders, items and net into the four factors."""
    denominators = np.concatenate([np.ones_like(totals[..., :1]), totals[..., :-1]], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return totals / denominators


def _factors(observed: Floats, replicates: Floats, confidence: float) -> pd.DataFrame:
    before, now = _ratios(observed[:4]), _ratios(observed[4:])
    drawn_before, drawn_now = _ratios(replicates[:, :4]), _ratios(replicates[:, 4:])
    low, high = percentile_interval(contributions(drawn_before, drawn_now), confidence=confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        growth_low, growth_high = percentile_interval(
            drawn_now / drawn_before - 1, confidence=confidence
        )
    change = round(observed[7] - observed[3], 2)
    return pd.DataFrame(
        {
            "factor": FACTORS,
            "before": before,
            "now": now,
            "growth": now / before - 1,
            "growth_low": growth_low,
            "growth_high": growth_high,
            "contribution": to_the_cent(contributions(before, now), change),
            "low": low,
            "high": high,
        }
    )


def _with_guests(
    factors: pd.DataFrame, guests: pd.Series, drawn: Floats, confidence: float
) -> pd.DataFrame:
    before, now = guests["net_before"], guests["net_now"]
    low, high = percentile_interval(drawn, confidence=confidence)
    ratio = before if before > 0 else np.nan
    # Returns beyond sales: guests' sales fell by all they were, and by no more.
    growth, growth_low = (np.maximum(end / ratio, -1.0) for end in (now - before, low.item()))
    row = {
        "factor": "guests",
        "before": before,
        "now": now,
        "growth": growth,
        "growth_low": growth_low,
        "growth_high": high.item() / ratio,
        "contribution": round(now - before, 2),
        "low": low.item(),
        "high": high.item(),
    }
    return pd.concat([factors, pd.DataFrame([row])], ignore_index=True)

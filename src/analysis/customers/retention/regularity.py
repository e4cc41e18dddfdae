"""Regular and irregular shoppers, by the days between purchases.

If a customer's gaps are gamma distributed with shape k, k = 1 is a shopper without memory and a
large k a clock. Three estimates, each for its purpose: Wheat and Morrison's from the last two gaps
of everybody (one k for all); maximum likelihood customer by customer, corrected for few gaps;
and that shrunk towards the others as far as it is uncertain.

Gaps are whole days, so that even a shopper who decides by lot every morning has k above 1 when the
lot falls often. ``by_lot`` gives that k; only what is significantly above it counts as regular.

References
----------
Wheat, Morrison (1990), Estimating purchase regularity with two interpurchase times, Journal of
Marketing Research 27(1), 87-93.
Platzer, Reutterer (2016), Ticking away the moments: timing regularity helps to better predict
customer activity, Marketing Science 35(5), 779-799, section 3: the last two gaps of each customer
with at least two, and shapes that differ between customers; as in their package BTYDplus,
``estimateRegularity``.
Minka (2002), Estimating a Gamma distribution (the iteration).
Giles, Feng (2009), Bias of the maximum likelihood estimators of the two-parameter gamma
distribution revisited, University of Victoria EWP 0908 (the correction, from Cox and Snell 1968).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Floats

#: Shapes beyond this cannot be told from a clock.
LARGEST_SHAPE = 50.0

#: Longest typical gap in days of each cadence.
CADENCES = (("several times a week", 4.5), ("weekly", 10.0), ("every few weeks", 45.0))

TOO_FEW = "Too few visits to tell"
OFTEN = "Often, no significant rhythm"
LARGE = "Now and then, large baskets"
SMALL = "Now and then, small baskets"
CLASSES = (*(f"Regular, {name}" for name, _ in CADENCES), OFTEN, LARGE, SMALL, TOO_FEW)

#: What each rhythm calls for.
_CALLS_FOR = {
    CLASSES[0]: "No discount against the usual one, on their usual days.",
    CLASSES[1]: "The offer the day before their usual shop, against any day.",
    CLASSES[2]: "A reminder shortly before the usual gap is over.",
    OFTEN: "Offers that fill the basket, against offers for another visit.",
    LARGE: "A reason with a date to come.",
    SMALL: "Cheap channels, with an offer in what they already buy.",
    TOO_FEW: "Nothing yet: too few visits to time a message by.",
}

#: What each rhythm means.
_WHO = {
    CLASSES[0]: "Their gaps, of a few days, are significantly regular.",
    CLASSES[1]: "Their gaps, of about a week, are significantly regular.",
    CLASSES[2]: "Their gaps, of some weeks, are significantly regular.",
    OFTEN: "They come often; their gaps may be those of chance.",
    LARGE: "No such rhythm; their baskets are in the largest third.",
    SMALL: "No such rhythm; their baskets are smaller.",
    TOO_FEW: "Fewer than five visits.",
}

MEANING = {name: (_WHO[name], _CALLS_FOR[name]) for name in CLASSES}


@dataclass(frozen=True)
class CommonShape:
    """One k for everybody, with its interval and the customers behind it."""

    shape: float
    low: float
    high: float
    customers: int


def wheat_morrison(features: pd.DataFrame, *, confidence: float = 0.95) -> CommonShape:
    """Estimate one k for everybody from each customer's last two gaps.

    M = last gap / (last two gaps) is Beta(k, k) distributed whatever the customer's pace, so its
    variance is 1 / (4 (2 k + 1)). The interval is that of the variance of M about one half,
    known to be its mean, by the central limit theorem.

    Parameters
    ----------
    features
        last_gap and gap_before_last, as from ``gaps.compute``.
    """
    two = features[["last_gap", "gap_before_last"]].dropna().to_numpy("float64")
    if len(two) < 3:
        return CommonShape(np.nan, np.nan, np.nan, len(two))
    share = two[:, 0] / two.sum(axis=1)
    squares = (share - 0.5) ** 2
    reach = normal_quantile(confidence) * squares.std(ddof=1) / np.sqrt(len(two))
    variance = share.var(ddof=1)
    return CommonShape(
        _shape_of(variance), _shape_of(variance + reach), _shape_of(variance - reach), len(two)
    )


def _shape_of(variance: float) -> float:
    return float((1 - 4 * variance) / (8 * variance)) if variance > 0 else float("inf")


def shapes(
    features: pd.DataFrame, *, confidence: float = 0.90, fewest_gaps: int = 4
) -> pd.DataFrame:
    """Estimate every customer's k, shrunk towards the others as far as it is uncertain.

    Parameters
    ----------
    features
        customer_id, gaps, gap_sum, log_gaps, as from ``gaps.compute``.
    confidence
        Coverage of the intervals.
    fewest_gaps
        Customers with fewer gaps are not judged.

    Returns
    -------
    pandas.DataFrame
        By row of ``features``: customer_id, shape (maximum likelihood, corrected for bias),
        shrunk, low, high (of the shrunk one), by_lot (what a shopper by lot with the same mean
        gap has). NaN where not judged.
    """
    known = (features["gaps"] >= fewest_gaps).to_numpy()
    n = features.loc[known, "gaps"].to_numpy("float64")
    mean = features.loc[known, "gap_sum"].to_numpy("float64") / n
    raw = likeliest(np.log(mean) - features.loc[known, "log_gaps"].to_numpy("float64") / n)
    shape = np.clip(raw - _bias(raw) / n, 0.05, LARGEST_SHAPE)
    middle, error = _shrunk(np.log(shape), _log_error(shape, n))
    reach = normal_quantile(confidence) * error
    columns = {
        "shape": shape,
        "shrunk": np.exp(middle),
        "low": np.exp(middle - reach),
        "high": np.exp(middle + reach),
        "by_lot": by_lot(mean),
    }
    result = pd.DataFrame(np.nan, index=features.index, columns=list(columns))
    result.loc[known] = np.column_stack(list(columns.values()))
    result.insert(0, "customer_id", features["customer_id"])
    return result


def require(judged: pd.DataFrame) -> None:
    """Raise NotApplicable where ``shapes`` could judge nobody."""
    if judged["shape"].isna().all():
        raise NotApplicable("Rhythm cannot be told: nobody came on five days or more.")


def likeliest(spread: Floats) -> Floats:
    """Return the k of maximum likelihood from log of mean - mean of log, by Newton steps."""
    from scipy.special import digamma, polygamma

    spread = np.maximum(np.asarray(spread, dtype="float64"), 1e-9)
    shape = (3 - spread + np.sqrt((spread - 3) ** 2 + 24 * spread)) / (12 * spread)
    for _ in range(6):
        slope = 1 / shape - polygamma(1, shape)
        inverse = 1 / shape + (np.log(shape) - digamma(shape) - spread) / (shape**2 * slope)
        shape = 1 / np.maximum(inverse, 1e-9)
    return np.minimum(shape, LARGEST_SHAPE)


def _bias(shape: Floats) -> Floats:
    """Return n times the bias of the likeliest shape (Cox and Snell's, to the order of 1/n)."""
    from scipy.special import polygamma

    one, two = polygamma(1, shape), polygamma(2, shape)
    factor = shape * one - 1
    return (shape * one - shape**2 * two - 2) / (2 * factor**2)


def _log_error(shape: Floats, n: Floats) -> Floats:
    from scipy.special import polygamma

    return np.sqrt(1 / (n * (polygamma(1, shape) - 1 / shape))) / shape


def _shrunk(value: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Shrink normal estimates towards their mean: DerSimonian and Laird (1986), moments."""
    if len(value) < 2:
        return value, error
    weight = 1 / error**2
    mean = (weight * value).sum() / weight.sum()
    excess = (weight * (value - mean) ** 2).sum() - (len(value) - 1)
    between = max(0.0, excess / (weight.sum() - (weight**2).sum() / weight.sum()))
    weight = 1 / (error**2 + between)
    mean = (weight * value).sum() / weight.sum()
    trust = between / (between + error**2)
    return mean + trust * (value - mean), np.sqrt(trust) * error


def by_lot(mean: Floats) -> Floats:
    """Return the k that gaps of whole days show when each day is decided by lot.

    Such gaps are geometric; the k is that which the likelihood settles on for them, read from a
    table over mean gaps (beyond 400 days it is 1 for all purposes).
    """
    means = np.geomspace(1.02, 400, 60)
    days = np.arange(1, 8_001)
    logs = np.log(days)
    found = []
    for value in means:
        chance = np.exp((days - 1) * np.log1p(-1 / value)) / value
        found.append(np.log(value) - (chance * logs).sum() / chance.sum())
    return np.interp(np.asarray(mean, dtype="float64"), means, likeliest(np.array(found)))


#: The share of customers whose baskets count as large.
LARGE_SHARE = 0.33


def rhythms(features: pd.DataFrame, judged: pd.DataFrame) -> pd.Series:
    """Return each customer's rhythm, an ordered categorical of ``CLASSES``.

    Parameters
    ----------
    features
        gap_median and basket_value by customer.
    judged
        ``shapes`` of the same rows.
    """
    steady = (judged["low"] > judged["by_lot"]).to_numpy()
    typical = features["gap_median"].to_numpy("float64")
    large = features["basket_value"] >= features["basket_value"].quantile(1 - LARGE_SHARE)
    conditions = [judged["shape"].isna().to_numpy()]
    conditions += [steady & (typical <= longest) for _, longest in CADENCES]
    conditions += [typical <= CADENCES[0][1], large.to_numpy()]
    chosen = np.select(conditions, [TOO_FEW, *CLASSES[:3], OFTEN, LARGE], SMALL)
    return pd.Series(pd.Categorical(chosen, CLASSES, ordered=True), features.index)

"""What a purchase of each customer is worth: Gamma-Gamma, or credibility for negative margins.

Gamma-Gamma: the values of a customer's purchases are gamma (p, nu), nu gamma (q, gamma) among
customers, whatever the customer's rate of purchase. It knows positive averages only, and its mean
does not exist at q of one or less. Contribution margins may be negative: then the credibility
estimate of Buehlmann and Straub takes its place, which is the best linear one whatever the
distribution: each average is drawn towards the mean of all, the more the fewer purchases it has.

References
----------
Fader, Hardie (2013), The Gamma-Gamma model of monetary value (equations 1a and 5).
Buehlmann, Straub (1970), Bulletin of the Swiss Association of Actuaries 70, 111-133.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.customers.lifetime.maximum_likelihood import Estimate, maximise
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.stats.types import Floats

NAMES = ("p", "q", "gamma")


@dataclass(frozen=True)
class GammaGamma:
    """A fitted Gamma-Gamma: p, q and gamma (currency)."""

    estimate: Estimate
    name = "Gamma-Gamma"

    def at(self, values: Floats) -> GammaGamma:
        """Return the model with other parameters."""
        return replace(self, estimate=replace(self.estimate, values=np.asarray(values)))

    @property
    def mean(self) -> float:
        """Mean value of a purchase of a customer nothing is known of."""
        p, q, gamma = self.estimate.values
        return float(p * gamma / (q - 1))

    def expected(self, purchases: Floats, average: Floats) -> Floats:
        """Return the value expected of a purchase, given the average of so many."""
        p, q, gamma = self.estimate.values
        return np.asarray(p * (gamma + purchases * average) / (p * purchases + q - 1))

    def drawn(
        self, purchases: Floats, average: Floats, coming: Floats, generator: np.random.Generator
    ) -> Floats:
        """Return the values drawn of ``coming`` purchases, customers x spans of time.

        A customer's own scale is drawn once and is the same in every span.
        """
        p, q, gamma = self.estimate.values
        scale = generator.gamma(q + p * purchases) / (gamma + purchases * average)
        drawn = generator.gamma(np.maximum(p * coming, 1e-300))
        return np.where(coming > 0, drawn / scale[:, None], 0.0)


@dataclass(frozen=True)
class Credibility:
    """Averages drawn towards the mean of all customers.

    Parameters
    ----------
    mean
        Mean value of a purchase over customers.
    within, between
        Variance of a customer's purchases about the customer's mean, and of these means.
    error
        Standard error of ``mean``.
    """

    mean: float
    within: float
    between: float
    error: float
    name = "credibility (Buehlmann-Straub)"

    def trust(self, purchases: Floats) -> Floats:
        """Return the weight of a customer's own average."""
        if self.between <= 0:
            return np.zeros(len(purchases))
        return np.asarray(purchases / (purchases + self.within / self.between))

    def expected(self, purchases: Floats, average: Floats) -> Floats:
        """Return the value expected of a purchase, given the average of so many."""
        return np.asarray(self.mean + self.trust(purchases) * (average - self.mean))

    def drawn(
        self, purchases: Floats, average: Floats, coming: Floats, generator: np.random.Generator
    ) -> Floats:
        """Return the values drawn of ``coming`` purchases, customers x spans of time.

        By the normal approximation; a customer's own mean is the same in every span.
        """
        spread = np.sqrt(np.maximum(self.between, 0) * (1 - self.trust(purchases)))
        own = self.expected(purchases, average) + spread * generator.standard_normal(len(coming))
        noise = np.sqrt(self.within * coming) * generator.standard_normal(coming.shape)
        return np.asarray(coming * own[:, None] + noise)


@dataclass(frozen=True)
class Independence:
    """Spearman's correlation of customers' averages with their numbers of purchases."""

    correlation: float
    p_value: float
    customers: int


def fit(purchases: Floats, average: Floats) -> GammaGamma:
    """Fit Gamma-Gamma by maximum likelihood with analytic slopes.

    Parameters
    ----------
    purchases
        Purchases behind each customer's average, one or more.
    average
        Average value of them, positive.

    Raises
    ------
    NotApplicable
        If an average is not positive, if all are equal, or if the mean does not exist.
    """
    if len(average) < FEWEST_CUSTOMERS:
        raise NotApplicable(
            f"The value of a purchase cannot be modelled: {len(average)} customers with purchases, "
            f"fewer than {FEWEST_CUSTOMERS}."
        )
    if (average <= 0).any():
        raise NotApplicable(
            f"Gamma-Gamma needs positive averages: {int((average <= 0).sum())} customers have none."
        )
    if np.ptp(average) <= 1e-9 * abs(average[0]):
        raise NotApplicable("All purchases are worth the same: there is no spread to model.")
    middle = float(np.median(average))
    estimate = maximise(
        lambda values: _log_likelihood(values, purchases, average),
        NAMES,
        [(2.0, 3.0, middle), (1.0, 2.0, middle), (6.0, 4.0, middle / 3)],
    )
    if estimate.values[1] <= 1:
        raise NotApplicable(
            f"Customers' averages are so heavy-tailed (q = {estimate.values[1]:.2f}, which must be "
            "above 1) that Gamma-Gamma has no mean."
        )
    return GammaGamma(estimate)


def _log_likelihood(values: Floats, purchases: Floats, average: Floats) -> tuple[float, Floats]:
    from scipy.special import digamma, gammaln

    p, q, gamma = values
    own, both = p * purchases, p * purchases + q
    known = gamma + purchases * average
    height = (
        gammaln(both) - gammaln(own) - gammaln(q) + q * np.log(gamma)
        + (own - 1) * np.log(average) + own * np.log(purchases) - both * np.log(known)
    )  # fmt: skip
    by_p = purchases * (
        digamma(both) - digamma(own) + np.log(average) + np.log(purchases) - np.log(known)
    )
    by_q = digamma(both) - digamma(q) + np.log(gamma) - np.log(known)
    by_gamma = q / gamma - both / known
    return float(height.sum()), np.array([by_p.sum(), by_q.sum(), by_gamma.sum()])


def fit_credibility(purchases: Floats, average: Floats, squares: Floats) -> Credibility:
    """Estimate mean and variances of Buehlmann and Straub without any distribution.

    Parameters
    ----------
    purchases, average
        As in ``fit``; averages may be negative.
    squares
        Sum of the squared values of each customer's purchases.

    Raises
    ------
    NotApplicable
        If fewer than 30 customers bought, or nobody twice.
    """
    if len(average) < FEWEST_CUSTOMERS or not (purchases > 1).any():
        raise NotApplicable(
            f"The value of a purchase cannot be modelled: {len(average)} customers with purchases, "
            f"{int((purchases > 1).sum())} of them with two or more."
        )
    spread = np.maximum(squares - purchases * average**2, 0)
    within = float(spread[purchases > 1].sum() / (purchases - 1).sum())
    total, count = purchases.sum(), len(purchases)
    mean = float((purchases * average).sum() / total)
    excess = (purchases * (average - mean) ** 2).sum() - (count - 1) * within
    between = max(0.0, float(excess / (total - (purchases**2).sum() / total)))
    if between > 0:
        trust = purchases / (purchases + within / between)
        mean = float((trust * average).sum() / trust.sum())
        error = float(np.sqrt(between / trust.sum()))
    else:
        error = float(np.sqrt(within / total))
    return Credibility(mean, within, between, error)


def independence(purchases: Floats, average: Floats) -> Independence:
    """Return the rank correlation of value and frequency, which both models take to be none."""
    from scipy.stats import spearmanr

    if len(average) < 3 or np.ptp(purchases) == 0 or np.ptp(average) == 0:
        return Independence(np.nan, np.nan, len(average))
    found = spearmanr(purchases, average)
    return Independence(float(found.statistic), float(found.pvalue), len(average))


def independence_of(summary: pd.DataFrame) -> Independence:
    """Return ``independence`` of customers as from ``purchase_counts.fetch``."""
    purchases = summary["repeats"].to_numpy("float64") + 1
    return independence(purchases, summary["margin_amount"].to_numpy("float64") / purchases)


def fit_value(summary: pd.DataFrame) -> GammaGamma | Credibility:
    """Return Gamma-Gamma where every customer's average margin is positive, else credibility.

    Where all averages are equal, that is the value of a purchase, and nothing is uncertain.

    Parameters
    ----------
    summary
        repeats, margin_amount, margin_squares, as from ``purchase_counts.fetch``.
    """
    purchases = summary["repeats"].to_numpy("float64") + 1
    average = summary["margin_amount"].to_numpy("float64") / purchases
    if len(average) and np.ptp(average) <= 1e-9 * abs(average[0]):
        return Credibility(float(average[0]), 0.0, 0.0, 0.0)
    if (average > 0).all():
        return fit(purchases, average)
    return fit_credibility(purchases, average, summary["margin_squares"].to_numpy("float64"))

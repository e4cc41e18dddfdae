"""Price buyers against relationship customers: how much of what they buy is on offer, and worth.

A customer's discount share is the share of lines bought at a discount. Few lines say little, and
lines of one order are no independent evidence (a week of offers fills one basket), so the lines
are first counted down by the design effect of orders; what is then a beta-binomial model shrinks
each share towards everybody's as far as it is uncertain. A customer is called only if the share
is above, or below, the threshold with the certainty asked for; the others stay "uncertain".

References
----------
Skellam (1948), Journal of the Royal Statistical Society B 10, 257-261 (beta-binomial).
Kish (1965), Survey Sampling, section 8.2 (design effect); Rao, Scott (1992), A simple method for
the analysis of clustered binary data, Biometrics 48, 577-585 (counts over the design effect).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_FOLLOWED
from analysis.stats.types import Floats

PRICE, DEALS = "Price buyer", "Valuable deal seeker"
RELATIONSHIP, ORDINARY = "Relationship customer", "Small ordinary buyer"
UNCERTAIN = "Uncertain"
CLASSES = (RELATIONSHIP, DEALS, ORDINARY, PRICE, UNCERTAIN)

#: What each class means, and what practice tries with it.
MEANING = {
    RELATIONSHIP: (
        "High margin; buy significantly less on offer than the threshold.",
        "Service and recognition instead of a discount.",
    ),
    DEALS: (
        "High margin; buy significantly more on offer than the threshold.",
        "Offers to be earned (tiers, bundles, points) instead of plain discounts.",
    ),
    ORDINARY: (
        "Low margin; buy significantly less on offer than the threshold.",
        "A reason for one more visit instead of a discount.",
    ),
    PRICE: (
        "Low margin; buy significantly more on offer than the threshold.",
        "Offers that suppliers pay, without print.",
    ),
    UNCERTAIN: ("Too little bought, or too near the threshold, to call.", "The average offer."),
}

_ROUNDS = 30
_MOST_FITTED = 50_000


@dataclass(frozen=True)
class Buyers:
    """Who buys for the price, and who for the shop.

    Parameters
    ----------
    table
        One customer a row: customer_id, lines (with a list price), discounted, raw_share, share
        (shrunk), share_low, share_high (interval of the level given), above (probability that the
        share is above the threshold), margin_amount, margin_rank (share of all margin that is
        brought by customers who bring more: 0 for the best), buyer (ordered categorical).
    threshold
        Share of lines on offer above which a customer is a price buyer.
    certainty
        Probability asked for.
    top_margin
        Customers who together bring this share of the margin count as bringing much.
    design_effect
        How many lines say as much as one independent line.
    prior
        The two parameters of the beta distribution of shares among customers.
    """

    table: pd.DataFrame
    threshold: float
    certainty: float
    top_margin: float
    design_effect: float
    prior: tuple[float, float]


def judge(
    features: pd.DataFrame,
    *,
    threshold: float | None = None,
    certainty: float = 0.95,
    top_margin: float = 0.80,
    level: float = 0.95,
) -> Buyers:
    """Judge every customer's discount share, and set it against what the customer brings.

    Parameters
    ----------
    features
        customer_id, margin_amount, priced_lines, discounted_lines, lines_squared,
        discounted_squared, crossed: as from ``features.fetch_detailed``.
    threshold
        Share of lines on offer that parts the two; None takes one standard deviation above the
        mean of the fitted distribution: clearly more than is usual here.
    certainty
        Probability of being above, or below, that is asked for.
    top_margin
        The customers who bring this share of the margin count as bringing much.
    level
        Coverage of the intervals.

    Raises
    ------
    NotApplicable
        If nothing was sold at a discount, or too few customers bought.
    """
    from scipy.stats import beta

    known = features[features["priced_lines"] > 0].reset_index(drop=True)
    x, n = (known[c].to_numpy("float64") for c in ("discounted_lines", "priced_lines"))
    if len(known) < FEWEST_FOLLOWED:
        raise NotApplicable(
            f"Price buyers cannot be told: fewer than {FEWEST_FOLLOWED} customers "
            f"({len(known)}) bought anything with a list price."
        )
    if x.sum() == 0 or x.sum() == n.sum():
        amount = "nothing" if x.sum() == 0 else "everything"
        raise NotApplicable(f"Price buyers cannot be told: {amount} was on offer.")
    effect = design_effect(known)
    a, b = fit_beta(x / effect, n / effect)
    cut = float(beta.mean(a, b) + beta.std(a, b)) if threshold is None else threshold
    posterior = beta(a + x / effect, b + (n - x) / effect)
    above = posterior.sf(cut)
    rank = margin_rank(known["margin_amount"].to_numpy("float64"))
    table = known[["customer_id"]].assign(
        lines=known["priced_lines"],
        discounted=known["discounted_lines"],
        raw_share=x / n,
        share=posterior.mean(),
        share_low=posterior.ppf((1 - level) / 2),
        share_high=posterior.ppf((1 + level) / 2),
        above=above,
        margin_amount=known["margin_amount"],
        margin_rank=rank,
        buyer=_classes(above, rank <= top_margin, certainty),
    )
    return Buyers(table, cut, certainty, top_margin, effect, (a, b))


def design_effect(features: pd.DataFrame) -> float:
    """Return the variance of discounted lines by order over that of independent lines.

    Both are summed over customers, each with the customer's own share, and corrected for that
    share having been fitted to the same lines; at least 1.
    """
    n, x, nn, xx, nx = (
        features[c].to_numpy("float64")
        for c in (
            "priced_lines",
            "discounted_lines",
            "lines_squared",
            "discounted_squared",
            "crossed",
        )
    )
    share = x / n
    # Each customer's own share is fitted to the same orders: that takes one order's worth away.
    lost = np.clip(1 - nn / n**2, 1e-9, None)
    clustered = np.maximum(xx - 2 * share * nx + share**2 * nn, 0.0)
    independent = n * share * (1 - share) * lost
    effect = 1.0
    for _ in range(_ROUNDS):
        # A share from n lines that say as much as n / effect understates its own variance.
        many = (nn < n**2) & (n > 2 * effect)
        expected = (independent[many] / (1 - effect / n[many])).sum()
        effect = float(max(1.0, clustered[many].sum() / max(expected, 1e-12)))
    return effect


def fit_beta(x: Floats, n: Floats) -> tuple[float, float]:
    """Fit the beta distribution of shares among customers by maximum likelihood.

    Parameters
    ----------
    x, n
        Successes and trials by customer; may be fractions, after a design effect.
    """
    from scipy.optimize import minimize
    from scipy.special import betaln

    step = max(1, len(n) // _MOST_FITTED)
    x, n = x[::step], n[::step]

    def minus_log_likelihood(logs: Floats) -> float:
        a, b = np.exp(logs)
        return -float((betaln(a + x, b + n - x) - betaln(a, b)).mean())

    mean = min(max(x.sum() / n.sum(), 0.01), 0.99)
    start = np.log([5 * mean, 5 * (1 - mean)])
    found = minimize(minus_log_likelihood, start, method="L-BFGS-B", bounds=[(-5, 9), (-5, 9)])
    a, b = np.exp(found.x)
    return float(a), float(b)


def margin_rank(margin: Floats) -> Floats:
    """Return the share of all margin brought by customers who bring strictly more."""
    ordered = np.sort(margin)[::-1]
    before = np.concatenate([[0.0], np.cumsum(np.maximum(ordered, 0.0))])
    better = np.searchsorted(-ordered, -margin, side="left")
    return before[better] / before[-1] if before[-1] > 0 else np.ones(len(margin))


def _classes(above: Floats, much: NDArray[np.bool_], certainty: float) -> pd.Categorical:
    price, full = above >= certainty, above <= 1 - certainty
    chosen = np.select(
        [full & much, price & much, full, price], [RELATIONSHIP, DEALS, ORDINARY, PRICE], UNCERTAIN
    )
    return pd.Categorical(chosen, CLASSES, ordered=True)


def of_customers(found: Buyers, features: pd.DataFrame) -> pd.Series:
    """Return each customer's class by row of ``features``; missing where there is none."""
    places = pd.Series(found.table["buyer"].cat.codes.to_numpy(), found.table["customer_id"])
    codes = features["customer_id"].map(places).fillna(-1).astype("int64")
    return pd.Series(pd.Categorical.from_codes(codes, CLASSES, ordered=True), features.index)

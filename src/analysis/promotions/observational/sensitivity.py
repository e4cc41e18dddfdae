"""How strong something unseen would have to be to explain an effect away.

References
----------
VanderWeele, Ding (2017), Annals of Internal Medicine 167(4), 268-274: the E-value; for differences
of means the risk ratio is exp(0.91 d), d the standardised difference (their table 2).
Rosenbaum (2002), Observational Studies, 2nd edition, section 4.3.3: bounds on the p-value of
Wilcoxon's signed rank test when one of a pair may be up to gamma times as likely to be targeted.
"""

from __future__ import annotations

import numpy as np

from analysis.stats.types import Floats

#: From d to the logarithm of the risk ratio (VanderWeele and Ding 2017, table 2).
_LOG_RATIO_A_D = 0.91

#: Odds beyond which bounds are not followed.
LARGEST_GAMMA = 20.0


def e_value(ratio: float) -> float:
    """Return the E-value of a risk ratio: RR + sqrt(RR (RR - 1)), of 1 / RR if that is larger."""
    above = max(ratio, 1 / ratio)
    return float(above + np.sqrt(above * (above - 1)))


def e_value_of_limit(ratio: float, limit: float) -> float:
    """Return the E-value of the interval's end nearer to 1; 1 if the interval holds 1."""
    reached = (ratio - 1) * (limit - 1) <= 0
    return 1.0 if reached else e_value(limit)


def e_values(effect: float, error: float, spread: float, *, quantile: float) -> tuple[float, float]:
    """Return the E-value of a difference of means and that of its interval's nearer end.

    Parameters
    ----------
    effect, error
        Difference and its standard error.
    spread
        Standard deviation of the outcome among those not targeted; NaN comes back if it is zero.
    quantile
        Standard errors that the interval reaches to either side.
    """
    if not spread > 0:
        return np.nan, np.nan
    nearer = effect - np.sign(effect) * quantile * error
    ratio, limit = (float(np.exp(_LOG_RATIO_A_D * x / spread)) for x in (effect, nearer))
    return e_value(ratio), e_value_of_limit(ratio, limit)


def signed_rank_bound(differences: Floats, gamma: float) -> float:
    """Return the largest one-sided p that a hidden bias of ``gamma`` allows for a positive effect.

    Large-sample approximation. Ties share their mean rank; zero differences are ranked and then
    speak for neither side, as in Rosenbaum.
    """
    from scipy.stats import norm, rankdata

    ranks = np.where(differences == 0, 0.0, rankdata(np.abs(differences)))
    positive = float(ranks[differences > 0].sum())
    most = gamma / (1 + gamma)
    mean = most * ranks.sum()
    spread = np.sqrt(most * (1 - most) * (ranks**2).sum())
    return float(norm.sf((positive - mean) / spread)) if spread > 0 else 1.0


def largest_gamma(differences: Floats, *, alpha: float = 0.05) -> float:
    """Return the hidden bias up to which the pairs still speak for an effect in their direction.

    1 if they do not even without hidden bias; at most 20.
    """
    from scipy.optimize import brentq

    side = differences if signed_rank_bound(differences, 1.0) <= 0.5 else -differences
    if signed_rank_bound(side, 1.0) > alpha:
        return 1.0
    if signed_rank_bound(side, LARGEST_GAMMA) <= alpha:
        return LARGEST_GAMMA
    found = brentq(lambda g: signed_rank_bound(side, g) - alpha, 1.0, LARGEST_GAMMA, xtol=1e-4)
    return float(found)

"""Matched difference in differences on weekly panels, and how strong a hidden cause must be.

Each targeted customer is paired with the untargeted one most like it before, and the weeks of each
pair are subtracted. What is left is read week by week: before the campaign it should be nothing.

References
----------
Rosenbaum, Rubin (1985), The American Statistician 39(1): the caliper on the logit of the chance.
Abadie, Spiess (2022), Journal of the American Statistical Association 117(538): after matching
without replacement, errors clustered by pair are right.
Austin (2011), Pharmaceutical Statistics 10(2): a caliper of 0.2 standard deviations.
VanderWeele, Ding (2017), Annals of Internal Medicine 167(4), 268-274: the E-value; for differences
of means the risk ratio is exp(0.91 d), d the standardised difference (their table 2).
Rosenbaum (2002), Observational Studies, 2nd edition, section 4.3.3: bounds on the p-value of
Wilcoxon's signed rank test when one of a pair may be up to gamma times as likely to be targeted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.sizes import FEWEST_PAIRS
from analysis.stats.types import Flags, Floats, Integers

#: Caliper in standard deviations of the logit.
CALIPER = 0.2


@dataclass(frozen=True)
class Pairs:
    """Targeted customers and their likenesses, as row numbers.

    Parameters
    ----------
    targeted, likeness
        Rows, side by side.
    unmatched
        Share of the targeted for whom nobody was near enough.
    """

    targeted: Integers
    likeness: Integers
    unmatched: float

    def differences(self, measures: Floats) -> Floats:
        """Return targeted less likeness, pair by pair."""
        return np.asarray(measures[self.targeted] - measures[self.likeness])


def pairs(chance: Floats, covariates: Floats, treated: Flags) -> Pairs:
    """Match every targeted customer to one untargeted, nobody twice.

    Greedy, the hardest (largest chance) first; among the untargeted within the caliper the one
    whose covariates are nearest (Euclidean distance in standard units).

    Raises
    ------
    NotApplicable
        If fewer than thirty pairs are found.
    """
    logit = np.log(chance / (1 - chance))
    caliper = CALIPER * logit.std()
    order = np.flatnonzero(treated)[np.argsort(-logit[treated], kind="stable")]
    pool = np.flatnonzero(~treated)
    pool = pool[np.argsort(logit[pool], kind="stable")]
    near, free = logit[pool], np.ones(len(pool), bool)
    found = []
    for row in order:
        low, high = np.searchsorted(near, [logit[row] - caliper, logit[row] + caliper])
        candidates = low + np.flatnonzero(free[low:high])
        if len(candidates):
            gap = ((covariates[pool[candidates]] - covariates[row]) ** 2).sum(axis=1)
            best = candidates[np.argmin(gap)]
            free[best] = False
            found.append((row, pool[best]))
    if len(found) < FEWEST_PAIRS:
        raise NotApplicable(
            f"Only {len(found)} of those targeted have a likeness that was not targeted; "
            f"{FEWEST_PAIRS} are needed."
        )
    rows = np.array(sorted(found))
    return Pairs(rows[:, 0], rows[:, 1], 1 - len(rows) / int(treated.sum()))


@dataclass(frozen=True)
class Difference:
    """A difference in differences.

    Parameters
    ----------
    estimate, error
        Gain a targeted customer over the campaign's weeks, and its standard error.
    leads
        One row a week: week (0 is the campaign's first), gap (targeted less likeness, over the
        mean gap of the weeks before), low, high, before (bool).
    trend_p
        p of the joint test that the gaps before the campaign are all the same.
    earlier, earlier_error
        The same gain, had the campaign begun its own length earlier: a placebo in time, weak since
        the pairs were matched on those weeks; NaN without as many weeks before them.
    pairs
        Pairs behind it.
    """

    estimate: float
    error: float
    leads: pd.DataFrame
    trend_p: float
    earlier: float
    earlier_error: float
    pairs: int


def difference(
    matched: Pairs, weekly: Floats, first_week: int, weeks: int, *, confidence: float = 0.95
) -> Difference:
    """Return the difference in differences of matched pairs, and its event study.

    Parameters
    ----------
    matched
        Pairs.
    weekly
        Customers x weeks.
    first_week
        Week of the first column, counted from the campaign's first day (negative).
    weeks
        Weeks of the campaign.

    Notes
    -----
    The gap of every pair over the campaign's weeks, less its mean gap in the weeks before. The
    test of the weeks before is Hotelling's on their contrasts, one row a pair, with four-week
    blocks where there are many weeks, as its covariance needs more pairs than contrasts.
    """
    gaps = matched.differences(weekly)
    before, during = gaps[:, :-first_week], gaps[:, -first_week : -first_week + weeks]
    base = before.mean(axis=1)
    middle, errors = _mean(gaps - base[:, None])
    reach = normal_quantile(confidence) * errors
    week = np.arange(first_week, first_week + gaps.shape[1])
    leads = pd.DataFrame(
        {"week": week, "gap": middle, "low": middle - reach, "high": middle + reach}
    )
    leads = leads.assign(before=leads["week"] < 0).iloc[: -first_week + weeks]
    gain = _mean(during.sum(axis=1) - weeks * base)
    earlier = (np.nan, np.nan)
    if before.shape[1] >= 2 * weeks:
        past, pretended = before[:, :-weeks].mean(axis=1), before[:, -weeks:].sum(axis=1)
        earlier = _mean(pretended - weeks * past)
    return Difference(*gain, leads, _same_before(before), *earlier, len(gaps))


def _mean(gains: Floats) -> tuple[Any, Any]:
    """Return the mean over pairs and its standard error."""
    return gains.mean(axis=0), gains.std(axis=0, ddof=1) / np.sqrt(len(gains))


def _same_before(before: Floats) -> float:
    """Return the p-value that all blocks of weeks before have the same mean gap."""
    from scipy.stats import f

    blocks = max(2, min(6, before.shape[1] // 4))
    parts = np.array_split(before, blocks, axis=1)
    means = np.column_stack([part.mean(axis=1) for part in parts])
    contrasts = means[:, 1:] - means[:, :1]
    n, k = contrasts.shape
    mean, covariance = contrasts.mean(axis=0), np.atleast_2d(np.cov(contrasts, rowvar=False))
    if n <= k or np.linalg.matrix_rank(covariance) < k:
        return float("nan")
    squared = n * float(mean @ np.linalg.solve(covariance, mean))
    return float(f.sf(squared * (n - k) / (k * (n - 1)), k, n - k))


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

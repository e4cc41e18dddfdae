"""Whether the customers targeted and the others can be compared at all.

The chance of being targeted is estimated from what was known before. Where those targeted are of a
kind that was always targeted, nobody tells what they would have done without.

Doubly robust effect on those targeted: weighting and regression, each to mend the other.

The effect is right if either the chance of being targeted or what the untargeted bring is modelled
right, given that everything that decided about both is among the covariates. That nobody can show
from the data, so it is no causal proof.

References
----------
Robins, Rotnitzky, Zhao (1994), Journal of the American Statistical Association 89(427).
Chernozhukov and others (2018), Econometrics Journal 21(1), equation 5.4: the score for the effect
on the treated, with cross-fitting.
Hajek (1971): weights that add up to one, which keeps a few large ones from taking over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.promotions.observational.doubly_robust import Effects, from_influence, require_arms
from analysis.stats.sizes import FEWEST_EFFECTIVE
from analysis.stats.types import Flags, Floats

#: A chance of being targeted above which a customer has next to no untargeted likeness.
HIGHEST = 0.95

#: No estimate if more of those targeted than this are without likeness.
MOST_OUTSIDE = 0.25

#: Strength of the penalty that keeps the chances of small samples from running off.
_INVERSE_PENALTY = 1.0


@dataclass(frozen=True)
class Overlap:
    """How far the targeted and the others overlap.

    Parameters
    ----------
    chance
        Chance of being targeted, of every customer, from models that did not see the customer.
    inside
        Who is kept: chance at most 0.95 and within the range of the other side.
    outside
        Share of the targeted who are not kept.
    effective
        Number of customers that the untargeted are worth once weighted to resemble the targeted
        (Kish 1965, Survey Sampling, section 11.7).
    reason
        Why no estimate may be given; empty if one may.
    """

    chance: Floats
    inside: Flags
    outside: float
    effective: float
    reason: str

    @property
    def odds(self) -> Floats:
        """Weights that make the untargeted resemble the targeted: chance / (1 - chance)."""
        return odds_of(self.chance)


def chances(
    basis: Floats, treated: Flags, *, folds: int = 5, seed: int = 0
) -> tuple[Floats, NDArray[np.int64]]:
    """Return every customer's chance of being targeted, and the fold that it was held out in.

    Logistic regression with a light ridge penalty on ``basis`` (customers x terms, in standard
    units), fitted without the customer's own fold: cross-fitting as in Chernozhukov and others
    (2018), Econometrics Journal 21(1), definition 3.2.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    chance, fold = np.empty(len(treated)), np.empty(len(treated), dtype=np.int64)
    split = StratifiedKFold(folds, shuffle=True, random_state=seed).split(basis, treated)
    for number, (learn, hold) in enumerate(split):
        model = LogisticRegression(C=_INVERSE_PENALTY, solver="newton-cholesky", max_iter=1_000)
        model.fit(basis[learn], treated[learn])
        chance[hold] = model.predict_proba(basis[hold])[:, 1]
        fold[hold] = number
    return chance, fold


def judge(chance: Floats, treated: Flags) -> Overlap:
    """Judge the overlap of two sides by the customers' chances of being targeted.

    Kept are chances of at most 0.95 that lie between the smallest of the targeted and the largest
    of the others (Dehejia and Wahba 1999, JASA 94(448), section 4, for the range).
    """
    lowest, highest = chance[treated].min(), min(chance[~treated].max(), HIGHEST)
    inside = (chance >= min(lowest, highest)) & (chance <= highest)
    outside = float(1 - inside[treated].mean())
    odds = odds_of(chance[inside & ~treated])
    effective = float(odds.sum() ** 2 / (odds**2).sum()) if len(odds) else 0.0
    return Overlap(chance, inside, outside, effective, _reason(outside, effective))


def _reason(outside: float, effective: float) -> str:
    if outside > MOST_OUTSIDE:
        return (
            f"{100 * outside:.0f} % of those targeted have nobody like them among the others: "
            "nothing shows what they would have done."
        )
    if effective < FEWEST_EFFECTIVE:
        return (
            f"The others, weighted to resemble those targeted, are worth {effective:.0f} "
            f"customers; {FEWEST_EFFECTIVE:.0f} are needed."
        )
    return ""


def odds_of(chance: Floats) -> Floats:
    """Return chance / (1 - chance)."""
    return np.asarray(chance / (1 - chance))


def balance(
    names: Sequence[str], covariates: Floats, treated: Flags, overlap: Overlap
) -> pd.DataFrame:
    """Return how far the two sides differ before and after weighting, covariate by covariate.

    Returns
    -------
    pandas.DataFrame
        covariate, before, after: difference of means over the standard deviation of the targeted
        (Austin 2011, Multivariate Behavioral Research 46(3); beyond 0.1 counts as unlike). After:
        kept customers only, the untargeted weighted by their odds.
    """
    spread = covariates[treated].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    plain = covariates[treated].mean(axis=0) - covariates[~treated].mean(axis=0)
    kept, others = overlap.inside & treated, overlap.inside & ~treated
    weights = overlap.odds[others] / overlap.odds[others].sum()
    left = covariates[kept].mean(axis=0) - weights @ covariates[others]
    return pd.DataFrame(
        {"covariate": list(names), "before": plain / spread, "after": left / spread}
    )


#: Ridge penalty, in customers: what is learnt from fewer than this is not believed.
_PENALTY = 5.0


def on_treated(
    names: Sequence[str],
    measures: Floats,
    basis: Floats,
    treated: Flags,
    chance: Floats,
    fold: NDArray[np.int64],
) -> Effects:
    """Return the effects on those targeted by augmented inverse probability weighting.

    Parameters
    ----------
    names
        Measures.
    measures
        Customers x measures. The estimate is linear in them, so parts add up to their sum.
    basis
        Customers x terms of the covariates, in standard units.
    treated
        Who was targeted.
    chance, fold
        As `overlap.chances` gives them; customers without overlap left out beforehand.

    Raises
    ------
    NotApplicable
        If either side has fewer than twenty customers.
    """
    require_arms(treated)
    without = _expected_without(measures, basis, treated, fold)
    surprise = measures - without
    odds = np.where(treated, 0.0, odds_of(chance))
    weights = odds / odds.sum() * len(treated)
    share = treated.mean()
    gain = surprise[treated].mean(axis=0)
    drift = (weights[:, None] * surprise).mean(axis=0)
    effect = gain - drift
    anyway = measures[treated].mean(axis=0) - effect
    of_treated = np.where(treated[:, None], surprise - gain, 0.0) / share
    of_others = weights[:, None] * (surprise - drift)
    of_mean = np.where(treated[:, None], measures - measures[treated].mean(axis=0), 0.0) / share
    moved = of_treated - of_others
    influence = np.hstack([moved, of_mean - moved])
    return from_influence(names, effect, anyway, influence, treated, randomised=False)


def _expected_without(
    measures: Floats, basis: Floats, treated: Flags, fold: NDArray[np.int64]
) -> Floats:
    """Return what each customer would bring untargeted, by ridge regression on other folds."""
    expected = np.empty_like(measures)
    terms = np.column_stack([np.ones(len(basis)), basis])
    penalty = np.diag([0.0] + [_PENALTY] * basis.shape[1])
    for number in np.unique(fold):
        learn, hold = (fold != number) & ~treated, fold == number
        inside = terms[learn]
        solved = np.linalg.solve(inside.T @ inside + penalty, inside.T @ measures[learn])
        expected[hold] = terms[hold] @ solved
    return expected

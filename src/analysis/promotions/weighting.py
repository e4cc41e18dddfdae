"""Doubly robust effect on those targeted: weighting and regression, each to mend the other.

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
from typing import TYPE_CHECKING

import numpy as np

from analysis.promotions.effects import Effects, from_influence, require_arms
from analysis.promotions.overlap import odds_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

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

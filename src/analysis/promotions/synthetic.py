"""Promotions that were for everybody: their products against a blend of products left alone.

Nobody was left out of such a promotion, so customers cannot be compared. Other products can: the
blend of them that moved as the promoted ones did before tells where these would have gone. No
causal proof: whatever else befell the promoted products in those weeks is in the difference.

References
----------
Abadie, Diamond, Hainmueller (2010), Journal of the American Statistical Association 105(490):
weights that are positive and add up to one, and placebos on every product of the blend.
Ferman, Pinto (2021), Quantitative Economics 12(4): series in units of their own level.
Firpo, Possebom (2018), Journal of Causal Inference 6(2): intervals from the placebos, by inverting
their test over the lifts that it does not reject.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import NotApplicable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Fewest weeks before, and fewest products to blend.
FEWEST_WEEKS, FEWEST_DONORS = 13, 19

#: Weight of the demand that the blend's weights add up to one, against a week's misfit.
_SUM_WEIGHT = 1e3


@dataclass(frozen=True)
class Synthetic:
    """A promotion for everybody, against its blend.

    Parameters
    ----------
    lift, low, high
        Sales in the promotion's weeks over the blend's, less one, and the placebos' interval; high
        is infinite where the placebos stray as far as the blend is high.
    p
        Share of products, the promoted ones included, whose gap stands out as much.
    gain
        The same in the sales' own unit.
    actual, blend
        Sales by week, weeks before and then the promotion's.
    weeks
        Weeks of the promotion.
    weights
        Of the products blended.
    misfit
        Root mean squared gap before, as a share of the level.
    """

    lift: float
    low: float
    high: float
    p: float
    gain: float
    actual: Floats
    blend: Floats
    weeks: int
    weights: Floats
    misfit: float


def contrast(
    promoted: Floats, others: Floats, weeks: int, *, confidence: float = 0.95
) -> Synthetic:
    """Compare promoted products with a blend of others.

    Parameters
    ----------
    promoted
        Sales of the promoted products together, week by week, the last ``weeks`` promoted.
    others
        Weeks x products: sales of products that were left alone.
    weeks
        Weeks of the promotion.
    confidence
        Coverage of the interval, as far as the number of placebos can give it.

    Raises
    ------
    NotApplicable
        If no week is promoted, there is too little before, too little to blend, or no sales to
        compare.

    Notes
    -----
    A promotion that sells twice as much doubles the week's noise as well. So a lift is in the
    interval if the sales, freed of it, stray from the blend no further than placebos do; not if the
    gap itself, which grows with the lift, is no larger than theirs.
    """
    if weeks < 1:
        raise NotApplicable("No whole week of the promotion is in the data.")
    before = len(promoted) - weeks
    _require_enough(promoted[:before], others)
    level = promoted[:before].mean()
    own, rest = promoted / level, others / others[:before].mean(axis=0)
    weights = blend_weights(own[:before], rest[:before])
    blend = rest @ weights
    gap, misfit = _gap(own, blend, before)
    placebos = np.array([_placebo(rest, at, before) for at in range(rest.shape[1])])
    standing = np.abs(placebos[:, 0]) / placebos[:, 1]
    p = (1 + int((standing >= abs(gap) / misfit).sum())) / (1 + len(standing))
    reach = misfit * _of_placebos(standing, confidence)
    sold, usual = float(own[before:].mean()), float(blend[before:].mean())
    return Synthetic(
        lift=gap / usual,
        low=sold / (usual + reach) - 1,
        high=sold / (usual - reach) - 1 if usual > reach else np.inf,
        p=p,
        gain=gap * level * weeks,
        actual=promoted,
        blend=blend * level,
        weeks=weeks,
        weights=weights,
        misfit=misfit,
    )


def _require_enough(past: Floats, others: Floats) -> None:
    """Raise NotApplicable where there is too little to compare with."""
    if len(past) < FEWEST_WEEKS:
        raise NotApplicable(f"Only {len(past)} weeks before it; {FEWEST_WEEKS} are needed.")
    if others.shape[1] < FEWEST_DONORS:
        raise NotApplicable(
            f"Only {others.shape[1]} products sold every week and were left alone; "
            f"{FEWEST_DONORS} are needed."
        )
    if past.sum() <= 0:
        raise NotApplicable("The products had no sales before it.")


def blend_weights(own: Floats, others: Floats) -> Floats:
    """Return the positive weights, adding up to one, whose blend is nearest to ``own``."""
    from scipy.optimize import nnls

    design = np.vstack([others, np.full(others.shape[1], _SUM_WEIGHT)])
    found, _ = nnls(design, np.append(own, _SUM_WEIGHT))
    return np.asarray(found / found.sum())


def _of_placebos(standing: Floats, confidence: float) -> float:
    """Return the standing that one more placebo stays within with the confidence asked for."""
    n = len(standing)
    rank = min(n, int(np.ceil(confidence * (n + 1) - 1e-9)))
    return float(np.sort(standing)[rank - 1])


def _gap(own: Floats, blend: Floats, before: int) -> tuple[float, float]:
    """Return the mean gap in the promotion's weeks, and the root mean squared gap before."""
    gaps = own - blend
    return float(gaps[before:].mean()), float(np.sqrt((gaps[:before] ** 2).mean()) + 1e-12)


def _placebo(rest: Floats, at: int, before: int) -> tuple[float, float]:
    own, others = rest[:, at], np.delete(rest, at, axis=1)
    return _gap(own, others @ blend_weights(own[:before], others[:before]), before)

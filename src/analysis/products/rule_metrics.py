"""How interesting a rule is, in the words of mlxtend and of the literature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.discoveries import normal_quantile
from analysis.products.chance import fisher_more

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


def metrics(
    both: npt.ArrayLike,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    orders: int,
    worth: npt.ArrayLike = 1.0,
) -> pd.DataFrame:
    """Return all metrics of rules A -> B from how many orders hold A, B and both.

    Parameters
    ----------
    both, a, b
        Orders with both sides, with the antecedent, with the consequent.
    orders
        All orders.
    worth
        Orders that tell no more than one independent one, as `alike.design_effects` has it.

    Returns
    -------
    pandas.DataFrame
        Named and defined as in mlxtend: antecedent support, consequent support, support,
        confidence, lift, representativity, leverage, conviction (infinite where the confidence
        is 1), zhangs_metric, jaccard, certainty, kulczynski. Also cosine and imbalance_ratio
        (Wu, Chen and Han 2010, Re-examination of interestingness measures, table 3 and
        section 4), and p, that of Fisher's exact test for more than chance on orders / worth.
    """
    import pandas as pd

    both, a, b = (np.asarray(v, dtype=np.float64) for v in (both, a, b))
    k = np.asarray(worth, dtype=np.float64)
    s, sa, sb = both / orders, a / orders, b / orders
    confidence, leverage = s / sa, s - sa * sb
    return pd.DataFrame(
        {
            "antecedent support": sa,
            "consequent support": sb,
            "support": s,
            "confidence": confidence,
            "lift": confidence / sb,
            "representativity": np.ones_like(s),
            "leverage": leverage,
            "conviction": _conviction(both, a, sb),
            "zhangs_metric": _ratio(leverage, np.maximum(s * (1 - sa), sa * (sb - s))),
            "jaccard": both / (a + b - both),
            "certainty": _ratio(confidence - sb, 1 - sb),
            "kulczynski": (both / a + both / b) / 2,
            "cosine": both / np.sqrt(a * b),
            "imbalance_ratio": np.abs(a - b) / (a + b - both),
            "p": fisher_more(both / k, a / k, b / k, orders / k),
        }
    )


def _conviction(both: Floats, a: Floats, sb: Floats) -> Floats:
    misses = (a - both) / a
    return np.divide(1 - sb, misses, out=np.full_like(a, np.inf), where=misses > 0)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Return the ratio; 0 where nothing could be said, as mlxtend has it."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)


def lift_interval(
    both: npt.ArrayLike,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    orders: int,
    confidence: float = 0.95,
) -> tuple[Floats, Floats]:
    """Return the ends of the interval of a lift, orders taken as independent.

    By the delta method on its logarithm, whose variance over n orders with shares p is
    (1/p_ab - 1/p_a - 1/p_b + 2 p_ab / (p_a p_b) - 1) / n. NaN where no order holds both.
    """
    both, a, b = (np.asarray(v, dtype=np.float64) for v in (both, a, b))
    none = both == 0
    s, sa, sb = np.where(none, 1.0, both) / orders, a / orders, b / orders
    lift = s / (sa * sb)
    variance = np.maximum(1 / s - 1 / sa - 1 / sb + 2 * lift - 1, 0) / orders
    reach = np.exp(normal_quantile(confidence) * np.sqrt(variance))
    return np.where(none, np.nan, lift / reach), np.where(none, np.nan, lift * reach)

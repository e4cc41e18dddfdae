"""The Bayesian view: how likely an arm is better, and what a wrong choice costs.

The prior is stated and sceptical: before the data, an effect is as likely to help as to harm, and
two in three effects are smaller than a fifth of what customers differ by (a small effect in the
sense of Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, section 2.2).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]


#: Standard deviation of the prior, in standard deviations of a customer.
PRIOR = 0.2


def posterior(
    difference: npt.ArrayLike, error: npt.ArrayLike, *, scale: npt.ArrayLike
) -> tuple[Array, Array]:
    """Return mean and standard deviation of the effect, after a normal prior about zero.

    Parameters
    ----------
    difference, error
        Estimate and its standard error.
    scale
        Standard deviation of the prior.

    Notes
    -----
    The conjugate normal (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.5).
    """
    d, e, s = (np.asarray(v, dtype=float) for v in (difference, error, scale))
    weight = s**2 / (s**2 + e**2)
    return weight * d, np.sqrt(weight) * e


def losses(mean: npt.ArrayLike, deviation: npt.ArrayLike) -> tuple[Array, Array]:
    """Return what is lost on average by using the arm, and by not using it, a customer.

    Using it costs where the effect is below zero, not using it where it is above.
    """
    from scipy.special import ndtr

    m, s = np.asarray(mean, dtype=float), np.asarray(deviation, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(s > 0, m / s, np.sign(m) * np.inf)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    gain = s * density + m * ndtr(z)
    return gain - m, gain


def better(mean: npt.ArrayLike, deviation: npt.ArrayLike) -> Array:
    """Return the probability that the effect is above zero."""
    from scipy.special import ndtr

    return np.asarray(ndtr(np.asarray(mean, dtype=float) / np.asarray(deviation, dtype=float)))


def view(primary: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Return the posterior of every arm.

    Parameters
    ----------
    primary
        Rows of ``experiment.estimate`` of the measure that decides, with promotion_id and name.
    confidence
        Of the credible interval.

    Returns
    -------
    pandas.DataFrame
        promotion_id, name, arm, mean, low, high (of the effect), better (probability), loss_using
        and loss_not_using (expected, a customer). Arms without an estimate are left out.
    """
    from analysis.discoveries import normal_quantile

    rows = primary[primary["error"] > 0]
    per_customer = np.sqrt(1 / (1 / rows["n"] + 1 / rows["n_control"]))
    scale = PRIOR * rows["error"] * per_customer
    mean, deviation = posterior(rows["difference"], rows["error"], scale=scale)
    reach = normal_quantile(confidence) * deviation
    using, without = losses(mean, deviation)
    return rows[["promotion_id", "name", "arm"]].assign(
        mean=mean,
        low=mean - reach,
        high=mean + reach,
        better=better(mean, deviation),
        loss_using=using,
        loss_not_using=without,
    )


def share_better(
    x1: int, n1: int, x2: int, n2: int, *, prior: tuple[float, float] = (1.0, 1.0)
) -> float:
    """Return the probability that a share is higher treated than in control.

    Beta priors, flat by default; exact by quadrature over the control's share.
    """
    from scipy.stats import beta

    a, b = prior
    nodes, weights = np.polynomial.legendre.leggauss(400)
    u = (nodes + 1) / 2
    own = beta.ppf(u, a + x2, b + n2 - x2)
    return float(np.sum(beta.sf(own, a + x1, b + n1 - x1) * weights) / 2)

"""The Bayesian view: how likely an arm is better, and what a wrong choice costs.

The prior is stated and sceptical: before the data, an effect is as likely to help as to harm, and
two in three effects are smaller than a fifth of what customers differ by (a small effect in the
sense of Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, section 2.2).

For a promotion with several arms that may adapt: where the next customers should go.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.stats.types import Floats

#: Standard deviation of the prior, in standard deviations of a customer.
PRIOR = 0.2


def posterior(
    difference: npt.ArrayLike, error: npt.ArrayLike, *, scale: npt.ArrayLike
) -> tuple[Floats, Floats]:
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


def losses(mean: npt.ArrayLike, deviation: npt.ArrayLike) -> tuple[Floats, Floats]:
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


def better(mean: npt.ArrayLike, deviation: npt.ArrayLike) -> Floats:
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
    from analysis.stats.multiplicity import normal_quantile

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


#: No arm gets less than this share, or it could never be seen to be better after all.
LEAST = 0.05

_DRAWS = 400


def chances_of_best(mean: Floats, error: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Return the chance that each arm is best; last axis by arm."""
    drawn = rng.normal(size=(*mean.shape[:-1], draws, mean.shape[-1]))
    best = np.argmax(mean[..., None, :] + error[..., None, :] * drawn, axis=-1)
    arms = np.arange(mean.shape[-1])
    return np.mean(best[..., None] == arms, axis=-2)


def shares(chances: Floats, *, least: float = LEAST) -> Floats:
    """Return the shares of the next customers: the chance of being best, no arm below ``least``."""
    arms = chances.shape[-1]
    return least + (1 - arms * least) * chances


def propose(arms: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return the share of the next customers that each arm should get.

    Parameters
    ----------
    arms
        arm, mean (of the measure a customer), error, n; control among them.
    seed
        Of the draws.

    Returns
    -------
    pandas.DataFrame
        arm, mean, best (chance that it is the best), share (proposed).

    Notes
    -----
    Thompson sampling in batches (Thompson 1933, Biometrika 25, 285-294; Russo et al. 2018,
    Foundations and Trends in Machine Learning 11(1), section 3) with flat normal priors.
    """
    rng = np.random.default_rng(seed)
    mean, error = (arms[c].to_numpy(dtype=float) for c in ("mean", "error"))
    best = chances_of_best(mean, error, rng, 20_000)
    return arms[["arm", "mean"]].assign(best=best, share=shares(best))


#: Further batches, each as many customers as have been assigned so far over their number; and
#: shops simulated, in each of which the true means are drawn from what is known now.
BATCHES, SIMULATIONS = 8, 500


def regret(arms: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return what is lost against always using the best arm, by how customers are shared out.

    Parameters
    ----------
    arms
        As in `propose`.
    seed
        Of the simulation.

    Returns
    -------
    pandas.DataFrame
        policy, regret (a customer of all further batches, mean over simulations), low, high
        (the middle 95 % of the simulations).
    """
    rng = np.random.default_rng(seed)
    mean, error = (arms[c].to_numpy(dtype=float) for c in ("mean", "error"))
    n = arms["n"].to_numpy(dtype=float)
    truth = mean + error * rng.normal(size=(SIMULATIONS, len(mean)))
    spread = error * np.sqrt(n)
    size = n.sum() / BATCHES
    equal = np.full(truth.shape, 1 / len(mean))
    rows = []
    for policy in ("Equal shares", "Thompson sampling"):
        known, sums = np.tile(n, (SIMULATIONS, 1)), np.tile(mean * n, (SIMULATIONS, 1))
        lost = np.zeros(SIMULATIONS)
        for _ in range(BATCHES):
            if policy == "Equal shares":
                given = equal
            else:
                chances = chances_of_best(sums / known, spread / np.sqrt(known), rng, _DRAWS)
                given = shares(chances)
            lost += np.sum(given * (truth.max(1, keepdims=True) - truth), 1) / BATCHES
            more = given * size
            drawn = truth + spread * rng.normal(size=truth.shape) / np.sqrt(more)
            known, sums = known + more, sums + more * drawn
        low, high = np.quantile(lost, [0.025, 0.975])
        rows.append((policy, float(lost.mean()), float(low), float(high)))
    return pd.DataFrame(rows, columns=["policy", "regret", "low", "high"])


def standing(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the arms of a promotion from its estimates of one measure, control first.

    ``estimates`` holds the rows of ``experiment.estimate`` of one promotion and measure. Errors
    of arms are apart from what all share with control; control's is what the differences leave.
    """
    n = estimates["n"].to_numpy(dtype=float)
    control = float(estimates["n_control"].iloc[0])
    per_customer = estimates["error"].to_numpy(dtype=float) / np.sqrt(1 / n + 1 / control)
    base = float(estimates["control"].iloc[0])
    first = ("control", base, float(per_customer.mean() / np.sqrt(control)), control)
    others = zip(
        estimates["arm"], base + estimates["difference"], per_customer / np.sqrt(n), n, strict=True
    )
    return pd.DataFrame([first, *others], columns=["arm", "mean", "error", "n"])

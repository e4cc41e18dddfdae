"""For a promotion with several arms that may adapt: where the next customers should go."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]

#: No arm gets less than this share, or it could never be seen to be better after all.
LEAST = 0.05

_DRAWS = 400


def chances_of_best(mean: Array, error: Array, rng: np.random.Generator, draws: int) -> Array:
    """Return the chance that each arm is best; last axis by arm."""
    drawn = rng.normal(size=(*mean.shape[:-1], draws, mean.shape[-1]))
    best = np.argmax(mean[..., None, :] + error[..., None, :] * drawn, axis=-1)
    arms = np.arange(mean.shape[-1])
    return np.mean(best[..., None] == arms, axis=-2)


def shares(chances: Array, *, least: float = LEAST) -> Array:
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


def regret(
    arms: pd.DataFrame, *, seed: int, batches: int = 8, simulations: int = 500
) -> pd.DataFrame:
    """Return what is lost against always using the best arm, by how customers are shared out.

    Parameters
    ----------
    arms
        As in `propose`.
    seed
        Of the simulation.
    batches
        Further batches, each as many customers as have been assigned so far, over ``batches``.
    simulations
        Shops; in each the true means are drawn from what is known now.

    Returns
    -------
    pandas.DataFrame
        policy, regret (a customer of all further batches, mean over simulations), low, high
        (the middle 95 % of the simulations).
    """
    rng = np.random.default_rng(seed)
    mean, error = (arms[c].to_numpy(dtype=float) for c in ("mean", "error"))
    n = arms["n"].to_numpy(dtype=float)
    truth = mean + error * rng.normal(size=(simulations, len(mean)))
    spread = error * np.sqrt(n)
    size = n.sum() / batches
    equal = np.full(truth.shape, 1 / len(mean))
    rows = []
    for policy in ("Equal shares", "Thompson sampling"):
        known, sums = np.tile(n, (simulations, 1)), np.tile(mean * n, (simulations, 1))
        lost = np.zeros(simulations)
        for _ in range(batches):
            if policy == "Equal shares":
                given = equal
            else:
                chances = chances_of_best(sums / known, spread / np.sqrt(known), rng, _DRAWS)
                given = shares(chances)
            lost += np.sum(given * (truth.max(1, keepdims=True) - truth), 1) / batches
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

"""Drawing who takes part: by seed, within strata, and again while the arms are too unlike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.promotions.outcomes.outcomes import CONTROL
from analysis.stats.types import Floats


def draw(
    customers: pd.DataFrame,
    arms: Mapping[str, float],
    *,
    seed: int,
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    redraws: int = 100,
) -> pd.DataFrame:
    """Draw an arm for every customer.

    Parameters
    ----------
    customers
        customer_id, and the columns of ``strata`` and ``covariates``. The order of rows does not
        matter.
    arms
        Share of each arm; ``control`` among them. They add up to 1.
    seed
        The same seed and customers give the same arms.
    strata
        Columns within each combination of which the shares are kept to the customer.
    covariates
        Columns of numbers that the arms are to be alike in: of ``redraws`` draws the most
        balanced is taken. Only the balance is looked at, never an outcome.
    redraws
        Number of draws.

    Returns
    -------
    pandas.DataFrame
        customer_id (sorted), arm.

    Notes
    -----
    Redrawing by the Mahalanobis distance of the arms: Morgan and Rubin (2012), Annals of
    Statistics 40(2), 1263-1282. Welch's interval is then wider than needed, never too narrow.
    """
    if abs(sum(arms.values()) - 1) > 1e-9 or min(arms.values()) <= 0:
        raise ValueError(f"shares of the arms must be positive and add up to 1: {dict(arms)}")
    if CONTROL not in arms:
        raise ValueError("an arm must be named control")
    ordered = customers.sort_values("customer_id", kind="stable").reset_index(drop=True)
    blocks = _blocks(ordered, strata)
    rng = np.random.default_rng(seed)
    shares = np.array(list(arms.values()))
    values = _whitened(ordered[list(covariates)].to_numpy(dtype=float)) if covariates else None
    best, lowest = _drawn(blocks, shares, rng), np.inf
    for _ in range(redraws if values is not None else 0):
        drawn = _drawn(blocks, shares, rng)
        far = _distance(values, drawn, len(shares))  # type: ignore[arg-type]
        if far < lowest:
            best, lowest = drawn, far
    names = np.array(list(arms), dtype=object)[best]
    return pd.DataFrame({"customer_id": ordered["customer_id"], "arm": pd.array(names, "str")})


def _blocks(customers: pd.DataFrame, strata: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    if not strata:
        return [np.arange(len(customers))]
    groups = customers.groupby(list(strata), sort=True, dropna=False, observed=True)
    return list(groups.indices.values())


def _drawn(
    blocks: Sequence[npt.NDArray[np.int64]], shares: Floats, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Give arms block by block: whole customers by share, those left over at random."""
    given = np.empty(sum(len(b) for b in blocks), dtype=np.int64)
    for block in blocks:
        exact = shares * len(block)
        counts = np.floor(exact + 1e-9).astype(int)
        left = len(block) - int(counts.sum())
        if left:
            odds = np.clip(exact - counts, 0, None)
            extra = rng.choice(len(shares), size=left, replace=False, p=odds / odds.sum())
            counts[extra] += 1
        given[rng.permutation(block)] = np.repeat(np.arange(len(shares)), counts)
    return given


def _whitened(values: Floats) -> Floats:
    """Return uncorrelated columns of unit variance, constant ones left out."""
    centred = values - values.mean(0)
    centred = centred[:, centred.std(0) > 0]
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    return u[:, s > s.max(initial=0.0) * 1e-9] * np.sqrt(len(values))


def _distance(values: Floats, drawn: npt.NDArray[np.int64], arms: int) -> float:
    sums = np.zeros((arms, values.shape[1]))
    np.add.at(sums, drawn, values)
    n = np.bincount(drawn, minlength=arms)
    return float(np.sum(sums**2 / np.maximum(n, 1)[:, None]))


def balance(
    customers: pd.DataFrame, drawn: pd.DataFrame, covariates: Sequence[str]
) -> pd.DataFrame:
    """Return how alike the arms came out.

    Returns
    -------
    pandas.DataFrame
        arm (control first), customers, the mean of each covariate, and furthest: the largest
        distance from the mean of all, in standard deviations.
    """
    rows = customers.merge(drawn, on="customer_id")
    sizes = rows.groupby("arm", sort=True).size()
    means = rows.groupby("arm", sort=True)[list(covariates)].mean()
    spread = rows[list(covariates)].std().replace(0, np.nan)
    far = ((means - rows[list(covariates)].mean()) / spread).abs().max(axis=1)
    table = means.assign(customers=sizes, furthest=far).reset_index()
    table = table.assign(last=table["arm"] != CONTROL).sort_values(["last", "arm"])
    return table[["arm", "customers", *covariates, "furthest"]].reset_index(drop=True)

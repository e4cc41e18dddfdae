"""The same effect counted in other ways, to see whether the answer hangs on the method.

Large customers: effects on quantiles, and what cutting the largest would change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import ibis
import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.errors import NotApplicable
from analysis.promotions.experiments import adjustment
from analysis.promotions.experiments.adjustment import Effect
from analysis.promotions.outcomes import moments
from analysis.promotions.outcomes.moments import Moments
from analysis.promotions.outcomes.outcomes import CONTROL, COVARIATES
from analysis.stats import permutation, resampling
from analysis.stats.types import Floats

Ends = tuple[float, float, float, float]

#: Customers are put into so many groups by what they brought before, for post-stratification.
STRATA = 5

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99)


def customers(rows: ibis.Table, promotion_id: str, *, arm: str) -> pd.DataFrame:
    """Return one arm of a promotion and its control, one row a customer, sorted by customer_id."""
    chosen = rows.filter(rows.promotion_id == promotion_id, rows.arm.isin([CONTROL, arm]))
    return chosen.order_by("customer_id").to_pandas()


@without("cluster")
def in_other_ways(
    people: pd.DataFrame,
    metric: str,
    *,
    winsor: float,
    confidence: float,
    seed: int,
    resamples: int,
    cluster: pd.Series | None = None,
) -> pd.DataFrame:
    """Return the effect on a mean a customer by every method.

    Parameters
    ----------
    people
        ``customers``.
    metric
        Column compared.
    winsor
        Quantile of both arms together that larger values are cut to.
    confidence, seed, resamples
        Of intervals and their resamples.
    cluster
        Cluster of each customer, such as the main store; None leaves that method out.

    Returns
    -------
    pandas.DataFrame
        method, difference, low, high, p (NaN where the method has none), reason (why a method
        gives nothing; empty otherwise).
    """
    treated, control = (people[people["arm"].eq(CONTROL) == own] for own in (False, True))
    names = [metric, *(c for c in COVARIATES if c != metric)]
    one, two = (moments.of_frame(part, names) for part in (treated, control))
    cut = _cut(treated, control, metric, winsor, names)
    values = tuple(part[metric].to_numpy(dtype=float) for part in (treated, control))
    used = adjustment.usable([one, two], COVARIATES).used
    effects: dict[str, Callable[[], Effect]] = {
        "Adjusted by regression": lambda: adjustment.regression(one, two, metric, used),
        "One slope (CUPED)": lambda: adjustment.cuped(one, two, metric, used),
        "Stratified by past margin": lambda: _stratified(treated, control, metric),
        "Unadjusted (Welch)": lambda: adjustment.plain(one, two, metric),
        f"Winsorised at {100 * winsor:g} %": lambda: adjustment.regression(*cut, metric, used),
    }
    ways = {name: partial(_ends, effect, confidence) for name, effect in effects.items()}
    ways["Bootstrap of customers"] = partial(_resampled, values, confidence, seed, resamples)
    ways["Permutation test"] = partial(_redrawn, values, seed)
    if cluster is not None:
        sums = cluster_sums(people, metric, cluster)
        ways["Clustered by store"] = partial(
            _ends, partial(adjustment.difference, sums), confidence
        )
    return pd.DataFrame([_tried(name, way) for name, way in ways.items()])


def _tried(name: str, way: Callable[[], Ends]) -> dict[str, object]:
    columns = ("difference", "low", "high", "p")
    try:
        found, reason = way(), ""
    except NotApplicable as error:
        found, reason = (np.nan,) * 4, str(error)
    return {"method": name, **dict(zip(columns, found, strict=True)), "reason": reason}


def _ends(way: Callable[[], Effect], confidence: float) -> Ends:
    effect = way()
    low, high = effect.interval(confidence)
    return float(effect.difference), float(low), float(high), float(effect.p())


def _stratified(treated: pd.DataFrame, control: pd.DataFrame, metric: str) -> Effect:
    past = pd.concat([treated, control])["before_margin"].to_numpy(dtype=float)
    edges = np.unique(np.quantile(past, np.linspace(0, 1, STRATA + 1)[1:-1]))
    arms = []
    for part in (treated, control):
        place = np.searchsorted(edges, part["before_margin"].to_numpy(dtype=float))
        chosen = [part[place == i] for i in range(len(edges) + 1)]
        arms.append([moments.of_frame(rows, [metric]) for rows in chosen])
    kept = [i for i in range(len(edges) + 1) if arms[0][i].n + arms[1][i].n > 0]
    one, two = ([arm[i] for i in kept] for arm in arms)
    return adjustment.post_stratified(one, two, metric)


def _cut(
    treated: pd.DataFrame, control: pd.DataFrame, metric: str, winsor: float, names: list[str]
) -> tuple[Moments, Moments]:
    both = np.concatenate([part[metric].to_numpy(dtype=float) for part in (treated, control)])
    _, limit = cut(both, at=winsor)
    one, two = (
        moments.of_frame(part.assign(**{metric: part[metric].clip(upper=limit)}), names)
        for part in (treated, control)
    )
    return one, two


def _resampled(values: tuple[Floats, ...], confidence: float, seed: int, resamples: int) -> Ends:
    one, two = values
    low, high = resampling.by_buckets(
        one, two, confidence=confidence, seed=seed, replicates=resamples
    )
    return float(one.mean() - two.mean()), low, high, np.nan


def _redrawn(values: tuple[Floats, ...], seed: int) -> Ends:
    one, two = values
    p = float(permutation.p_value(one, two, seed=seed, draws=999))
    return float(one.mean() - two.mean()), np.nan, np.nan, p


def cluster_sums(people: pd.DataFrame, metric: str, cluster: pd.Series) -> pd.DataFrame:
    """Return what `clusters.difference` takes, customers without a cluster left out."""
    known = cluster.notna().to_numpy()
    rows = people[known].assign(cluster=cluster[known].to_numpy(), own=people["arm"].ne(CONTROL))
    sums = rows.groupby(["cluster", "own"], sort=True)[metric].agg(["size", "sum"]).unstack()
    sums = sums.reindex(columns=[("size", True), ("sum", True), ("size", False), ("sum", False)])
    sums.columns = ["n_treated", "sum_treated", "n_control", "sum_control"]
    return sums.fillna(0.0).reset_index()


def at_quantiles(
    people: pd.DataFrame, metric: str, *, confidence: float, seed: int
) -> pd.DataFrame:
    """Return the effect on quantiles of the customers: who moved, the many or the few.

    Returns
    -------
    pandas.DataFrame
        quantile, control, treated, difference, low, high.
    """
    own = people["arm"].eq(CONTROL)
    treated, control = (people.loc[own == is_own, metric].to_numpy(float) for is_own in (0, 1))
    found = quantile_effects(treated, control, QUANTILES, confidence=confidence, seed=seed)
    levels = [np.quantile(v, QUANTILES, method="inverted_cdf") for v in (control, treated)]
    columns = ["quantile", "control", "treated", "difference", "low", "high"]
    return pd.DataFrame(dict(zip(columns, [QUANTILES, *levels, *found], strict=True)))


def quantile_effects(
    treated: Floats,
    control: Floats,
    shares: Sequence[float],
    *,
    confidence: float,
    seed: int,
    replicates: int = 2_000,
) -> tuple[Floats, Floats, Floats]:
    """Return the difference of quantiles of two arms and its bootstrap interval.

    Parameters
    ----------
    treated, control
        Values of the customers; last axis by customer, others are experiments side by side.
    shares
        Quantiles, such as 0.5 for the median.
    confidence, seed, replicates
        Of the percentile interval.

    Returns
    -------
    tuple
        Differences, lower and upper ends; last axis by quantile.

    Notes
    -----
    A quantile of a resample is one of the sample's order statistics, and which one is a Beta
    draw: the bootstrap needs no resamples. Schultzberg and Ankargren (2022), arXiv:2202.10992.
    """
    rng = np.random.default_rng(seed)
    one, two = (np.sort(np.asarray(v, dtype=float), -1) for v in (treated, control))
    tail = (1 - confidence) / 2
    found = []
    for share in shares:
        gaps = _drawn(one, share, replicates, rng) - _drawn(two, share, replicates, rng)
        low, high = np.quantile(gaps, [tail, 1 - tail], axis=-1)
        found.append((_order(one, share) - _order(two, share), low, high))
    return tuple(np.stack(part, -1) for part in zip(*found, strict=True))  # type: ignore


def _rank(n: int, share: float) -> int:
    return min(max(int(np.ceil(share * n)), 1), n)


def _order(ordered: Floats, share: float) -> Floats:
    return ordered[..., _rank(ordered.shape[-1], share) - 1]


def _drawn(ordered: Floats, share: float, replicates: int, rng: np.random.Generator) -> Floats:
    n = ordered.shape[-1]
    rank = _rank(n, share)
    places = rng.beta(rank, n - rank + 1, size=(*ordered.shape[:-1], replicates))
    index = np.minimum((places * n).astype(int), n - 1)
    return np.take_along_axis(ordered, index, -1)


def cut(values: Floats, *, at: float) -> tuple[Floats, float]:
    """Return values with those above the quantile ``at`` set to it, and that value.

    Cut over both arms together, or the cut itself would differ by arm.
    """
    limit = float(np.quantile(values, at, method="inverted_cdf"))
    return np.minimum(values, limit), limit

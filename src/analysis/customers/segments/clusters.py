"""Are there kinds of customers? Clusters, only if they are really there.

Any algorithm cuts any cloud into as many pieces as it is told. Pieces are worth a name only if
they come back when other customers are drawn (Jaccard stability), if they lie further apart than
the pieces of one single cloud with the same spread and correlations (silhouette against a
simulated one), and if they lie apart at all (silhouette of a quarter). "No clusters worth naming"
is a possible answer, and then the other segmentations, which cut on purpose, are the ones to use.

What clusters are made from: features on one scale, their skew taken out.

Whether clusters come back when other customers are drawn, and beat one single cloud.

References
----------
Hennig (2007), Cluster-wise assessment of cluster stability, Computational Statistics and Data
Analysis 52, 258-271 (bootstrap Jaccard; below 0.6 not to be trusted, from 0.75 a valid cluster).
Rousseeuw (1987), Silhouettes, Journal of Computational and Applied Mathematics 20, 53-65.
Kaufman, Rousseeuw (1990), Finding Groups in Data, chapter 2, table 4 (a silhouette up to 0.25: no
substantial structure has been found).
Calinski, Harabasz (1974), Communications in Statistics 3, 1-27.
Liu, Hayes, Nobel, Marron (2008), Statistical significance of clustering for high-dimension,
low-sample size data, Journal of the American Statistical Association 103, 1281-1293 (one Gaussian
cloud as what clusters must beat).
Tibshirani, Walther, Hastie (2001), Estimating the number of clusters in a data set via the gap
statistic, Journal of the Royal Statistical Society B 63, 411-423 (an even box as the same).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_DISTINCT
from analysis.stats.types import Floats, Integers

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

#: A cluster that comes back at least this alike is valid (Hennig 2007, section 3).
STABLE = 0.75

#: Below this silhouette there is no substantial structure (Kaufman and Rousseeuw 1990).
SUBSTANTIAL = 0.25

_MOST_JUDGED = 4_000


@dataclass(frozen=True)
class Clusters:
    """The best partition, and whether it deserves names.

    Parameters
    ----------
    criteria
        One number of clusters a row: clusters, silhouette, cloud (silhouette of customers
        without clusters, cut alike: mean), cloud_high (its limit, see ``highest_of_nulls``),
        calinski_harabasz, bic (of a
        Gaussian mixture; the smaller the better), mixture_agreement (adjusted Rand index of
        k-means and mixture), stability_mean, stability_least (bootstrap Jaccard, mean and of the
        least stable cluster), holds (stable, substantial, and further apart than clouds).
    members
        customer_id, cluster (1 brings most a customer), by row of the inputs.
    centres
        Clusters x features on the scale of the inputs, by the order of ``numbers``.
    numbers
        Number of the cluster of each centre: 1, 2, 3, or what the last run knew them by
        (``cluster_names``).
    stability
        cluster, customers, jaccard, low, high (middle 90 % of the resamples).
    best
        Number of clusters of the partition shown: among those that hold the one furthest apart,
        else the most stable.
    worth_naming
        Whether any partition holds.
    challenger
        What HDBSCAN finds: clusters, noise (share of customers in none), agreement (adjusted Rand
        index with the partition).
    """

    criteria: pd.DataFrame
    members: pd.DataFrame
    centres: Floats
    numbers: tuple[int, ...]
    stability: pd.DataFrame
    best: int
    worth_naming: bool
    challenger: dict[str, float]


def find(
    inputs: Inputs,
    *,
    most: int = 8,
    resamples: int = 50,
    clouds: int = 20,
    order_by: str = "net_amount",
    seed: int = 0,
) -> Clusters:
    """Cluster customers, and judge whether the clusters deserve names.

    Parameters
    ----------
    inputs
        ``cluster_inputs.prepare``.
    most
        Largest number of clusters tried; from two on.
    resamples
        Bootstrap resamples behind the stability.
    clouds
        Simulated single clouds.
    order_by
        Feature that clusters are numbered by, the highest mean first.
    seed
        Seed of everything random.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # one thread: sums in one order, and many small fits run faster
        return _find(inputs, most, resamples, clouds, order_by, seed)


def _find(
    inputs: Inputs, most: int, resamples: int, clouds: int, order_by: str, seed: int
) -> Clusters:
    values = inputs.values
    rng = np.random.default_rng(seed)
    judged = values[rng.permutation(len(values))[:_MOST_JUDGED]]
    counts = range(2, most + 1)
    models = {k: k_means(judged, k, seed) for k in counts}
    alike = {k: jaccard(judged, models[k], resamples=resamples, seed=seed) for k in counts}
    criteria = _criteria(judged, models, alike, clouds=clouds, seed=seed)
    holding = criteria[criteria["holds"]]
    chosen = criteria["stability_least"] if holding.empty else holding["silhouette"]
    best = int(criteria.loc[chosen.idxmax(), "clusters"])
    codes = models[best].predict(values)
    codes, order = _ordered(codes, inputs.raw[order_by].to_numpy("float64"), best)
    members = pd.DataFrame({"customer_id": inputs.customers, "cluster": codes + 1})
    return Clusters(
        criteria=criteria,
        members=members,
        centres=models[best].cluster_centers_[order],
        numbers=tuple(range(1, best + 1)),
        stability=by_cluster(alike[best][:, order], np.bincount(codes, minlength=best)),
        best=best,
        worth_naming=not holding.empty,
        challenger=_challenger(judged, models[best].predict(judged)),
    )


def of_customers(found: Clusters, features: pd.DataFrame) -> pd.Series:
    """Return each customer's cluster by row of ``features``, if clusters are worth naming."""
    if not found.worth_naming:
        raise NotApplicable("No cluster is written to the table: none is worth naming.")
    places = found.members.set_index("customer_id")["cluster"]
    return features["customer_id"].map(places.astype("str"))


def _criteria(
    values: Floats, models: dict[int, KMeans], alike: dict[int, Floats], *, clouds: int, seed: int
) -> pd.DataFrame:
    from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score, silhouette_score
    from sklearn.mixture import GaussianMixture

    null = highest_of_nulls(values, list(models), clouds=clouds, seed=seed)
    rows = []
    for k, model in models.items():
        mixture = GaussianMixture(k, random_state=seed, reg_covar=1e-3).fit(values)
        silhouette = silhouette_score(values, model.labels_)
        stability = alike[k].mean(axis=0)
        mean, high = null[k]
        rows.append(
            {
                "clusters": k,
                "silhouette": silhouette,
                "cloud": mean,
                "cloud_high": high,
                "calinski_harabasz": calinski_harabasz_score(values, model.labels_),
                "bic": mixture.bic(values),
                "mixture_agreement": adjusted_rand_score(model.labels_, mixture.predict(values)),
                "stability_mean": float(stability.mean()),
                "stability_least": float(stability.min()),
                "holds": bool(stability.min() >= STABLE and silhouette > max(high, SUBSTANTIAL)),
            }
        )
    return pd.DataFrame(rows)


def _ordered(codes: Integers, value: Floats, k: int) -> tuple[Integers, Integers]:
    """Give clusters numbers by the mean of ``value``, the highest first."""
    means = np.array(
        [value[codes == c].mean() if (codes == c).any() else -np.inf for c in range(k)]
    )
    order = np.argsort(-means, kind="stable")
    place = np.empty(k, dtype="int64")
    place[order] = np.arange(k)
    return place[codes], order


def _challenger(values: Floats, labels: Integers) -> dict[str, float]:
    from sklearn.cluster import HDBSCAN
    from sklearn.metrics import adjusted_rand_score

    found = HDBSCAN(min_cluster_size=max(30, len(values) // 50), copy=True).fit_predict(values)
    inside = found >= 0
    agreement = adjusted_rand_score(labels[inside], found[inside]) if inside.any() else np.nan
    return {
        "clusters": int(found.max() + 1),
        "noise": float((~inside).mean()),
        "agreement": float(agreement),
    }


#: Features clusters are made from, with the words a reader knows them by. Value and frequency
#: are in, but only once each: four columns that say "much" would be four votes for it.
FEATURES = {
    "net_amount": "spending",
    "basket_value": "spending per basket",
    "gap_median": "days between visits",
    "discount_share": "discount share",
    "categories": "categories bought",
    "private_label_share": "private-label share",
    "coupon_orders_share": "orders with a coupon",
    "weekend_share": "weekend share",
    "evening_share": "evening share",
    "store_share": "share of visits to the main store",
    "spend_trend": "spending, second half against first",
    "returns_rate": "returns",
}

_MOST_MISSING = 0.5

_CLIP = 3.0


@dataclass(frozen=True)
class Inputs:
    """Customers ready for clustering.

    Parameters
    ----------
    customers
        customer_id by row.
    values
        Customers x features, mean 0 and standard deviation 1, skew taken out, clipped at three.
    raw
        The same features as they were, missing values filled with the median.
    names
        Feature columns by column.
    left_out
        Features not used, with the reason.
    """

    customers: pd.Series
    values: Floats
    raw: pd.DataFrame
    names: tuple[str, ...]
    left_out: dict[str, str]


def prepare(
    features: pd.DataFrame, *, names: tuple[str, ...] | None = None, fewest_orders: int = 4
) -> Inputs:
    """Take customers with enough orders, fill, transform and scale their features.

    Skew is taken out by the Yeo-Johnson power of greatest likelihood (Yeo and Johnson 2000,
    Biometrika 87, 954-959); a feature that half of the customers lack, or that has fewer than ten
    values, is left out.

    Parameters
    ----------
    features
        ``features.fetch_detailed``.
    names
        Columns to use; None takes ``FEATURES``.
    fewest_orders
        Customers with fewer orders have no habits to cluster by.

    Raises
    ------
    NotApplicable
        If fewer than two features, or a hundred customers, are left.
    """
    from sklearn.preprocessing import PowerTransformer

    people = features[features["orders"] >= fewest_orders].reset_index(drop=True)
    used, left_out = [], {}
    for name in names or tuple(FEATURES):
        reason = _unusable(people, name)
        if reason:
            left_out[name] = reason
        else:
            used.append(name)
    if len(used) < 2 or len(people) < 100:
        raise NotApplicable(
            f"Clusters need two features and 100 customers with {fewest_orders} orders; there "
            f"are {len(used)} and {len(people)}."
        )
    raw = people[used].astype("float64")
    raw = raw.fillna(raw.median())
    values = PowerTransformer(method="yeo-johnson").fit_transform(raw.to_numpy())
    return Inputs(people["customer_id"], np.clip(values, -_CLIP, _CLIP), raw, tuple(used), left_out)


def _unusable(people: pd.DataFrame, name: str) -> str:
    if name not in people or people[name].isna().mean() > _MOST_MISSING:
        return "not known of most customers"
    if people[name].nunique() < FEWEST_DISTINCT:
        return f"fewer than {FEWEST_DISTINCT} different values"
    return ""


#: One start in five finds the best three kinds of iris; of 25, all but one in a hundred seeds do.
_STARTS = 25


def k_means(
    values: Floats, k: int, seed: int, *, starts: int = _STARTS, weights: Integers | None = None
) -> KMeans:
    """Return k-means, the best of ``starts`` starts."""
    from sklearn.cluster import KMeans

    return KMeans(k, n_init=starts, random_state=seed).fit(values, sample_weight=weights)


def jaccard(values: Floats, model: KMeans, *, resamples: int, seed: int) -> Floats:
    """Return for each resample and cluster how alike its most similar new cluster is.

    Customers are drawn with replacement and clustered anew; each original cluster, restricted to
    those drawn, is compared with the new clusters by size of overlap over size of union (Hennig
    2007, section 2).
    """
    rng = np.random.default_rng(seed)
    k = model.n_clusters
    original = model.predict(values)
    found = np.zeros((resamples, k))
    for i in range(resamples):
        people, times = np.unique(rng.integers(0, len(values), len(values)), return_counts=True)
        again = k_means(values[people], k, seed + i + 1, starts=2, weights=times)
        overlap = np.zeros((k, k))
        np.add.at(overlap, (original[people], again.labels_), 1.0)
        union = overlap.sum(axis=1)[:, None] + overlap.sum(axis=0)[None, :] - overlap
        found[i] = (overlap / np.maximum(union, 1)).max(axis=1)
    return found


def highest_of_nulls(
    values: Floats, counts: list[int], *, clouds: int, seed: int
) -> dict[int, tuple[float, float]]:
    """Return by number of clusters what customers without clusters reach: mean, and limit.

    Nobody knows which shape customers without clusters have, so clusters must beat each of
    ``NULLS``. A null's limit lies above its mean by its largest excess over all numbers of
    clusters and clouds: with 20 clouds, one of 21 further clouds exceeds it anywhere. The higher
    limit of the nulls counts, and the mean that goes with it.
    """
    found = [
        cloud_silhouettes(values, counts, draw=draw, clouds=clouds, seed=seed) for draw in NULLS
    ]
    limits: dict[int, tuple[float, float]] = {}
    for silhouettes in found:
        mean = silhouettes.mean(axis=0)
        excess = float((silhouettes - mean).max())
        for k, middle in zip(counts, mean, strict=True):
            limits[k] = max(
                limits.get(k, (0.0, -1.0)),
                (float(middle), float(middle) + excess),
                key=lambda pair: pair[1],
            )
    return limits


def _gaussian(values: Floats, size: int, rng: np.random.Generator) -> Floats:
    """Draw one Gaussian cloud of the same correlations (Liu, Hayes, Nobel and Marron 2008)."""
    covariance = np.cov(values, rowvar=False)
    cloud = rng.multivariate_normal(values.mean(axis=0), covariance, size=size)
    return np.clip(cloud, values.min(axis=0), values.max(axis=0))


def _box(values: Floats, size: int, rng: np.random.Generator) -> Floats:
    """Draw evenly from a box over the principal components (Tibshirani and others 2001)."""
    middle = values.mean(axis=0)
    _, _, axes = np.linalg.svd(values - middle, full_matrices=False)
    turned = (values - middle) @ axes.T
    return rng.uniform(turned.min(axis=0), turned.max(axis=0), (size, values.shape[1])) @ axes


def _flat(values: Floats, size: int, rng: np.random.Generator) -> Floats:
    """Draw flat features of the same correlations: a Gaussian copula with even margins."""
    from scipy.special import ndtr

    normal = rng.multivariate_normal(
        np.zeros(values.shape[1]), np.corrcoef(values, rowvar=False), size=size
    )
    return ndtr(normal) * values.std(axis=0)


#: Customers without clusters, in three shapes.
NULLS = (_gaussian, _box, _flat)


def cloud_silhouettes(
    values: Floats,
    counts: list[int],
    *,
    draw: Callable[[Floats, int, np.random.Generator], Floats] = _gaussian,
    clouds: int,
    seed: int,
) -> Floats:
    """Return the silhouettes of single clouds, cut alike: clouds x numbers of clusters."""
    from sklearn.metrics import pairwise_distances

    rng = np.random.default_rng(seed)
    size = min(len(values), 1_000)
    found = np.zeros((clouds, len(counts)))
    for i in range(clouds):
        cloud = draw(values, size, rng)
        labels = [k_means(cloud, k, seed + i, starts=3).labels_ for k in counts]
        found[i] = _silhouettes(pairwise_distances(cloud), labels)
    return found


def _silhouettes(apart: Floats, partitions: list[Integers]) -> list[float]:
    """Return the mean silhouette of each partition, from the distances between all.

    Sums of distances to every cluster of all partitions are one product of matrices.
    """
    marks = [np.equal.outer(labels, np.unique(labels)) for labels in partitions]
    ends = np.cumsum([mark.shape[1] for mark in marks])[:-1]
    found = []
    for mark, sums in zip(marks, np.split(apart @ np.hstack(marks), ends, axis=1), strict=True):
        sizes = mark.sum(axis=0)
        size = mark @ sizes
        own = sums[mark] / np.maximum(size - 1, 1)
        nearest = np.where(mark, np.inf, sums / sizes).min(axis=1)
        width = (nearest - own) / np.maximum(np.maximum(nearest, own), 1e-300)
        found.append(float(np.where(size > 1, width, 0.0).mean()))
    return found


def by_cluster(alike: Floats, sizes: Integers) -> pd.DataFrame:
    """Return cluster, customers, jaccard, low, high (middle 90 % of the resamples)."""
    low, high = np.quantile(alike, [0.05, 0.95], axis=0)
    return pd.DataFrame(
        {
            "cluster": np.arange(1, alike.shape[1] + 1),
            "customers": sizes,
            "jaccard": alike.mean(axis=0),
            "low": low,
            "high": high,
        }
    )

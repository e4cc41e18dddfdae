"""Whether clusters come back when other customers are drawn, and beat one single cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from sklearn.cluster import KMeans

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

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


def cloud_silhouettes(
    values: Floats, counts: list[int], *, clouds: int, seed: int
) -> dict[int, list[float]]:
    """Return by number of clusters the silhouettes of single Gaussian clouds, cut alike.

    The clouds have the same correlations as ``values`` (Liu, Hayes, Nobel and Marron 2008).
    """
    from sklearn.metrics import silhouette_score

    rng = np.random.default_rng(seed)
    covariance = np.cov(values, rowvar=False)
    found: dict[int, list[float]] = {k: [] for k in counts}
    size = min(len(values), 1_000)
    for i in range(clouds):
        cloud = rng.multivariate_normal(values.mean(axis=0), covariance, size=size)
        cloud = np.clip(cloud, values.min(axis=0), values.max(axis=0))
        for k in counts:
            labels = k_means(cloud, k, seed + i, starts=1).labels_
            found[k].append(float(silhouette_score(cloud, labels)))
    return found


def by_cluster(alike: Floats, sizes: Integers) -> pd.DataFrame:
    """Return cluster, customers, jaccard, low, high (middle 90 % of the resamples)."""
    import pandas as pd

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

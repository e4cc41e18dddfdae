"""Clusters keep their numbers from run to run, as far as they are the same clusters.

A number is all the name a cluster has, and people remember it. Clusters of two runs are paired by
the customers they share, so that the pairs' Jaccard similarities sum to the most (Kuhn 1955, Naval
Research Logistics Quarterly 2, 83-97). A pair that shares less than half is none: such a cluster
has dissolved (Hennig 2008, Journal of Multivariate Analysis 99, 1154-1176, section 3), and what
stands in its place is new and gets a number that the last run did not use.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from analysis.customers.clusters import Clusters

#: Clusters that share less than this of their customers are not the same (Hennig 2008).
DISSOLVED = 0.5


def matched(members: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Say which cluster of the last run each cluster continues.

    Parameters
    ----------
    members, before
        customer_id, cluster of this run and of the last; customers of one run alone do not count.

    Returns
    -------
    pandas.DataFrame
        found (number given by this run alone), cluster (number to be known by), continues (number
        in the last run; NA for a new one), jaccard (shared customers over those in either; NA for
        a new one), by found.
    """
    import pandas as pd
    from scipy.optimize import linear_sum_assignment

    both = members.merge(before[["customer_id", "cluster"]], on="customer_id", suffixes=("", "_b"))
    shared = pd.crosstab(both["cluster"], both["cluster_b"])
    shared = shared.reindex(np.sort(members["cluster"].unique()), fill_value=0)
    counts = shared.to_numpy("float64")
    union = counts.sum(axis=1)[:, None] + counts.sum(axis=0)[None, :] - counts
    alike = counts / np.maximum(union, 1)
    pairs = zip(*linear_sum_assignment(-alike), strict=True)
    kept = {i: j for i, j in pairs if alike[i, j] >= DISSOLVED}
    fresh = iter(range(int(before["cluster"].max()) + 1, 10_000))
    rows = [
        (number, int(shared.columns[kept[i]]), int(shared.columns[kept[i]]), alike[i, kept[i]])
        if i in kept
        else (number, next(fresh), None, np.nan)
        for i, number in enumerate(shared.index)
    ]
    table = pd.DataFrame(rows, columns=["found", "cluster", "continues", "jaccard"])
    return table.astype({"found": "int64", "cluster": "int64", "continues": "Int64"})


def keep(found: Clusters, before: pd.DataFrame | None) -> tuple[Clusters, pd.DataFrame | None]:
    """Give clusters the numbers of the last run's clusters that they continue.

    Parameters
    ----------
    found
        ``clusters.find``.
    before
        The last run's members: customer_id, cluster. None leaves numbers as they are.

    Returns
    -------
    tuple of Clusters and pandas.DataFrame
        The clusters by their lasting numbers, and ``matched`` (None without a last run).
    """
    if before is None or before.empty:
        return found, None
    names = matched(found.members, before)
    number = names.set_index("found")["cluster"]
    return replace(
        found,
        members=found.members.assign(cluster=found.members["cluster"].map(number)),
        numbers=tuple(int(number[n]) for n in found.numbers),
        stability=found.stability.assign(cluster=found.stability["cluster"].map(number)),
    ), names

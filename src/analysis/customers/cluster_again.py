"""Whether customers are in the same cluster in another period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.customers.cluster_inputs import prepare
from analysis.customers.cluster_stability import k_means
from analysis.customers.clusters import required
from analysis.errors import NotApplicable

if TYPE_CHECKING:
    import pandas as pd

    from analysis.customers.cluster_inputs import Inputs
    from analysis.customers.clusters import Clusters


@dataclass(frozen=True)
class Again:
    """The same customers in another period, placed among the clusters of this one.

    Parameters
    ----------
    table
        cluster, customers (of this period who were there in the other), stayed (share that is
        nearest to the same centre in the other period), low, high (95 % Wilson).
    agreement
        Adjusted Rand index of both placements.
    matched
        Adjusted Rand index with as many clusters found anew in the other period.
    """

    table: pd.DataFrame
    agreement: float
    matched: float


def place_again(found: Clusters | None, inputs: Inputs, other: pd.DataFrame) -> Again:
    """Say whether customers are in the same cluster in another period.

    Parameters
    ----------
    found, inputs
        Clusters of this period and what they were made from.
    other
        ``features.fetch_detailed`` of the other period.

    Raises
    ------
    NotApplicable
        If the other period has too few customers, or none of this one's.
    """
    import pandas as pd
    from sklearn.metrics import adjusted_rand_score
    from statsmodels.stats.proportion import proportion_confint
    from threadpoolctl import threadpool_limits

    found = required(found)
    try:
        there = prepare(other, names=inputs.names)
    except NotApplicable as reason:
        raise NotApplicable(
            f"In the earlier window there are none to compare. {reason}"
        ) from reason
    columns = [inputs.names.index(name) for name in there.names]
    distance = ((there.values[:, None, :] - found.centres[None][:, :, columns]) ** 2).sum(axis=2)
    nearest = np.asarray(found.numbers)[distance.argmin(axis=1)]
    with threadpool_limits(1):
        anew = k_means(there.values, found.best, 0).labels_
    placed = pd.DataFrame({"customer_id": there.customers, "other": nearest, "anew": anew})
    both = found.members.merge(placed, on="customer_id")
    if both.empty:
        raise NotApplicable("In the earlier window there is none of these customers to compare.")
    rows = []
    for cluster, part in both.groupby("cluster"):
        same = int((part["other"] == cluster).sum())
        low, high = proportion_confint(same, len(part), method="wilson")
        rows.append((cluster, len(part), same / len(part), low, high))
    table = pd.DataFrame(rows, columns=["cluster", "customers", "stayed", "low", "high"])
    return Again(
        table,
        float(adjusted_rand_score(both["cluster"], both["other"])),
        float(adjusted_rand_score(both["cluster"], both["anew"])),
    )

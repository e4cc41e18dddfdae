"""What sets each cluster apart, in the units people know: a short tree, a table, a map.

The map is of principal components. UMAP keeps more of the neighbours (trustworthiness 0.90 against
0.77 on the real data) but less of the distances (rank correlation 0.53 against 0.70): it draws
islands also where there is one cloud, which is just what this report has to tell apart.

Whether customers are in the same cluster in another period.

Clusters keep their numbers from run to run, as far as they are the same clusters.

A number is all the name a cluster has, and people remember it. Clusters of two runs are paired by
the customers they share, so that the pairs' Jaccard similarities sum to the most (Kuhn 1955, Naval
Research Logistics Quarterly 2, 83-97). A pair that shares less than half is none: such a cluster
has dissolved (Hennig 2008, Journal of Multivariate Analysis 99, 1154-1176, section 3), and what
stands in its place is new and gets a number that the last run did not use.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.customers.segments.clusters import FEATURES, k_means, prepare
from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval

if TYPE_CHECKING:
    from analysis.customers.segments.clusters import Clusters, Inputs

_FOLDS = 5

_CLEARLY = 0.5


@dataclass(frozen=True)
class Reading:
    """Clusters in words.

    Parameters
    ----------
    rules
        One leaf of the tree a row: cluster, rule (conditions in words), customers, purity (share
        of the leaf's customers that are in the cluster).
    accuracy, accuracy_spread
        Share of customers that the tree puts right, five-fold cross-validated: mean and standard
        deviation over the folds.
    largest
        Share of the largest cluster: what guessing gets right.
    profile
        cluster, feature, words, mean (in the feature's unit), distance (from everybody's mean, in
        standard deviations), the most distant first.
    sentences
        cluster, sentence: what is clearly more or less than average.
    map
        customer_id, x, y (first two principal components), cluster.
    explained
        Share of the variance that the map shows.
    """

    rules: pd.DataFrame
    accuracy: float
    accuracy_spread: float
    largest: float
    profile: pd.DataFrame
    sentences: pd.DataFrame
    map: pd.DataFrame
    explained: float


def read(inputs: Inputs, found: Clusters, *, seed: int = 0) -> Reading:
    """Describe clusters by what sets them apart.

    Parameters
    ----------
    inputs
        What was clustered.
    found
        The clusters.
    seed
        Seed of the folds.
    """
    from sklearn.decomposition import PCA
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.tree import DecisionTreeClassifier

    labels = found.members["cluster"].to_numpy()
    fewest = max(20, len(labels) // 100)
    # Two questions, one after the other, are as many as a rule can ask and be remembered.
    tree = DecisionTreeClassifier(max_depth=2, min_samples_leaf=fewest, random_state=seed)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    raw = inputs.raw.to_numpy()
    scores = cross_val_score(tree, raw, labels, cv=folds)
    profile = _profile(inputs, labels)
    components = PCA(2, random_state=seed).fit(inputs.values)
    places = components.transform(inputs.values)
    return Reading(
        rules=_rules(tree.fit(raw, labels), inputs),
        accuracy=float(scores.mean()),
        accuracy_spread=float(scores.std(ddof=1)),
        largest=float(np.bincount(labels).max() / len(labels)),
        profile=profile,
        sentences=_sentences(profile),
        map=found.members.assign(x=places[:, 0], y=places[:, 1]),
        explained=float(components.explained_variance_ratio_.sum()),
    )


def _profile(inputs: Inputs, labels: NDArray[np.int64]) -> pd.DataFrame:
    rows = []
    for cluster in np.unique(labels):
        inside = labels == cluster
        distance = inputs.values[inside].mean(axis=0)
        means = inputs.raw[inside].mean()
        rows += [
            (int(cluster), name, FEATURES.get(name, name.replace("_", " ")), means[name], d)
            for name, d in zip(inputs.names, distance, strict=True)
        ]
    profile = pd.DataFrame(rows, columns=["cluster", "feature", "words", "mean", "distance"])
    order = np.lexsort([-profile["distance"].abs(), profile["cluster"]])
    return profile.iloc[order].reset_index(drop=True)


def _sentences(profile: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for cluster, part in profile.groupby("cluster"):
        clear = part[part["distance"].abs() >= _CLEARLY].head(4)
        more = [w for w, d in zip(clear["words"], clear["distance"], strict=True) if d > 0]
        less = [w for w, d in zip(clear["words"], clear["distance"], strict=True) if d < 0]
        parts = [f"high: {', '.join(more)}"] * bool(more) + [f"low: {', '.join(less)}"] * bool(less)
        rows.append((cluster, "; ".join(parts).capitalize() or "Average in everything"))
    return pd.DataFrame(rows, columns=["cluster", "sentence"])


def _written(edge: float) -> str:
    """Return a number with three digits that count, never as a power of ten."""
    return f"{edge:,.0f}" if abs(edge) >= 100 else f"{edge:.3g}"


def _condition(name: str, low: float, high: float) -> str:
    """Return what a rule asks of one feature: above its lower end, up to its upper one."""
    words = FEATURES.get(name, name.replace("_", " "))
    above = f" above {_written(low)}" if np.isfinite(low) else ""
    return words + above + (f" up to {_written(high)}" if np.isfinite(high) else "")


def _rules(tree: object, inputs: Inputs) -> pd.DataFrame:
    """Return the tree's leaves as sentences."""
    grown = tree.tree_  # type: ignore[attr-defined]
    classes = tree.classes_  # type: ignore[attr-defined]
    rows: list[tuple[int, str, int, float]] = []

    def walk(node: int, ends: dict[int, tuple[float, float]]) -> None:
        if grown.children_left[node] < 0:
            shares = grown.value[node][0] / grown.value[node][0].sum()
            best = int(shares.argmax())
            rule = " and ".join(_condition(inputs.names[f], *ends[f]) for f in ends) or "everybody"
            rows.append((int(classes[best]), rule, int(grown.n_node_samples[node]), shares[best]))
            return
        feature, edge = int(grown.feature[node]), float(grown.threshold[node])
        low, high = ends.get(feature, (-np.inf, np.inf))
        walk(grown.children_left[node], {**ends, feature: (low, min(high, edge))})
        walk(grown.children_right[node], {**ends, feature: (max(low, edge), high)})

    walk(0, {})
    rules = pd.DataFrame(rows, columns=["cluster", "rule", "customers", "purity"])
    order = np.lexsort([-rules["customers"], rules["cluster"]])
    return rules.iloc[order].reset_index(drop=True)


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


def place_again(found: Clusters, inputs: Inputs, other: pd.DataFrame) -> Again:
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
    from sklearn.metrics import adjusted_rand_score
    from threadpoolctl import threadpool_limits

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
        low, high = wilson_interval(same, len(part))
        rows.append((cluster, len(part), same / len(part), low[0], high[0]))
    table = pd.DataFrame(rows, columns=["cluster", "customers", "stayed", "low", "high"])
    return Again(
        table,
        float(adjusted_rand_score(both["cluster"], both["other"])),
        float(adjusted_rand_score(both["cluster"], both["anew"])),
    )

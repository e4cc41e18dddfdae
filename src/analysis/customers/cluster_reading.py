"""What sets each cluster apart, in the units people know: a short tree, a table, a map.

The map is of principal components. UMAP keeps more of the neighbours (trustworthiness 0.90 against
0.77 on the real data) but less of the distances (rank correlation 0.53 against 0.70): it draws
islands also where there is one cloud, which is just what this report has to tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.customers.cluster_inputs import FEATURES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.customers.cluster_inputs import Inputs
    from analysis.customers.clusters import Clusters

    Floats = NDArray[np.float64]

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


def read(inputs: Inputs, found: Clusters, *, depth: int = 2, seed: int = 0) -> Reading:
    """Describe clusters by what sets them apart.

    Parameters
    ----------
    inputs
        What was clustered.
    found
        The clusters.
    depth
        Questions that the tree asks at most, one after the other.
    seed
        Seed of the folds.
    """
    from sklearn.decomposition import PCA
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.tree import DecisionTreeClassifier

    labels = found.members["cluster"].to_numpy()
    fewest = max(20, len(labels) // 100)
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=fewest, random_state=seed)
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
    import pandas as pd

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
    import pandas as pd

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


def _rules(tree: object, inputs: Inputs) -> pd.DataFrame:
    """Return the tree's leaves as sentences."""
    import pandas as pd

    grown = tree.tree_  # type: ignore[attr-defined]
    classes = tree.classes_  # type: ignore[attr-defined]
    rows: list[tuple[int, str, int, float]] = []

    def walk(node: int, conditions: tuple[str, ...]) -> None:
        if grown.children_left[node] < 0:
            shares = grown.value[node][0] / grown.value[node][0].sum()
            best = int(shares.argmax())
            rule = " and ".join(conditions) or "everybody"
            rows.append((int(classes[best]), rule, int(grown.n_node_samples[node]), shares[best]))
            return
        name = inputs.names[grown.feature[node]]
        words = FEATURES.get(name, name.replace("_", " "))
        edge = _written(grown.threshold[node])
        walk(grown.children_left[node], (*conditions, f"{words} up to {edge}"))
        walk(grown.children_right[node], (*conditions, f"{words} above {edge}"))

    walk(0, ())
    rules = pd.DataFrame(rows, columns=["cluster", "rule", "customers", "purity"])
    order = np.lexsort([-rules["customers"], rules["cluster"]])
    return rules.iloc[order].reset_index(drop=True)

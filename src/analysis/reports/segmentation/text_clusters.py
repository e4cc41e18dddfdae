"""Whether there are natural kinds of customers, and what sets them apart."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.reporting.notebook import words

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def clusters(found: Any) -> str:
    """Say whether there are clusters worth naming."""
    if found.worth_naming:
        return (
            f"{found.best} stable clusters of customers: they come back in resamples and lie "
            "further apart than chance"
        )
    row = found.criteria.loc[found.criteria["silhouette"].idxmax()]
    limit = max(0.25, float(row["cloud_high"]))
    return (
        f"No stable clusters: silhouette {words.number(row['silhouette'], 2)}, limit "
        f"{words.number(limit, 2)}"
    )


def clusters_text(found: Any) -> str:
    """Say by which criteria, and what the challengers find."""
    row = found.criteria.set_index("clusters").loc[found.best]
    noise = found.challenger["noise"]
    return (
        f"The most stable cut is into {found.best}: its least stable part comes back with a "
        f"Jaccard similarity of {words.number(row['stability_least'], 2)}, its silhouette is "
        f"{words.number(row['silhouette'], 2)} where customers without clusters (one Gaussian "
        f"cloud, an even box, flat features) reach {words.number(row['cloud_high'], 2)} and "
        "structure begins at 0.25. A Gaussian mixture "
        f"agrees with it to {words.number(row['mixture_agreement'], 2)} (adjusted Rand index). "
        f"HDBSCAN finds {words.count(found.challenger['clusters'], 'dense group')} and leaves "
        f"{words.percent(noise, 0)} of customers in none. Clustering sees kinds that lie apart in "
        "many features at once; kinds that differ in one, such as a fixed rhythm of visits or "
        "buying on offer, it does not see: the sections above cut these on purpose."
    )


def clusters_finding(found: Any) -> Fields:
    """Return the finding on clusters; none is a possible answer."""
    row = found.criteria.set_index("clusters").loc[found.best]
    return {
        "key": "clusters",
        "sentence": "stable clusters of customers",
        "value": found.best if found.worth_naming else 0,
        "n": len(found.members),
        "noun": "customer",
        "detail": f"best silhouette {words.number(row['silhouette'], 2)}; structure begins at 0.25",
    }


def cluster_sentences(reading: Any, sizes: pd.DataFrame) -> str:
    """Return one bullet a cluster, and how well the short tree tells them apart."""
    both = reading.sentences.merge(sizes, on="cluster")
    bullets = "\n".join(
        f"- **Cluster {r['cluster']}** ({words.count(r['customers'], 'customer')}, comes back "
        f"with {words.number(r['jaccard'], 2)}). {r['sentence']}."
        for r in both.to_dict("records")
    )
    return (
        f"{bullets}\n\nThe rules below put {words.percent(reading.accuracy, 0)} of customers in "
        f"their cluster; guessing the largest gets {words.percent(reading.largest, 0)}."
    )


def cluster_numbers(continued: pd.DataFrame | None) -> str:
    """Say which clusters are the last run's."""
    if continued is None:
        return "No earlier run is there to take the clusters' numbers from; later runs keep these."
    kept = continued.dropna(subset=["continues"])
    new = continued[continued["continues"].isna()]["cluster"].tolist()
    text = (
        f"Numbers are those of the last run: {words.count(len(kept), 'cluster')} of "
        f"{len(continued)} continue one of its clusters, by at least half of their customers."
    )
    return text + (f" New: {', '.join(str(n) for n in new)}." if new else "")


def clusters_again(again: Any) -> str:
    """Say whether the clusters are there in the other period."""
    stayed = (again.table["stayed"] * again.table["customers"]).sum()
    share = stayed / again.table["customers"].sum()
    return (
        f"Placed by the earlier window alone, {words.percent(share, 0)} of customers are in the "
        f"same cluster (adjusted Rand index {words.number(again.agreement, 2)}; with clusters "
        f"found anew there, {words.number(again.matched, 2)})."
    )

"""What clusters, portraits and places say, and how far to trust the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.customers.segments.segment_profiles import UNJUDGED
from analysis.reporting.notebook import words
from analysis.stats.sizes import FEWEST_CUSTOMERS

if TYPE_CHECKING:
    from analysis.customers.retention.lifecycle import Stages
    from analysis.reporting.notebook.report import TrustLine


def compared(table: pd.DataFrame, one: str, other: str) -> str:
    """Say what sets two segments furthest apart."""
    if table.empty:
        return f"{one} and {other} do not differ significantly"
    apart = (table["one_index"] / table["other_index"].clip(lower=1)).abs()
    row = table.loc[apart.clip(lower=0.01).map(lambda r: max(r, 1 / r)).idxmax()]
    return (
        f"{one} and {other} differ most in {str(row['item']).lower()}: "
        f"{words.number(row['one_index'])} against {words.number(row['other_index'])}, "
        "everybody 100"
    )


def areas(table: pd.DataFrame, what: str, currency: str) -> str:
    """Say how far areas really differ once small ones are shrunk."""
    table = table[table["shrunk"].notna()]
    first, last = table.iloc[0], table.iloc[-1]
    return (
        f"{what} run from {words.money(last['shrunk'], 0, currency)} to "
        f"{words.money(first['shrunk'], 0, currency)} per customer after shrinkage; raw "
        f"means from {words.money(table['mean'].min(), 0, currency)} to "
        f"{words.money(table['mean'].max(), 0, currency)}"
    )


def tastes(portraits: pd.DataFrame, fdr: float) -> str:
    """Return one bullet a segment: what it buys significantly more of than everybody."""
    bullets = []
    for name, rows in portraits.groupby("segment", sort=False):
        clear = rows[(rows["q"] <= fdr) & (rows["index"] > 100)]
        parts = [
            f"{item if ':' in item else item.lower()} ({words.number(index)})"
            for part in ("tastes", "proxies", "demography")
            for item, index in clear.loc[clear["part"] == part]
            .nlargest(3, "index")[["item", "index"]]
            .itertuples(index=False)
        ]
        said = words.listing(parts) if parts else "none of these significantly"
        bullets.append(f"- **{name}** over-index in {said}.")
    looked = "Departments, proxies and known attributes, not behaviour; everybody is 100."
    return looked + "\n\n" + "\n".join(bullets)


def kinds(table: pd.DataFrame) -> str:
    """Say what the table of segments holds."""
    names = [
        c for c in table.columns if table[c].dtype.kind in "OUT" or str(table[c].dtype) == "str"
    ]
    told = [c for c in names if c != "customer_id" and not table[c].isin([None, UNJUDGED]).all()]
    named = [c.replace("_", " ") for c in told]
    return (
        f"{words.count(len(table), 'customer')}, each with {words.listing(named)}, in one table "
        "that other reports join by customer."
    )


def trust(
    *, rows: int, simulated: bool, stages: Stages | None, bought: pd.DataFrame | None, margin: str
) -> list[TrustLine]:
    """Return the lines of the trust panel.

    Parameters
    ----------
    rows
        Customers judged.
    simulated
        Whether the study is simulated.
    stages
        Life stages; None where they could not be told.
    bought
        ``worth.what_next`` of the RFM segments; None where they could not be followed.
    margin
        The sentence on where margin comes from.
    """
    gap = stages.gap if stages else "Life stages could not be told, nor growth."
    return [
        _held_out(bought),
        _silence(stages),
        ("Growth", None if gap else True, gap or "Rises and falls are held to the false discovery "
         f"rate of the parameters; {_too_seldom(stages)} bought too seldom to be called."),
        ("Margin", None if "assum" in margin else True, margin),
        ("Data", None if simulated else True, "Simulated: nothing in it happened." if simulated
         else f"{words.count(rows, 'customer')} with an order in the window; guests are nobody."),
    ]  # fmt: skip


def _too_seldom(stages: Stages | None) -> str:
    """Return how many customers could be called neither growing nor declining."""
    if stages is None:
        return "nobody"
    seldom = int(stages.table["p_rise"].isna().sum())
    return f"{words.number(seldom)} of {words.count(len(stages.table), 'customer')}"


def _held_out(bought: pd.DataFrame | None) -> TrustLine:
    known = bought[bought["customers"] >= FEWEST_CUSTOMERS] if bought is not None else None
    if known is None or len(known) < 2:
        return ("Held-out check", None, "Segments could not be checked on what followed: no two "
                f"had {FEWEST_CUSTOMERS} customers to follow.")  # fmt: skip
    apart = known["bought"].max() - known["bought"].min()
    return ("Held-out check", bool(apart > 0.1), "Segments were formed on what was known before "
            f"and checked on what followed: from most to least {words.points(apart, 0)} in buying "
            "again.")  # fmt: skip


def _silence(stages: Stages | None) -> TrustLine:
    if stages is None:
        return ("Silence", None, "Too few gaps between purchases to judge silence by.")
    tenth = stages.calibration.iloc[0]
    if tenth["customers"] == 0:
        return ("Silence", None, "Nobody has two gaps, so the model of silence is unchecked.")
    off = abs(tenth["called"] - tenth["expected"])
    return ("Silence", bool(off < 0.03), f"The model calls {words.percent(tenth['called'])} of "
            f"past gaps unusual where it should call {words.percent(tenth['expected'], 0)}; the "
            "cuts are set by the gaps "
            "themselves, not by the model.")  # fmt: skip


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
    if row["silhouette"] > limit:
        return (
            "No stable clusters: of the cut whose clusters lie furthest apart one comes back with "
            f"a Jaccard similarity of only {words.number(row['stability_least'], 2)}"
        )
    return (
        f"No clusters lie apart: silhouette {words.number(row['silhouette'], 2)}, limit "
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
    row = found.criteria.loc[found.criteria["silhouette"].idxmax()]
    return {
        "key": "clusters",
        "sentence": "clusters of customers that lie apart and come back in resamples",
        "value": found.best if found.worth_naming else 0,
        "n": len(found.members),
        "noun": "customer",
        "detail": f"best silhouette {words.number(row['silhouette'], 2)}; structure begins at "
        f"0.25, and customers without clusters reach {words.number(row['cloud_high'], 2)}",
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

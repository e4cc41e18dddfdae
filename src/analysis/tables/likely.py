"""Connect customer records that are likely one, and report every pair that came close."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analysis.tables.agreement import LEVELS
from analysis.tables.identity import spelled_alike
from analysis.tables.likeness import NEAR_MISS, Likeness, likeness
from analysis.tables.spellings import normalisers

if TYPE_CHECKING:
    import pandas as pd

    from analysis.tables.sources.options import UnifyOptions

RULE = "likely"


@dataclass(frozen=True)
class LikelyEdges:
    """Pairs of records to connect.

    Parameters
    ----------
    edges
        ``customer_id``, ``matched_on`` and ``rule``, as exact rules give them.
    notes
        Sentences about it.
    report
        ``matches`` and ``model``, as ``identity.Merged`` has them.
    """

    edges: pd.DataFrame
    notes: list[str]
    report: dict[str, pd.DataFrame] = field(default_factory=dict)

    def joined(self, exact: pd.DataFrame) -> pd.DataFrame:
        """Return the edges of exact rules, which come first, and these."""
        import pandas as pd

        return pd.concat([exact, self.edges], ignore_index=True)


def likely_edges(
    records: pd.DataFrame, exact: pd.DataFrame, component: pd.Series, options: UnifyOptions
) -> LikelyEdges:
    """Return what connects records that share no key but are likely one person.

    Parameters
    ----------
    records
        ``customer_id`` and a column for each identity key, as the sources spell them.
    exact
        Values that records share: ``customer_id``, ``matched_on``, ``rule``.
    component
        Customer by record after the exact rules: within one, nothing is left to find.
    options
        The threshold, and how many records may be one customer's.
    """
    assert options.likely is not None
    found = likeness(_spelled(records, options.phone_region), _known(exact))
    matches = found.pairs.assign(
        left_person=found.pairs["left"].map(component),
        right_person=found.pairs["right"].map(component),
    )
    matches = matches[matches["left_person"] != matches["right_person"]]
    sure = matches["probability"] >= options.likely.threshold
    crowded = _crowded(matches[sure], options.shared_by_at_most)
    matches = matches.assign(merged=sure & ~crowded.reindex(matches.index, fill_value=False))
    shown = matches.drop(columns=["left_person", "right_person"]).reset_index(drop=True)
    notes = _notes(shown, found, options.likely.threshold, int(crowded.sum()))
    return LikelyEdges(_edges(shown), notes, {"matches": shown, "model": found.model})


def _spelled(records: pd.DataFrame, region: str) -> pd.DataFrame:
    """Return one row a record, each key in its one spelling."""
    spelled = normalisers(region)
    keys = [k for k in LEVELS if k in records.columns]
    alike = records.assign(**{k: spelled_alike(records[k], spelled[k]) for k in keys})
    one = alike.groupby("customer_id", as_index=False)[keys].first()
    return one.astype(dict.fromkeys(keys, "str"))


def _known(exact: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs that exact rules found, each with the key that it shares."""
    pairs = exact.merge(exact, on=["rule", "matched_on"], suffixes=("_left", "_right"))
    pairs = pairs.rename(columns={"customer_id_left": "left", "customer_id_right": "right"})
    pairs = pairs[pairs["left"] < pairs["right"]]
    return pairs[["left", "right", "rule"]].sort_values(["left", "right", "rule"])


def _crowded(sure: pd.DataFrame, most: int) -> pd.Series:
    """Tell which pairs hang on somebody who is likely more people than one person can be."""
    import pandas as pd

    ends = pd.concat([sure["left_person"], sure["right_person"]])
    partners = ends.value_counts()
    too_many = set(partners[partners >= most].index)
    return sure["left_person"].isin(too_many) | sure["right_person"].isin(too_many)


def _edges(matches: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    chosen = matches[matches["merged"]]
    why = [
        f"{row.left} and {row.right}, {100 * row.probability:.1f} %: {row.why}"
        for row in chosen.itertuples()
    ]
    sides = [
        pd.DataFrame({"customer_id": chosen[side], "matched_on": why, "rule": RULE})
        for side in ("left", "right")
    ]
    return pd.concat(sides, ignore_index=True)


def _notes(matches: pd.DataFrame, found: Likeness, threshold: float, crowded: int) -> list[str]:
    joined = int(matches["merged"].sum())
    near = len(matches) - joined - crowded
    learned = (
        f"learned from {found.labels:,} pairs that the exact rules found"
        if found.labels
        else "as usual elsewhere, for the exact rules found no pair to learn from"
    )
    said = [
        f"{joined:,} pairs of customer records without a common key were merged because they are "
        f"one person with a probability of {100 * threshold:g} % or more ({learned}); {near:,} "
        f"pairs from {100 * NEAR_MISS:g} % on were not. identity/matches.parquet lists both."
    ]
    if crowded:
        said.append(
            f"{crowded:,} likely pairs hang on a record that is like too many others and connect "
            "nobody."
        )
    return said

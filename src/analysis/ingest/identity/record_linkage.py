"""Connect customer records that are likely one, and report every pair that came close.

Which customer records are likely one person though no key says so, by Splink.

Fellegi and Sunter's model ("A Theory for Record Linkage", JASA 64, 1969) as Splink 5 computes it
(https://moj-analytical-services.github.io/splink/): a pair's probability of being one person
follows from how often true pairs (m) and random pairs (u) agree as much as it does.

Expectation maximisation, Splink's usual training, needs many true pairs in every block: where a
level of agreement never occurs among them it estimates m = 0, and no pair at that level can ever
match. Here m comes from pairs known to be true, those that the exact rules found, with the key
that connects a pair left out of what is learned from it; few pairs are held to what is usual
elsewhere, so that nothing is ever estimated as impossible.

The levels at which two customer records can agree, and what brings two together at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb
import pandas as pd

from analysis.errors import ParamsError
from analysis.ingest.identity.identity import normalisers, spelled_alike
from analysis.ingest.mapping.model import UnifyOptions
from analysis.tables.spilling import spill_path

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
    ends = pd.concat([sure["left_person"], sure["right_person"]])
    partners = ends.value_counts()
    too_many = set(partners[partners >= most].index)
    return sure["left_person"].isin(too_many) | sure["right_person"].isin(too_many)


def _edges(matches: pd.DataFrame) -> pd.DataFrame:
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


#: As many pairs as the usual m weighs; and the share of true pairs that exact rules find, at most.
USUAL_WEIGHS, FOUND_BY_RULES = 20, 0.7

#: Splink leaves what it never saw as it was; this says so.
NEVER_SEEN = 1e-9

MOST_LABELS, RANDOM_PAIRS = 20_000, 2_000_000

NEAR_MISS = 0.5


@dataclass(frozen=True)
class Likeness:
    """What Splink says of the records.

    Parameters
    ----------
    pairs
        ``left`` and ``right`` (records), ``probability``, ``why`` (how each key agrees), every
        pair from the probability ``NEAR_MISS`` on, the surest first.
    model
        ``key``, ``agreement``, ``m`` and ``u``: what was learned.
    labels
        Pairs known to be true that m was learned from.
    """

    pairs: pd.DataFrame
    model: pd.DataFrame
    labels: int


def likeness(records: pd.DataFrame, known: pd.DataFrame, *, seed: int = 1) -> Likeness:
    """Return how likely pairs of records are one person.

    Parameters
    ----------
    records
        One row a record: ``customer_id`` and, each in its one spelling, any keys of ``LEVELS``.
    known
        Pairs known to be one person: ``left``, ``right``, ``rule`` (the key they share).
    seed
        Seed of the random pairs that u is learned from.

    Raises
    ------
    ParamsError
        If Splink is not installed, or the records have fewer than two keys to compare.
    """
    keys = [k for k in LEVELS if k in records.columns and records[k].notna().any()]
    if len(keys) < 2:
        raise ParamsError(
            "source.unify.likely compares name, birth_date, postcode, email and phone; the "
            "mappings' identity has fewer than two of them"
        )
    known = known.head(MOST_LABELS)
    m = _learned_from(known, records, keys)
    chance = _chance(len(known), len(records))
    linker = _linker(records, keys, m, chance)
    linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=seed)
    u = {key: _probabilities(linker, key, "u_probability") for key in keys}
    trained = _linker(records, keys, m, chance, u)
    found = trained.inference.predict(threshold_match_probability=NEAR_MISS)
    pairs = _readable(found.as_pandas_dataframe(), keys)
    return Likeness(pairs, _model(trained, keys), len(known))


def _chance(known: int, records: int) -> float:
    """Return how likely two records taken at random are one person."""
    return min(0.5, (known + 1) / FOUND_BY_RULES / max(1.0, records * (records - 1) / 2))


def _learned_from(
    known: pd.DataFrame, records: pd.DataFrame, keys: list[str]
) -> dict[str, list[float]]:
    """Return m of every level: what the known pairs say, few of them held to what is usual.

    Each pair is copied, without the key that connects it: of that key it would say nothing.
    """
    usual = {key: [level[2] for level in LEVELS[key]] for key in keys}
    if known.empty:
        return usual
    left, right = (_copies(known, records, keys, side) for side in ("left", "right"))
    never = {key: [NEVER_SEEN] * len(LEVELS[key]) for key in keys}
    linker = _linker(pd.concat([left, right], ignore_index=True), keys, never, 0.5)
    labels = {"customer_id_l": left["customer_id"], "customer_id_r": right["customer_id"]}
    table = linker._db_api.register(pd.DataFrame(labels), table_name="labels")
    linker.training.estimate_m_from_pairwise_labels(table)
    return {
        key: _held(
            _probabilities(linker, key, "m_probability"),
            usual[key],
            int((left[key].notna() & right[key].notna()).sum()),
        )
        for key in keys
    }


def _copies(known: pd.DataFrame, records: pd.DataFrame, keys: list[str], side: str) -> pd.DataFrame:
    copies = records.set_index("customer_id").loc[known[side], keys].reset_index(drop=True)
    for key in keys:
        copies[key] = copies[key].mask((known["rule"] == key).to_numpy())
    return copies.assign(customer_id=[f"{side}{i}" for i in range(len(copies))])


def _held(seen: list[float], usual: list[float], pairs: int) -> list[float]:
    """Return m drawn towards what is usual, the more so the fewer ``pairs`` it comes from."""
    drawn = [
        (pairs * one + USUAL_WEIGHS * prior) / (pairs + USUAL_WEIGHS)
        for one, prior in zip(seen, usual, strict=True)
    ]
    return [one / sum(drawn) for one in drawn]


def _linker(
    records: pd.DataFrame,
    keys: list[str],
    m: dict[str, list[float]],
    chance: float,
    u: dict[str, list[float]] | None = None,
) -> Any:
    try:
        from splink import DuckDBAPI, Linker
    except ImportError:
        raise ParamsError(
            "source.unify.likely needs Splink: install the project with its extra [matching]"
        ) from None
    settings = {
        "link_type": "dedupe_only",
        "unique_id_column_name": "customer_id",
        "probability_two_random_records_match": chance,
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "comparisons": [_comparison(key, m[key], (u or {}).get(key)) for key in keys],
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": rule, "sql_dialect": "duckdb"}
            for rule, needs in BLOCKS
            if set(needs) <= set(keys)
        ],
    }
    # One thread, because more would sum in another order.
    connection = duckdb.connect(config={"threads": 1, "temp_directory": str(spill_path())})
    api = DuckDBAPI(connection)
    return Linker(api.register(records[["customer_id", *keys]]), settings, log_level=None)


def _comparison(key: str, m: list[float], u: list[float] | None) -> dict[str, Any]:
    nothing = {"sql_condition": f"{key}_l IS NULL OR {key}_r IS NULL", "is_null_level": True}
    levels: list[dict[str, Any]] = [{**nothing, "label_for_charts": "unknown"}]
    for i, (words, test, _, least) in enumerate(LEVELS[key]):
        seen = least if u is None else max(u[i], least) if test != "ELSE" else u[i]
        level = {"sql_condition": test, "label_for_charts": words, "m_probability": m[i]}
        levels.append({**level, "u_probability": seen})
    return {"output_column_name": key, "comparison_levels": levels}


def _probabilities(linker: Any, key: str, which: str) -> list[float]:
    """Return a probability of every level of ``key``; 0 where no pair was ever at it."""
    comparison = next(
        c for c in linker.misc.save_model_to_json()["comparisons"] if c["output_column_name"] == key
    )
    levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
    found = (level.get(which) for level in levels)
    return [float(value) if isinstance(value, int | float) else 0.0 for value in found]


def _readable(found: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the pairs with their levels of agreement in words."""
    said = [_words(key, found[f"gamma_{key}"]) for key in keys]
    ends = found[["customer_id_l", "customer_id_r"]]
    pairs = pd.DataFrame(
        {
            "left": ends.min(axis=1).astype("str"),
            "right": ends.max(axis=1).astype("str"),
            "probability": found["match_probability"].astype("float64").round(6),
            "why": pd.Series(
                [", ".join(w for w in words if w) for words in zip(*said, strict=True)],
                index=found.index,
                dtype="str",
            ),
        }
    )
    order = ["probability", "left", "right"]
    return pairs.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)


def _words(key: str, levels: pd.Series) -> list[str]:
    """Return the words of each pair's level; nothing where one of the two is not known."""
    closest = len(LEVELS[key]) - 1
    return ["" if level < 0 else LEVELS[key][closest - level][0] for level in levels]


def _model(linker: Any, keys: list[str]) -> pd.DataFrame:
    rows = [
        (key, level[0], m, u)
        for key in keys
        for level, m, u in zip(
            LEVELS[key],
            _probabilities(linker, key, "m_probability"),
            _probabilities(linker, key, "u_probability"),
            strict=True,
        )
    ]
    return pd.DataFrame(rows, columns=["key", "agreement", "m", "u"])


def _same(key: str) -> str:
    return f"{key}_l = {key}_r"


def _slip(key: str, letters: int = 1) -> str:
    return f"damerau_levenshtein({key}_l, {key}_r) <= {letters}"


_BEFORE_AT = "split_part(email_l, '@', 1) = split_part(email_r, '@', 1)"

#: Levels of agreement of each key, the closest first: its words, its test, its usual m, least u.
LEVELS: dict[str, tuple[tuple[str, str, float, float], ...]] = {
    "name": (
        ("same name", _same("name"), 0.70, 1e-5),
        ("name with a slip", "jaro_winkler_similarity(name_l, name_r) >= 0.92", 0.17, 1e-4),
        ("similar name", "jaro_winkler_similarity(name_l, name_r) >= 0.80", 0.08, 1e-2),
        ("other name", "ELSE", 0.05, 0.99),
    ),
    "birth_date": (
        ("same birth date", _same("birth_date"), 0.90, 1e-5),
        ("birth date with a slip", _slip("birth_date"), 0.06, 1e-3),
        ("other birth date", "ELSE", 0.04, 0.99),
    ),
    "postcode": (
        ("same postcode", _same("postcode"), 0.75, 1e-4),
        ("postcode with a slip", _slip("postcode"), 0.05, 1e-3),
        ("other postcode", "ELSE", 0.20, 0.99),
    ),
    "email": (
        ("same e-mail", _same("email"), 0.50, 1e-6),
        ("e-mail with a slip", _slip("email", 2), 0.07, 1e-5),
        ("same e-mail before the @", _BEFORE_AT, 0.08, 1e-4),
        ("other e-mail", "ELSE", 0.35, 0.99),
    ),
    "phone": (
        ("same phone", _same("phone"), 0.50, 1e-6),
        ("phone with a slip", _slip("phone"), 0.05, 1e-4),
        ("other phone", "ELSE", 0.45, 0.99),
    ),
}

#: Pairs are looked at only if one of these agrees, with the keys that each needs.
BLOCKS = (
    ("l.email = r.email", ("email",)),
    ("l.phone = r.phone", ("phone",)),
    ("l.name = r.name", ("name",)),
    ("l.birth_date = r.birth_date and l.postcode = r.postcode", ("birth_date", "postcode")),
    (
        "l.birth_date = r.birth_date and substr(l.name, 1, 2) = substr(r.name, 1, 2)",
        ("birth_date", "name"),
    ),
    (
        "l.postcode = r.postcode and substr(l.name, 1, 1) = substr(r.name, 1, 1)",
        ("postcode", "name"),
    ),
    ("split_part(l.email, '@', 1) = split_part(r.email, '@', 1)", ("email",)),
)

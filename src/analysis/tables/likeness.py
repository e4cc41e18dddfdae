"""Which customer records are likely one person though no key says so, by Splink.

Fellegi and Sunter's model ("A Theory for Record Linkage", JASA 64, 1969) as Splink 5 computes it
(https://moj-analytical-services.github.io/splink/): a pair's probability of being one person
follows from how often true pairs (m) and random pairs (u) agree as much as it does.

Expectation maximisation, Splink's usual training, needs many true pairs in every block: where a
level of agreement never occurs among them it estimates m = 0, and no pair at that level can ever
match. Here m comes from pairs known to be true, those that the exact rules found, with the key
that connects a pair left out of what is learned from it; few pairs are held to what is usual
elsewhere, so that nothing is ever estimated as impossible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.errors import ParamsError
from analysis.tables.agreement import BLOCKS, LEVELS
from analysis.tables.spilling import spill_path

if TYPE_CHECKING:
    import pandas as pd

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
    import pandas as pd

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
        import duckdb
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
    return [_number(level.get(which)) for level in levels]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _readable(found: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the pairs with their levels of agreement in words."""
    import pandas as pd

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
    import pandas as pd

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

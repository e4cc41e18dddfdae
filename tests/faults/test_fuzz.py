"""Whatever stands in params, mappings, manifests and cells: a sentence or the right rows.

Examples are drawn the same each time. Rows that are good stand between those that are drawn, and
must come out as they went in; each drawn row comes out typed or refused with a reason.
"""

from __future__ import annotations

import copy
import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from analysis import params
from analysis.errors import AnalysisError, DataError, ParamsError
from analysis.ingest import validate
from analysis.ingest.mapping import expressions, model, source_rows
from analysis.ingest.readers import archives, stage
from analysis.tables.manifest import LedgerEntry, Manifest, SourceFile
from analysis.tables.schema import TABLES
from tests.ingest.shop import MAPPING
from tests.tiny import PARAMS


def drawn(examples: int) -> settings:
    """The same examples in every run, without a bound on a busy machine's clock."""
    unhurried = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=unhurried,
        phases=[Phase.generate],  # what fails is shown as drawn: to shrink it takes minutes
    )


def outcome(call: Callable[[], Any], refusal: type[AnalysisError]) -> tuple[Any, str]:
    """Return what a call gives and nothing, or nothing and the sentence that refuses it."""
    try:
        return call(), ""
    except refusal as error:
        return None, str(error)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.sampled_from(["", "*", "..", "/etc/passwd", "{}", "%n", "🧸", "-1", "NO", "0123", "12:30"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything within a document."""
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(p for key, each in inner for p in places(each, (*path, key)))]


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a document with another value at one place."""
    if not path:
        return value
    other = copy.deepcopy(document)
    target = other
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return other


STUDY = {**PARAMS, "engine": {"memory": "1GB", "threads": 1}, "reports": {"03_deciles": {}}}


@drawn(120)
@given(st.sampled_from(places(STUDY)), VALUES)
def test_params_are_taken_or_refused_in_a_sentence(tmp_path: Path, path, value) -> None:
    (tmp_path / "params").mkdir(exist_ok=True)
    text = yaml.safe_dump(changed(STUDY, path, value), allow_unicode=True)
    (tmp_path / "params" / "tiny.yaml").write_text(text, "utf-8")
    loaded, said = outcome(lambda: params.load("tiny", root=tmp_path), ParamsError)
    assert said.startswith("tiny.yaml") or loaded is not None
    if loaded is not None:
        json.dumps(loaded.model_dump(mode="json"))


@drawn(80)
@given(st.text(max_size=60), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_overrides_and_whole_files_of_anything(tmp_path: Path, override: str, text: str) -> None:
    (tmp_path / "params").mkdir(exist_ok=True)
    path = tmp_path / "params" / "tiny.yaml"
    for content, overrides in ((yaml.safe_dump(PARAMS), [override]), (text, [])):
        path.write_text(content, "utf-8")
        outcome(lambda given=overrides: params.load("tiny", given, root=tmp_path), ParamsError)


@drawn(120)
@given(st.sampled_from(places(MAPPING)), VALUES)
def test_mappings_are_taken_or_refused_in_a_sentence(tmp_path: Path, path, value) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump(changed(MAPPING, path, value), allow_unicode=True), "utf-8")
    loaded, said = outcome(lambda: model.load(file), ParamsError)
    assert said.startswith("shop.yaml") or loaded is not None


WHOLE = json.loads(
    json.dumps(
        {
            **vars(Manifest("shop", rows={"order_lines": 2}, notes=("One.",))),
            "ledger": [vars(LedgerEntry("order_lines", "a.csv", 3, 2, {"qty is missing": 1}))],
            "files": [vars(SourceFile("a.csv", 1, 2, "0" * 64, 3))],
            "order_span": ["2024-01-01", "2024-02-01"],
        }
    )
)


@drawn(120)
@given(st.sampled_from(places(WHOLE)), VALUES, st.integers(0, 2_000))
def test_manifests_are_read_or_refused_in_a_sentence(
    tmp_path: Path, path, value, length: int
) -> None:
    file = tmp_path / "manifest.json"
    text = json.dumps(changed(WHOLE, path, value), default=str)
    for content in (text, text[:length]):
        file.write_text(content, "utf-8")
        manifest, said = outcome(lambda: Manifest.read(file), DataError)
        assert "is not a readable manifest" in said or manifest is not None
        if manifest is not None:
            manifest.ledger_table()
            manifest.write(file)


#: Canonical tables that between them have a column of every type.
TYPED = {
    "order_lines": {
        "order_id": "a",
        "customer_id": "b",
        "product_id": "b",
        "ordered_at": {"column": "c", "dates": ["iso", "%d/%m/%Y %H:%M", "excel", "unix"]},
        "quantity": "d",
        "net_amount": {"multiply": ["d", "e"]},
        "list_amount": "e",
    },
    "customers": {"customer_id": "a", "birth_date": "c", "consent_email": "b"},
    "feedback": {
        "feedback_id": "a",
        "submitted_at": {"column": "c", "timezone": "offset", "dates": ["iso", "unix_ms"]},
        "kind": {"constant": "nps"},
        "score": {"column": "d", "decimal": ","},
    },
}
GOOD = {
    "order_lines": ["A1", "B1", "2024-03-01 10:00", "2", "1.25"],
    "customers": ["A1", "yes", "1980-02-29", "2", "1.25"],
    "feedback": ["A1", "B1", "2024-03-01T10:00:00+01:00", "9,0", "1"],
}
NASTY = [
    "", " ", "nan", "inf", "-inf", "1e400", "1e300", "-1e300", "1e13", "1e9", "0x1F", "1_000",
    "１２", "1,234.5", "1.234,5", "(1)", "--1", "+", "-", ".", ",", "$", "9" * 40, "-0", "0.005",
    "true", "NULL", "epoch", "infinity", "today", "0000-00-00", "9999-12-31", "0001-01-01",
    "2023-02-29", "2024-03-31 01:30", "2024-03-01T10:00:00Z", "2024-03-01T10:00:00+99:00",
    "24:00", "60", "45000", "1709100000", "=1+1", "\u202e", "\u0000x", "a\tb", "é", "🧸", "'", '"',
    "\\", "{", "%s", "a|b", "1970-01-01 00:00:60", "-4714-01-01", "294247-01-10",
]  # fmt: skip
CELLS = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.floats().map(repr),
    st.integers().map(str),
    st.datetimes().map(str),
)
ROWS = st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=4, max_size=24)


@pytest.fixture(scope="module")
def engine():
    connection = ibis.duckdb.connect(threads=1)
    yield connection
    connection.disconnect()


def write(path: Path, table: list[list[str]]) -> Path:
    """Write a table in the form that the suffix says."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([list("abcde"), *table])
    elif path.suffix == ".jsonl":
        lines = [json.dumps(dict(zip("abcde", row, strict=True))) for row in table]
        path.write_text("\n".join(lines) + "\n", "utf-8")
    else:
        pd.DataFrame(table, columns=list("abcde")).to_parquet(path)
    return path


def judged(engine: Any, path: Path, name: str, work: Path) -> list[dict[str, Any]]:
    """Return every row of a file with the verdict on it, as it becomes one of a table's."""
    columns = TYPED[name]
    table = {"table": name, "from": "f", "timezone": "Europe/London", "columns": columns}
    raw = {"mapping": "m", "files": {"f": {"paths": ["*"]}}, "tables": [table]}
    checked = model.parse(raw, "m.yaml")
    spec, wanted = checked.files["f"], checked.tables[0]
    (member,) = archives.members(path, path.name)
    (staged,) = stage.stage(engine, member, spec, work, expressions.columns_used([wanted], spec))
    canonical = source_rows.canonical_rows(
        staged, wanted, spec, connection=engine, timezone="Europe/London"
    )
    found = validate.judged(canonical, TABLES[name], source=path.name)
    times = [n for n in found.columns if found[n].type().is_temporal()]  # Python knows fewer years
    found = found.mutate(**{n: found[n].cast("string") for n in times})
    return found.order_by("_line").to_pyarrow().to_pylist()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("name", TYPED)
@drawn(6)
@given(st.data())
def test_cells_of_every_type(engine, tmp_path_factory, name: str, suffix: str, data) -> None:
    junk = data.draw(ROWS)
    folder = tmp_path_factory.mktemp("fuzz")
    table = [row for each in junk for row in (GOOD[name], each)]
    verdicts = judged(engine, write(folder / f"a{suffix}", table), name, folder / "w")
    (expected,) = judged(engine, write(folder / f"good{suffix}", [GOOD[name]]), name, folder / "g")
    values = [c.name for c in TABLES[name].columns if c.name in expected]
    good = [v for v in verdicts if all(v[n] == expected[n] for n in values)]
    assert sum(v[validate.REASON] is None for v in good) >= len(junk)
    for verdict in verdicts:
        if verdict[validate.REASON] is None and verdict[validate.RULE] is None:
            assert all(verdict[c.name] is not None for c in required(name, verdict))
            assert all(sound(verdict[n]) for n in values)
    if suffix != ".csv" or not any("\n" in c or "\r" in c or "\0" in c for r in junk for c in r):
        assert len(verdicts) == len(table)


def required(name: str, verdict: dict[str, Any]) -> list[Any]:
    columns = TABLES[name].columns
    return [c for c in columns if c.required and not c.nullable and c.name in verdict]


def sound(value: Any) -> bool:
    """Tell whether a value is one that can be added up or shown."""
    return not isinstance(value, float | Decimal) or abs(value) < float("inf")


@drawn(40)
@given(st.binary(max_size=400), st.sampled_from([".csv", ".jsonl", ".parquet", ".xlsx", ".zip"]))
def test_files_of_any_bytes(engine, tmp_path_factory, content: bytes, suffix: str) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / f"a{suffix}").write_bytes(content)
    path = folder / f"a{suffix}"
    found, said = outcome(lambda: judged(engine, path, "customers", folder / "w"), AnalysisError)
    assert said.startswith(path.name) or found is not None

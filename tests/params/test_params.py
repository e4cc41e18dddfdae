"""A mistake in a params file is one sentence that names file, key and what is allowed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from analysis import params
from analysis.errors import ParamsError
from analysis.params.study import CURRENCIES
from tests.conftest import REPOSITORY
from tests.tiny import PARAMS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "params").mkdir()
    return tmp_path


def write(root: Path, text: str) -> None:
    (root / "params" / "tiny.yaml").write_text(text, "utf-8")


def changed(**keys: object) -> str:
    return yaml.safe_dump({**PARAMS, **keys}, sort_keys=False)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "params").glob("*.yaml")), ids=str)
def test_every_study_in_the_repository_is_right(path: Path) -> None:
    study = params.load(path.stem, root=REPOSITORY, today=date(2026, 1, 5))
    assert study.study == path.stem
    for report in params.report_params():
        assert study.notebook_parameters(report)["as_of"] == study.as_of.isoformat()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        *(
            (
                changed(reports={"07_value": {"label": label}}),
                rf"tiny\.yaml: reports\.07_value: {sentence}",
            )
            for label, sentence in (
                ({"kind": "colour"}, r"label\.kind must be one of category, .*'colour'"),
                ({"kind": "category", "days": 28}, r"label\.name must be the name of a category"),
                (
                    {"kind": "channel", "name": "app"},
                    r"label\.days must be a whole number from 1 to",
                ),
                (
                    {"kind": "channel", "name": "app", "days": 90},
                    r"label\.days must be a whole number from 1 to 77, .* \(given: 90\)",
                ),
                ({"kind": "top_spend", "days": 28, "share": 0.9}, r"label\.share must be above 0"),
                ({"kind": "top_spend", "name": "x"}, r"label\.name: the kind top_spend names no"),
                (
                    {"kind": "category", "name": "x", "share": 0.1},
                    r"label\.share: only the kind top_",
                ),
                ({"kinds": "category"}, r"label\.kinds: no such key; allowed are kind, name"),
            )
        ),
        (changed(sead=1), r"tiny\.yaml: sead: no such key; allowed are study, title, source"),
        (changed(as_of="2017-02-30"), r"tiny\.yaml: as_of: '2017-02-30' is neither a date that"),
        (
            changed(seed="one"),
            r"tiny\.yaml: seed: Input should be a valid integer \(given: 'one'\)",
        ),
        (changed(timezone="New York"), r"tiny\.yaml: timezone: 'New York' is no IANA time zone"),
        (changed(currency="$"), r"tiny\.yaml: currency: .* \(given: '\$'\)"),
        (changed(source={}), r"tiny\.yaml: source: source needs a kind"),
        (
            changed(engine={"kind": "duck"}),
            r"tiny\.yaml: engine\.kind: .*duckdb.* \(given: 'duck'\)",
        ),
        (changed(engine={"cores": 2}), r"engine\.cores: no such key; allowed are kind, memory"),
        (changed(margins={"default": "NO"}), r"margins\.default: Input should be a valid number"),
        (changed(reports={"03_decile": {}}), r"reports\.03_decile: no such report; there are 00_"),
        (
            changed(reports={"03_deciles": {"group": 10}}),
            r"reports\.03_deciles\.group: no such key; allowed are window_days",
        ),
        (
            changed(reports={"03_deciles": {"groups": 1}}),
            r"reports\.03_deciles\.groups: .*greater than or equal to 2 \(given: 1\)",
        ),
        (
            changed(reports={"03_deciles": {"window_days": 100, "compare_days": 56}}),
            r"reports\.03_deciles: compare_days 56 must fit twice into window_days 100",
        ),
        (
            changed(reports={"03_deciles": {"compare_days": 30}}),
            r"reports\.03_deciles\.compare_days: .*multiple of 7 \(given: 30\)",
        ),
        (changed(study="other"), r"tiny\.yaml: study is 'other' but the file says 'tiny'"),
        ("study: tiny\nstudy: tiny\n", r"tiny\.yaml is not valid YAML: .*'study' is given twice"),
        ("study: [", r"tiny\.yaml is not valid YAML: "),
        ("as_of: 2017-02-30\n", r"tiny\.yaml: day .*; write dates as YYYY-MM-DD"),
        ("- 1\n", r"tiny\.yaml must hold keys and values"),
        ("study: tiny\n", r"tiny\.yaml: title is missing"),
    ],
)
def test_a_mistake_is_named(root: Path, text: str, sentence: str) -> None:
    write(root, text)
    with pytest.raises(ParamsError, match=sentence):
        params.load("tiny", root=root)


def test_a_study_that_is_not_there(root: Path) -> None:
    write(root, changed())
    with pytest.raises(ParamsError, match=r"no other\.yaml in params/; studies there: tiny"):
        params.load("other", root=root)


def test_overrides_go_deep_and_are_checked(root: Path) -> None:
    write(root, changed())
    study = params.load("tiny", ["reports.03_deciles.groups=20", "as_of=2017-06-01"], root=root)
    assert study.notebook_parameters("03_deciles")["groups"] == 20
    assert study.as_of == date(2017, 6, 1)
    with pytest.raises(ParamsError, match="write it as key=value"):
        params.load("tiny", ["groups"], root=root)
    with pytest.raises(ParamsError, match="seed is a value, not a section"):
        params.load("tiny", ["seed.x=1"], root=root)


@pytest.mark.parametrize(
    ("word", "day"),
    [
        ("today", date(2026, 2, 4)),
        ("last-complete-week", date(2026, 2, 2)),
        ("last-complete-month", date(2026, 2, 1)),
    ],
)
def test_words_for_days_are_counted_from_the_day_of_the_run(
    root: Path, word: str, day: date
) -> None:
    write(root, changed(as_of=word))
    assert params.load("tiny", root=root, today=date(2026, 2, 4)).as_of == day
    with pytest.raises(ParamsError, match="needs a run to count from; give a date"):
        params.load("tiny", root=root)


BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BOMB, r"tiny\.yaml stands for more than 100,000 values once its aliases are written out"),
        ("a: &a [*a]\n", r"tiny\.yaml: a value holds itself by an alias; write it out"),
        ("a: " + "[" * 60 + "]" * 60, r"tiny\.yaml: values lie more than 40 levels deep"),
        ("a: " + "[" * 9_000, r"tiny\.yaml: values lie more than 40 levels deep"),
        ("[a, b]: 1\n", r"tiny\.yaml is not valid YAML: a key is a list or a mapping in .* line 1"),
        ("{a: b}: 1\n", r"tiny\.yaml is not valid YAML: a key is a list or a mapping in .* line 1"),
        ('title: "half \\ud800"\n', r"tiny\.yaml: line 1 holds a character that is none"),
        ("#" * 1_000_001, r"tiny\.yaml is larger than a file of params or mappings can be"),
        (changed(as_of=["2017-01-01"]), r"as_of: \['2017-01-01'\] is neither a date that exists"),
        (changed(as_of={"a": 1}), r"as_of: \{'a': 1\} is neither a date that exists"),
        (
            changed(engine={"memory": "1MB"}),
            r"engine\.memory: 1MB is not between 100MB, the least that the engine can work in, and",
        ),
        (changed(engine={"memory": "9999TB"}), r"engine\.memory: 9999TB is not between 100MB"),
        (
            changed(engine={"threads": 100_000}),
            r"engine\.threads: .*less than or equal to 1024 \(given: 100000\)",
        ),
        (
            changed(currency="EUE"),
            r"currency: 'EUE' is no currency of ISO 4217, such as USD or EUR; did you mean EUR",
        ),
        (changed(seed=2**32), r"seed: Input should be less than or equal to 4294967295"),
    ],
)
def test_a_hostile_or_careless_file_is_refused_in_a_sentence(
    root: Path, text: str, sentence: str
) -> None:
    write(root, text)
    with pytest.raises(ParamsError, match=sentence):
        params.load("tiny", root=root)


def test_params_that_cannot_be_read(root: Path) -> None:
    (root / "params" / "tiny.yaml").mkdir()
    with pytest.raises(ParamsError, match=r"tiny\.yaml cannot be read: Is a directory"):
        params.load("tiny", root=root)
    (root / "params" / "latin.yaml").write_bytes(b"title: caf\xe9")
    with pytest.raises(ParamsError, match=r"latin\.yaml is not valid YAML: .*can't decode"):
        params.load("latin", root=root)


@pytest.mark.parametrize("study", ["a" * 300, "../tiny", "Tiny", "a\nb", ""])
def test_a_name_that_is_no_key_of_a_study(root: Path, study: str) -> None:
    with pytest.raises(ParamsError, match=r"cannot be the key of a study: at most 60 small let"):
        params.load(study, root=root)


def test_a_key_is_set_once(root: Path) -> None:
    write(root, changed())
    with pytest.raises(ParamsError, match=r"--set seed= is given twice; give it once"):
        params.load("tiny", ["seed=1", "seed=2"], root=root)
    with pytest.raises(ParamsError, match=r"--set seed=\[1 is not valid YAML"):
        params.load("tiny", ["seed=[1"], root=root)


def test_the_currencies_are_those_of_the_world() -> None:
    """Held against the Unicode consortium's list of what is tender where."""
    from babel.numbers import get_global

    periods = [p for found in get_global("territory_currencies").values() for p in found]
    tender = {code for code, _, until, is_tender in periods if is_tender and until is None}
    assert tender - CURRENCIES == set()
    assert set(get_global("all_currencies")) >= CURRENCIES

"""A mistake in a params file is one sentence that names file, key and what is allowed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from analysis import params
from analysis.errors import ParamsError
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
        (changed(reports={"03_decile": {}}), r"reports\.03_decile: no such report; there are 01_"),
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

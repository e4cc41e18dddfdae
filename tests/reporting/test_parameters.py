"""What a parameters cell may say, and what may be injected into it."""

from __future__ import annotations

import ast
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from papermill.translators import PythonTranslator

from analysis.errors import ParamsError
from analysis.reporting.execution.parameters import (
    check_injection,
    injected_source,
    read_parameters,
    refuse_secrets,
)
from tests.projects import notebook


def read(cell: str | None, **metadata: Any) -> dict[str, Any]:
    return read_parameters(notebook("10_a", parameters=cell, **metadata), name="10_a.ipynb")


def test_names_types_defaults_and_comments() -> None:
    declared = read(
        "days: int = 364  # days looked at\n"
        "name: str = 'a # no comment = b'\n"
        "shares: list[float] = [\n    0.1,\n    0.2,\n]  # two of them\n"
        "loose = -1.5"
    )
    assert [(p.name, p.annotation, p.default, p.comment) for p in declared.values()] == [
        ("days", "int", 364, "days looked at"),
        ("name", "str", "a # no comment = b", ""),
        ("shares", "list[float]", [0.1, 0.2], "two of them"),
        ("loose", "", -1.5, ""),
    ]


def test_a_comment_behind_text_outside_ascii() -> None:
    assert read("name: str = '小店'  # 店名")["name"].comment == "店名"


def test_the_source_may_be_a_list_of_lines() -> None:
    made = notebook("10_a", parameters="a: int = 1\nb: int = 2")
    made["cells"][1]["source"] = ["a: int = 1\n", "b: int = 2"]
    assert set(read_parameters(made, name="10_a")) == {"a", "b"}


def test_a_missing_tag_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"10_a.ipynb needs exactly one cell .* it has 0"):
        read(None)


def test_two_parameters_cells_are_refused() -> None:
    made = notebook("10_a")
    made["cells"].append(made["cells"][1])
    with pytest.raises(ParamsError, match="it has 2"):
        read_parameters(made, name="10_a")


def test_injected_parameters_of_an_earlier_run_are_refused() -> None:
    made = notebook("10_a", ["study = 'other'"])
    made["cells"][2]["metadata"]["tags"] = ["injected-parameters"]
    with pytest.raises(ParamsError, match="injected parameters of an earlier run"):
        read_parameters(made, name="10_a")


@pytest.mark.parametrize(
    "derived", ["b: int = a * 2", "b = len('abc')", "b: str = f'{a}'", "b: list = [a]"]
)
def test_a_value_derived_in_the_cell_is_refused(derived: str) -> None:
    with pytest.raises(ParamsError, match="derives a value inside the parameters cell"):
        read(f"a: int = 1\n{derived}")


@pytest.mark.parametrize("statement", ["import os", "print(1)", "a += 1", "a = b = 1", "a: int"])
def test_anything_but_an_assignment_is_refused(statement: str) -> None:
    with pytest.raises(ParamsError, match="may only assign values"):
        read(statement)


def test_a_cell_that_is_not_python_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"is not Python \(line 2"):
        read("a: int = 1\nb: int = = 2")


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"10_a does not know dayz; .* declares days, seed"):
        check_injection(read("days: int = 1\nseed: int = 2"), {"dayz": 3, "seed": 1}, name="10_a")


def test_a_default_that_would_win_in_silence_is_refused() -> None:
    with pytest.raises(ParamsError, match="declares seed, which the study's params do not set"):
        check_injection(read("days: int = 1\nseed: int = 2"), {"days": 3}, name="10_a")


@pytest.mark.parametrize(
    "value", [date(2018, 1, 1), (1, 2), {1: 2}, b"x", float("nan"), float("inf"), [date.max]]
)
def test_a_value_that_cannot_be_written_into_a_cell_is_refused(value: object) -> None:
    with pytest.raises(ParamsError, match=r"10_a: days is a \w+, which cannot be injected"):
        check_injection(read("days: int = 1"), {"days": value}, name="10_a")


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "db_password",
        "API_KEY",
        "apikey",
        "access_key",
        "token",
        "github_token",
        "secret",
        "client_secret",
        "credentials",
        "private_key",
    ],
)
def test_a_secret_is_refused_at_every_level(key: str) -> None:
    with pytest.raises(ParamsError, match=f"{key} looks like a secret"):
        refuse_secrets({key: "x"}, name="10_a")
    with pytest.raises(ParamsError, match=f"{key} looks like a secret"):
        refuse_secrets({"mail": {"server": {key: "x"}}}, name="10_a")


@pytest.mark.parametrize("key", ["seed", "secretary", "tokenised", "key", "keys_held", "passport"])
def test_a_word_that_only_resembles_a_secret_passes(key: str) -> None:
    refuse_secrets({key: 1}, name="10_a")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_what_is_injected_and_what_is_shown_are_the_value(value: Any) -> None:
    """Papermill's cell, which runs, and ours, which is read, both give the value back."""
    check_injection(read("days: int = 1"), {"days": value}, name="10_a")
    for source in (PythonTranslator.codify({"days": value}), injected_source({"days": value})):
        assignment = ast.parse(source).body[0]
        assert isinstance(assignment, ast.Assign)
        assert ast.literal_eval(assignment.value) == value


def test_text_is_shown_as_it_is() -> None:
    assert injected_source({"name": "小店"}) == "# Parameters of this run\nname = '小店'"

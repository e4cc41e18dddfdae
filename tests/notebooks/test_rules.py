"""Each notebook keeps the rules, declares what the params declare, and says what it is."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from analysis.params import load, report_params
from analysis.reporting.execution.parameters import Parameter, read_parameters, source, tags
from analysis.reporting.runner.run_plan import make_plan, read_notebook
from tests.notebooks.rules import broken_rules
from tests.projects import notebook

REPOSITORY = Path(__file__).parents[2]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
SHARED = {
    "study": ("str", "complete_journey"),
    "as_of": ("str", "2018-01-01"),
    "seed": ("int", 20171231),
}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def content(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def parameters(path: Path) -> dict[str, Parameter]:
    return read_parameters(content(path), name=path.name)


@each_notebook
def test_it_keeps_the_rules(path: Path) -> None:
    assert list(broken_rules(content(path))) == []


@each_notebook
def test_it_declares_what_the_params_declare(path: Path) -> None:
    """Names, types, order and defaults are those of the model that checks the params file."""
    model = report_params()[path.stem]
    fields = {
        name: (_written(field.annotation), _plain(field.get_default(call_default_factory=True)))
        for name, field in model.model_fields.items()
    }
    declared = {p.name: (p.annotation, p.default) for p in parameters(path).values()}
    assert list(declared.items()) == list({**SHARED, **fields}.items())


@each_notebook
def test_it_says_what_each_parameter_means(path: Path) -> None:
    assert [p.name for p in parameters(path).values() if len(p.comment) < 8] == []


@each_notebook
def test_its_defaults_are_those_of_the_study_it_names(path: Path) -> None:
    """Alone in JupyterLab it shows what the study's scheduled run shows, bar tuned sections."""
    params = load("complete_journey", root=REPOSITORY)
    injected = params.notebook_parameters(path.stem)
    assert {name: injected[name] for name in SHARED} == {
        name: default for name, (_, default) in SHARED.items()
    }
    assert set(injected) == set(parameters(path))


@each_notebook
def test_its_first_cells_are_title_question_decision_and_parameters(path: Path) -> None:
    planned = read_notebook(path)
    assert planned is not None
    first, second = content(path)["cells"][:2]
    assert source(first).splitlines()[0] == f"# {planned.title}"
    assert len(source(first).splitlines()) >= 3
    assert "parameters" in tags(second)
    assert planned.question.endswith("?")
    assert "order_lines" in planned.canonical


@each_notebook
def test_no_section_is_empty(path: Path) -> None:
    """A heading has a sentence or a cell that shows something below it."""
    cells = content(path)["cells"]
    following = [cell["cell_type"] for cell in cells[1:]] + ["nothing"]
    headings = [
        (source(cell), after)
        for cell, after in zip(cells, following, strict=True)
        if cell["cell_type"] == "markdown" and source(cell).startswith("## ")
    ]
    assert len(headings) >= 3
    empty = [text for text, after in headings if len(text.splitlines()) < 2 and after != "code"]
    assert empty == []


@each_notebook
def test_it_writes_only_through_its_own_report(path: Path) -> None:
    code = "\n".join(source(c) for c in content(path)["cells"] if c["cell_type"] == "code")
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    opened = [c for c in calls if getattr(c.func, "id", "") == "open_report"]
    assert [ast.literal_eval(call.args[0]) for call in opened] == [path.stem]
    assert not [c for c in calls if getattr(c.func, "attr", "") in ("to_csv", "to_parquet")]


def test_the_notebooks_make_a_plan() -> None:
    plan = make_plan(REPOSITORY / "notebooks")
    assert {p.report for p in plan.reports} == {path.stem for path in NOTEBOOKS}
    assert set(report_params()) == set(plan.by_name())


def _written(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("def f():\n    return 1", "defines a function"),
        ("class A:\n    pass", "defines a class"),
        ("for x in y:\n    print(x)", "loops"),
        ("while True:\n    break", "loops"),
        ("z = [x for x in y]", "loops in a comprehension"),
        ("z = sum(x for x in y)", "loops in a comprehension"),
        ("import os.path", "handles paths"),
        ("from pathlib import Path", "handles paths"),
        ("tables.connection.sql('a')", "runs a query"),
        ("q = 'SELECT a\\nFROM b'", "holds SQL"),
        ("!ls", "has a magic or a shell command"),
        ("%timeit 1", "has a magic or a shell command"),
        ("\n".join(["x = 1"] * 13), "has 13 lines"),
    ],
)
def test_the_rules_find_what_breaks_them(cell: str, problem: str) -> None:
    assert list(broken_rules(notebook("10_a", [cell]))) == [f"cell 3 {problem}"]


@pytest.mark.parametrize("number", ["35 %", "2,469", "$ 4", "0.43", "12.5%"])
def test_the_rules_find_numbers_that_code_could_print(number: str) -> None:
    made = notebook("10_a", ["x = 1"])
    made["cells"][0]["source"] = f"# A\n\nIt is {number} of them."
    assert len(list(broken_rules(made))) == 1


@pytest.mark.parametrize(
    ("text", "tag", "problem"),
    [
        ("## Rows", "fold", "cell 1 has the tag fold, which nothing reads"),
        ("Why.", "folded", "cell 1 is folded and heads no section"),
        ("## Rows", "folded", None),
    ],
)
def test_the_rules_find_tags_without_effect(text: str, tag: str, problem: str | None) -> None:
    made = notebook("10_a", ["x = 1"])
    made["cells"][0] |= {"source": text, "metadata": {"tags": [tag]}}
    assert list(broken_rules(made)) == ([problem] if problem else [])


def test_the_rules_let_pass_what_is_fine() -> None:
    cells = ["\n\n".join(["x = 1"] * 12), "deciles.table.assign(share=lambda table: table.a / 2)"]
    assert list(broken_rules(notebook("10_a", cells))) == []

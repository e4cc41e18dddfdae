"""Notebooks in git hold no outputs, no execution counts and nothing private."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from analysis.reporting.notebook.hygiene import cleaned, main, problems, written
from tests.projects import notebook

REPOSITORY = Path(__file__).parents[2]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.fixture
def clean() -> dict[str, Any]:
    made = notebook("10_a", ["x = 1", "y = 2"])
    made["metadata"]["kernelspec"]["display_name"] = "Python 3"
    return made


def dirty(clean: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook as JupyterLab saves it after a look at it."""
    made = copy.deepcopy(clean)
    cell = made["cells"][2]
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["a customer's name"]}]
    cell["execution_count"] = 7
    cell["metadata"] = {"scrolled": True, "tags": ["keep"], "jupyter": {"source_hidden": True}}
    made["cells"][0]["attachments"] = {"a.png": {"image/png": "aGk="}}
    made["cells"][3]["id"] = cell["id"]
    made["metadata"]["language_info"]["version"] = "3.11.7"
    made["metadata"]["kernelspec"]["display_name"] = "retail (anna)"
    made["metadata"]["widgets"] = {}
    return made


def test_there_are_notebooks() -> None:
    assert {path.stem for path in NOTEBOOKS} >= {"01_profiling", "03_deciles"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_is_clean_and_as_an_editor_would_save_it(path: Path) -> None:
    content = json.loads(path.read_text("utf-8"))
    assert list(problems(content)) == []
    assert path.read_text("utf-8") == written(content)
    nbformat.validate(nbformat.from_dict(content))


def test_a_clean_notebook_has_no_problems(clean: dict[str, Any]) -> None:
    assert list(problems(clean)) == []
    assert cleaned(clean) == clean


def test_everything_that_an_editor_leaves_is_found(clean: dict[str, Any]) -> None:
    assert list(problems(dirty(clean))) == [
        "its metadata hold an editor's or a machine's kernelspec",
        "its metadata hold an editor's or a machine's language_info",
        "its metadata hold an editor's or a machine's widgets",
        "cell 1 has attachments",
        "cell 3 has outputs",
        "cell 3 has an execution count",
        "cell 3 has jupyter, scrolled",
        "cell 4 has no id of its own",
    ]


def test_and_is_taken_away_but_nothing_else(clean: dict[str, Any]) -> None:
    mended = cleaned(dirty(clean))
    assert list(problems(mended)) == []
    assert mended["cells"][2]["metadata"] == {"tags": ["keep"]}
    sources = [cell["source"] for cell in mended["cells"]]
    assert sources == [cell["source"] for cell in clean["cells"]]
    assert mended["metadata"]["analysis"] == clean["metadata"]["analysis"]
    assert len({cell["id"] for cell in mended["cells"]}) == 4


def test_an_older_format_is_found_and_gets_ids(clean: dict[str, Any]) -> None:
    old = {**clean, "nbformat_minor": 2}
    old["cells"] = [{k: v for k, v in cell.items() if k != "id"} for cell in clean["cells"]]
    found = list(problems(old))
    assert found[0] == "it is not in notebook format 4.5"
    assert "cell 1 has no id of its own" in found
    nbformat.validate(nbformat.from_dict(cleaned(old)))


def test_what_is_written_is_what_nbformat_writes(clean: dict[str, Any]) -> None:
    assert written(clean) == nbformat.writes(nbformat.from_dict(clean)) + "\n"


def test_the_command_refuses_or_mends(
    clean: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.ipynb", tmp_path / "bad.ipynb"
    good.write_text(written(clean))
    text = json.dumps(dirty(clean))
    bad.write_text(text)

    assert main([str(good)]) == 0
    assert main([str(good), str(bad)]) == 1
    assert f"{bad}: cell 3 has outputs\n" in capsys.readouterr().out
    assert bad.read_text() == text, "nothing is changed without being asked"

    assert main(["--fix", str(good), str(bad)]) == 1, "the commit stops to be looked at"
    assert f"{bad}: cell 3 has outputs (mended)\n" in capsys.readouterr().out
    assert "customer" not in bad.read_text()
    assert main([str(good), str(bad)]) == 0


def test_a_file_that_is_no_notebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text("<<<<<<< HEAD")
    assert main(["--fix", str(path)]) == 1
    assert "a.ipynb: is not a readable notebook" in capsys.readouterr().out
    assert path.read_text() == "<<<<<<< HEAD"


def test_the_hook_runs_it() -> None:
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    hooks = {hook["id"]: hook for repo in config["repos"] for hook in repo["hooks"]}
    assert hooks["notebooks"]["entry"].endswith("-m analysis.reporting.notebook.hygiene --fix")
    assert hooks["notebooks"]["files"] == r"^notebooks/.*\.ipynb$"

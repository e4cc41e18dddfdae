"""The plan of the house: files found by name, rooms of a size, notebooks that read aloud."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "analysis"
MODULES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
REPORTS = sorted(path.parent for path in PACKAGE.glob("reports/*/params.py"))

#: Files that every folder of a report has, and so stand more than once.
STANDARD = {"__init__", "text", "charts", "columns", "params", "present"}


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def code_cells(path: Path) -> list[list[str]]:
    """The lines of each code cell of a notebook but the parameters cell."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [
        [line for line in "".join(cell["source"]).splitlines() if line.strip()]
        for cell in cells
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", [])
    ]


def test_no_file_name_stands_twice_in_the_package():
    names = Counter(p.stem for p in MODULES if p.stem not in STANDARD)
    assert [name for name, count in names.items() if count > 1] == []


def test_no_file_is_a_drawer():
    drawers = {"utils", "util", "helpers", "common", "misc", "tools"}
    assert [p for p in MODULES if p.stem in drawers] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_is_one_idea(path: Path):
    assert lines(path) <= 450


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: str(p.relative_to(PACKAGE.parent)))
def test_a_folder_can_be_taken_in_at_a_glance(folder: Path):
    assert len([p for p in MODULES if p.parent == folder]) <= 14


@pytest.mark.parametrize("folder", REPORTS, ids=lambda p: p.name)
def test_a_report_keeps_its_budget(folder: Path):
    """What a report says, draws and declares; above this it should be two reports."""
    assert sum(map(lines, folder.glob("*.py"))) <= 2_450


def test_the_house_does_not_grow():
    """What is added takes the place of something, or is said in what there is."""
    assert len(MODULES) <= 560
    assert sum(map(lines, MODULES)) <= 110_310


@pytest.mark.parametrize("folder", REPORTS, ids=lambda p: p.name)
def test_every_table_whose_columns_are_described_is_shown(folder: Path):
    described = re.findall(
        r"^([a-z]\w*) = Columns\(", (folder / "columns.py").read_text("utf-8"), re.M
    )
    used = "".join(path.read_text("utf-8") for path in folder.glob("present*.py"))
    assert lines(folder / "columns.py") <= 150
    assert [name for name in described if not re.search(rf"columns\.{name}\b", used)] == []


def test_intervals_resampling_and_shrinkage_stand_in_stats_alone():
    words = "wilson|newcombe|clopper|bootstrap|bca|shrink|paule_mandel|benjamini|q_values"
    found = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in MODULES
        if path.parent.name != "stats"
        for name in re.findall(rf"^def (\w*(?:{words})\w*)\(", path.read_text("utf-8"), re.M)
    ]
    assert found == []


def test_every_place_that_the_architecture_names_exists():
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    places = re.findall(r"\| `(src/[^`]+)` \|", text)
    assert len(places) >= 20
    assert [place for place in places if not (ROOT / place).is_file()] == []


def test_every_name_of_a_face_exists_and_hides_no_room():
    """A face offers what is there, and no name of a room below it."""
    for face in PACKAGE.glob("*/__init__.py"):
        rooms = {p.name for p in face.parent.iterdir() if p.is_dir()}
        for name, place in _face(face).items():
            module, _, member = place.partition(":")
            path = face.parent / (module.replace(".", "/") + ".py")
            assert path.is_file(), f"{face.parent.name}.{name}: {place}"
            assert re.search(rf"^(def|class) {member}\b|^{member}\b|import .*\b{member}\b",
                             path.read_text("utf-8"), re.M), place  # fmt: skip
            assert name not in rooms, f"{face.parent.name}.{name} hides a room"


def _face(path: Path) -> dict[str, str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "face":
            return ast.literal_eval(node.args[1])
    return {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_reads_aloud(path: Path):
    cells = code_cells(path)
    imports = [line for cell in cells for line in cell if re.match(r"(from|import) ", line)]
    assert len(cells) <= 30
    assert sum(map(len, cells)) <= 150
    assert median(map(len, cells)) <= 4
    assert len(imports) <= 8


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_holds_no_guard(path: Path):
    guards = (ast.If, ast.IfExp, ast.Try, ast.With)
    code = "\n".join("\n".join(cell) for cell in code_cells(path))
    found = [ast.unparse(n)[:60] for n in ast.walk(ast.parse(code)) if isinstance(n, guards)]
    assert found == []

"""Keep notebooks in git clean: no outputs, no execution counts, nothing private.

Run as ``python -m analysis.reporting.notebook.hygiene [--fix] notebooks/*.ipynb``; the pre-commit
hook and ``make lint`` do. Without ``--fix`` it says what is wrong, with it the files are mended; in
both cases the exit code is 1 if anything was wrong, so that a commit stops to be looked at.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.reporting.store.atomic import write_text

_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

#: What a notebook's metadata may hold; an editor adds its state and the interpreter's version.
_METADATA = ("analysis", "kernelspec", "language_info")
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_LANGUAGE = {"name": "python"}

#: What a cell may hold, by its type.
_CELL_KEYS = {
    "code": {"cell_type", "execution_count", "id", "metadata", "outputs", "source"},
    "markdown": {"cell_type", "id", "metadata", "source"},
    "raw": {"cell_type", "id", "metadata", "source"},
}


def cleaned(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notebook as it may be committed: code, prose, and what the runner reads.

    Cells without an id, or with that of an earlier cell, get one.
    """
    metadata = {k: v for k, v in notebook["metadata"].items() if k in _METADATA}
    taken: set[str] = set()
    return {
        "cells": [_cleaned_cell(cell, taken) for cell in notebook["cells"]],
        "metadata": {**metadata, "kernelspec": _KERNEL, "language_info": _LANGUAGE},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cleaned_cell(cell: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    kept = {k: v for k, v in cell.items() if k in _CELL_KEYS[cell["cell_type"]]}
    tags = cell.get("metadata", {}).get("tags", [])
    kept["metadata"] = {"tags": tags} if tags else {}
    kept["id"] = _free_id(cell.get("id"), taken)
    if cell["cell_type"] == "code":
        kept |= {"outputs": [], "execution_count": None}
    return kept


def _free_id(wanted: Any, taken: set[str]) -> str:
    numbered = (f"cell-{n}" for n in range(len(taken) + 1))
    good = isinstance(wanted, str) and _CELL_ID.fullmatch(wanted) and wanted not in taken
    found = wanted if good else next(name for name in numbered if name not in taken)
    taken.add(found)
    return str(found)


def problems(notebook: Mapping[str, Any]) -> Iterator[str]:
    """Say what in a notebook must not be committed; nothing if it is clean."""
    clean = cleaned(notebook)
    for key in sorted(set(notebook["metadata"]) | set(_METADATA[1:])):
        if notebook["metadata"].get(key) != clean["metadata"].get(key):
            yield f"its metadata hold an editor's or a machine's {key}"
    if (notebook.get("nbformat"), notebook.get("nbformat_minor")) != (4, 5):
        yield "it is not in notebook format 4.5"
    for number, (cell, wanted) in enumerate(
        zip(notebook["cells"], clean["cells"], strict=True), start=1
    ):
        if cell.get("outputs"):
            yield f"cell {number} has outputs"
        if cell.get("execution_count") is not None:
            yield f"cell {number} has an execution count"
        if cell.get("id") != wanted["id"]:
            yield f"cell {number} has no id of its own"
        private = (set(cell) - set(wanted)) | (set(cell.get("metadata", {})) - {"tags"})
        if private:
            yield f"cell {number} has {', '.join(sorted(private))}"


def written(notebook: Mapping[str, Any]) -> str:
    """Return a notebook as JupyterLab would write it, so that saving it changes nothing."""
    cells = [{**cell, "source": _lines(cell["source"])} for cell in notebook["cells"]]
    content = {**notebook, "cells": cells}
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _lines(source: str | list[str]) -> list[str]:
    text = source if isinstance(source, str) else "".join(source)
    return text.splitlines(keepends=True)


def _look_at(path: Path, *, fix: bool) -> list[str]:
    try:
        notebook = json.loads(path.read_text("utf-8"))
        found = list(problems(notebook))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"{path}: is not a readable notebook: {error!r}"]
    if found and fix:
        write_text(path, written(cleaned(notebook)))
    return [f"{path}: {problem}" for problem in found]


def main(arguments: Sequence[str] | None = None) -> int:
    """Look at the notebooks named on the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="analysis.reporting.notebook.hygiene", description=__doc__
    )
    parser.add_argument("--fix", action="store_true", help="mend the files")
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks")
    options = parser.parse_args(arguments)
    found = [line for path in options.paths for line in _look_at(path, fix=options.fix)]
    for line in found:
        print(f"{line} (mended)" if options.fix else line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

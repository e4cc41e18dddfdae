"""How a notebook may be written: it calls and explains; the package computes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from analysis.reporting.execution.parameters import source, tags
from analysis.reporting.site.outline import FOLDED

LONGEST_CELL = 12

_FORBIDDEN: dict[type[ast.AST], str] = {
    ast.FunctionDef: "defines a function",
    ast.AsyncFunctionDef: "defines a function",
    ast.ClassDef: "defines a class",
    ast.For: "loops",
    ast.AsyncFor: "loops",
    ast.While: "loops",
    ast.ListComp: "loops in a comprehension",
    ast.SetComp: "loops in a comprehension",
    ast.DictComp: "loops in a comprehension",
    ast.GeneratorExp: "loops in a comprehension",
}
_PATHS = {"os", "pathlib", "glob", "shutil"}
_QUERIES = {"sql", "raw_sql", "execute", "query", "read_sql"}
_SQL = re.compile(r"\bselect\b.+\bfrom\b", re.IGNORECASE | re.DOTALL)

#: Numbers that code could print: shares, money, thousands. `95 %` is one when it is a parameter.
_PRINTABLE = re.compile(r"\d[\d,.]*\s?%|[$€£]\s?\d|\d{1,3}(?:,\d{3})+|\b\d+\.\d+\b")


def broken_rules(notebook: Mapping[str, Any]) -> Iterator[str]:
    """Say where a notebook breaks a rule, cell by cell."""
    for number, cell in enumerate(notebook["cells"], start=1):
        text = source(cell)
        found = _code(text, tags(cell)) if cell["cell_type"] == "code" else _prose(text)
        yield from (f"cell {number} {problem}" for problem in (*found, *_tagged(cell, text)))


def _tagged(cell: Mapping[str, Any], text: str) -> Iterator[str]:
    known = {"code": "parameters", "markdown": FOLDED}.get(cell["cell_type"], "")
    yield from (f"has the tag {tag}, which nothing reads" for tag in tags(cell) if tag != known)
    if FOLDED in tags(cell) and not text.startswith("## "):
        yield "is folded and heads no section"


def _code(text: str, cell_tags: list[str]) -> Iterator[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > LONGEST_CELL and "parameters" not in cell_tags:
        yield f"has {len(lines)} lines"
    if re.search(r"^\s*[%!]", text, flags=re.MULTILINE):
        yield "has a magic or a shell command"
        return
    for node in ast.walk(ast.parse(text)):
        yield from _node(node)


def _node(node: ast.AST) -> Iterator[str]:
    if type(node) in _FORBIDDEN:
        yield _FORBIDDEN[type(node)]
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
        modules = names or {getattr(node, "module", "") or ""}
        if {name.partition(".")[0] for name in modules} & _PATHS:
            yield "handles paths"
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _QUERIES:
        yield "runs a query"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.search(node.value):
        yield "holds SQL"


def _prose(text: str) -> Iterator[str]:
    for match in _PRINTABLE.finditer(text):
        yield f"has the number {match.group()} in its prose"

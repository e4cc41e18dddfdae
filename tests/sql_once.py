"""SQL that is written once: the same question of tables of the same columns has the same words.

To write it takes Ibis longer than DuckDB to answer it where a shop is small: a quarter of what such
tests cost. Nearly all of it another test has had written before, of tables of other generated names
at most. What each question is, and its answer, stays each test's own.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.duckdb import Backend
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from ibis.common.graph import Node
from ibis.common.grounds import Concrete

#: Names that Ibis makes up, which nobody could have given.
_MADE_UP = re.compile(r"ibis_\w+_[a-z2-7]{26}")


class Shape:
    """A question as it is whatever its tables hold and are called: ``key``, and its made-up names.

    Parameters
    ----------
    question
        The operation at its root.
    """

    def __init__(self, question: Node) -> None:
        self._numbers: dict[Node, int] = {}
        self._names: dict[str, int] = {}
        parts, waiting = [], [question]
        while waiting:
            node = waiting[-1]
            if node in self._numbers:
                waiting.pop()
            elif below := [each for each in node.__children__ if each not in self._numbers]:
                waiting += below
            else:
                parts.append((type(node), *map(self._part, self._told(node))))
                self._numbers[waiting.pop()] = len(self._numbers)
        self.key, self.names = tuple(parts), [*self._names]

    def _told(self, node: Node) -> tuple[Any, ...]:
        """Return what tells of a node in SQL: of a table not its rows, nor where they lie."""
        if isinstance(node, ops.InMemoryTable):
            return (node.name, node.schema)
        if isinstance(node, ops.DatabaseTable):
            return (node.name, node.schema, node.namespace.catalog, node.namespace.database)
        return node.__args__

    def _part(self, value: Any) -> Any:
        if isinstance(value, Node):
            return self._numbers[value]
        if isinstance(value, tuple | list):
            return tuple(map(self._part, value))
        if isinstance(value, dict):
            return tuple((self._part(k), self._part(v)) for k, v in value.items())
        if isinstance(value, str) and _MADE_UP.fullmatch(value):
            return f"name {self._names.setdefault(value, len(self._names))}"
        # Types and schemas keep their hash: to compare them takes longer than to write the SQL.
        return hash(value) if isinstance(value, Concrete) else f"{type(value)} {value!r}"


def _translated_once(write: Callable[..., sge.Expression]) -> Callable[..., sge.Expression]:
    """Return ``write``, which makes SQL's expression of an operation, as one that does so once."""
    written: dict[Any, tuple[sge.Expression, list[str]]] = {}

    @functools.wraps(write)
    def once(self: DuckDBCompiler, op: Node, *, params: Any) -> sge.Expression:
        if params:
            return write(self, op, params=params)
        shape = Shape(op)
        if (found := written.get(shape.key)) is None:
            made = write(self, op, params=params)
            written[shape.key] = made.copy(), shape.names
            return made
        made, other = found[0].copy(), dict(zip(found[1], shape.names, strict=True))
        for name in made.find_all(sge.Identifier):
            name.set("this", other.get(name.this, name.this))
        return made

    return once


def _compiled_once(write: Callable[..., str]) -> Callable[..., str]:
    """Return ``write``, which makes the words of a question, as one that does so once."""
    written: dict[Any, tuple[str, list[str]]] = {}

    @functools.wraps(write)
    def once(self: Backend, expr: Any, /, **how: Any) -> str:
        if how.get("limit") not in (None, "default") or how.get("params") or how.get("pretty"):
            return write(self, expr, **how)
        shape = Shape(expr.as_table().op())
        if (found := written.get(shape.key)) is None:
            made = write(self, expr, **how)
            written[shape.key] = made, shape.names
            return made
        made = found[0]
        for theirs, ours in zip(found[1], shape.names, strict=True):
            made = made.replace(theirs, ours)
        return made

    return once


def write_once() -> None:
    """Have Ibis write each question's SQL once in this process."""
    DuckDBCompiler.translate = _translated_once(DuckDBCompiler.translate)
    Backend.compile = _compiled_once(Backend.compile)

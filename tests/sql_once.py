"""SQL that is written once: the same question of tables of the same columns has the same words.

To write it takes Ibis longer than DuckDB to answer it where a shop is small: a quarter of what such
tests cost. Nearly all of it another test has had written before, of tables of other generated names
at most. What each question is, and its answer, stays each test's own.
"""

from __future__ import annotations

import functools
import re
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.duckdb import Backend
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType
from ibis.common.graph import Node
from ibis.common.grounds import Concrete

#: Names that Ibis makes up, which nobody could have given.
_MADE_UP = re.compile(r"ibis_\w+_[a-z2-7]{26}")

#: How many expressions of SQL are kept; and the questions that are being compiled.
_MOST_KEPT = 256
_COMPILES: list[Shape] = []


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
                kind = type(node)
                parts.append((kind, id(kind), *map(self._part, self._told(node))))
                self._numbers[waiting.pop()] = len(self._numbers)
        self.key, self.names = blake2b(repr(parts).encode()).digest(), [*self._names]

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
        # Of types and schemas their hash: the words of a schema are many.
        return hash(value) if isinstance(value, Concrete) else (type(value), value)


def _translated_once(write: Callable[..., sge.Expression]) -> Callable[..., sge.Expression]:
    """Return ``write``, which makes SQL's expression of an operation, as one that does so once.

    An expression takes half a megabyte: the latest are kept.
    """
    written: OrderedDict[bytes, tuple[sge.Expression, list[str]]] = OrderedDict()

    @functools.wraps(write)
    def once(self: DuckDBCompiler, op: Node, *, params: Any) -> sge.Expression:
        if params or _COMPILES:
            return write(self, op, params=params)
        shape = Shape(op)
        if (found := written.get(shape.key)) is None:
            made = write(self, op, params=params)
            written[shape.key] = made.copy(), shape.names
            if len(written) > _MOST_KEPT:
                written.popitem(last=False)
            return made
        written.move_to_end(shape.key)
        made, other = found[0].copy(), dict(zip(found[1], shape.names, strict=True))
        for name in made.find_all(sge.Identifier):
            name.set("this", other.get(name.this, name.this))
        return made

    return once


def _compiled_once(write: Callable[..., str]) -> Callable[..., str]:
    """Return ``write``, which makes the words of a question, as one that does so once."""
    written: dict[bytes, tuple[str, list[str]]] = {}

    @functools.wraps(write)
    def once(self: Backend, expr: Any, /, **how: Any) -> str:
        if how.get("limit") not in (None, "default") or how.get("params") or how.get("pretty"):
            return write(self, expr, **how)
        shape = Shape(expr.as_table().op())
        if (found := written.get(shape.key)) is None:
            _COMPILES.append(shape)  # whose expression nobody else will want
            try:
                made = write(self, expr, **how)
            finally:
                _COMPILES.pop()
            written[shape.key] = made, shape.names
            return made
        made = found[0]
        for theirs, ours in zip(found[1], shape.names, strict=True):
            made = made.replace(theirs, ours)
        return made

    return once


def write_once() -> None:
    """Have Ibis write each question's SQL, and read each type's name, once in this process."""
    read = DuckDBType.from_string.__func__  # type: ignore[attr-defined]
    DuckDBType.from_string = classmethod(functools.cache(read))  # type: ignore[assignment]
    DuckDBCompiler.translate = _translated_once(DuckDBCompiler.translate)
    Backend.compile = _compiled_once(Backend.compile)

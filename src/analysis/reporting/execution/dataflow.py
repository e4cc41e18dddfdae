"""Which names a cell makes and which it reads: a lost cell takes along only what needs it."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class CellNames:
    """The names of one cell: those it makes, and those it reads before it has made them."""

    made: frozenset[str]
    read: frozenset[str]


def names_of(code: str) -> CellNames:
    """Return the module-level names that ``code`` makes and reads.

    The bodies of ``with`` are followed line by line, other compound statements as a whole. What
    is no Python makes and reads nothing that can be known.
    """
    try:
        statements = ast.parse(code).body
    except (SyntaxError, ValueError):
        return CellNames(frozenset(), frozenset())
    made: set[str] = set()
    read: set[str] = set()
    for statement in _in_order(statements):
        table = symtable.symtable(ast.unparse(statement), "cell", "exec")
        read |= set(_read(table)) - made
        made |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
        }
    return CellNames(frozenset(made), frozenset(read))


def _in_order(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in statements:
        if isinstance(statement, ast.With):
            yield ast.copy_location(ast.With(statement.items, [ast.Pass()]), statement)
            yield from _in_order(statement.body)
        else:
            yield statement


def _read(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the module-level names that a statement reads, those in its inner scopes too."""
    for symbol in table.get_symbols():
        outside = table.get_type() == "module" or symbol.is_global()
        if symbol.is_referenced() and outside:
            yield symbol.get_name()
    for child in table.get_children():
        yield from _read(child)

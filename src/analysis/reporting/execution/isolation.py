"""Fault isolation: a cell that fails in one section fails that section, not the report.

A notebook's set-up is everything down to the end of the section in which the report is opened:
what fails there fails the report. Later, a cell that raises loses its section; the cells that read
a name it would have made are not executed, wherever they stand, since they would tell a
half-truth; everything else goes on.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

from analysis import errors
from analysis.reporting.execution.failures import Ending, said_by
from analysis.reporting.execution.parameters import source
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import KEY
from analysis.reporting.site.outline import sections_of


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


#: Key, beside an output's, of what is known about a lost cell, in the cell's own metadata.
LOST = "lost"

#: What a cell that opens the report calls.
_OPENS = "open_report("

Kind = Literal["failed", "needs", "not_applicable"]


@dataclass(frozen=True)
class Loss:
    """A cell without results.

    Parameters
    ----------
    kind
        ``failed`` raised, ``needs`` was not executed for want of what another would have made,
        ``not_applicable`` said that the study cannot fill it.
    section
        Topic of its section.
    reason
        Why, in one sentence; of a ``needs``, the section that made it impossible.
    traceback
        Where it stopped, if it raised.
    """

    kind: Kind
    section: str
    reason: str
    traceback: str = ""


def loss_of(cell: Mapping[str, Any]) -> Loss | None:
    """Return why an executed notebook's cell has no results; None if it has."""
    lost = cell.get("metadata", {}).get(KEY, {}).get(LOST)
    return Loss(**lost) if lost else None


class Isolation:
    """Decides, while a notebook is executed, what a failed cell takes with it.

    Parameters
    ----------
    cells
        The notebook's cells; a lost one gets its `Loss` into its metadata.
    """

    def __init__(self, cells: Sequence[Any]) -> None:
        self._cells = cells
        self._sections = sections_of(cells)
        self._setup_ends = _setup_ends(cells, self._sections)
        self._missing: dict[str, Loss] = {}

    def skips(self, number: int) -> bool:
        """Tell whether cell ``number`` needs what was lost, and mark it as lost if so."""
        cell = self._cells[number]
        if cell["cell_type"] != "code":
            return False
        names = names_of(source(cell))
        origin = next((self._missing[n] for n in sorted(names.read) if n in self._missing), None)
        if origin is None:
            for name in names.made:
                self._missing.pop(name, None)
            return False
        loss = Loss("needs", self._sections[number], origin.section)
        if origin.kind == "not_applicable":
            loss = Loss("not_applicable", self._sections[number], origin.reason)
        self._lose(number, loss, origin)
        return True

    def contains(self, number: int, error: Any) -> bool:
        """Take the exception of cell ``number``, and tell whether the rest may go on.

        Parameters
        ----------
        number
            Place of the cell.
        error
            nbclient's ``CellExecutionError``, with name, text and traceback of the exception.
        """
        if number <= self._setup_ends or error.ename == "SystemExit":
            return False
        cell, section = self._cells[number], self._sections[number]
        kind = getattr(errors, error.ename, None)
        lacking = isinstance(kind, type) and issubclass(kind, errors.NotApplicable)
        ending = said_by(error.ename, error.evalue, _traceback(cell))
        loss = Loss("failed", section, ending.reason, ending.traceback)
        if lacking:
            loss = Loss("not_applicable", section, ending.reason)
        cell["outputs"] = [out for out in cell["outputs"] if out["output_type"] != "error"]
        self._lose(number, loss, loss)
        return True

    def _lose(self, number: int, loss: Loss, origin: Loss) -> None:
        cell = self._cells[number]
        cell["metadata"][KEY] = {LOST: asdict(loss)}
        self._missing |= dict.fromkeys(names_of(source(cell)).made, origin)


def ending_of(cells: Sequence[Mapping[str, Any]]) -> Ending:
    """Return how an executed notebook ended: done, incomplete, or failed if no section is left."""
    losses = [loss for cell in cells if (loss := loss_of(cell)) and loss.kind != "not_applicable"]
    if not losses:
        return Ending("done")
    reason = "; ".join(_sentences(losses))
    trace = "\n\n".join(f"{loss.section}\n{loss.traceback}" for loss in losses if loss.traceback)
    lost = {loss.section for loss in losses}
    sections = sections_of(cells)
    left = {
        sections[n]
        for n in range(_setup_ends(cells, sections) + 1, len(cells))
        if cells[n]["cell_type"] == "code" and loss_of(cells[n]) is None
    }
    return Ending("incomplete" if left - lost else "failed", reason, trace)


def _setup_ends(cells: Sequence[Mapping[str, Any]], sections: Sequence[str]) -> int:
    """Return the place of the last cell of the set-up: all of them if no report is opened."""
    opening = [n for n, cell in enumerate(cells) if _OPENS in source(cell)]
    home = sections[opening[0]] if opening else None
    return max((n for n, section in enumerate(sections) if section == home), default=len(cells))


def _sentences(losses: Sequence[Loss]) -> Iterator[str]:
    said: set[str] = set()
    for loss in losses:
        if loss.kind == "failed" and loss.section not in said:
            said.add(loss.section)
            yield f"Section {loss.section} failed: {loss.reason}"
    without = [loss.section for loss in losses if loss.section not in said]
    if without:
        these = list(dict.fromkeys(without))
        many, are = ("s", "are") if len(these) > 1 else ("", "is")
        yield f"section{many} {words.listing(these)} {are} incomplete without it"


def _traceback(cell: Mapping[str, Any]) -> list[str]:
    shown = [out for out in cell["outputs"] if out["output_type"] == "error"]
    return list(shown[-1]["traceback"]) if shown else []


@cache
def engine() -> str:
    """Register the Papermill engine that executes with isolation, and return its name."""
    from nbclient.exceptions import CellExecutionError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.log import logger

    class Client(PapermillNotebookClient):
        """Executes cell after cell; a failure that can be contained does not end it."""

        def papermill_execute_cells(self) -> None:
            isolation = Isolation(self.nb.cells)
            for number, cell in enumerate(self.nb.cells):
                if isolation.skips(number):
                    continue
                try:
                    self.nb_man.cell_start(cell, number)
                    self.execute_cell(cell, number)
                except CellExecutionError as error:
                    if not isolation.contains(number, error):
                        self.nb_man.cell_exception(cell, cell_index=number, exception=error)
                        break
                finally:
                    self.nb_man.cell_complete(cell, cell_index=number)

    class Engine(NBClientEngine):
        """Papermill's own engine with this client."""

        @classmethod
        def execute_managed_notebook(
            cls, nb_man: Any, kernel_name: str, execution_timeout: int, **options: Any
        ) -> Any:
            wanted = {k: v for k, v in options.items() if k not in _NOT_OF_THE_CLIENT}
            client = Client(
                nb_man,
                timeout=execution_timeout,
                startup_timeout=60,
                kernel_name=kernel_name,
                log=logger,
                **wanted,
            )
            return client.execute()

    papermill_engines.register("isolating", Engine)
    return "isolating"


#: Options that Papermill hands to every engine and its client does not know.
_NOT_OF_THE_CLIENT = frozenset({"input_path", "start_timeout"})

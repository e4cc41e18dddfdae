"""A sheet: what is read at one look, in panels of rows, the same on the page and in the mail.

Every figure of a sheet leads to the report it is from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from analysis.reporting.notebook.outputs import literal

Tone = Literal["plain", "good", "bad"]


@dataclass(frozen=True)
class Cell:
    """What stands at one place of a sheet.

    Parameters
    ----------
    text
        What is read.
    target
        The page it leads to, from the run's folder: ``01_profiling.html#growth``; empty for none.
    small
        One more clause, in small print.
    tone
        Whether it is good or bad news; plain where it is neither, or too small to tell.
    trend
        Earlier values and today's, the oldest first, drawn as a small line.
    """

    text: str
    target: str = ""
    small: str = ""
    tone: Tone = "plain"
    trend: tuple[float, ...] = ()


@dataclass(frozen=True)
class Panel:
    """One question of a sheet and its answer.

    Parameters
    ----------
    key
        Name that says where it stands.
    heading
        What it answers.
    rows
        Its rows of cells.
    columns
        Headings of the cells; empty where they need none.
    note
        One sentence below.
    """

    key: str
    heading: str
    rows: tuple[tuple[Cell, ...], ...]
    columns: tuple[str, ...] = ()
    note: str = ""


def as_facts(panels: Iterable[Panel]) -> list[dict[str, Any]]:
    """Return panels as plain values, for the metadata of an output."""
    return [asdict(panel) for panel in panels]


def from_facts(facts: Iterable[Mapping[str, Any]]) -> tuple[Panel, ...]:
    """Return the panels that `as_facts` wrote."""
    return tuple(_panel(each) for each in facts)


def _panel(facts: Mapping[str, Any]) -> Panel:
    rows = tuple(
        tuple(Cell(**{**cell, "trend": tuple(cell["trend"])}) for cell in row)
        for row in facts["rows"]
    )
    return Panel(facts["key"], facts["heading"], rows, tuple(facts["columns"]), facts["note"])


def plain(panels: Sequence[Panel]) -> str:
    """Return a sheet as text without markup."""
    return "\n\n".join("\n".join(_lines(panel)) for panel in panels)


def _lines(panel: Panel) -> list[str]:
    lines = [panel.heading.upper()]
    for row in panel.rows:
        labels = panel.columns or ("",) * len(row)
        told = [
            f"{label}: {_said(cell)}" if label and n else _said(cell)
            for n, (label, cell) in enumerate(zip(labels, row, strict=True))
            if cell.text or cell.small
        ]
        lines.append("- " + "; ".join(told))
    return [*lines, *([panel.note] if panel.note else [])]


def _said(cell: Cell) -> str:
    return f"{cell.text} ({cell.small})" if cell.text and cell.small else cell.text or cell.small


def markdown(panels: Sequence[Panel]) -> str:
    """Return a sheet as JupyterLab shows it."""
    return "\n\n".join(_section(panel) for panel in panels)


def _section(panel: Panel) -> str:
    heading, *lines = _lines(panel)
    return f"**{literal(heading.capitalize())}**\n\n" + "\n".join(map(literal, lines))

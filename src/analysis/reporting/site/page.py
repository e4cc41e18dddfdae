"""One executed notebook as one self-contained page.

The page is nbconvert's work with a template of our own: no script, nothing from the network (its
content policy forbids both), and everything a reader needs inside the one file, but for the
downloads that lie beside it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.reporting.execution.execute import skip_address_grammar
from analysis.reporting.execution.parameters import read_parameters, source, tags
from analysis.reporting.notebook.findings import Findings
from analysis.reporting.site import history, templating
from analysis.reporting.site.outline import Outline, read_outline
from analysis.reporting.site.templating import checked
from analysis.reporting.store.atomic import write_text
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import RunRecord, Status

if TYPE_CHECKING:
    from nbconvert.exporters import TemplateExporter


@dataclass(frozen=True)
class PageContext:
    """What a page is part of.

    Parameters
    ----------
    report
        Name of the report.
    run_dir
        The run's folder; its run.json and the report's findings and tables are read there.
    previous_run_dir
        The study's run before, to compare findings with; None where there is none.
    """

    report: str
    run_dir: Path
    previous_run_dir: Path | None = None


@dataclass(frozen=True)
class Download:
    """A table that can be downloaded: its name, and size in kB by kind of file."""

    name: str
    sizes: Mapping[str, float]


@dataclass(frozen=True)
class ParameterLine:
    """A line of the parameters table."""

    name: str
    value: str
    meaning: str


def write_page(notebook_path: Path, page_path: Path, context: PageContext) -> None:
    """Write the page of an executed notebook, whole or not at all.

    Parameters
    ----------
    notebook_path
        The executed notebook.
    page_path
        Where the page goes; links are relative to ``context.run_dir``.
    context
        What the page is part of.

    Raises
    ------
    AnalysisError
        If the notebook shows a picture without alt text, or the page would load something or is
        too heavy.
    """
    skip_address_grammar()
    import nbformat

    notebook = nbformat.read(notebook_path, as_version=4)
    outline = read_outline(notebook, name=context.report)
    resources = {"page": _page(notebook, outline, context)}
    html, _ = _exporter().from_notebook_node(notebook, resources)
    write_text(page_path, checked(html, name=page_path.name))


def _page(notebook: Mapping[str, Any], outline: Outline, context: PageContext) -> dict[str, Any]:
    """Return what the template shows."""
    folder = RunFolder(context.run_dir)
    run = RunRecord.read(folder.run_json)
    findings = Findings.read(folder.findings(context.report))
    before = history.baseline(context.report, run, context.previous_run_dir)
    lede, _, rest = outline.intro.partition("\n\n")
    status = folder.status(context.report)
    return {
        "run": run,
        "report": context.report,
        "outline": outline,
        "title": outline.title or findings.title or outline.topic,
        "lede": lede,
        "intro": rest,
        "findings": [history.view(finding, before) for finding in findings.items],
        "parameters": _parameters(notebook, name=context.report),
        "downloads": _downloads(folder.tables(context.report)),
        "lists": [path.stem for path in sorted(folder.lists(context.report).glob("*.csv"))],
        "status": Status.read(status) if status.is_file() else None,
    }


def _parameters(notebook: Mapping[str, Any], *, name: str) -> list[ParameterLine]:
    """Return the parameters the notebook ran with and what each means."""
    cells = [cell for cell in notebook["cells"] if "injected-parameters" not in tags(cell)]
    declared = read_parameters({"cells": cells}, name=name)
    values = {key: each.default for key, each in declared.items()}
    for cell in notebook["cells"]:
        if "injected-parameters" in tags(cell):
            values |= _assigned(source(cell))
    return [
        ParameterLine(key, _written(value), declared[key].comment if key in declared else "")
        for key, value in values.items()
    ]


def _assigned(code: str) -> dict[str, Any]:
    """Return the literal values that a cell assigns."""
    return {
        target.id: ast.literal_eval(statement.value)
        for statement in ast.parse(code).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _downloads(directory: Path) -> list[Download]:
    return [
        Download(
            csv.stem,
            {kind: csv.with_suffix(kind).stat().st_size / 1000 for kind in (".csv", ".parquet")},
        )
        for csv in sorted(directory.glob("*.csv"))
    ]


@cache
def _exporter() -> TemplateExporter:
    """Return nbconvert's exporter for the page template."""
    from markupsafe import Markup
    from nbconvert.exporters import TemplateExporter

    class PageExporter(TemplateExporter):
        """Our templates, escaped, with nothing of nbconvert's own pages."""

        output_mimetype = "text/html"
        file_extension = ".html"

        def _create_environment(self) -> Any:
            made = super()._create_environment()
            made.autoescape = True
            made.lstrip_blocks = True
            templating.add_filters(made)
            made.filters["table"] = lambda drawing, intervals: Markup(on_page(drawing, intervals))
            return made

    return PageExporter(
        template_name="base",
        template_file="page.html.j2",
        extra_template_paths=[str(templating.TEMPLATES)],
    )


_ROW = re.compile(r"<tr\b[^>]*>.*?</tr>", re.S)
_CELL = re.compile(r"<(t[hd])\b([^>]*)>(.*?)</\1>", re.S)

#: What great-tables adds for its own title and for Quarto.
_FOREIGN = re.compile(r'\s(?:data-quarto-[a-z-]+|aria-labelledby)="[^"]*"')
_TITLE = re.compile(r'\s*<tr class="gt_heading">.*?</tr>', re.S)

#: A cell of more characters is a sentence: it breaks before the table must be scrolled.
_SENTENCE = re.compile(r'(<td\b[^>]*\bgt_left)("[^>]*>[^<]{41,}</td>)')

#: Widths of characters, in digits; all others are about as wide as one.
_WIDTHS = {" ": 0.5, "\u00a0": 0.5, ".": 0.5, ",": 0.5, "%": 1.5}


def on_page(drawing: str, intervals: Sequence[int] = ()) -> str:
    """Return a table drawn by great-tables as the page has it: without styles and title.

    Parameters
    ----------
    drawing
        What great-tables drew.
    intervals
        Places of the columns that are the interval of the column before them.
    """
    found = re.search(r"<table.*</table>", drawing, flags=re.S)
    bare = _FOREIGN.sub("", _TITLE.sub("", found.group() if found else drawing))
    rows = [_CELL.findall(row) for row in _ROW.findall(bare)]
    widths = {n: max(_width(row[n][2]) for row in rows if n < len(row)) for n in intervals}
    paired = _ROW.sub(lambda row: _with_pairs(row.group(), widths), bare)
    return _SENTENCE.sub(r"\1 long\2", paired)


def _with_pairs(row: str, widths: dict[int, float]) -> str:
    """Return a row with each interval moved into the cell of the estimate before it."""
    cells = list(_CELL.finditer(row))
    for place in sorted(widths, reverse=True):
        if place >= len(cells):
            continue
        estimate, interval = cells[place - 1], cells[place]
        tag, attributes, value = estimate.groups()
        pair = (
            f'<{tag}{attributes}><span class="pair"><span>{value}</span> '
            f'<span class="ends" style="min-width:{widths[place]:g}ch">{interval[3]}</span>'
            f"</span></{tag}>"
        )
        row = row[: estimate.start()] + pair + row[interval.end() :]
    return row


def _width(text: str) -> float:
    plain = re.sub(r"&[a-z0-9#]+;", "x", text)
    return sum(_WIDTHS.get(character, 1.0) for character in plain)

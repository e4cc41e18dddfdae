"""The data dictionary, printed from the schema: ``python -m analysis.tables.dictionary``."""

from __future__ import annotations

import sys
from pathlib import Path

from analysis.tables.schema import TABLES, Column, Table

BEGIN = "<!-- data dictionary: made by `make dictionary`, do not edit by hand -->"
END = "<!-- end of data dictionary -->"

_TYPES = {
    "string": "text",
    "timestamp": "time",
    "date": "date",
    "money": "money, DECIMAL(18,2)",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
}


def markdown() -> str:
    """Return the data dictionary of every canonical table as Markdown."""
    return "\n\n".join([BEGIN, *(_section(table) for table in TABLES.values()), END])


def _section(table: Table) -> str:
    facts = [f"One row: {table.one_row}."]
    if table.key:
        facts.append(f"Key: {' + '.join(table.key)}.")
    if table.references:
        found = ", ".join(f"{column} in {other}" for column, other in table.references.items())
        facts.append(f"Looked up: {found}.")
    if table.open_columns:
        facts.append("Further columns are kept as attributes.")
    head = "| column | type | required | meaning |\n|---|---|---|---|"
    rows = "\n".join(_row(column) for column in table.columns)
    return f"### {table.name}\n\n{' '.join(facts)}\n\n{head}\n{rows}"


def _row(column: Column) -> str:
    required = "optional" if not column.required else "may be empty" if column.nullable else "yes"
    rules = []
    if column.minimum is not None:
        rules.append(f"at least {column.minimum:g}")
    if column.allowed:
        rules.append("one of " + ", ".join(column.allowed))
    meaning = "; ".join([column.doc, *rules])
    return f"| {column.name} | {_TYPES[column.type]} | {required} | {meaning} |"


def updated(text: str) -> str:
    """Return ``text`` with the dictionary between its two marks made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + markdown() + after


if __name__ == "__main__":
    readme = Path(sys.argv[1])
    readme.write_text(updated(readme.read_text("utf-8")), "utf-8")

"""Say which rows were refused, in plain words: file, line, what stands there, how to mend it."""

from __future__ import annotations

import re
from pathlib import Path

from analysis.tables.engine import canonical_dir, connect, read_parquet

SHOWN_ROWS, SHOWN_CHARACTERS = 2, 110

#: How to mend it, by what the reason says.
REMEDIES = (
    (
        r"its amounts are in",
        "state rates, as currency: {rates: {EUR: 0.85}} in the mapping, or others: drop there",
    ),
    (r"decimal comma or with", 'state decimal: "," or decimal: "." for the column in the mapping'),
    (
        r"is not a number|not an amount",
        "state decimal: or missing: in the mapping, or mend the cell",
    ),
    (r"both orders of", "leave one of the two orders under dates: in the mapping"),
    (r"other way round", "ask where these rows come from; state their order under dates:"),
    (
        r"is not a (time|date)",
        "add the cell's format to dates: in the mapping; timezone: offset where it has an offset",
    ),
    (r"does not exist in", "state the right timezone:, or gaps: shift in the mapping"),
    (r"outside the years", "a placeholder? name it under missing: in the mapping"),
    (r"fields where the header has", "a delimiter within a cell: put the cell in quotes"),
    (r"quote", "double the quotes within a quoted cell, close the last one"),
    (r"is not valid", "state encoding: in the mapping, or export the file as UTF-8"),
    (r"stands in several rows", "keep one row, or say once_per_key: true in the mapping"),
    (r"is missing", "fill the cell, or leave such rows out by a rule under drop:"),
)


def refusals(study: str, *, root: Path | None = None) -> list[str]:
    """Return a line for every reason, with examples and a remedy, the most frequent first.

    Parameters
    ----------
    study
        Key of an ingested study.
    root
        Project root; None looks upwards from the working directory.
    """
    home = canonical_dir(study, root=root) / "current" / "rejected"
    folders = sorted(home.iterdir()) if home.is_dir() else []
    return [line for folder in folders for line in _of_table(folder)]


def _of_table(folder: Path) -> list[str]:
    connection = connect()
    rows = read_parquet(connection, folder)
    if "source_row" not in rows.columns:  # sources that know their rows by key, not by line
        connection.disconnect()
        return []
    frame = rows.order_by("source", "line").to_pandas()
    connection.disconnect()
    lines = []
    for reason in frame["reason"].value_counts().index:
        same = frame[frame["reason"] == reason]
        rows = "1 row" if len(same) == 1 else f"{len(same):,} rows"
        lines.append(f"  {folder.name}: {rows} refused because {reason}")
        for row in same.head(SHOWN_ROWS).itertuples():
            shown = " ".join(str(row.source_row).split())[:SHOWN_CHARACTERS]
            lines.append(f"    {row.source} line {row.line}: {shown}")
        remedy = next((r for pattern, r in REMEDIES if re.search(pattern, str(reason))), None)
        if remedy:
            lines.append(f"    to mend: {remedy}")
    return lines

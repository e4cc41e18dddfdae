"""Result tables as files to download and as tables to read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from analysis.errors import AnalysisError
from analysis.reporting.contacts.crm_formats import harmless
from analysis.reporting.notebook import formats
from analysis.tables.schema import TABLES

#: Columns that hold customers' keys.
PERSONAL = frozenset({"customer_id"}).union(
    column
    for table in TABLES.values()
    for column, target in table.references.items()
    if target == "customers"
)


def save(frame: pd.DataFrame, stem: Path) -> None:
    """Write ``frame`` to ``stem`` with ``.csv`` and ``.parquet``, whole or not at all.

    The same table gives the same bytes: no time stamp, no row labels, no library's own
    metadata; numbers are written in the shortest form that reads back exactly. In the CSV, which
    people open in a spreadsheet, text that it would take for a formula has an apostrophe before.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(frame.columns, pd.MultiIndex) or frame.index.names != [None]:
        raise AnalysisError(
            f"The table {stem.name} has named row labels or two levels of columns; "
            "make them columns first (reset_index) so that they are saved"
        )
    stem.parent.mkdir(parents=True, exist_ok=True)
    arrow = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    beside = [stem.with_name(f".{stem.name}.{os.getpid()}.{kind}") for kind in ("csv", "parquet")]
    _harmless(frame).to_csv(beside[0], index=False, lineterminator="\n")
    pq.write_table(arrow, beside[1], compression="zstd")
    for path in beside:
        path.replace(stem.with_name(stem.name + path.suffix))


def _harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with no text that a spreadsheet would take for a formula."""

    def is_text(column: pd.Series) -> bool:
        kind = column.dtype
        return isinstance(kind, pd.CategoricalDtype) or pd.api.types.is_string_dtype(kind)

    safe = {
        name: pd.Series(
            [harmless(cell) if isinstance(cell, str) else cell for cell in column.to_numpy(object)],
            index=frame.index,
            dtype=object,  # as it stands: nothing else may become a number on the way
        )
        for name, column in frame.items()
        if column.dtype == object or is_text(column)
    }
    return frame.assign(**safe).rename(columns=lambda name: harmless(str(name)))


def names_customers(frame: pd.DataFrame) -> bool:
    """Return whether the rows of a table are about single customers: it has their keys."""
    return not PERSONAL.isdisjoint(frame.columns)


def load(path: Path) -> pd.DataFrame:
    """Return a saved table; AnalysisError if the file is damaged."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # Arrow's own errors are of these kinds
        raise AnalysisError(
            f"{path} cannot be read as a table ({error}); run the report that makes it again"
        ) from error


def render(
    frame: pd.DataFrame,
    *,
    name: str,
    title: str | None,
    columns: Mapping[str, formats.Format] | None,
    rows: int | None,
    currency: str,
) -> str:
    """Return the first ``rows`` of ``frame`` as an HTML table with nothing loaded from outside.

    Parameters
    ----------
    frame
        The result table.
    name
        Name of the table; its HTML id is made of it.
    title
        Heading inside the table.
    columns
        Formats of the columns to show, in order; by default all.
    rows
        Number of rows to show; by default all.
    currency
        Currency of the money in it, where a format names none.
    """
    from great_tables import GT

    chosen = formats.beside_estimates(formats.shown(frame, columns))
    drawn = GT(
        _written(frame.head(len(frame) if rows is None else rows), chosen, currency),
        id=f"table-{name}",
    )
    drawn = drawn.cols_label({c: formats.heading(c, f) for c, f in chosen.items()})
    for side in ("left", "right", "center"):
        aligned = [
            column for column, chosen_format in chosen.items() if chosen_format.align == side
        ]
        drawn = drawn.cols_align(side, columns=aligned) if aligned else drawn
    return (drawn.tab_header(title) if title else drawn).as_raw_html()


def intervals(frame: pd.DataFrame, columns: Mapping[str, formats.Format] | None) -> list[int]:
    """Return the places of the drawn columns that are the interval of the column before them.

    An interval that lies beside the figure before it is of something else, and stays apart: of a
    difference, say, whose estimate the table does not show.
    """
    chosen = formats.beside_estimates(formats.shown(frame, columns))
    names = list(chosen)
    return [
        place
        for place in formats.intervals(chosen)
        if _surrounds(frame, names[place - 1], names[place], str(chosen[names[place]].high))
    ]


def _surrounds(frame: pd.DataFrame, estimate: str, low: str, high: str) -> bool:
    value, ends = frame[estimate].astype("float64"), frame[[low, high]].astype("float64")
    outside = (value < ends[low]) | (value > ends[high])
    return low.removesuffix("_low") == estimate or not outside.any()


def _written(
    frame: pd.DataFrame, chosen: Mapping[str, formats.Format], currency: str
) -> pd.DataFrame:
    return pd.DataFrame(
        {name: each.write(frame, name, currency=currency) for name, each in chosen.items()},
        dtype="object",
    )

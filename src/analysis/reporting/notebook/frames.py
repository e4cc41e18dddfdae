"""Result tables as files to download and as tables to read."""

from __future__ import annotations

import os
import warnings
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

    def safe(cells: pd.Series) -> list[object]:
        return [harmless(cell) if isinstance(cell, str) else cell for cell in cells]

    def written(column: pd.Series) -> pd.Series:
        if column.dtype == object:  # in which 1, 1.0 and True are not told apart by their values
            return pd.Series(safe(column), index=frame.index, dtype=object)
        codes, words = pd.factorize(column)  # each word once: a customer has many rows
        return pd.Series([*safe(words), None], dtype=object).iloc[codes].set_axis(frame.index)

    def is_text(kind: object) -> bool:
        return isinstance(kind, pd.CategoricalDtype) or pd.api.types.is_string_dtype(kind)

    found = {name: written(column) for name, column in frame.items() if is_text(column.dtype)}
    return frame.assign(**found).rename(columns=lambda name: harmless(str(name)))


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
    import pyarrow as pa
    from great_tables import GT

    chosen = formats.beside_estimates(formats.shown(frame, columns))
    frame = frame.head(len(frame) if rows is None else rows)
    cells = {n: pa.array(f.write(frame, n, currency=currency), "string") for n, f in chosen.items()}
    with warnings.catch_warnings():  # cells are set one by one, three times as fast as in pandas
        warnings.filterwarnings("ignore", "PyArrow Table support", UserWarning)
        drawn = GT(pa.table(cells), id=f"table-{name}")
    drawn = drawn.cols_label({c: formats.heading(c, f) for c, f in chosen.items()})
    for side in ("left", "right", "center"):
        aligned = [column for column, each in chosen.items() if each.align == side]
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

"""From which day to which day a study's orders run, and whether a day of report sees any."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import DataError

if TYPE_CHECKING:
    from analysis.tables.manifest import Manifest


def order_span(version: Path) -> tuple[str, ...]:
    """Return the first and the last day of the orders below ``version``; empty if there are none.

    Parquet keeps the least and the greatest time of each group of rows, so no row is read.
    """
    import pyarrow.parquet as pq

    times = []
    for path in (version / "order_lines").rglob("*.parquet"):
        metadata = pq.read_metadata(path)
        place = metadata.schema.names.index("ordered_at")
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(place).statistics
            if statistics is not None and statistics.has_min_max:
                times += [statistics.min, statistics.max]
    return (f"{min(times):%Y-%m-%d}", f"{max(times):%Y-%m-%d}") if times else ()


def check_as_of(as_of: date, manifest: Manifest) -> None:
    """Raise DataError if no order lies before ``as_of``: every report would be empty."""
    if not manifest.order_span:
        return
    first, last = map(date.fromisoformat, manifest.order_span)
    if as_of <= first:
        raise DataError(
            f"as_of {as_of} sees no order: the orders of {manifest.study} run from {first} to "
            f"{last}, so as_of: {last + timedelta(days=1)} would see them all"
        )

"""What `analysis check` doubts of a study's tables: lines that no report sees, keys that miss."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import ibis

from analysis.params import StudyParams
from analysis.quality.keys import unmatched
from analysis.tables.engine import open_study

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Share of the references of a key that find nothing before it is doubted.
HALF = 0.5


def doubts(params: StudyParams, *, root: Path) -> list[str]:
    """Return what makes an ingested study doubtful, in sentences; none if nothing does.

    Parameters
    ----------
    params
        The study's params.
    root
        Project root.
    """
    tables = open_study(params.study, settings=params.engine_settings(), root=root)
    try:
        return [*_beyond(tables, params), *_missed(tables)]
    finally:
        tables.close()


def _beyond(tables: Tables, params: StudyParams) -> list[str]:
    """Say how many order lines lie on the day ``as_of`` or later, which no report looks at."""
    if "order_lines" not in tables:
        return []
    lines = tables.order_lines
    later = lines.ordered_at >= ibis.timestamp(params.as_of.isoformat())
    counted = lines.agg(
        rows=lines.count(), later=later.fill_null(False).sum(), last=lines.ordered_at.max()
    )
    found = counted.to_pandas().iloc[0]
    if not found["rows"]:
        return ["There is no order line, so no report has anything to say."]
    if not found["later"]:
        return []
    after = (found["last"] + timedelta(days=1)).date()
    return [
        f"{int(found['later']):,} of {int(found['rows']):,} order lines lie on or after as_of "
        f"({params.as_of}), so no report looks at them; the last is of {found['last']:%Y-%m-%d}. "
        f"To count them, say as_of: {after}."
    ]


def _missed(tables: Tables) -> list[str]:
    """Name the keys of which less than half find what they refer to."""
    found = unmatched(tables)
    weak = found[found["share"] > HALF]
    return [
        f"{row.column} of {row.table}: only {row.rows - row.unmatched:,} of {row.rows:,} rows find "
        f"theirs in {row.refers_to}; is it the right column?"
        for row in weak.itertuples()
    ]

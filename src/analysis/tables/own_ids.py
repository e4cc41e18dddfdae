"""The name that a customer has in the source they came from, which is not always the study's.

A study of several sources puts a source's name before its ids, and unified customers bear the id
of one of their records. What goes back to a source must bear that source's own id.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def own_ids(customer_ids: pd.Series, source: str, *, version: Path) -> pd.Series:
    """Return each customer's id in ``source``; missing where that source does not know them.

    Parameters
    ----------
    customer_ids
        Ids as the study has them.
    source
        Name of one of the study's several sources.
    version
        Directory of the study's current tables.
    """
    import pandas as pd

    prefix = f"{source}:"
    own = {i: i.removeprefix(prefix) for i in customer_ids if i.startswith(prefix)}
    path = version / "identity" / "links.parquet"
    if path.is_file():
        links = pd.read_parquet(path, columns=["source_id", "unified_id"])
        links = links[links["source_id"].str.startswith(prefix)].sort_values("source_id")
        for row in links.drop_duplicates("unified_id").itertuples():
            own.setdefault(row.unified_id, row.source_id.removeprefix(prefix))
    return customer_ids.map(own)

"""The name that a customer has in the source they came from, which is not always the study's.

A study of several sources puts a source's name before its ids, unified customers bear the id of
one of their records, and a customer known by an e-mail address goes by a pseudonym. What goes back
to a source must bear that source's own id.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.tables.schema import PERSONAL_KEY

if TYPE_CHECKING:
    import pandas as pd


def own_ids(customer_ids: pd.Series, source: str, *, version: Path) -> pd.Series:
    """Return each customer's id in ``source``; missing where that source does not know them.

    Parameters
    ----------
    customer_ids
        Ids as the study has them.
    source
        Name of one of the study's several sources; empty where there is only one.
    version
        Directory of the study's current tables.
    """
    prefix = f"{source}:" if source else ""
    keys = _stood_for(version)
    own = {i: keys.get(i, i.removeprefix(prefix)) for i in customer_ids if i.startswith(prefix)}
    links = _links(version)
    if links is not None:
        links = links[links["source_id"].str.startswith(prefix)].sort_values("source_id")
        for row in links.drop_duplicates("unified_id").itertuples():
            found = keys.get(row.source_id, row.source_id.removeprefix(prefix))
            own[row.unified_id] = own.get(row.unified_id, found)
    return customer_ids.map(own)


def personal_keys(customer_ids: pd.Series, *, version: Path) -> pd.Series | None:
    """Return what each customer's pseudonym stands for, for contact lists; missing for an id.

    None where no customer of the study goes by a pseudonym.
    """
    keys = _stood_for(version)
    return customer_ids.map(keys) if keys else None


def _stood_for(version: Path) -> dict[str, str]:
    """Return the personal key behind each pseudonym: those of each source first."""
    import pandas as pd

    found: dict[str, str] = {}
    folder = version / "customers"
    for path in sorted(folder.glob("*.parquet")) if folder.is_dir() else []:
        people = pd.read_parquet(path)
        if PERSONAL_KEY in people.columns:
            known = people.dropna(subset=[PERSONAL_KEY])
            found |= dict(zip(known["customer_id"], known[PERSONAL_KEY], strict=True))
    links = _links(version)
    if links is not None and PERSONAL_KEY in links.columns:
        known = links.dropna(subset=[PERSONAL_KEY])
        found |= dict(zip(known["source_id"], known[PERSONAL_KEY], strict=True))
    return found


def _links(version: Path) -> pd.DataFrame | None:
    import pandas as pd

    path = version / "identity" / "links.parquet"
    return pd.read_parquet(path) if path.is_file() else None

"""Through which channels each customer may be contacted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

CHANNELS = ("email", "sms", "phone", "app")


@dataclass(frozen=True)
class Consent:
    """Who agreed to what.

    Parameters
    ----------
    given
        Index customer_id; a column of true and false for each of ``known``.
    known
        The channels whose consent the study records; without any, nothing can be said.
    """

    given: pd.DataFrame
    known: tuple[str, ...]

    def channels(self, customer_ids: pd.Series) -> pd.Series:
        """Return the channels that each customer agreed to, such as ``email;sms``; empty: none."""
        given = self.given.reindex(customer_ids).fillna(False).astype("bool")
        joined = [
            ";".join(c for c, yes in zip(self.known, row, strict=True) if yes)
            for row in given.to_numpy()
        ]
        return type(customer_ids)(joined, index=customer_ids.index, dtype="str")


def consent(tables: Tables) -> Consent:
    """Return the consent that a study records; what is not recorded is not given."""
    known = tuple(c for c in CHANNELS if tables.has("customers", f"consent_{c}"))
    columns = {c: f"consent_{c}" for c in known}
    if not known:
        import pandas as pd

        return Consent(pd.DataFrame(), ())
    people = tables.customers.select("customer_id", **columns).to_pandas()
    given = people.set_index("customer_id").fillna(False).astype("bool")
    return Consent(given, known)

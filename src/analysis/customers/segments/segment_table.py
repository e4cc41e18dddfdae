"""Every customer's segments of every kind in one table, for other reports to join."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.answers import without
from analysis.errors import AnalysisError

#: A kind of segment that is written out although nobody could be judged.
UNJUDGED = "Not judged"

#: Kinds of segment, in the order of the columns.
KINDS = ("rfm", "tier", "buyer", "rhythm", "life_stage", "cluster", "region", "main_store")


def unjudged(features: pd.DataFrame, name: str | None = None) -> pd.Series:
    """Return a kind of segment that could not be told: ``name`` for everybody, else missing."""
    return pd.Series([name] * len(features), features.index, dtype="object")


@without(*KINDS)
def every_segment(features: pd.DataFrame, **kinds: pd.Series | None) -> pd.DataFrame:
    """Return ``assemble`` of the kinds that could be told.

    RFM and life stage keep their column where nobody could be judged, for target lists to read.
    """
    told: dict[str, pd.DataFrame | pd.Series] = {
        "rfm": unjudged(features),
        "life_stage": unjudged(features, UNJUDGED),
    }
    told |= {name: groups for name, groups in kinds.items() if groups is not None}
    return assemble(features, told)


def assemble(features: pd.DataFrame, kinds: Mapping[str, pd.DataFrame | pd.Series]) -> pd.DataFrame:
    """Join every kind of segment.

    Parameters
    ----------
    features
        One row a customer; customer_id, net_amount, margin_amount, orders, recency_days are kept.
    kinds
        Kind (one of ``KINDS``) to a series by row of ``features``, or a frame of customer_id and
        one more column. A kind may lack customers (missing) but not have others.

    Returns
    -------
    pandas.DataFrame
        customer_id, one column a kind of ``KINDS`` that was given (text; missing where the
        customer has none), net_amount, margin_amount, orders, recency_days; one row a customer,
        by customer_id.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise AnalysisError(f"No such kind of segment: {unknown[0]}; there are {', '.join(KINDS)}")
    numbers = ["net_amount", "margin_amount", "orders", "recency_days"]
    table = features[["customer_id", *numbers]]
    for kind in [k for k in KINDS if k in kinds]:
        table = _with_kind(table, kind, kinds[kind])
    order = ["customer_id", *(k for k in KINDS if k in kinds), *numbers]
    return table[order].sort_values("customer_id").reset_index(drop=True)


def _with_kind(table: pd.DataFrame, kind: str, given: pd.DataFrame | pd.Series) -> pd.DataFrame:

    if isinstance(given, pd.Series):
        if len(given) != len(table):
            raise AnalysisError(f"{kind}: {len(given)} rows for {len(table)} customers")
        return table.assign(**{kind: _text(given).to_numpy()})
    column = next(c for c in given.columns if c != "customer_id")
    if given["customer_id"].duplicated().any():
        raise AnalysisError(f"{kind}: a customer is in it twice")
    foreign = ~given["customer_id"].isin(table["customer_id"])
    if foreign.any():
        raise AnalysisError(f"{kind}: {int(foreign.sum())} customers did not buy in the window")
    found = given.set_index("customer_id")[column]
    return table.assign(**{kind: _text(table["customer_id"].map(_text(found)))})


def _text(values: pd.Series) -> pd.Series:
    """Return values as text, missing ones kept."""
    plain = values.astype("object")
    return (
        plain.map(lambda v: None if pd.isna(v) else str(v))
        .astype("str")
        .where(values.notna().to_numpy(), None)
    )

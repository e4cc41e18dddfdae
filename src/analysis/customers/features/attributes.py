"""What is known about customers apart from their buying, as groups in their natural order."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

from analysis.tables.schema import CUSTOMERS

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Columns of the customer table that are no attribute of the person.
_NOT_ATTRIBUTES = ("customer_id", "joined_on", "birth_date")

#: Lower edges of age bands, in years.
AGE_EDGES = (0, 18, 25, 35, 45, 55, 65, 75)

#: Text with more values than this is no group (a street, a name).
_MOST_LEVELS = 30

#: Numbers with more values than this are cut into fifths.
_MOST_NUMBERS = 12

_BELOW = re.compile(r"^\s*(under|below|less|up to|<|≤)", re.IGNORECASE)


def customer_attributes(tables: Tables, *, as_of: date) -> tuple[pd.DataFrame, list[str]]:
    """Return every attribute of every customer, as groups.

    Parameters
    ----------
    tables
        A study's tables; needs customers.
    as_of
        The day ages are taken on.

    Returns
    -------
    attributes : pandas.DataFrame
        customer_id and one ordered categorical column an attribute: gender, region, city, every
        open column of the customer table, and age from the date of birth if the table has no
        age. Numbers of more than twelve values are cut into fifths.
    skipped : list of str
        Columns left out because they have more than 30 values or none at all.
    """
    people = tables.customers.order_by("customer_id").to_pandas()
    if "birth_date" in people and "age" not in people:
        people["age"] = _age_bands(people["birth_date"], as_of)
    named = [c for c in people.columns if c not in _NOT_ATTRIBUTES and not _is_consent(c)]
    grouped = {name: _as_groups(people[name]) for name in named}
    kept = {name: groups for name, groups in grouped.items() if groups is not None}
    skipped = [name for name in named if name not in kept]
    return pd.DataFrame({"customer_id": people["customer_id"], **kept}), skipped


def natural_order(levels: list[str]) -> list[str]:
    """Return ``levels`` in the order of the numbers in them; as they stand if one has none.

    ``Under 15K`` comes before ``15-24K``, ``250K+`` after ``200-249K``.
    """
    keys = [_number_key(level) for level in levels]
    if any(key is None for key in keys):
        return levels
    ranked = sorted(zip(keys, levels, strict=True), key=lambda pair: (pair[0], pair[1]))
    return [level for _, level in ranked]


def _number_key(level: str) -> tuple[float, int] | None:
    numbers = re.findall(r"\d+(?:\.\d+)?", level.replace(",", ""))
    if not numbers:
        return None
    return float(numbers[0]), -1 if _BELOW.match(level) else 0


def _is_consent(name: str) -> bool:
    return name.startswith("consent_") and name in {column.name for column in CUSTOMERS.columns}


def _age_bands(births: pd.Series, as_of: date) -> pd.Series:

    born = pd.to_datetime(births)
    had_birthday = (born.dt.month < as_of.month) | (
        (born.dt.month == as_of.month) & (born.dt.day <= as_of.day)
    )
    age = as_of.year - born.dt.year - (~had_birthday).astype("int64")
    inner = [f"{a}-{b - 1}" for a, b in pairwise(AGE_EDGES[1:])]
    words = [f"Under {AGE_EDGES[1]}", *inner, f"{AGE_EDGES[-1]}+"]
    return pd.cut(age, [*AGE_EDGES, 130], right=False, labels=words).astype("str")


def _as_groups(values: pd.Series) -> pd.Series | None:
    """Return ``values`` as an ordered categorical, or None if they make no groups."""
    if pd.api.types.is_bool_dtype(values.dtype):
        values = values.map({True: "yes", False: "no"})
    elif pd.api.types.is_numeric_dtype(values.dtype):
        values = _as_bands(values)
    text = values.astype("object").where(values.notna(), None)
    text = text.map(lambda value: None if value is None else str(value))
    counts = text.value_counts()
    if counts.empty or len(counts) > _MOST_LEVELS:
        return None
    by_size = sorted(counts.index, key=lambda level: (-counts[level], level))
    return pd.Series(pd.Categorical(text, natural_order(by_size), ordered=True), values.index)


def _as_bands(numbers: pd.Series) -> pd.Series:

    if numbers.nunique() <= _MOST_NUMBERS:
        return numbers.map(lambda value: f"{value:g}", na_action="ignore")
    cut = pd.qcut(numbers, 5, duplicates="drop", precision=0)
    return cut.map(lambda band: f"{band.left:,.0f} to {band.right:,.0f}", na_action="ignore")

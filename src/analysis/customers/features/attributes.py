"""What is known about customers apart from their buying, and how many of them it is known of.

Attributes come as groups in their natural order. What an analysis covers of the order lines and
what it leaves out, who is new as far as the data reach back, and whether there are customers and
sales enough to tell them apart at all, is measured here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.tables.lines import bought
from analysis.tables.margin import MICROS, lines_with_margin
from analysis.tables.periods import Period, as_date
from analysis.tables.schema import TABLES

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
    declared = {column.name for column in TABLES["customers"].columns}
    return name.startswith("consent_") and name in declared


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


@dataclass(frozen=True)
class Coverage:
    """Order lines of the study, of a period in it, and of that period's known customers.

    Parameters
    ----------
    all_lines
        Order lines of the study.
    lines, net_amount, margin_amount
        Order lines inside the period, and what they sum up to (currency).
    guest_lines, guest_amount
        Those of guests: order lines without a customer, and their net amount.
    returners, returned_amount
        Known customers who returned goods in the period and bought nothing in it, and their net
        amount, which is zero or below. They are in no group of customers.
    """

    all_lines: int
    lines: int
    net_amount: float
    margin_amount: float
    guest_lines: int
    guest_amount: float
    returners: int = 0
    returned_amount: float = 0.0

    @property
    def known_amount(self) -> float:
        """Net amount of known customers, to the cent."""
        return round(self.net_amount - self.guest_amount, 2)

    @property
    def buyers_amount(self) -> float:
        """Net amount of known customers who bought, to the cent."""
        return round(self.known_amount - self.returned_amount, 2)


def measure(tables: Tables, period: Period) -> Coverage:
    """Count and sum the order lines, straight from the canonical table.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    period
        The days looked at.
    """
    lines = lines_with_margin(tables)
    start, end = (ibis.timestamp(day.isoformat()) for day in (period.start, period.end))
    inside = (lines.ordered_at >= start) & (lines.ordered_at < end)
    guest = inside & lines.customer_id.isnull()
    sums = lines.agg(
        all_lines=lines.count(),
        lines=inside.sum(),
        net_amount=lines.net_amount.sum(where=inside).cast("float64"),
        margin_micros=lines.margin_micros.sum(where=inside).cast("float64"),
        guest_lines=guest.sum(),
        guest_amount=lines.net_amount.sum(where=guest).cast("float64"),
    )
    row = sums.to_pandas().fillna(0).iloc[0]
    known = lines.filter(inside & lines.customer_id.notnull())
    each = known.group_by("customer_id").agg(net=known.net_amount.sum(), buyer=bought(known).any())
    idle = ~each.buyer
    back = each.agg(returners=idle.sum(), amount=each.net.sum(where=idle).cast("float64"))
    returned = back.to_pandas().fillna(0).iloc[0]
    return Coverage(
        all_lines=int(row["all_lines"]),
        lines=int(row["lines"]),
        net_amount=float(row["net_amount"]),
        margin_amount=float(row["margin_micros"]) / MICROS,
        guest_lines=int(row["guest_lines"]),
        guest_amount=float(row["guest_amount"]),
        returners=int(returned["returners"]),
        returned_amount=float(returned["amount"]),
    )


def days_before(tables: Tables, day: date | str, *, days: int) -> Period:
    """Return the ``days`` before ``day``, as far as the data reach back.

    A report must not say that segments were formed on days of which nothing is known.
    """
    wanted = Period.before(as_date(day), days=days)
    first = tables.first_day
    if first is None or not wanted.start < first < wanted.end:
        return wanted
    return Period(first, wanted.end)


def is_new(tenure_days: pd.Series, *, new_days: int) -> pd.Series:
    """Tell customer by customer whether the first purchase was lately.

    In the first days of the data everybody is seen for the first time. Only who came ``new_days``
    or more after the first of all customers is called new; where the data are shorter than that,
    nobody is.

    Parameters
    ----------
    tenure_days
        Days since each customer's first purchase; missing without one.
    new_days
        Days for which a customer is new.

    Returns
    -------
    pandas.Series
        Flags by row of ``tenure_days``.
    """
    began = tenure_days.max()
    return (tenure_days <= new_days) & (tenure_days <= began - new_days)


def require(features: pd.DataFrame, period: Period, *, fewest: int, what: str) -> None:
    """Raise NotApplicable where a report would speak of customers who are not there.

    Parameters
    ----------
    features
        One row a customer of ``period``: orders (purchases), net_amount.
    period
        The days the customers bought in.
    fewest
        With fewer customers, groups of them are single persons.
    what
        What they are too few for, as it ends the sentence: ``10 groups``.

    Raises
    ------
    NotApplicable
        If nobody known bought, if fewer than ``fewest`` did, or if all of them together brought
        nothing that could be shared out.
    """
    buyers = int((features["orders"] > 0).sum())
    if buyers == 0:
        raise NotApplicable(f"No known customer bought anything from {period}.")
    if buyers < fewest:
        who = "Only 1 customer" if buyers == 1 else f"Only {buyers} customers"
        raise NotApplicable(f"{who} bought from {period}: too few for {what}.")
    if not round(float(features["net_amount"].sum()), 2) > 0:
        raise NotApplicable(
            f"The net sales of all customers from {period} add up to zero or less, so nobody has "
            "a share of them."
        )

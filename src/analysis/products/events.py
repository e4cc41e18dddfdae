"""What customers bought on which day, as columns that a compiled kernel can walk along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.errors import NotApplicable

if TYPE_CHECKING:
    import ibis

    from analysis.tables.periods import Period

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Events:
    """Purchases in time, one row a customer, day and item, sorted in that order.

    Parameters
    ----------
    customer
        Codes from 0, in sorted order.
    day
        Days since the period's start.
    item
        Codes from 0; the place in ``names``.
    names
        The items.
    customers
        The customers' ids, by code.
    period
        The days looked at.
    departments
        The department of each item, as a code; None if not known.
    """

    customer: Codes
    day: Codes
    item: Codes
    names: npt.NDArray[np.object_]
    customers: npt.NDArray[np.object_]
    period: Period
    departments: Codes | None = None

    def beside(self, item: int) -> npt.NDArray[np.bool_]:
        """Tell which rows are of the item's department; all where none is known."""
        if self.departments is None:
            return np.ones(len(self.item), dtype=bool)
        return (self.departments == self.departments[item])[self.item]

    def starts(self) -> npt.NDArray[np.int64]:
        """Return where each customer's rows begin, and the end after the last."""
        counts = np.bincount(self.customer, minlength=len(self.customers))
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def code(self, name: str) -> int:
        """Return the code of an item; NotApplicable if too few customers bought it."""
        place = int(np.searchsorted(self.names, name))
        if place == len(self.names) or self.names[place] != name:
            raise NotApplicable(f"Too few customers bought {name} to follow them.")
        return place


def fetch(lines: ibis.Table, period: Period, *, min_customers: int = 30) -> Events:
    """Return all events of ``period``; see `chunks` for what does not fit in memory."""
    (events,) = chunks(lines, period, min_customers=min_customers, number=1)
    return events


def chunks(
    lines: ibis.Table, period: Period, *, min_customers: int = 30, number: int = 1
) -> Iterator[Events]:
    """Yield the events in ``number`` disjoint sets of customers.

    Parameters
    ----------
    lines
        `baskets.bought`: customer_id, ordered_at, item, and department if known. Guests are left
        out.
    period
        The days looked at.
    min_customers
        Items that fewer customers bought are left out; a visit at which nothing else was bought
        goes with them.
    number
        Number of sets.

    Raises
    ------
    NotApplicable
        If no item is left.
    """
    import ibis

    known = lines.filter(lines.customer_id.notnull())
    daily = known.select("customer_id", "item", on=known.ordered_at.date()).distinct()
    daily = daily.filter(daily.on >= ibis.date(period.start.isoformat()),
                         daily.on < ibis.date(period.end.isoformat()))  # fmt: skip
    bought = daily.group_by("item").agg(n=daily.customer_id.nunique())
    names = bought.filter(bought.n >= min_customers).to_pandas()["item"]
    if names.empty:
        raise NotApplicable(f"No item was bought by {min_customers} known customers.")
    ordered = np.sort(names.to_numpy(dtype=object))
    departments = _departments(lines, ordered) if "department" in lines.columns else None
    coded = _coded(daily, ordered, period.start)
    for part in range(number):
        rows = (
            coded if number == 1 else coded.filter(coded.customer_id.hash().abs() % number == part)
        )
        yield _events(rows, ordered, period, departments)


def _departments(lines: ibis.Table, names: npt.NDArray[np.object_]) -> Codes:
    known = lines.group_by("item").agg(department=lines.department.max()).to_pandas()
    texts = known.set_index("item")["department"].astype("str").reindex(names)
    return np.unique(texts.to_numpy(dtype=object).astype(str), return_inverse=True)[1].astype(
        np.int32
    )


def _coded(daily: ibis.Table, ordered: npt.NDArray[np.object_], start: date) -> ibis.Table:
    import ibis
    import pandas as pd

    codes = pd.DataFrame({"item": pd.Series(ordered, dtype="str"), "code": np.arange(len(ordered))})
    joined = daily.join(ibis.memtable(codes), "item")
    since = joined.on.delta(ibis.date(start.isoformat()), unit="day")
    return joined.select("customer_id", day=since.cast("int32"), code=joined.code.cast("int32"))


def _events(
    rows: ibis.Table,
    names: npt.NDArray[np.object_],
    period: Period,
    departments: Codes | None,
) -> Events:
    table = rows.order_by("customer_id", "day", "code").to_pyarrow()
    encoded = table["customer_id"].combine_chunks().dictionary_encode()
    # Sorted rows meet the customers in order, so that codes ascend.
    return Events(
        encoded.indices.to_numpy().astype(np.int32),
        table["day"].to_numpy().astype(np.int32),
        table["code"].to_numpy().astype(np.int32),
        names,
        np.array(encoded.dictionary.to_pylist(), dtype=object),
        period,
        departments,
    )

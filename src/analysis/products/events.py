"""What customers bought on which day, as columns that a compiled kernel can walk along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.errors import NotApplicable
from analysis.products.gathered import Gathered, coded, gathered_from, share_of

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
    rows, names = _coded(lines, period, min_customers)
    buyers = np.zeros(len(names), np.int64)
    # What is gathered at once is not gathered again.
    parts = [_gathered(rows, 1, 0)] if number == 1 else None
    for gathered, _ in parts or (_gathered(rows, number, part) for part in range(number)):
        buyers += _buyers(gathered, len(names))
    kept = np.flatnonzero(buyers >= min_customers)
    if len(kept) == 0:
        raise NotApplicable(f"No item was bought by {min_customers} known customers.")
    place = np.full(len(names), -1, np.int32)
    place[kept] = np.arange(len(kept))
    departments = _departments(lines, names[kept]) if "department" in lines.columns else None
    for gathered, customers in parts or (_gathered(rows, number, part) for part in range(number)):
        columns = _columns(gathered, customers, place)
        yield Events(*columns[:3], names[kept], columns[3], period, departments)


def _coded(
    lines: ibis.Table, period: Period, min_customers: int
) -> tuple[ibis.Table, npt.NDArray[np.object_]]:
    """Return the known customers' lines as customer_id, event, and the items' names.

    The event is the day times the number of items, plus the item's place among their names.
    """
    import ibis

    known = lines.filter(lines.customer_id.notnull())
    rows = known.select("customer_id", "item", on=known.ordered_at.date())
    rows = rows.filter(rows.on >= ibis.date(period.start.isoformat()),
                       rows.on < ibis.date(period.end.isoformat()))  # fmt: skip
    sold = rows.group_by("item").agg(n=rows.count())
    # An item with fewer lines has fewer customers.
    names = sold.filter(sold.n >= min_customers).to_pandas()["item"]
    ordered = np.sort(names.to_numpy(dtype=object))
    rows = coded(rows, ordered)
    since = rows.on.delta(ibis.date(period.start.isoformat()), unit="day").cast("int64")
    return rows.select("customer_id", event=since * len(ordered) + rows.code), ordered


def _gathered(rows: ibis.Table, number: int, part: int) -> tuple[Gathered, npt.NDArray[np.object_]]:
    """Return the distinct events of one set of customers, and the customers, sorted."""
    rows = share_of(rows, "customer_id", number, part)
    lists = rows.group_by("customer_id").agg(events=lambda t: t.event.collect(include_null=True))
    table = lists.order_by("customer_id").to_pyarrow()
    customers = np.array(table["customer_id"].to_pylist(), dtype=object)
    return gathered_from(table["events"]), customers


def _buyers(gathered: Gathered, items: int) -> npt.NDArray[np.int64]:
    from analysis.products.next_kernel import owners

    counts: npt.NDArray[np.int64] = owners(gathered.starts, gathered.values, items)
    return counts


def _columns(
    gathered: Gathered, customers: npt.NDArray[np.object_], place: Codes
) -> tuple[Codes, Codes, Codes, npt.NDArray[np.object_]]:
    """Return customer, day and item of the events whose item has a place, and those customers."""
    from analysis.products.next_kernel import unpacked

    customer, day, item = unpacked(gathered.starts, gathered.values, place)
    left = np.flatnonzero(np.bincount(customer, minlength=len(customers)))
    code = np.zeros(len(customers), np.int32)
    code[left] = np.arange(len(left))
    return code[customer], day, item, customers[left]


def _departments(lines: ibis.Table, names: npt.NDArray[np.object_]) -> Codes:
    known = lines.group_by("item").agg(department=lines.department.max()).to_pandas()
    texts = known.set_index("item")["department"].astype("str").reindex(names)
    return np.unique(texts.to_numpy(dtype=object).astype(str), return_inverse=True)[1].astype(
        np.int32
    )

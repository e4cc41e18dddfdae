"""What customers bought on which day, as columns that a compiled kernel can walk along.

What each bought how often and how lately stands in a sparse matrix, from which sequences of two
are learnt for all pairs at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.baskets.order_index import coded
from analysis.tables.engine import held, kind_of
from analysis.tables.spark_engine import Spread, parts_for

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy.sparse import csr_array

    from analysis.tables.periods import Period


Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)  # the same events are one object
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
    rows
        Of events that are in Spark: customer, day and item, in place of those here, which only
        workers hold: each those of some customers, whose codes among all are its ``customers``.
    """

    customer: Codes
    day: Codes
    item: Codes
    names: npt.NDArray[np.object_]
    customers: npt.NDArray[np.object_]
    period: Period
    departments: Codes | None = None
    rows: ibis.Table | None = None

    def each(self, work: Callable[[Events], Any]) -> list[Any]:
        """Return what ``work`` makes of all events, or of those of each worker, by customer."""
        return [work(self)] if self.rows is None else self._spread().each(lambda own: work(*own))

    def of_sample(self, work: Callable[..., Any], *beside: Events) -> Any:
        """Return what ``work`` makes of the first part that `of_dealt` has."""
        if self.rows is not None:
            return self._spread(*beside, dealt=True).each(lambda own: work(*own), only=0)[0]
        return work(sample(self), *(only(other, dealt(self)[0]) for other in beside))

    def of_dealt(self, work: Callable[..., Any], *beside: Events) -> Iterable[Any]:
        """Return what ``work`` makes of each part of `dealt`, others' of the same customers too."""
        if self.rows is not None:
            return self._spread(*beside, dealt=True).each(lambda own: work(*own))
        return (work(*(only(events, who) for events in (self, *beside))) for who in dealt(self))

    def _spread(self, *beside: Events, dealt: bool = False) -> Spread:
        """Return the events by worker, by ranges of customers or as they are dealt at random."""
        key, kept = (dealt, *beside), self._kept_by_workers
        return kept.get(key) or kept.setdefault(key, _spread_out((self, *beside), dealt))

    @cached_property
    def _kept_by_workers(self) -> dict[tuple[Any, ...], Spread]:
        return {}

    def codes(self, customer: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return customers' codes among all, as they are but for those that a worker holds."""
        return customer if self.customers.dtype == object else self.customers[customer]

    @property
    def first(self) -> int:
        """The first customer's code among all."""
        return int(self.codes(np.zeros(1, np.int64))[0])

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


#: Customers whose histories are held at once: a thousand items of each are a gigabyte.
MOST_CUSTOMERS = 50_000


def dealt(events: Events) -> list[Codes]:
    """Deal the customers at random into parts that can be held at once; one part if few."""
    customers, parts = len(events.customers), -(-len(events.customers) // MOST_CUSTOMERS)
    if parts <= 1:
        return [np.arange(customers, dtype=np.int32)]
    order = np.random.default_rng(0).permutation(customers).astype(np.int32)
    return [np.sort(part) for part in np.array_split(order, parts)]


def only(events: Events, customers: Codes) -> Events:
    """Return the events of ``customers``, ascending codes, who are numbered anew."""
    if len(customers) == len(events.customers):
        return events
    place = np.full(len(events.customers), -1, np.int32)
    place[customers] = np.arange(len(customers))
    who = place[events.customer]
    rows = who >= 0
    return replace(
        events, customer=who[rows], day=events.day[rows], item=events.item[rows],
        customers=events.customers[customers],
    )  # fmt: skip


@lru_cache(maxsize=2)  # what is learnt of the same customers is learnt once
def sample(events: Events) -> Events:
    """Return the events of the first part that `dealt` gives: of all customers, if few."""
    return only(events, dealt(events)[0])


def fetch(lines: ibis.Table, period: Period, *, min_customers: int = 30) -> Events:
    """Return all events of ``period``.

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

    Raises
    ------
    NotApplicable
        If no item is left.
    """
    start, on = ibis.date(period.start.isoformat()), lines.ordered_at.date()
    within = (on >= start) & (on < ibis.date(period.end.isoformat())) & lines.customer_id.notnull()
    described = {n: lines[n].max() for n in ("department",) if n in lines.columns}
    sold = lines.group_by("item").agg(n=lines.customer_id.nunique(where=within), **described)
    known = sold.filter(sold.n >= min_customers).to_pandas()
    names = np.sort(known["item"].to_numpy(dtype=object))
    if len(names) == 0:
        raise NotApplicable(f"No item was bought by {min_customers} known customers.")
    rows = lines.filter(within).select("customer_id", "item", on=on)
    rows = coded(rows.mutate(day=rows.on.delta(start, unit="day").cast("int32")), names)
    some = rows.select("customer_id").distinct().to_pandas()
    customers = np.sort(some["customer_id"].to_numpy(dtype=object))
    rows = coded(rows, customers, key="customer_id")
    rows = rows.select("day", customer="customer_id_code", item="item_code")
    nothing: Any = None
    departments = _departments(known, names) if described else None
    told = Events(nothing, nothing, nothing, names, customers, period, departments)
    if kind_of(lines.get_backend()) == "spark":
        return replace(told, rows=held(rows.distinct()))
    return _in_order(told, rows.to_pyarrow())


def _in_order(told: Events, rows: pa.Table) -> Events:
    """Return the events that rows with customer, day and item tell of."""
    customer, day, item = (rows[name].to_numpy() for name in ("customer", "day", "item"))
    code = customer.astype(np.int64) * told.period.days + day
    code *= len(told.names)
    code += item
    code.sort()
    code, item = np.divmod(code[np.diff(code, prepend=-1) != 0], len(told.names))
    columns = (*np.divmod(code, told.period.days), item)
    customer, day, item = (column.astype(np.int32) for column in columns)
    return replace(told, customer=customer, day=day, item=item)


def _spread_out(sets: tuple[Events, ...], at_random: bool) -> Spread:
    """Have workers keep the events of some customers each."""
    customers = len(sets[0].customers)
    each = enumerate(events.rows for events in sets if events.rows is not None)
    rows = ibis.union(*(rows.mutate(which=ibis.literal(number)) for number, rows in each))
    step = -(-customers // parts_for(rows.get_backend()))
    if not at_random:
        rows = rows.mutate(part=(rows.customer // step).cast("int32"))
    elif customers <= MOST_CUSTOMERS:
        rows = rows.mutate(part=ibis.literal(0, "int32"))
    else:
        parts = [pd.DataFrame({"customer": c, "part": i}) for i, c in enumerate(dealt(sets[0]))]
        rows = rows.join(ibis.memtable(pd.concat(parts).astype("int32")), "customer")
    told = [replace(each, rows=None, customers=each.customers[:0]) for each in sets]
    return Spread(rows, partial(_of_part, told))


def _of_part(told: list[Events], rows: pa.Table) -> tuple[Events, ...]:
    """Return the events of a part on its worker; those of others as they come."""
    import pyarrow as pa

    which = rows["which"].to_numpy()
    own, *others = (rows.filter(pa.array(which == number)) for number in range(len(told)))
    sets = [_in_order(told[0], own)]
    for known, other in zip(told[1:], others, strict=True):
        columns = {name: other[name].to_numpy() for name in ("customer", "day", "item")}
        sets.append(replace(known, **columns))
    customers: Any = np.unique(sets[0].customer)
    codes = (np.searchsorted(customers, each.customer).astype(np.int32) for each in sets)
    return tuple(
        replace(each, customer=code, customers=customers)
        for each, code in zip(sets, codes, strict=True)
    )


def _departments(known: pd.DataFrame, names: npt.NDArray[np.object_]) -> Codes:
    texts = known.set_index("item")["department"].astype("str").reindex(names)
    texts = texts.to_numpy(dtype=object).astype(str)
    return np.unique(texts, return_inverse=True)[1].astype(np.int32)


#: Days after which a purchase counts half.
HALF_LIFE = 56.0


#: Days of a step from what was bought to what was bought next.
STEP = 28


def until(events: Events, day: int) -> Events:
    """Return the events before ``day`` (counted from the period's start), customers as they are."""
    return _kept(events, events.day < day)


def between(events: Events, first: int, end: int) -> Events:
    """Return the events from day ``first`` up to before ``end``."""
    return _kept(events, (events.day >= first) & (events.day < end))


def _kept(events: Events, rows: npt.NDArray[np.bool_]) -> Events:
    return replace(
        events, customer=events.customer[rows], day=events.day[rows], item=events.item[rows]
    )


@dataclass(frozen=True, eq=False)  # the same histories are one object
class Histories:
    """Purchases of all customers up to a day, as sparse matrices of customers x items.

    Parameters
    ----------
    weights
        Days with a purchase, each halved every `HALF_LIFE` days.
    bought
        1 where there was a purchase.
    count, first, last
        Days with a purchase, the first of them and the last, from 1.
    steps
        One matrix of 0 and 1 every `STEP` days, the latest at the end.
    before
        The same a step earlier; None where there is no history before that.
    day
        The day up to which is known.
    """

    weights: csr_array
    bought: csr_array
    count: csr_array
    first: csr_array
    last: csr_array
    steps: tuple[csr_array, ...]
    before: Histories | None
    day: int

    @classmethod
    def of(cls, events: Events, day: int, *, learning: bool = True) -> Histories:
        """Return the histories before ``day``, with those a step before to learn from."""
        known = until(events, day)
        shape = (len(events.customers), len(events.names))
        codes = (known.customer.astype(np.int64) * shape[1] + known.item) * day + known.day
        codes, days = np.divmod(np.sort(codes), day)
        begins = np.flatnonzero(np.diff(codes, prepend=-1))
        where, times = np.divmod(codes[begins], shape[1]), np.diff(begins, append=len(codes))
        place = np.repeat(np.arange(len(begins)), times)
        weights = np.bincount(place, 0.5 ** ((day - days) / HALF_LIFE), len(begins))
        first, last = days[begins], days[begins + times - 1]
        return cls(
            _sparse(weights, where, shape),
            _sparse(np.ones(len(begins)), where, shape),
            _sparse(times, where, shape),
            _sparse(first + 1, where, shape),
            _sparse(last + 1, where, shape),
            _steps(codes, (day - 1 - days) // STEP, day, shape),
            cls.of(events, day - STEP, learning=False) if learning and day > 2 * STEP else None,
            day,
        )


def _sparse(values: npt.NDArray, where: tuple, shape: tuple[int, int]) -> csr_array:
    from scipy.sparse import csr_array

    places = tuple(place.astype(np.int32) for place in where)  # half the bytes to walk over
    return csr_array((values.astype(np.float64), places), shape=shape)


def _steps(
    codes: npt.NDArray[np.int64], back: npt.NDArray[np.int64], day: int, shape: tuple[int, int]
) -> tuple[csr_array, ...]:
    """Return the steps of purchases in order, as codes and how many steps back they are."""
    found = []
    for step in range(day // STEP - 1, -1, -1):
        own = codes[back == step]
        own = own[np.diff(own, prepend=-1) != 0]
        found.append(_sparse(np.ones(len(own)), np.divmod(own, shape[1]), shape))
    return tuple(found)


#: Customers' weight of no effect that a pair has to overcome.
_PRIOR = 20.0


def follow_ups(known: Histories) -> npt.NDArray[np.float64]:
    """Return how much likelier each item is bought a step after another, items x items.

    The share of customers that bought B in the step after one with A, less the share of those who
    bought anything in both steps, drawn towards no difference where few bought A; 0 where it is
    not more. A step is `histories.STEP` days.
    """
    from scipy.sparse import vstack

    if len(known.steps) < 2:
        return np.zeros(2 * known.weights.shape[1:])
    now, after = (vstack(steps, format="csr") for steps in (known.steps[:-1], known.steps[1:]))
    came = (now.sum(axis=1) > 0) & (after.sum(axis=1) > 0)
    now, after = now[came], after[came]
    both, people = (now.T @ after).toarray(), now.shape[0]
    first, base = (np.asarray(side.sum(axis=0)).ravel() for side in (now, after))
    usual = base / max(people, 1)
    share = (both + _PRIOR * usual) / (first + _PRIOR)[:, None]
    return np.maximum(share - usual, 0.0)

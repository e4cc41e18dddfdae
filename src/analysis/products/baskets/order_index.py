"""Orders as numbers, those of a customer one after the other, and what they hold.

Lines gathered by order, as integers that a compiled kernel can walk along.

The engine turns each line into two numbers, that of its order (or the hash of its name) and the
place of its item. Orders are then counted, which costs half of what the engine needs to bring
together millions of them by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.tables.engine import hash64, held, kind_of
from analysis.tables.spark_engine import Spread, parts_for

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]
Sides = npt.NDArray[np.uint8]

#: What orders may be cut by.
FACTS = ("customer", "store", "week", "place")


@dataclass(frozen=True)
class Numbered:
    """Orders, a few bytes each, so that all of them can be walked along for every pair.

    Parameters
    ----------
    starts
        Where each customer's orders begin, and the end after the last. A guest's order is a
        customer of its own.
    size
        Items in each order.
    facts
        By name (of `FACTS`), a number of the customer, store, week, or store and week, of each
        order; -1 where it is not known.
    holders
        By item, the orders that hold it, ascending.
    parts
        Of orders in Spark, of which nothing else is here: workers keep some customers' each.
    """

    starts: Places
    size: Ints
    facts: dict[str, Ints]
    holders: dict[str, Ints]
    parts: Spread | None = None

    def each(self, work: Callable[[Numbered], Any]) -> list[Any]:
        """Return what ``work`` makes of all orders, or of those of each worker."""
        alone = replace(self, parts=None) if self.parts else self
        return (self.parts.each(work) if self.parts else []) or [work(alone)]

    def __len__(self) -> int:
        return self.told[0]

    @cached_property
    def told(self) -> tuple[int, int, dict[str, tuple[int, int]]]:
        """Orders, the sum of their squares by customer; by fact, those that know it, and groups."""
        sizes, squares, facts = zip(*self.each(_sums), strict=True)
        known = {n: tuple(zip(*(own[n] for own in facts), strict=True)) for n in self.facts}
        return sum(sizes), sum(squares), {n: (sum(k), max(g)) for n, (k, g) in known.items()}

    @cached_property
    def customer(self) -> Ints:
        """The customer of each order, in the order of ``starts``."""
        return np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), np.diff(self.starts))

    @cached_property
    def alone(self) -> Ints:
        """One group of all orders."""
        return np.zeros_like(self.size)

    @cached_property
    def counted(self) -> dict[Any, Any]:
        """What was counted of pairs so far."""
        return {}

    def known(self, fact: str) -> float:
        """Return the share of the orders of which a fact is known."""
        return self.told[2].get(fact, (0, 0))[0] / max(len(self), 1)

    def groups(self, fact: str) -> int:
        """Return how many groups a fact cuts the orders in."""
        return self.told[2][fact][1]

    def held_by(self, items: Sequence[str]) -> Ints:
        """Return the orders that hold all of ``items``, ascending."""
        rarest, *others = sorted((self.holders[item] for item in items), key=len)
        for other in others:
            place = np.minimum(np.searchsorted(other, rarest), len(other) - 1)
            rarest = rarest[other[place] == rarest]
        return rarest


def _sums(own: Numbered) -> tuple[int, int, dict[str, tuple[int, int]]]:
    facts = {n: (int((f >= 0).sum()), int(f.max(initial=-1)) + 1) for n, f in own.facts.items()}
    return len(own.size), int((np.diff(own.starts) ** 2).sum()), facts


def items_of(rules: pd.DataFrame) -> list[str]:
    """Return the items on either side of the rules."""
    return sorted({i for n in ("antecedents", "consequents") for side in rules[n] for i in side})


def order_facts(lines: ibis.Table) -> ibis.Table:
    """Return one row an order: what it may be cut by, by number.

    Parameters
    ----------
    lines
        `baskets.bought`: order_id, customer_id, ordered_at and, if known, store_id.

    Returns
    -------
    ibis.Table
        order_id, number, week_start, store_id if known, and of `FACTS` those that are known, -1
        where an order lacks it. In Spark, which would number orders one after the other, there is
        no number, and customers are told apart by 64 bits.
    """
    facts = {
        "customer_id": lines.customer_id.max(),
        "week_start": lines.ordered_at.min().truncate("W"),
    }
    keys = {"week": ["week_start"], "place": ["week_start"]}
    if "store_id" in lines.columns:
        facts["store_id"] = lines.store_id.max()
        keys |= {"store": ["store_id"], "place": ["week_start", "store_id"]}
    orders = held(lines.group_by("order_id").agg(**facts))
    if kind_of(orders.get_backend()) == "spark":
        places = orders.select(keys["place"]).distinct()
        places = places.mutate(**{name: _number(places, of) for name, of in keys.items()})
        same = [orders[name].identical_to(places[name]) for name in keys["place"]]
        rows, who = orders.join(places, same, rname="{name}_of"), orders.customer_id
        customer = ibis.ifelse(who.isnull(), -1, hash64(who))
        return held(rows.select("order_id", *keys["place"], *keys, customer=customer))
    keys |= {"number": ["order_id"], "customer": ["customer_id"]}
    numbers = {name: _number(orders, columns) for name, columns in keys.items()}
    return held(orders.mutate(**numbers).drop("customer_id"))


def _number(rows: ibis.Table, columns: list[str]) -> ibis.Value:
    """Return the place of each row's values among all, from 0; -1 where one is missing."""
    place = ibis.dense_rank().over(order_by=[rows[name] for name in columns])
    missing = ibis.or_(*(rows[name].isnull() for name in columns))
    return ibis.ifelse(missing, -1, place).cast("int32")


def numbered(
    lines: ibis.Table,
    facts: ibis.Table,
    items: Sequence[str],
    *,
    known: tuple[Gathered, npt.NDArray[np.object_]] | None = None,
) -> Numbered:
    """Return the orders of ``lines`` as numbers; of lines in Spark the workers keep some each.

    Parameters
    ----------
    lines
        order_id, item, one row an item in an order.
    facts
        From `order_facts`, of these orders at least.
    items
        Items of which to know who holds them.
    known
        Orders by their number, and the names of their codes, in place of the lines.
    """
    if known is not None:
        return _in_place(*_of_known(*known, facts, items), items)
    names = [name for name in FACTS if name in facts.columns]
    rows = coded(lines, items, how="left").join(facts.select("order_id", *names), "order_id")
    rows = rows.select(*names, owner=hash64(rows.order_id), code=rows.item_code.fill_null(-1))
    if kind_of(engine := rows.get_backend()) != "spark":
        return _of_rows(rows.to_pyarrow(), items)
    whose = ibis.ifelse(rows.customer == -1, rows.owner, rows.customer)
    rows = rows.mutate(part=(whose % parts_for(engine)).cast("int32"))
    none = _of_rows(rows.schema().to_pyarrow().empty_table(), items)
    return replace(none, parts=Spread(rows, partial(_of_rows, items=items)))


def _in_place(columns: dict[str, Any], code: Ints, held_in: Ints, items: Sequence[str]) -> Numbered:
    customer, number = columns["customer"], columns.pop("number")
    order = _in_order(customer, number)
    # Guests have number -1: each begins a customer.
    sorted_ = customer[order]
    begins = (np.diff(sorted_, prepend=-1) != 0) | (sorted_ < 0)
    starts = np.append(np.flatnonzero(begins), len(order))
    kept = {name: column[order] for name, column in columns.items()}
    place = np.full(int(number.max(initial=-1)) + 1, -1, np.int32)
    place[number[order]] = np.arange(len(order), dtype=np.int32)
    return Numbered(starts, kept.pop("size"), kept, _by_code(code, place[held_in], items))


def _of_rows(rows: pa.Table, items: Sequence[str]) -> Numbered:
    """Return the orders that rows tell of: owner and code, as of `FACTS` those that are known."""
    columns = {name: rows[name].to_numpy() for name in rows.column_names}
    number, code = pd.factorize(columns["owner"])[0].astype(np.int32), columns["code"]
    first = np.flatnonzero(np.diff(np.maximum.accumulate(number), prepend=-1))
    facts = {name: columns[name][first] for name in FACTS if name in columns}
    known, whose = facts["customer"] != -1, facts["customer"]
    facts["customer"] = np.full(len(known), -1, np.int32)
    facts["customer"][known] = np.unique(whose[known], return_inverse=True)[1]
    counts = {"number": number[first], "size": np.bincount(number).astype(np.int32)}
    return _in_place(facts | counts, code[code >= 0], number[code >= 0], items)


#: What is known of each order, by name; and the items held, as codes, with their orders' numbers.
_Read = tuple[dict[str, Any], Ints, Ints]


def _of_known(
    own: Gathered, names: npt.NDArray[np.object_], facts: ibis.Table, items: Sequence[str]
) -> _Read:
    assert own.owners is not None
    rows = facts.select("order_id", "number", *(n for n in FACTS if n in facts.columns))
    every = {n: c.to_numpy() for n, c in zip(rows.columns, rows.to_pyarrow(), strict=True)}
    order = every.pop("order_id")
    row = np.full(int(order.max(initial=-1)) + 1, -1, np.int32)
    row[order] = np.arange(len(order), dtype=np.int32)
    columns = {name: column[row[own.owners]] for name, column in every.items()}
    size = np.diff(own.starts).astype(np.int32)
    wanted = np.full(len(names), -1, np.int32)
    at = pd.Index(names).get_indexer(items)
    wanted[at[at >= 0]] = np.flatnonzero(at >= 0)
    code = wanted[own.values]
    kept = code >= 0
    return columns | {"size": size}, code[kept], np.repeat(columns["number"], size)[kept]


def _by_code(code: Ints, place: Ints, items: Sequence[str]) -> dict[str, Ints]:
    both = (code.astype(np.int64) << 32) + place
    both.sort()
    ends = np.searchsorted(both, np.arange(len(items) + 1, dtype=np.int64) << 32)
    place = (both & 0xFFFFFFFF).astype(np.int32)
    return {item: place[ends[i] : ends[i + 1]] for i, item in enumerate(items)}


def _in_order(customer: Ints, number: Ints) -> Ints:
    """Return the rows by customer, then by their numbers, no two of which are the same."""
    both = (customer.astype(np.int64) << 32) + number
    both.sort()  # one number a row: a third of what it costs to sort by two
    row = np.empty(int(number.max(initial=-1)) + 1, np.int32)
    row[number] = np.arange(len(number), dtype=np.int32)
    return row[both & 0xFFFFFFFF]


@dataclass(frozen=True)
class Gathered:
    """The distinct values of every owner, one owner after the other.

    Parameters
    ----------
    starts
        Where each owner's values begin, and the end after the last.
    values
        Ascending and distinct within an owner.
    owners
        The owners' own numbers, where they have any.
    """

    starts: npt.NDArray[np.int64]
    values: npt.NDArray[np.int32]
    owners: Ints | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    def each(self, work: Callable[[Gathered], Any]) -> list[Any]:
        """Return what ``work`` makes of all owners, as `Spread.each` of those of each worker."""
        return [work(self)]


def coded(
    lines: ibis.Table,
    values: Sequence[str] | npt.NDArray[np.object_],
    *,
    key: str = "item",
    how: Any = "inner",
) -> ibis.Table:
    """Return the lines whose ``key`` is among ``values``, its place there as ``{key}_code``."""
    names = pd.Series(list(values), dtype="str" if lines[key].type().is_string() else None)
    frame = pd.DataFrame({key: names, f"{key}_code": np.arange(len(names), dtype=np.int32)})
    return lines.join(ibis.memtable(frame), key, how=how)


def gathered(
    lines: ibis.Table, items: npt.NDArray[np.object_], *, owner: str = "order_id"
) -> Gathered | Spread:
    """Return the ``items`` of every order, as their places.

    Of lines in Spark the workers keep some orders each.

    Orders (or customers, as ``owner``) are told apart by 64 bits: of 46 million orders, two share
    them in one data set out of 17,000.

    Parameters
    ----------
    lines
        The owner's key, item.
    items
        Every item of the lines.
    """
    rows = coded(lines.select(owner, "item"), items)
    if rows[owner].type().is_integer():
        own = rows.select(owner=rows[owner], code=rows.item_code).to_pyarrow()
        return by_owner(own, numbered=True)
    rows = rows.select(owner=hash64(rows[owner]), code=rows.item_code)
    if kind_of(engine := rows.get_backend()) == "spark":
        part = (rows.owner % parts_for(engine)).cast("int32")
        return Spread(rows.mutate(part=part), by_owner)
    return by_owner(rows.to_pyarrow())


def by_owner(rows: pa.Table, *, numbered: bool = False) -> Gathered:
    """Return the distinct codes of every owner: owners are counted, so that nothing is sorted.

    Parameters
    ----------
    rows
        owner and code.
    numbered
        Owners are numbers from 1 on, to be known by them; else they are hashes.
    """
    from analysis.products.baskets.basket_kernels import distinct, put

    owner, code = (rows[name].to_numpy() for name in ("owner", "code"))
    owner = owner if numbered else pd.factorize(owner)[0]
    bounds = np.append(0, np.cumsum(np.bincount(owner)))
    values, ends = np.empty(bounds[-1], np.int32), bounds[:-1].copy()
    put(owner, code, ends, values)
    starts, values, owners = distinct(bounds, values)
    return Gathered(starts, values, owners if numbered else None)

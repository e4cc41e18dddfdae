"""Who buys B after a first A: every pair, counted once, against customers of the same rhythm."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.sequences.purchase_events import Events
from analysis.stats.multiplicity import q_values, two_sided_p

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Pairs of items that a screening may look at: a few GB.
MOST_PAIRS = 25_000_000

#: Customers' pairs that are held before they are counted.
_AT_A_TIME = 16_000_000

#: Groups of customers by how often they come, from the rarest to the most frequent.
RHYTHMS = 4


@dataclass(frozen=True)
class FollowUps:
    """All pairs at a glance.

    Parameters
    ----------
    table
        One row a pair: first, then, customers (whose first purchase of ``first`` was followed for
        the whole window), followed (bought ``then`` on a later day of it), share, expected (the
        share among all customers of the same rhythm after a visit in the same week), difference,
        ratio, z, p, q; the largest z first.
    searched
        Pairs looked at.
    window
        Days.
    """

    table: pd.DataFrame
    searched: int
    window: int


def screen(
    parts: Events | Iterable[Events],
    *,
    window: int = 30,
    quiet_days: int = 0,
    min_customers: int = 100,
) -> FollowUps:
    """Count, for every pair of items, who bought the second within ``window`` days.

    Parameters
    ----------
    parts
        Events, or those of sets of customers, one after the other.
    window
        Days after the first purchase; the day itself does not count, so that what was bought in
        the same order is left out.
    quiet_days
        Days at the start of the period in which a purchase is no first one: those before it are
        not known.
    min_customers
        Pairs whose first item was followed in fewer customers are not looked at.

    Notes
    -----
    The expected count sums, over the customers who bought A, the share of customers with the same
    rhythm and a visit in the same week who bought B in as many days after that visit. Its variance
    is that of a sum of independent trials. It is a sieve: `cumulative.compare` looks closely.
    """
    totals: list[Any] = []
    names = np.array([], dtype=object)
    for events in [parts] if isinstance(parts, Events) else parts:
        names = events.names
        _affordable(events)
        for counts in events.each(partial(count, window=window, quiet_days=quiet_days)):
            totals = [a + b for a, b in zip(totals, counts, strict=True)] if totals else counts
    if not totals or totals[0].sum() == 0:
        raise NotApplicable(
            f"No first purchase could be followed for {window} days: the period is too short."
        )
    return _screened(totals, names, window, min_customers)


def _affordable(events: Events) -> None:
    """Raise NotApplicable if there are too many pairs to look at, saying what would do."""
    items, most = len(events.names), math.isqrt(MOST_PAIRS)
    if items > most:
        rows = np.sort(sum(events.each(lambda own: np.bincount(own.item, minlength=items))))[::-1]
        raise NotApplicable(
            f"{items:,} items make {items**2:,} pairs to look at; {MOST_PAIRS:,} are allowed. "
            f"Categories instead of products, or only items bought {rows[most] + 1:,} times and "
            "more, would do."
        )


def rhythm(events: Events) -> npt.NDArray[np.int64]:
    """Return each customer's rhythm, from 0 (rare) up, by days with a purchase."""
    visits = visit_days(events)
    days = np.bincount(visits // events.period.days, minlength=len(events.customers))
    # Fixed bounds, so that sets of customers agree: about every month, fortnight, week.
    per_week = days / (events.period.days / 7)
    return np.digitize(per_week, [0.25, 0.5, 1.0])


def visit_days(
    events: Events, rows: npt.NDArray[np.bool_] | slice = slice(None)
) -> npt.NDArray[np.int64]:
    """Return the customers' distinct days, coded as customer x days of the period + day."""
    codes = events.customer[rows].astype(np.int64) * events.period.days + events.day[rows]
    return codes[np.concatenate([[True], codes[1:] != codes[:-1]])]


def first_visits(
    events: Events, rows: npt.NDArray[np.bool_] | slice = slice(None)
) -> npt.NDArray[np.int32]:
    """Return the first day each customer came in each week, -1 without; customers x weeks.

    Only the given rows of the events count as visits.
    """
    days = events.period.days
    found = np.full((len(events.customers), -(-days // 7)), -1, np.int32)
    codes = visit_days(events, rows)[::-1]
    found[codes // days, (codes % days) // 7] = codes % days
    return found


def followers(events: Events, *, window: int, quiet_days: int = 0) -> csr_array:
    """Return the customers by the item first bought and another bought within ``window`` days."""
    from scipy.sparse import csr_array

    items = len(events.names)
    counts = csr_array((items, items), dtype=np.int64)
    for pairs in _pairs(events, window, quiet_days):
        counts += _counted(pairs, items)
    return counts


def _pairs(events: Events, window: int, quiet_days: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield a number for each customer and pair: item first bought x items + item that followed."""
    from analysis.products.sequences.sequence_kernels import follow

    starts, items = events.starts(), len(events.names)
    largest = int(np.diff(starts).max(initial=0))
    pairs = np.empty(max(_AT_A_TIME, largest), np.int64)
    known = np.full(items, -1, np.int64)
    customer = row = 0
    while customer < len(starts) - 1:
        customer, row, found = follow(
            starts, events.day, events.item, known, items, window, events.period.days - 1,
            quiet_days, (customer, row), pairs,
        )  # fmt: skip
        yield pairs[:found]


def _counted(pairs: npt.NDArray[np.int64], items: int) -> csr_array:
    """Return how often each pair is among ``pairs``, which are sorted on the way."""
    from scipy.sparse import csr_array

    if items * items <= len(pairs):
        return csr_array(np.bincount(pairs, minlength=items * items).reshape(items, items))
    pairs.sort()
    begins = np.flatnonzero(np.concatenate([[True], pairs[1:] != pairs[:-1]]))[: len(pairs)]
    numbers, counts = pairs[begins], np.diff(begins, append=len(pairs))
    rows = np.searchsorted(numbers, np.arange(items + 1) * items)
    return csr_array((counts, numbers % items, rows), shape=(items, items))


def count(events: Events, *, window: int, quiet_days: int = 0) -> list[npt.NDArray[Any]]:
    """Return index, visits and base of `next_kernel.chances`, `followers` as the second of four."""
    from analysis.products.sequences.sequence_kernels import chances

    groups, visits = rhythm(events), first_visits(events)
    weeks = visits.shape[1]
    cell = groups.astype(np.int32)[:, None] * weeks + np.arange(weeks, dtype=np.int32)
    packed = np.where(visits >= 0, cell * 8 + visits % 7, np.int32(-1))
    index, seen, base = chances(
        events.starts(), events.day, events.item, packed, len(events.names), RHYTHMS * weeks,
        window, events.period.days - 1, quiet_days,
    )  # fmt: skip
    return [index, followers(events, window=window, quiet_days=quiet_days), seen, base]


def _screened(
    totals: list[Any], names: npt.NDArray[np.object_], window: int, least: int
) -> FollowUps:
    index, sparse, seen, base = totals
    followed = sparse.toarray()
    rate = base / np.maximum(seen, 1)[:, None]
    expected, spread = index @ rate, index @ (rate * (1 - rate))
    n = index.sum(axis=1)
    looked = (n >= least)[:, None] & (expected >= 1) & (spread > 0)
    np.fill_diagonal(looked, False)
    a, b = np.nonzero(looked)
    z = (followed[a, b] - expected[a, b]) / np.sqrt(spread[a, b])
    p = two_sided_p(z)
    share, chance = followed[a, b] / n[a], expected[a, b] / n[a]
    table = pd.DataFrame(
        {
            "first": names[a],
            "then": names[b],
            "customers": n[a],
            "followed": followed[a, b],
            "share": share,
            "expected": chance,
            "difference": share - chance,
            "ratio": share / chance,
            "z": z,
            "p": p,
            "q": q_values(p),
        }
    )
    ordered = table.sort_values(["z", "first", "then"], ascending=[False, True, True])
    return FollowUps(ordered.reset_index(drop=True), len(table), window)

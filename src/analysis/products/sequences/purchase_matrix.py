"""What each customer bought how often and how lately, as a sparse matrix.

What is bought a step after what: sequences of two, learnt for all pairs at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from analysis.products.sequences.purchase_events import Events


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
        codes = known.customer.astype(np.int64) * shape[1] + known.item
        unique, place, times = np.unique(codes, return_inverse=True, return_counts=True)
        where = (unique // shape[1], unique % shape[1])
        weights = np.bincount(place, 0.5 ** ((day - known.day) / HALF_LIFE), len(unique))
        # Rows are sorted by day: the first seen is the earliest, the last written the latest.
        first = known.day[np.unique(codes, return_index=True)[1]]
        last = np.zeros(len(unique), np.int64)
        last[place] = known.day
        return cls(
            _sparse(weights, where, shape),
            _sparse(np.ones(len(unique)), where, shape),
            _sparse(times, where, shape),
            _sparse(first + 1, where, shape),
            _sparse(last + 1, where, shape),
            _steps(known, day, shape),
            cls.of(events, day - STEP, learning=False) if learning and day > 2 * STEP else None,
            day,
        )


def _sparse(values: npt.NDArray, where: tuple, shape: tuple[int, int]) -> csr_array:
    from scipy.sparse import csr_array

    return csr_array((values.astype(np.float64), where), shape=shape)


def _steps(known: Events, day: int, shape: tuple[int, int]) -> tuple[csr_array, ...]:
    back = (day - 1 - known.day) // STEP
    found = []
    for step in range(day // STEP - 1, -1, -1):
        rows = back == step
        codes = np.unique(known.customer[rows].astype(np.int64) * shape[1] + known.item[rows])
        where = (codes // shape[1], codes % shape[1])
        found.append(_sparse(np.ones(len(codes)), where, shape))
    return tuple(found)


#: Customers' weight of no effect that a pair has to overcome.
_PRIOR = 20.0


def follow_ups(known: Histories) -> npt.NDArray[np.float64]:
    """Return how much likelier each item is bought a step after another, items x items.

    The share of customers that bought B in the step after one with A, less the share of those who
    bought anything in both steps, drawn towards no difference where few bought A; 0 where it is
    not more. A step is `histories.STEP` days.
    """
    size = known.weights.shape[1]
    both, first, base, people = np.zeros((size, size)), np.zeros(size), np.zeros(size), 0
    for now, after in zip(known.steps, known.steps[1:], strict=False):
        came = (now.sum(axis=1) > 0) & (after.sum(axis=1) > 0)
        now, after = now[came], after[came]
        both += (now.T @ after).toarray()
        first += np.asarray(now.sum(axis=0)).ravel()
        base += np.asarray(after.sum(axis=0)).ravel()
        people += int(came.sum())
    usual = base / max(people, 1)
    share = (both + _PRIOR * usual) / (first + _PRIOR)[:, None]
    return np.maximum(share - usual, 0.0)

"""What each customer bought how often and how lately, as a sparse matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from analysis.products.events import Events

Floats = npt.NDArray[np.float64]

#: Days after which a purchase counts half.
HALF_LIFE = 56.0


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


@dataclass(frozen=True)
class Histories:
    """Purchases of all customers up to a day.

    Parameters
    ----------
    weights
        Customers x items: days with a purchase, each halved every `HALF_LIFE` days.
    bought
        Customers x items: 1 where there was a purchase.
    last
        Customers x items: the last day, where there was one.
    day
        The day up to which is known.
    """

    weights: csr_array
    bought: csr_array
    last: csr_array
    day: int

    @classmethod
    def of(cls, events: Events, day: int) -> Histories:
        """Return the histories before ``day``."""
        from scipy.sparse import csr_array

        known = until(events, day)
        shape = (len(events.customers), len(events.names))
        place = (known.customer, known.item)
        decayed = 0.5 ** ((day - known.day) / HALF_LIFE)
        weights = csr_array((decayed, place), shape=shape)
        bought = csr_array((np.ones(len(known.day)), place), shape=shape)
        bought.sum_duplicates()
        bought.data[:] = 1.0
        # Rows are sorted by day, so that the last one written is the latest.
        codes = known.customer.astype(np.int64) * shape[1] + known.item
        unique, back = np.unique(codes[::-1], return_index=True)
        latest = known.day[::-1][back].astype(np.float64)
        last = csr_array((latest, (unique // shape[1], unique % shape[1])), shape=shape)
        weights.sum_duplicates()
        return cls(weights, bought, last, day)

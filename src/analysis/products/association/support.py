"""What a search for itemsets will cost, before it begins, and which support it can afford."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.errors import NotApplicable, ParamsError

if TYPE_CHECKING:
    from analysis.products.baskets.order_contents import Baskets
    from analysis.products.baskets.order_index import Gathered

#: Pairs of lines that a search may have to look at: minutes of work on two cores.
MOST_PAIR_ROWS = 3_000_000_000


@dataclass(frozen=True)
class Support:
    """A minimum support, and why it is what it is.

    Parameters
    ----------
    orders
        An itemset is frequent if so many orders hold it.
    share
        The same as a share of all orders.
    reason
        Why, as a sentence.
    pair_rows
        Pairs of lines within orders that the search looks at.
    """

    orders: int
    share: float
    reason: str
    pair_rows: int


def choose_support(
    baskets: Baskets,
    *,
    support: float | None = None,
    within: float = 1.25,
    most_pair_rows: int = MOST_PAIR_ROWS,
) -> Support:
    """Return the support to mine with: the one asked for, or the least that tells something.

    Parameters
    ----------
    support
        Share of orders; None chooses it from the data.
    within
        A lift must be known within this factor, at 95 % confidence. The logarithm of a lift has a
        standard error of about one over the root of the orders that hold both, so a factor of
        1.25 needs 78 of them, and more where several are one customer's.
    most_pair_rows
        Refuse a search that looks at more pairs of lines.

    Raises
    ------
    NotApplicable
        If the data hold nothing to search, or the search would be too large; the sentence says
        which support would do.
    """
    baskets.require()
    needed = math.ceil((1.96 / math.log(within)) ** 2)
    if support is None and baskets.orders < needed:
        raise NotApplicable(
            f"{baskets.how_many}: {needed} must hold two items before it is known "
            f"within a factor of {within:g} how often they are together."
        )
    if support is None:
        orders, reason = (
            needed,
            (
                f"Fewer than {needed} orders with both, even of as many customers, would leave a "
                f"lift uncertain by more than a factor of {within:g}"
            ),
        )
    else:
        orders, reason = _asked(baskets, support)
    rows = pair_rows(baskets, orders)
    if rows > most_pair_rows:
        raise NotApplicable(_too_large(baskets, orders, rows, most_pair_rows))
    return Support(orders, orders / baskets.orders, reason, rows)


def raised(baskets: Baskets, orders: int) -> Support:
    """Return a support that was raised until the sets can be looked through."""
    reason = f"Fewer than {orders:,} would leave more sets of items than can be looked through"
    return Support(orders, orders / baskets.orders, reason, pair_rows(baskets, orders))


def _asked(baskets: Baskets, support: float) -> tuple[int, str]:
    if not 0 < support <= 1:
        raise ParamsError(f"support {support!r} must be a share of orders above 0, at most 1")
    orders = max(1, math.ceil(support * baskets.orders - 1e-9))
    if support * baskets.orders < 1:
        return 1, (
            f"A support of {support:g} is less than one of {baskets.orders} orders: everything "
            "that was ever bought together counts"
        )
    return orders, f"The parameters ask for {100 * support:g} % of the orders"


def pair_rows(baskets: Baskets, orders: int) -> int:
    """Return how many pairs of lines the orders hold, of items that ``orders`` orders have."""
    kept = baskets.items[baskets.items["orders"] >= orders]
    if len(kept) < 2:
        return 0
    place = places(baskets, orders)
    each = baskets.gathered.each(lambda own: frequent_sizes(own, place).astype(np.int64))
    return sum(int((sizes * (sizes - 1)).sum()) for sizes in each) // 2


def places(baskets: Baskets, orders: int) -> npt.NDArray[np.int32]:
    """Return each item's place, by name, among those that ``orders`` orders hold; -1 of others."""
    held_by = baskets.items.set_index("item")["orders"].reindex(baskets.known["item"])
    frequent = held_by.to_numpy("float64") >= orders
    return np.where(frequent, np.cumsum(frequent) - 1, -1).astype(np.int32)


def frequent_sizes(gathered: Gathered, place: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return how many of the items that have a place each order holds."""
    from analysis.products.baskets.basket_kernels import held_sizes

    sizes: npt.NDArray[np.int32] = held_sizes(gathered.starts, gathered.values, place)
    return sizes


def _too_large(baskets: Baskets, orders: int, rows: int, most: int) -> str:
    said = (
        f"At a support of {orders:,} orders the search would look at {rows:,} pairs of lines; "
        f"{most:,} are allowed"
    )
    affordable = orders
    largest = int(baskets.items["orders"].max())
    while affordable < largest:
        affordable = min(2 * affordable, largest)
        if pair_rows(baskets, affordable) <= most:
            return f"{said}. A support of {affordable:,} orders would do."
    return f"{said}. No support would do: leave out the items that are in every order."

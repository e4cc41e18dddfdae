"""Shops whose customers come again and again, each with tastes of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.products.baskets.order_index import Numbered, numbered, order_facts
from analysis.tables.engine import EngineSettings
from tests.products.shelves import baskets_of


def rule(a: str, b: str) -> pd.DataFrame:
    """Return one rule to ask about."""
    return pd.DataFrame({"antecedents": [(a,)], "consequents": [(b,)]})


def as_numbers(
    orders: Sequence[Iterable[str]], facts: pd.DataFrame, settings: EngineSettings | None = None
) -> Numbered:
    """Return orders as the engine hands them over; ``facts`` may know customer_id and store_id."""
    import ibis

    shelf = baskets_of(orders, settings)
    known = facts.assign(order_id=[f"o{i}" for i in range(len(facts))])
    if "customer_id" not in known:
        known["customer_id"] = None
    texts = dict.fromkeys([n for n in known.columns if n.endswith("_id")], "str")
    known = ibis.memtable(known.astype(texts)).mutate(ordered_at=ibis.timestamp("2024-01-03"))
    lines = shelf.lines.join(known, "order_id")
    return numbered(shelf.lines, order_facts(lines), sorted({i for items in orders for i in items}))


def shop_of(who: Any, *, a: Any, b: Any, **facts: Any) -> Numbered:
    """Return the orders of customers ``who`` (ascending), which hold a and b where it is so."""
    starts = np.append(np.flatnonzero(np.diff(who, prepend=-1)), len(who))
    held = {"a": np.flatnonzero(a).astype(np.int32), "b": np.flatnonzero(b).astype(np.int32)}
    facts = {"customer": who, **facts}
    size = (1 + np.asarray(a, int) + np.asarray(b, int)).astype(np.int32)
    return Numbered(starts, size, {n: v.astype(np.int32) for n, v in facts.items()}, held)


class Tastes:
    """A shop of two independent products that some customers like much better than others.

    Parameters
    ----------
    customers, mean
        Customers, and orders of one on average: few come very often, log-normally.
    rate
        Share of orders that hold a, and b, in a store of middle size.
    keen
        How many times as often the three tenths of customers who like it buy.
    attraction
        Logarithm of the odds ratio of b in orders with a, beside those of the same customer.
    stores
        Stores, the first of which sell less of both; customers go to theirs four times of five.
    """

    def __init__(
        self, customers: int, mean: float, *, rate: float = 0.05, keen: float = 8.0,
        attraction: float = 0.0, stores: int = 3,
    ) -> None:  # fmt: skip
        self.customers, self.mean, self.stores = customers, mean, stores
        self.rate, self.keen, self.attraction = rate, keen, attraction
        self.levels = 0.6 + 0.8 * (np.arange(stores) + 0.5) / stores

    def draw(self, rng: np.random.Generator) -> Numbered:
        """Return the orders of one shop."""
        often = np.exp(rng.normal(-0.5, 1.0, self.customers))
        who = np.repeat(np.arange(self.customers), 1 + rng.poisson(self.mean * often))
        home = rng.integers(0, self.stores, self.customers)[who]
        store = np.where(rng.random(len(who)) < 0.8, home, rng.integers(0, self.stores, len(who)))
        likes_a, likes_b = (rng.random((2, self.customers)) < 0.3)[:, who]
        chance_a, chance_b = self._chances(likes_a, likes_b, self.levels[store])
        a = rng.random(len(who)) < chance_a
        b = rng.random(len(who)) < np.where(a, self._attracted(chance_b), chance_b)
        return shop_of(who, a=a, b=b, store=store)

    def _chances(self, likes_a: Any, likes_b: Any, level: Any) -> Any:
        usual = self.rate / (0.7 + 0.3 * self.keen)
        return [usual * level * np.where(likes, self.keen, 1.0) for likes in (likes_a, likes_b)]

    def _attracted(self, chance: Any) -> Any:
        odds = chance / (1 - chance) * np.exp(self.attraction)
        return odds / (1 + odds)

    def truth(self) -> float:
        """Return the logarithm of the odds ratio over all customers that a store's orders have."""
        likes = np.array([(x, y) for x in (0, 1) for y in (0, 1)], bool)
        share = np.where(likes, 0.3, 0.7).prod(axis=1)
        both = one_other = 0.0
        for level in self.levels:
            a, b = self._chances(*likes.T, level)
            b_with = self._attracted(b)
            cells = (a * b_with, a * (1 - b_with), (1 - a) * b, (1 - a) * (1 - b))
            p = [float((share * cell).sum()) for cell in cells]
            both, one_other = both + p[0] * p[3], one_other + p[1] * p[2]
        return float(np.log(both / one_other))

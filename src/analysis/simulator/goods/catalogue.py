"""The catalogue: planted products and the general range around them, with prices and costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.goods.assortment import (
    DEPARTMENTS,
    ELECTRONICS,
    INDEPENDENT,
    PATTERNS,
    TRIALS,
    Department,
    Item,
)
from analysis.simulator.goods.demand_plan import SERIES_ITEMS
from analysis.simulator.shop import Shop
from analysis.stats.types import Floats, Integers

PLANTED: tuple[Item, ...] = INDEPENDENT + PATTERNS + ELECTRONICS + TRIALS + SERIES_ITEMS

PRICE_SPREAD = 0.5
#: Popularity of the product at rank r within its department: (r + offset) ** -power.
POPULARITY_OFFSET, POPULARITY_POWER = 1.0, 1.05
PRIVATE_LABEL = 0.3
ORGANIC = 0.12
#: Products of the general range that come back more often, and that are missing from the file.
DEFECTIVE, UNLISTED = "defective", "unlisted"


@dataclass(frozen=True)
class Catalogue:
    """Products as aligned arrays; the row number is the product's number in all other modules.

    Parameters
    ----------
    keys
        Key of a planted product or ``general``, ``weighed``, ``defective``, ``unlisted``.
    names, departments, categories, brands, organic
        As in the products table.
    price, cost
        Cents a unit (a kilogram if weighed).
    weighed
        Sold by weight.
    weight
        Share of the lines of the general range, by life stage and product; each row sums to 1.
    weighed_weight
        The same for the weighed line of a basket.
    numbers
        Number in the product_id.
    """

    keys: tuple[str, ...]
    names: tuple[str, ...]
    departments: tuple[str, ...]
    categories: tuple[str, ...]
    brands: tuple[str, ...]
    organic: NDArray[np.bool_]
    price: Integers
    cost: Integers
    weighed: NDArray[np.bool_]
    weight: Floats
    weighed_weight: Floats
    numbers: Integers

    def number(self, key: str) -> int:
        """Return the row number of the planted product ``key``."""
        return self.keys.index(key)

    def all_of(self, prefix: str) -> Integers:
        """Return the row numbers of the planted products whose key begins with ``prefix``."""
        return np.array([i for i, k in enumerate(self.keys) if k.startswith(prefix)], np.int64)

    def product_id(self, number: int) -> str:
        """Return the product_id of a row number."""
        return f"P{self.numbers[number]:05d}"

    @property
    def product_ids(self) -> tuple[str, ...]:
        """All product_ids in row order."""
        return tuple(self.product_id(i) for i in range(len(self.keys)))


@dataclass(frozen=True)
class _Row:
    key: str
    name: str
    department: str
    category: str
    price: int
    cost: int
    share: tuple[float, ...]


def build(shop: Shop) -> Catalogue:
    """Return the catalogue of ``shop``."""
    rng = shop.generator("catalogue")
    planted = [_planted(item) for item in PLANTED]
    weighed = [row for d in DEPARTMENTS for row in _weighed(d, rng)]
    general = _general(shop.products - len(planted) - len(weighed), rng)
    rows = planted + weighed + general
    shares = np.array([row.share for row in rows]).T
    is_weighed = np.array([row.key == "weighed" for row in rows])
    return Catalogue(
        keys=tuple(row.key for row in rows),
        names=tuple(row.name for row in rows),
        departments=tuple(row.department for row in rows),
        categories=tuple(row.category for row in rows),
        brands=tuple(np.where(rng.random(len(rows)) < PRIVATE_LABEL, "private label", "national")),
        organic=rng.random(len(rows)) < ORGANIC,
        price=np.array([row.price for row in rows]),
        cost=np.array([row.cost for row in rows]),
        weighed=is_weighed,
        weight=_normalised(np.where(is_weighed, 0.0, shares)),
        weighed_weight=_normalised(np.where(is_weighed, shares, 0.0)),
        numbers=rng.permutation(len(rows)) + 1,
    )


def _normalised(shares: Floats) -> Floats:
    return shares / shares.sum(axis=1, keepdims=True)


def _planted(item: Item) -> _Row:
    price, cost = round(100 * item.price), round(100 * item.cost)
    return _Row(item.key, item.name, item.department, item.category, price, cost, (0.0,) * 4)


def _weighed(department: Department, rng: np.random.Generator) -> list[_Row]:
    rows = []
    for rank in range(department.weighed):
        category = department.categories[rank % len(department.categories)]
        price = round(100 * department.price * 2.2 * float(rng.lognormal(0, 0.35)))
        popularity = (rank + 1 + POPULARITY_OFFSET) ** -0.7
        share = tuple(department.share * popularity * t for t in department.taste)
        name = f"{category} by weight {rank + 1}"
        cost = round(price * department.cost)
        rows.append(_Row("weighed", name, department.name, category, price, cost, share))
    return rows


def _general(count: int, rng: np.random.Generator) -> list[_Row]:
    """Split the general range over departments by the square root of their share of lines."""
    kept = [d for d in DEPARTMENTS if d.share > 0]
    roots = np.sqrt([d.share for d in kept])
    sizes = np.maximum(3, np.floor(count * roots / roots.sum()).astype(int))
    sizes[0] += count - sizes.sum()
    pairs = zip(kept, sizes, strict=True)
    rows = [row for d, size in pairs for row in _range_of(d, int(size), rng)]
    return _with_oddities(rows)


def _range_of(department: Department, size: int, rng: np.random.Generator) -> list[_Row]:
    popularity = (np.arange(size) + POPULARITY_OFFSET) ** -POPULARITY_POWER
    popularity *= department.share / popularity.sum()
    prices = department.price * rng.lognormal(0, PRICE_SPREAD, size)
    rows = []
    for rank in range(size):
        category = department.categories[rank % len(department.categories)]
        price = max(29, 10 * round(10 * float(prices[rank])) - 1)
        share = tuple(popularity[rank] * t for t in department.taste)
        name = f"{category} {rank // len(department.categories) + 1}"
        cost = round(price * department.cost)
        rows.append(_Row("general", name, department.name, category, price, cost, share))
    return rows


def _with_oddities(rows: list[_Row]) -> list[_Row]:
    """Make one middling product defective and leave another out of the products file."""
    order = sorted(range(len(rows)), key=lambda i: -rows[i].share[1])
    for key, rank in ((DEFECTIVE, 20), (UNLISTED, 45)):
        row = rows[order[rank]]
        rows[order[rank]] = _Row(
            key, row.name, row.department, row.category, row.price, row.cost, row.share
        )
    return rows

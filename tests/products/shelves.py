"""Small sets of orders to mine, as the engine holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import count
from typing import Any

import pandas as pd

from analysis.products.baskets.order_contents import Baskets, of_lines
from analysis.tables.engine import EngineSettings, connect

#: A table has a name of its own: what the engine keeps, it finds again by name.
_NUMBERS = count()


@cache
def _engine(settings: EngineSettings) -> Any:
    return connect(settings)


def baskets_of(orders: Sequence[Iterable[str]], settings: EngineSettings | None = None) -> Baskets:
    """Return the baskets that hold the given items; an empty one is an order without lines."""
    import ibis

    lines = [(f"o{i}", item) for i, items in enumerate(orders) for item in items]
    frame = pd.DataFrame(lines, columns=["order_id", "item"], dtype="str")
    connection = _engine(settings or EngineSettings(threads=1))
    create = connection.create_view if connection.name == "pyspark" else connection.create_table
    return of_lines(create(f"lines_{next(_NUMBERS)}", ibis.memtable(frame)))


def one_hot(orders: Sequence[Iterable[str]]) -> pd.DataFrame:
    """Return the same orders as mlxtend wants them."""
    items = sorted({item for basket in orders for item in basket})
    rows = [[item in set(basket) for item in items] for basket in orders]
    return pd.DataFrame(rows, columns=items, dtype=bool)

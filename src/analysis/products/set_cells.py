"""Which parts of a set of three orders hold, by size of order and by customer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.products.bands import BANDS, band_of
from analysis.products.held import held
from analysis.products.three_way import CELLS

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.products.baskets import Baskets

Floats = npt.NDArray[np.float64]

#: Influences are summed as whole numbers of so small a part of the largest: exact in any order.
_PART = 1 << 30


@dataclass(frozen=True)
class SetCells:
    """Orders by what they hold of each set.

    Parameters
    ----------
    counts
        sets x bands x 8: orders by how many other items they hold and, as in `three_way`, by
        which of the set. Orders that hold nothing else are left out: if they held nothing of the
        set, either, they would be none, so there is nothing to compare them with.
    parts
        One row an order and set of which it holds something: set, customer_id, cell, band,
        whole_band (of all its items).
    orders
        One row an order: customer_id, band (of all its items).
    """

    counts: Floats
    parts: ibis.Table
    orders: ibis.Table

    @classmethod
    def of(cls, baskets: Baskets, lines: ibis.Table, sets: Iterable[tuple[str, ...]]) -> SetCells:
        """Count the orders of ``baskets``, whose customers ``lines`` know.

        A guest's order is a customer of its own.
        """
        sets = list(sets)
        facts = lines.group_by("order_id").agg(customer_id=lines.customer_id.max())
        known = facts.customer_id.coalesce(facts.order_id.cast("string"))
        counted = baskets.lines.group_by("order_id").agg(size=baskets.lines.count())
        orders = held(counted.join(facts.mutate(customer_id=known), "order_id"))
        parts = _parts(baskets.lines, orders, sets)
        orders = orders.select("customer_id", band=band_of(orders.size))
        return cls(_counts(parts, orders, len(sets)), parts, orders)

    def clustered_error(self, influence: Floats) -> Floats:
        """Return the standard error of an estimate for each set, over whole customers.

        Parameters
        ----------
        influence
            sets x bands x 8: what one order adds to the estimate.

        Notes
        -----
        Liang and Zeger (1986), Biometrika 73(1): influences are summed within customers before
        they are squared.
        """
        import ibis

        scale = np.maximum(np.abs(influence).max(axis=(1, 2)), np.finfo(float).tiny)
        weight = np.rint(influence / scale[:, None, None] * _PART).astype(np.int64)
        weight[:, 0] = 0
        cells = ibis.memtable(_long(weight, ("set", "band", "cell")))
        empty = ibis.memtable(_long(weight[:, :, 0], ("set", "band")))
        # A view is no part of the joins that made it, which some engines would go on with.
        parts = self.parts.view()
        own = parts.join(cells, ["set", "band", "cell"])
        taken = parts.join(empty.rename(whole_band="band"), ["set", "whole_band"])
        many = self.orders.group_by("customer_id", "band").agg(n=lambda t: t.count())
        every = many.join(empty, "band")
        rows = ibis.union(
            own.select("set", "customer_id", "weight"),
            taken.select("set", "customer_id", weight=-taken.weight),
            every.select("set", "customer_id", weight=every.weight * every.n),
        )
        each = rows.group_by("set", "customer_id").agg(weight=rows.weight.sum())
        share = each.weight.cast("float64") / _PART
        squares = (share * share * _PART).round().cast("int64")
        found = each.group_by("set").agg(squares=squares.sum()).to_pandas().set_index("set")
        total = found["squares"].astype("float64").reindex(range(len(scale)), fill_value=0.0)
        return np.sqrt(total.to_numpy() / _PART) * scale


def _parts(lines: ibis.Table, orders: ibis.Table, sets: list[tuple[str, ...]]) -> ibis.Table:
    import ibis
    import pandas as pd

    wanted = pd.DataFrame(
        [(number, item, 1 << place) for number, items in enumerate(sets)
         for place, item in enumerate(items)],
        columns=["set", "item", "bit"],
    ).astype({"set": "int32", "item": "str", "bit": "int8"})  # fmt: skip
    found = lines.select("order_id", "item").join(ibis.memtable(wanted), "item")
    masks = found.group_by("set", "order_id").agg(cell=found.bit.sum(), own=found.count())
    joined = masks.join(orders, "order_id")
    return held(
        joined.select(
            "set",
            "customer_id",
            cell=joined.cell.cast("int8"),
            band=band_of(joined.size - joined.own),
            whole_band=band_of(joined.size),
        )
    )


def _counts(parts: ibis.Table, orders: ibis.Table, sets: int) -> Floats:
    counts = np.zeros((sets, len(BANDS) + 1, CELLS))
    everyone = orders.group_by("band").agg(n=orders.count()).to_pandas()
    counts[:, everyone["band"], 0] = everyone["n"].to_numpy(float)
    seen = parts.group_by("set", "band", "cell", "whole_band").agg(n=parts.count()).to_pandas()
    number, n = seen["set"].to_numpy(), seen["n"].to_numpy(float)
    # An order with a part of the set is not among those with none, where its size would put it.
    np.subtract.at(counts, (number, seen["whole_band"].to_numpy(), 0), n)
    np.add.at(counts, (number, seen["band"].to_numpy(), seen["cell"].to_numpy()), n)
    counts[:, 0] = 0.0
    return counts


def _long(weight: npt.NDArray[np.int64], names: tuple[str, ...]) -> pd.DataFrame:
    """Return an array as rows: its places by name, and the weight."""
    import pandas as pd

    types = {"set": "int32", "band": "int8", "cell": "int8"}
    places = np.indices(weight.shape).reshape(weight.ndim, -1)
    columns = dict(zip(names, places, strict=True)) | {"weight": weight.reshape(-1)}
    return pd.DataFrame(columns).astype({n: types[n] for n in names})

"""What to do about pairs: bundle them, offer the second, shelve them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.tables.lines import is_order, raw_lines_in
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period


def bundles(lines: ibis.Table, rules: pd.DataFrame, *, discount: float = 0.10) -> pd.DataFrame:
    """Return what a bundle of each pair would carry.

    Parameters
    ----------
    lines
        `baskets.bought`: item, order_id, net_amount, margin_micros.
    rules
        Believed rules between single items: antecedents, consequents, orders.
    discount
        Share of the price that the bundle takes off.

    Returns
    -------
    pandas.DataFrame
        One row a pair, unordered: a, b, orders (with both already), price and margin (of one
        order's worth of both, currency), margin_left (after the discount), break_even (how many
        more bundles must sell, as a share of today's orders with both, for the discount to cost
        nothing; NaN where each bundle would lose money); the largest margin_left x orders first.
    """
    pairs = _pairs(rules)
    each = worth(lines, sorted({*pairs["a"], *pairs["b"]}))
    for name in ("price", "margin"):
        pairs[name] = pairs["a"].map(each[name]) + pairs["b"].map(each[name])
    cost = discount * pairs["price"]
    left = pairs["margin"] - cost
    extra = np.divide(cost, left, out=np.full(len(pairs), np.nan), where=left.to_numpy() > 0)
    pairs = pairs.assign(margin_left=left, break_even=extra)
    order = (pairs["margin_left"] * pairs["orders"]).sort_values(ascending=False, kind="stable")
    return pairs.loc[order.index].reset_index(drop=True)


def _pairs(rules: pd.DataFrame) -> pd.DataFrame:
    rows = sorted(
        {
            (*sorted((a[0], b[0])), int(n))
            for a, b, n in zip(
                rules["antecedents"], rules["consequents"], rules["orders"], strict=True
            )
            if len(a) == len(b) == 1
        }
    )
    return pd.DataFrame(rows, columns=["a", "b", "orders"]).astype({"orders": "int64"})


def worth(lines: ibis.Table, items: list[str]) -> pd.DataFrame:
    """Return price and margin (currency) of one order's worth of each item, by item."""
    wanted = ibis.memtable(pd.DataFrame({"item": pd.Series(items, dtype="str")}))
    chosen = lines.semi_join(wanted, "item")
    sums = chosen.group_by("item").agg(
        net=chosen.net_amount.sum().cast("float64"),
        margin=chosen.margin_micros.sum(),
        orders=chosen.order_id.nunique(),
    )
    table = sums.to_pandas().set_index("item")
    return pd.DataFrame(
        {
            "price": table["net"].astype("float64") / table["orders"],
            "margin": table["margin"] / MICROS / table["orders"],
        }
    )


def cross_sell(lines: ibis.Table, rules: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Return to whom of each segment the second item could be offered.

    Parameters
    ----------
    lines
        `baskets.bought`: customer_id, item.
    rules
        Believed rules between single items.
    segments
        customer_id, segment.

    Returns
    -------
    pandas.DataFrame
        One row a rule and segment: a, b, segment, buyers (of A), have_both, open (buyers of A who
        never bought B), reach (have_both / buyers); the most open customers first.
    """
    pairs = [(a[0], b[0]) for a, b in zip(rules["antecedents"], rules["consequents"], strict=True)
             if len(a) == len(b) == 1]  # fmt: skip
    wanted = ibis.memtable(pd.DataFrame(pairs, columns=["a", "b"]).astype("str"))
    known = lines.filter(lines.customer_id.notnull())
    bought = known.select("customer_id", "item").distinct()
    first = bought.join(wanted, bought.item == wanted.a).select("customer_id", "a", "b")
    second = bought.select("customer_id", b="item", has=ibis.literal(1))
    both = first.left_join(second, ["customer_id", "b"]).select("customer_id", "a", "b", "has")
    named = both.join(ibis.memtable(segments[["customer_id", "segment"]]), "customer_id")
    counts = named.group_by("a", "b", "segment").agg(
        buyers=named.count(), have_both=named.has.sum()
    )
    table = counts.to_pandas()
    table["have_both"] = table["have_both"].fillna(0).astype("int64")
    table["open"] = table["buyers"] - table["have_both"]
    table["reach"] = table["have_both"] / table["buyers"]
    ordered = table.sort_values(["open", "a", "b", "segment"], ascending=[False, True, True, True])
    return ordered.reset_index(drop=True)


def value_thirds(tables: Tables, period: Period) -> pd.DataFrame:
    """Return customer_id and segment: the third of the buyers of ``period`` by net amount."""
    lines = raw_lines_in(tables, period)
    sums = lines.filter(lines.customer_id.notnull()).group_by("customer_id").agg(
        net=lines.net_amount.sum().cast("float64"), buyer=is_order(lines)
    )  # fmt: skip
    buyers = sums.filter(sums.buyer).drop("buyer").order_by("customer_id").to_pandas()
    rank = buyers["net"].rank(method="first", pct=True)
    segment = pd.cut(rank, [0, 1 / 3, 2 / 3, 1], labels=["low value", "middle value", "high value"])
    return pd.DataFrame({"customer_id": buyers["customer_id"], "segment": segment.astype("str")})


def shelf_groups(rules: pd.DataFrame) -> pd.DataFrame:
    """Return which items to place together: each with the one it is most bought with.

    Parameters
    ----------
    rules
        Believed rules between single items: antecedents, consequents, or_least (the least that any
        control leaves of the odds), orders.

    Returns
    -------
    pandas.DataFrame
        One row an item: group (from 1, the group with most orders that hold two of its items
        first), item, beside (the item that is its strongest partner), odds (to be bought with it,
        under all controls), orders (with both).

    Notes
    -----
    Items whose strongest partners form a chain are one group: the components of the graph of
    nearest neighbours, so that no item lies apart from the one it goes with best.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    sides = {"antecedents": "item", "consequents": "beside"}
    pairs = rules.assign(**{n: rules[c].map(lambda s: s[0]) for c, n in sides.items()})
    pairs = pairs[["item", "beside", "or_least", "orders"]].rename(columns={"or_least": "odds"})
    both = pd.concat([pairs, pairs.rename(columns={"item": "beside", "beside": "item"})])
    ordered = both.sort_values(["item", "odds", "beside"], ascending=[True, False, True])
    best = ordered.drop_duplicates("item").reset_index(drop=True)
    place = pd.Series(range(len(best)), index=best["item"])
    graph = csr_array((np.ones(len(best)), (best.index, place[best["beside"]])), (len(best),) * 2)
    best["group"] = connected_components(graph, directed=False)[1]
    weight = best.groupby("group")["orders"].sum().sort_values(ascending=False, kind="stable")
    best["group"] = best["group"].map({old: new for new, old in enumerate(weight.index, start=1)})
    table = best.sort_values(["group", "odds", "item"], ascending=[True, False, True])
    return table[["group", "item", "beside", "odds", "orders"]].reset_index(drop=True)

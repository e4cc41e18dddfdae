"""Which offer suits a customer: how deep at most, and on which product.

Nobody is offered a deeper discount than the customer's own buying asks for, nobody one on what
they buy anyway at full price, and nobody a substitute of what the contact is about.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.customers.deals.deal_proneness import ORDINARY, RELATIONSHIP
from analysis.promotions.planning.targeting.eligibility import unsellable
from analysis.stats.types import Floats
from analysis.tables.lines import lines_in
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.promotions.planning.targeting.eligibility import Eligible
    from analysis.tables.engine import Tables

#: Buyers who come without a discount: giving one buys nothing.
NO_DISCOUNT = (RELATIONSHIP, ORDINARY)


@dataclass(frozen=True)
class Offers:
    """What may be offered to whom.

    Parameters
    ----------
    depths
        Discounts there are, as shares of the price; 0 is a message without a discount.
    allowed
        Customers x depths.
    customers
        One row a customer, in the order of ``Eligible.customers``: customer_id, buyer (attitude
        to price), deepest (the deepest discount allowed), product_id, product (missing where
        there is none to offer), price.
    counts
        rule, customers: whom each rule keeps from what.
    """

    depths: tuple[float, ...]
    allowed: np.ndarray
    customers: pd.DataFrame
    counts: pd.DataFrame


@without("buyers", "recommended", "substitutes")
def offers_for(
    tables: Tables,
    left: Eligible,
    *,
    depths: Sequence[float],
    window: Period,
    buyers: pd.DataFrame | None = None,
    recommended: pd.DataFrame | None = None,
    substitutes: pd.DataFrame | None = None,
) -> Offers:
    """Return the depths allowed and the product for each customer.

    Parameters
    ----------
    tables
        A study's tables.
    left
        Who is eligible.
    depths
        Discounts there are.
    window
        Days of the past that tell how a customer buys.
    buyers
        customer_id, buyer: attitude to price, as from ``customers.deal_proneness``; None: nobody
        is known, and nobody gets more than the usual discount.
    recommended
        customer_id, item, place: products recommended to each customer, best first; None takes
        the best-selling products of the category the customer buys most.
    substitutes
        a, b, substitutes: pairs that were tested and whether they stand in for each other, as
        report 05 publishes them; pairs that were not, and None: products of one category do.
    """
    people = left.customers
    deepest, kinds = _deepest(tables, people, window, buyers, max(depths, default=0.0))
    goods = _goods(tables, window, unsellable(tables, left.rules.as_of))
    pairs = _proposed(tables, people, window, goods, recommended)
    pairs, counts = _without_waste(tables, people, pairs, window, goods, substitutes)
    best = pairs.drop_duplicates("customer_id").set_index("customer_id")["product_id"]
    product = people["customer_id"].map(best)
    table = pd.DataFrame({"customer_id": people["customer_id"], "buyer": kinds})
    table = table.assign(deepest=deepest, product_id=product)
    table["product"] = product.map(goods["name"])
    table["price"] = product.map(goods["price"]).astype("float64")
    allowed = np.array(depths)[None, :] <= deepest[:, None] + 1e-9
    allowed &= (np.array(depths) == 0)[None, :] | product.notna().to_numpy()[:, None]
    counts = pd.concat([_depth_counts(table, depths), counts], ignore_index=True)
    return Offers(tuple(depths), allowed, table, counts)


def _deepest(
    tables: Tables, people: pd.DataFrame, window: Period, buyers: pd.DataFrame | None, most: float
) -> tuple[Floats, pd.Series]:
    """Return the deepest discount that each customer's buying asks for, and the kind of buyer.

    For who buys at full price, none; for others the usual depth of the discounts they took, drawn
    towards that of all customers by as many discounted lines as it takes to halve the distance.
    """
    usual = _depths_taken(tables, window)
    own = usual.set_index("customer_id").reindex(people["customer_id"])
    off, listed, n = (own[c].fillna(0.0).to_numpy() for c in ("off", "listed", "lines"))
    total = float(usual["off"].sum()) / max(float(usual["listed"].sum()), 1e-9)
    taken = np.where(listed > 0, off / np.maximum(listed, 1e-9), total)
    depth = (n * taken + _HALF * total) / (n + _HALF)
    kinds = pd.Series("Unknown", people.index, dtype="str")
    if buyers is not None:
        told = buyers.set_index("customer_id")["buyer"].astype("str")
        kinds = people["customer_id"].map(told).fillna("Unknown")
    depth = np.where(kinds.isin(NO_DISCOUNT).to_numpy(), 0.0, depth)
    return np.minimum(depth, most), kinds


_HALF = 5.0


def _depths_taken(tables: Tables, window: Period) -> pd.DataFrame:
    """Return what customers saved of what discounted lines would have cost: off, listed, lines."""
    lines = lines_in(tables, window)
    names = ["customer_id", "off", "listed", "lines"]
    if "discount_amount" not in lines.columns:
        return pd.DataFrame({n: pd.Series(dtype="float64") for n in names})
    lines = lines.filter(lines.customer_id.notnull(), lines.quantity > 0, lines.discount_amount > 0)
    off = (lines.discount_amount * 100).cast("int64")
    lines = lines.mutate(off=off, listed=(lines.net_amount * 100).cast("int64") + off)
    found = lines.group_by("customer_id").agg(
        off=lines.off.sum(), listed=lines.listed.sum(), lines=lines.count()
    )
    return found.order_by("customer_id").to_pandas().astype(dict.fromkeys(names[1:], "float64"))


def _goods(tables: Tables, window: Period, gone: pd.Series) -> pd.DataFrame:
    """Return what can be offered: category, name and price of products on sale, by sales."""
    lines = lines_in(tables, window)
    lines = lines.filter(lines.quantity > 0, lines.net_amount > 0, lines.counted)
    net = (lines.net_amount * 100).cast("int64")
    lines = lines.mutate(net=net)
    sold = lines.group_by("product_id").agg(
        net=lines.net.sum(), units=lines.quantity.sum(), category=lines.category.max()
    )
    table = sold.order_by(sold.net.desc(), "product_id").to_pandas()
    table = table[~table["product_id"].isin(gone)].set_index("product_id")
    if tables.has("products", "name"):
        names = tables.products.select("product_id", "name").to_pandas()
        table["name"] = names.drop_duplicates("product_id").set_index("product_id")["name"]
    else:
        table["name"] = table.index
    table["name"] = table["name"].fillna(pd.Series(table.index, table.index))
    return table.assign(price=table["net"] / 100 / table["units"])


def _proposed(
    tables: Tables,
    people: pd.DataFrame,
    window: Period,
    goods: pd.DataFrame,
    recommended: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return customer_id, product_id, place: what could be offered to each, best first."""
    parts = []
    about = people.get("reason_product_id", pd.Series(None, people.index, dtype="object"))
    own = people.assign(product_id=about)[["customer_id", "product_id"]].dropna()
    parts.append(own.assign(place=0))
    if recommended is not None and len(recommended):
        told = recommended[["customer_id", "item", "place"]]
        parts.append(told.rename(columns={"item": "product_id"}))
    parts.append(_favourites(tables, window, goods))
    found = pd.concat([p for p in parts if len(p)], ignore_index=True)
    found = found[found["product_id"].isin(goods.index)]
    found = found[found["customer_id"].isin(people["customer_id"])]
    order = ["customer_id", "place", "product_id"]
    return found.sort_values(order, kind="stable", ignore_index=True)


def _favourites(tables: Tables, window: Period, goods: pd.DataFrame) -> pd.DataFrame:
    """Return the best-selling products of the category that each customer buys most."""
    lines = lines_in(tables, window)
    lines = lines.filter(lines.customer_id.notnull(), lines.quantity > 0)
    counts = lines.group_by("customer_id", "category").agg(n=lines.count()).to_pandas()
    counts = counts.sort_values(["customer_id", "n", "category"], ascending=[True, False, True])
    liked = counts.drop_duplicates("customer_id")[["customer_id", "category"]]
    best = goods.reset_index()[["product_id", "category"]]
    best = best.assign(place=1_000 + best.groupby("category").cumcount())
    best = best[best["place"] < 1_000 + _TOP_OF_CATEGORY]
    return liked.merge(best, on="category")[["customer_id", "product_id", "place"]]


_TOP_OF_CATEGORY = 5


def _without_waste(
    tables: Tables,
    people: pd.DataFrame,
    pairs: pd.DataFrame,
    window: Period,
    goods: pd.DataFrame,
    substitutes: pd.DataFrame | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop what a customer buys anyway, and what would replace what the contact is about."""
    full = _bought_at_full_price(tables, window, pairs["product_id"].unique())
    keys = pd.MultiIndex.from_frame(pairs[["customer_id", "product_id"]])
    anyway = keys.isin(pd.MultiIndex.from_frame(full))
    instead = _stands_in(people, pairs, goods, substitutes)
    counts = [
        ("a product bought anyway at full price is not offered", pairs[anyway]),
        ("a substitute of what the contact is about is not offered", pairs[instead & ~anyway]),
    ]
    rows = [(rule, int(part["customer_id"].nunique())) for rule, part in counts]
    return pairs[~anyway & ~instead], pd.DataFrame(rows, columns=["rule", "customers"])


def _bought_at_full_price(
    tables: Tables, window: Period, products: Collection[str]
) -> pd.DataFrame:
    lines = lines_in(tables, window)
    lines = lines.filter(lines.customer_id.notnull(), lines.quantity > 0)
    lines = lines.filter(lines.product_id.isin([str(p) for p in products]))
    if "discount_amount" in lines.columns:
        lines = lines.filter(lines.discount_amount.isnull() | (lines.discount_amount == 0))
    return lines.select("customer_id", "product_id").distinct().to_pandas()


def _stands_in(
    people: pd.DataFrame, pairs: pd.DataFrame, goods: pd.DataFrame, substitutes: pd.DataFrame | None
) -> np.ndarray:
    """Tell which pairs would replace what the contact is about."""
    if "reason_product_id" not in people:
        return np.zeros(len(pairs), dtype=bool)
    about = people.set_index("customer_id")["reason_product_id"]
    reason = pairs["customer_id"].map(about)
    other = reason.notna() & (reason != pairs["product_id"])
    kinds = goods["category"]
    same = (reason.map(kinds) == pairs["product_id"].map(kinds)).to_numpy()
    if substitutes is not None:
        tested = zip(substitutes["a"], substitutes["b"], substitutes["substitutes"], strict=True)
        told = {frozenset((a, b)): bool(found) for a, b, found in tested}
        asked = zip(reason, pairs["product_id"], same, strict=True)
        same = np.array([told.get(frozenset((a, b)), alike) for a, b, alike in asked], dtype=bool)
    return (other & same).to_numpy()


def _depth_counts(table: pd.DataFrame, depths: Sequence[float]) -> pd.DataFrame:
    none = table["buyer"].isin(NO_DISCOUNT)
    shallow = ~none & (table["deepest"] + 1e-9 < max(depths, default=0.0))
    rows = [
        ("no discount: the customer buys at full price", int(none.sum())),
        ("no deeper discount than the customer usually takes", int(shallow.sum())),
        ("no product to offer, so no discount", int(table["product_id"].isna().sum())),
    ]
    return pd.DataFrame(rows, columns=["rule", "customers"])

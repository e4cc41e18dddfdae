"""What customers buy the next time: the same brand, or which other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.baskets.order_contents import tidy
from analysis.tables.engine import held

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: What is left of the brands is one brand.
OTHERS = "(others)"

#: A brand with a smaller share of the orders is one of the others.
_LEAST = 0.02

#: Parts of a step, whole numbers of which have the same sum in any order.
_WHOLE = 5040 * 5040


@dataclass(frozen=True)
class Switching:
    """Repeat purchases in a group of products.

    Parameters
    ----------
    matrix
        One row a pair of brands: last, next, purchases, share (of repeat purchases after
        ``last``), usual (share of ``next`` in all repeat purchases), index (share / usual).
    loyalty
        One row a brand: brand, purchases (repeat purchases after it), loyal (share that stays),
        loyal_low, loyal_high (over whole customers), usual (what its share alone would give).
    group
        The group of products.
    """

    matrix: pd.DataFrame
    loyalty: pd.DataFrame
    group: str

    def square(self) -> pd.DataFrame:
        """Return the shares, last brand by next, the largest brands first."""
        names = self.loyalty["brand"].tolist()
        return self.matrix.pivot(index="last", columns="next", values="share").reindex(
            index=names, columns=names
        )


def of_category(
    tables: Tables, lines: ibis.Table, category: str, *, by: str = "brand", seed: int = 0
) -> Switching:
    """Return switching between the brands of one category.

    Parameters
    ----------
    tables
        A study's tables; products knows ``by``.
    lines
        `baskets.bought`.
    category
        The category.
    by
        A column of products, or ``product_id``.
    seed
        Seed of the intervals.
    """
    if not category:
        raise NotApplicable("No category is named whose brands to follow (switching_category).")
    if not tables.has("products", by):
        raise NotApplicable(f"The products of this study have no {by} to tell brands by.")
    chosen = lines.filter(lines.category == category)
    if by not in chosen.columns:
        chosen = chosen.join(tables.products.select("product_id", by), "product_id")
    return switching(chosen, by=by, group=tidy(category), seed=seed)


def switching(
    lines: ibis.Table,
    *,
    by: str = "brand",
    group: str = "",
    brands: int = 6,
    seed: int = 0,
    confidence: float = 0.95,
) -> Switching:
    """Follow each customer from one purchase in a group of products to the next.

    Parameters
    ----------
    lines
        Lines of the group, known customers: customer_id, order_id, ordered_at and ``by``.
    by
        Column that tells brands: ``brand``, ``manufacturer``, ``product_id``.
    group
        What the group is called.
    brands
        The largest brands; the rest are one.
    seed, confidence
        Of the intervals, from resampling whole customers.

    Notes
    -----
    An order with several brands counts with each, every next one with a share, so that an order
    and the next make one switch together.
    """
    steps = _steps(lines, by, brands)
    if len(steps) == 0 or steps["last"].nunique() < 2:
        raise NotApplicable(f"{group or 'The group'} has no two brands that are bought again.")
    matrix = steps.groupby(["last", "next"], as_index=False)["weight"].sum()
    after = matrix.groupby("last")["weight"].transform("sum")
    usual = matrix.groupby("next")["weight"].transform("sum") / matrix["weight"].sum()
    matrix = matrix.assign(share=matrix["weight"] / after, usual=usual)
    matrix["index"] = matrix["share"] / matrix["usual"]
    matrix = matrix.rename(columns={"weight": "purchases"})
    return Switching(matrix, _loyalty(steps, seed, confidence), group)


def _steps(lines: ibis.Table, by: str, brands: int) -> pd.DataFrame:
    """Return the weight of each step from brand to brand, by customer."""
    known = lines.filter(lines.customer_id.notnull(), lines[by].notnull())
    largest = known.group_by(brand=known[by]).agg(n=known.order_id.nunique())
    sizes = largest.order_by(ibis.desc("n"), "brand").to_pandas().head(brands)
    names = sizes.loc[sizes["n"] >= _LEAST * sizes["n"].sum(), "brand"].tolist()
    known = known.mutate(brand=known[by].isin(names).ifelse(known[by], OTHERS))
    bought = known.group_by("customer_id", "order_id", "brand").agg(at=known.ordered_at.min())
    orders = bought.group_by("customer_id", "order_id").agg(at=bought["at"].min(), n=bought.count())
    place = ibis.row_number().over(group_by="customer_id", order_by=["at", "order_id"])
    orders = held(orders.mutate(place=place))
    placed = bought.drop("at").join(orders, ["customer_id", "order_id"])
    placed = placed.select("customer_id", "place", "n", "brand")
    after = placed.select("customer_id", place=placed.place - 1, next_n=placed.n, next=placed.brand)
    pairs = placed.join(after, ["customer_id", "place"])
    steps = pairs.group_by("customer_id", last=pairs.brand, next=pairs.next)
    shares = (_WHOLE / (pairs.n * pairs.next_n)).round().cast("int64")
    weights = steps.agg(weight=shares.sum().cast("float64") / _WHOLE)
    return weights.order_by("customer_id", "last", "next").to_pandas()


def _loyalty(steps: pd.DataFrame, seed: int, confidence: float) -> pd.DataFrame:
    """Return each brand's share of customers' purchases that stay, with intervals."""
    from analysis.stats.resampling import percentile_interval, resampled_totals

    names = sorted(steps["last"].unique())
    wide = steps.pivot_table(index="customer_id", columns=["last", "next"], values="weight",
                             aggfunc="sum", fill_value=0.0)  # fmt: skip
    stayed = pd.DataFrame({n: wide[n].get(n, 0.0) for n in names}, index=wide.index)
    after = pd.DataFrame({n: wide[n].sum(axis=1) for n in names}, index=wide.index)
    sums = resampled_totals(np.hstack([stayed.to_numpy(), after.to_numpy()]), seed=seed)
    top, bottom = sums[:, : len(names)], sums[:, len(names) :]
    shares = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    low, high = percentile_interval(shares, confidence=confidence)
    arrived = steps.groupby("next")["weight"].sum().reindex(names).fillna(0.0)
    table = pd.DataFrame(
        {
            "brand": names,
            "purchases": after.sum().to_numpy(),
            "loyal": (stayed.sum() / after.sum()).to_numpy(),
            "loyal_low": low,
            "loyal_high": high,
            "usual": (arrived / arrived.sum()).to_numpy(),
        }
    )
    last = table["brand"] == OTHERS
    ordered = table.assign(last=last).sort_values(["last", "purchases"], ascending=[True, False])
    return ordered.drop(columns="last").reset_index(drop=True)

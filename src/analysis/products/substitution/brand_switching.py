"""What is bought instead: another brand the next time, another product while one is on offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.association.confounding import item_offers
from analysis.products.baskets.order_contents import tidy
from analysis.products.baskets.order_index import items_of
from analysis.stats.multiplicity import q_values
from analysis.stats.types import Floats
from analysis.tables.engine import held

if TYPE_CHECKING:
    from collections.abc import Iterator

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


#: The largest brands; the rest are one.
BRANDS = 6


def switching(
    lines: ibis.Table,
    *,
    by: str = "brand",
    group: str = "",
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
    seed, confidence
        Of the intervals, from resampling whole customers.

    Notes
    -----
    An order with several brands counts with each, every next one with a share, so that an order
    and the next make one switch together.
    """
    steps = _steps(lines, by)
    if len(steps) == 0 or steps["last"].nunique() < 2:
        raise NotApplicable(f"{group or 'The group'} has no two brands that are bought again.")
    matrix = steps.groupby(["last", "next"], as_index=False)["weight"].sum()
    after = matrix.groupby("last")["weight"].transform("sum")
    usual = matrix.groupby("next")["weight"].transform("sum") / matrix["weight"].sum()
    matrix = matrix.assign(share=matrix["weight"] / after, usual=usual)
    matrix["index"] = matrix["share"] / matrix["usual"]
    matrix = matrix.rename(columns={"weight": "purchases"})
    return Switching(matrix, _loyalty(steps, seed, confidence), group)


def _steps(lines: ibis.Table, by: str) -> pd.DataFrame:
    """Return the weight of each step from brand to brand, by customer."""
    known = lines.filter(lines.customer_id.notnull(), lines[by].notnull())
    largest = known.group_by(brand=known[by]).agg(n=known.order_id.nunique())
    sizes = largest.order_by(ibis.desc("n"), "brand").to_pandas().head(BRANDS)
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


#: Weeks that are compared with each other, within a store.
_SEASON = 13


def at_risk(
    tables: Tables,
    lines: ibis.Table,
    pairs: pd.DataFrame,
    *,
    confidence: float = 0.95,
    draws: int = 300,
    seed: int = 0,
    least: int = 3,
) -> pd.DataFrame:
    """Return what offers of one product took from another that is bought instead.

    Parameters
    ----------
    tables
        A study's tables; placements are used if there are any.
    lines
        `baskets.bought`: order_id, item, ordered_at, and store_id, discount_amount if known.
    pairs
        Substitutes: a, b. Each is looked at in both directions.
    confidence, draws, seed
        Of the intervals, from resampling weeks.
    least
        Fewest weeks with an offer of the one and not of the other, and without either.

    Returns
    -------
    pandas.DataFrame
        One row a direction: offered, other, weeks (with the offer), gained (orders with the offered
        product beyond what the same store and quarter has without the offer), lost (orders with
        the other fewer than that), lost_low, lost_high, taken (lost / gained: of every order
        gained, how many the other loses; NaN where nothing was gained), p, q over all rows; the
        most lost first.

    Raises
    ------
    NotApplicable
        If offers are not known, or no product was offered often enough.

    Notes
    -----
    Weeks in which the other was on offer, too, are left out, and so are weeks in which a third
    product that may stand in for the other was on offer: one lost order is charged once. A store's
    quarter without both weeks with and weeks without the offer tells nothing and is left out.
    The weeks on offer were not randomised: a week chosen for another reason may share it.
    """
    rules = _directions(pairs)
    offers = item_offers(tables, lines, rules)
    if offers is None:
        raise NotApplicable("This study knows neither discounts nor placements: no offer is known.")
    rows = []
    for number, part in enumerate(_counts(lines, offers, rules)):
        found = _effect(part, confidence, draws, seed, least)
        if found is not None:
            (offered,), (other,) = rules.loc[number, ["antecedents", "consequents"]]
            rows.append({"offered": offered, "other": other, **found})
    if not rows:
        raise NotApplicable("No substitute was on offer often enough to measure cannibalisation.")
    table = pd.DataFrame(rows)
    table["q"] = q_values(table["p"].to_numpy())
    ordered = table.sort_values(["lost", "offered", "other"], ascending=[False, True, True])
    return ordered.reset_index(drop=True)


def _directions(pairs: pd.DataFrame) -> pd.DataFrame:
    both = [
        (a, b) for x, y in zip(pairs["a"], pairs["b"], strict=True) for a, b in ((x, y), (y, x))
    ]
    sides = {"antecedents": [(a,) for a, _ in both], "consequents": [(b,) for _, b in both]}
    return pd.DataFrame(sides)


def _counts(lines: ibis.Table, offers: ibis.Table, rules: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield, by rule, the weeks of each store: orders, those with each side, if one is offered."""
    places = ["store_id", "week"] if "store_id" in lines.columns else ["week"]
    lines = lines.mutate(week=lines.ordered_at.truncate("W"))
    orders = lines.group_by(*places).agg(orders=lines.order_id.nunique())
    orders = orders.order_by(places).to_pandas()
    bought = lines.filter(lines.item.isin(items_of(rules)))
    sold = bought.group_by(*places, "item").agg(n=bought.order_id.nunique())
    # Stores and weeks by items: all of it is little beside the rows of every rule.
    sold, offered = (
        rows.to_pandas().dropna().merge(orders[places].reset_index(), on=places)
        .pivot(index="index", columns="item", values="n")
        .reindex(index=orders.index, columns=items_of(rules)).fillna(0).astype("int64")
        for rows in (sold, offers.mutate(n=1))
    )  # fmt: skip
    sides = [(a, b) for (a,), (b,) in zip(rules["antecedents"], rules["consequents"], strict=True)]
    for a, b in sides:
        # All offers of what the other may be replaced by, in the same store and week.
        beside = offered[[one for one, other in sides if other == b and one != a]].sum(axis=1)
        kept = (offered[b] == 0) & (beside == 0)
        part = orders.assign(n_a=sold[a], n_b=sold[b], offer_a=offered[a])
        yield part[kept]


def _effect(
    part: pd.DataFrame, confidence: float, draws: int, seed: int, least: int
) -> dict[str, float] | None:
    weeks, week = np.unique(part["week"].to_numpy(), return_inverse=True)
    n, offered = len(weeks), part["offer_a"].to_numpy() > 0
    if min(len(np.unique(week[offered])), len(np.unique(week[~offered]))) < least:
        return None
    store = pd.factorize(part["store_id"], use_na_sentinel=False)[0] if "store_id" in part else 0
    stratum = store * n + week // _SEASON
    # A store's quarter that is not seen both ways tells nothing in any draw.
    told = np.isin(stratum, stratum[offered]) & np.isin(stratum, stratum[~offered])
    place, strata = pd.factorize(stratum[told])
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), draws)
    times, sums = np.vstack([np.ones(n), drawn]), {}
    for name in ("orders", "n_a", "n_b"):
        total = np.zeros((2, n, len(strata)))
        cells = (offered[told].astype(int), week[told], place)
        np.add.at(total, cells, part[name].to_numpy(float)[told])
        sums[name] = times @ total
    gained, lost = _beyond(sums, "n_a"), -_beyond(sums, "n_b")
    tail = (1 - confidence) / 2
    low, high = np.quantile(lost[1:], [tail, 1 - tail])
    # Twice the share of resamples on the other side of nothing, never below what they can tell.
    p = 2 * min((lost[1:] <= 0).mean(), (lost[1:] >= 0).mean())
    return {
        "weeks": len(np.unique(week[offered])), "gained": gained[0], "lost": lost[0],
        "lost_low": low, "lost_high": high,
        "taken": lost[0] / gained[0] if gained[0] > 0 else np.nan,
        "p": float(np.clip(p, 2 / (draws + 1), 1)),
    }  # fmt: skip


def _beyond(sums: dict[str, Floats], name: str) -> Floats:
    """Return orders with the product in offered weeks beyond the rate of the others, by draw."""
    (without, with_), (n0, n1) = sums[name], sums["orders"]
    rate = np.divide(without, n0, out=np.zeros_like(n0), where=n0 > 0)
    told = (n0 > 0) & (n1 > 0)
    beyond, seen = (np.where(told, v, 0.0).sum(axis=1) for v in (with_ - n1 * rate, n1))
    # Of as many orders under the offer as there were: how many weeks had it is no accident.
    return beyond * np.divide(seen[0], seen, out=np.zeros_like(seen), where=seen > 0)

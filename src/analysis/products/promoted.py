"""Pairs that only a joint promotion made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.products.cells import band_of, by_stratum
from analysis.products.held import held

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.tables.engine import Tables

#: A product is on offer in a week if so large a share of its lines is discounted.
_MOSTLY = 0.5
#: Fewer lines a week than this say nothing about an offer.
_FEWEST_LINES = 3


def cells(
    tables: Tables,
    lines: ibis.Table,
    sides: ibis.Table,
    orders: ibis.Table,
    rules: pd.DataFrame,
) -> ibis.Table | None:
    """Return the four cells of each rule where both, one or neither side was on offer.

    Parameters
    ----------
    tables
        A study's tables, for placements.
    lines
        `baskets.bought`: the lines with item, time and, if known, discount_amount and store_id.
    sides, orders
        From `cells.side_orders` and `cells.sizes`.
    rules
        antecedents, consequents.

    Returns
    -------
    ibis.Table or None
        As `cells.by_stratum`, the strata being ``offer_a``, ``offer_b`` and the size; None if
        the study knows neither discounts nor placements.
    """
    offers = item_offers(tables, lines, rules)
    if offers is None:
        return None
    places = ["week", "store_id"] if "store_id" in orders.columns else ["week"]
    counted = held(by_stratum(sides, orders, rules, places))
    counted = counted.union(_elsewhere(counted, orders, rules, places))
    for name, column in (("offer_a", "antecedents"), ("offer_b", "consequents")):
        side = _side_offers(offers, rules, column, places)
        joined = counted.left_join(side, ["rule", *places])
        counted = joined.select(
            *counted.columns, **{name: joined.offered.fill_null(0).cast("int64")}
        )
    kept = ["both", "a_only", "b_only", "neither"]
    summed = counted.group_by("rule", "offer_a", "offer_b", "band").agg(
        **{name: counted[name].sum() for name in kept}
    )
    return held(summed)


def _elsewhere(
    counted: ibis.Table, orders: ibis.Table, rules: pd.DataFrame, places: list[str]
) -> ibis.Table:
    """Return the orders of weeks and stores in which nobody bought either side of a rule."""
    import ibis
    import pandas as pd

    numbers = ibis.memtable(pd.DataFrame({"rule": range(len(rules))}))
    known = orders.filter([orders[name].notnull() for name in places])
    known = known.mutate(band=band_of(known.size))
    everyone = known.filter(known.band > 0).group_by(*places, "band").agg(n=lambda t: t.count())
    rest = everyone.cross_join(numbers).anti_join(counted, ["rule", *places, "band"])
    types = counted.schema()
    none = {name: ibis.literal(0).cast(types[name]) for name in ("both", "a_only", "b_only")}
    return rest.select(
        rest.rule.cast(types["rule"]).name("rule"), *places, "band",
        **none, neither=rest.n.cast(types["neither"]),
    ).select(*counted.columns)  # fmt: skip


def item_offers(tables: Tables, lines: ibis.Table, rules: pd.DataFrame) -> ibis.Table | None:
    """Return when, and where, the items of the rules were on offer.

    Returns
    -------
    ibis.Table or None
        item, week, and store_id where stores are known, one row an offer: the product was
        displayed or mailed in that store and week, or most of its lines of that week were
        discounted, in whichever store.
    """
    import ibis
    import pandas as pd

    items = sorted({item for n in ("antecedents", "consequents") for s in rules[n] for item in s})
    wanted = ibis.memtable(pd.DataFrame({"item": pd.Series(items, dtype="str")}))
    stores = "store_id" in lines.columns
    parts = []
    if "discount_amount" in lines.columns:
        parts.append(_discounted(lines.semi_join(wanted, "item"), stores))
    if stores and tables.has("placements", "store_id"):
        parts.append(_placed(tables, wanted))
    return (
        held(ibis.union(*parts, distinct=True) if len(parts) > 1 else parts[0]) if parts else None
    )


def _discounted(lines: ibis.Table, stores: bool) -> ibis.Table:
    lines = lines.mutate(week=lines.ordered_at.truncate("W"))
    reduced = (lines.discount_amount > 0).fill_null(False).cast("float64")
    weeks = lines.group_by("item", "week").agg(share=reduced.mean(), n=lines.count())
    weeks = weeks.filter(weeks.share >= _MOSTLY, weeks.n >= _FEWEST_LINES).select("item", "week")
    if not stores:
        return weeks
    return weeks.join(lines.select("store_id", "week").distinct(), "week").select(
        "item", "week", "store_id"
    )


def _placed(tables: Tables, wanted: ibis.Table) -> ibis.Table:
    """Return the placements of products that are themselves the items."""
    placed = tables.placements
    shown = placed.display.notnull() | placed.mailer.notnull()
    placed = placed.filter(shown).mutate(item=placed.product_id)
    placed = placed.semi_join(wanted, "item")
    week = placed.week_start.cast("timestamp(6)").truncate("W")
    # An offer that began on another weekday counts for the week in which it began.
    return (
        placed.select("item", "store_id", week=week).distinct().select("item", "week", "store_id")
    )


def _side_offers(
    offers: ibis.Table, rules: pd.DataFrame, column: str, places: list[str]
) -> ibis.Table:
    """Return the rules, weeks and stores where an item of the side is on offer."""
    import ibis
    import pandas as pd

    rows = [(number, item) for number, items in enumerate(rules[column]) for item in items]
    sides = pd.DataFrame(rows, columns=["rule", "item"]).astype({"item": "str"})
    joined = offers.join(ibis.memtable(sides), "item")
    found = joined.select("rule", *places).distinct()
    return found.mutate(offered=ibis.literal(1))

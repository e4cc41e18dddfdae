"""Pairs that only a joint promotion made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.products.cells import CELLS, band_of, items_of, known_in, own_cells, with_neither
from analysis.products.held import held

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.tables.engine import Tables

#: A product is on offer in a week if so large a share of its lines is discounted.
_MOSTLY = 0.5
#: Whether the sides of a rule are on offer.
_SIDES = ("offer_a", "offer_b")
#: Fewer lines a week than this say nothing about an offer.
_FEWEST_LINES = 3


def cells(
    tables: Tables,
    lines: ibis.Table,
    found: ibis.Table,
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
    found, orders
        From `cells.hits` and `cells.sizes`.
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
    combined = _combined(offers, rules, places)
    own = own_cells(known_in(found, places), places).left_join(combined, ["rule", *places])
    own = own.mutate(**{name: own[name].fill_null(0) for name in _SIDES})
    summed = own.group_by("rule", *_SIDES, "band").agg(**{name: own[name].sum() for name in CELLS})
    everyone = _everyone(known_in(orders, places), combined, rules, places)
    return with_neither(summed, everyone, _SIDES)


def _combined(offers: ibis.Table, rules: pd.DataFrame, places: list[str]) -> ibis.Table:
    """Return the rules, weeks and stores with an offer: offer_a, offer_b (0 or 1)."""
    import ibis
    import pandas as pd

    rows = [
        (number, item, int(side == 0), int(side == 1))
        for side, column in enumerate(("antecedents", "consequents"))
        for number, items in enumerate(rules[column])
        for item in items
    ]
    sides = pd.DataFrame(rows, columns=["rule", "item", *_SIDES])
    types = {"rule": "int32", "item": "str", "offer_a": "int8", "offer_b": "int8"}
    joined = offers.join(ibis.memtable(sides.astype(types)), "item")
    return held(
        joined.group_by("rule", *places).agg(**{name: joined[name].max() for name in _SIDES})
    )


def _everyone(
    orders: ibis.Table, combined: ibis.Table, rules: pd.DataFrame, places: list[str]
) -> ibis.Table:
    """Return rule, offer_a, offer_b, band and all_: orders, whatever they hold."""
    import ibis
    import pandas as pd

    counted = held(orders.group_by(*places, band=band_of(orders.size)).agg(n=orders.count()))
    joined = combined.join(counted, places)
    offered = joined.group_by("rule", *_SIDES, "band").agg(all_=joined.n.sum())
    numbers = ibis.memtable(pd.DataFrame({"rule": range(len(rules))}, dtype="int32"))
    total = counted.group_by("band").agg(all_=counted.n.sum()).cross_join(numbers)
    # Where neither side was on offer is where none of the rule's offers was.
    without = total.mutate(**{name: ibis.literal(0, "int8") for name in _SIDES})
    taken = offered.mutate(all_=-offered.all_, **{n: ibis.literal(0, "int8") for n in _SIDES})
    columns = ["rule", *_SIDES, "band", "all_"]
    parts = ibis.union(*(part.select(*columns) for part in (without, taken, offered)))
    return parts.group_by("rule", *_SIDES, "band").agg(all_=parts["all_"].sum())


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

    wanted = items_of(rules)
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

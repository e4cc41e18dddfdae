"""Pairs that only a joint promotion made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.products.held import held
from analysis.products.numbered import items_of
from analysis.products.stratified import Control

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.products.numbered import Ints, Numbered
    from analysis.tables.engine import Tables

#: A product is on offer in a week if so large a share of its lines is discounted.
_MOSTLY = 0.5
#: Fewer lines a week than this say nothing about an offer.
_FEWEST_LINES = 3


def control(
    tables: Tables, lines: ibis.Table, facts: ibis.Table, orders: Numbered, rules: pd.DataFrame
) -> Control | None:
    """Return the control by which sides of a rule were on offer, and by size.

    Parameters
    ----------
    tables
        A study's tables, for placements.
    lines
        `baskets.bought`: the lines with item, time and, if known, discount_amount and store_id.
    facts
        From `numbered.order_facts`.
    orders
        The same orders as numbers.
    rules
        antecedents, consequents.

    Returns
    -------
    Control or None
        Both, one or neither side on offer in the order's store and week; None if the study knows
        neither discounts nor placements.
    """
    offers = item_offers(tables, lines, rules)
    if offers is None:
        return None
    found = _combined(offers, facts, rules).to_pyarrow()
    rule, place, sides = (found[name].to_numpy() for name in ("rule", "place", "sides"))
    order = np.argsort(rule, kind="stable")
    ends = np.searchsorted(rule[order], np.arange(len(rules) + 1))

    def group(number: int) -> Ints:
        rows = order[ends[number] : ends[number + 1]]
        # An order whose store is unknown has place -1, the last of all.
        offered = np.zeros(orders.groups("place") + 1, np.int32)
        offered[-1] = -1
        offered[place[rows]] = sides[rows]
        return offered[orders.facts["place"]]

    return Control(group, 4)


def _combined(offers: ibis.Table, facts: ibis.Table, rules: pd.DataFrame) -> ibis.Table:
    """Return the rules' places with an offer: rule, place, sides (1 the first, 2 the second)."""
    import ibis
    import pandas as pd

    rows = [
        (number, item, side + 1)
        for side, column in enumerate(("antecedents", "consequents"))
        for number, items in enumerate(rules[column])
        for item in items
    ]
    sides = pd.DataFrame(rows, columns=["rule", "item", "side"])
    wanted = ibis.memtable(sides.astype({"rule": "int32", "item": "str", "side": "int32"}))
    keys = [name for name in ("week_start", "store_id") if name in facts.columns]
    places = facts.filter(facts.place >= 0).select("place", *keys).distinct()
    joined = offers.rename(week_start="week").join(wanted, "item").join(places, keys)
    once = joined.select("rule", "place", "side").distinct()
    return once.group_by("rule", "place").agg(sides=once.side.sum().cast("int32"))


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

    items = pd.DataFrame({"item": pd.Series(items_of(rules), dtype="str")})
    wanted = ibis.memtable(items)
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

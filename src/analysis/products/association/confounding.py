"""Which rules to believe: those that hold later, and that neither orders nor promotions made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.products.association.association_rules import clustered_lift
from analysis.products.association.mantel_haenszel import Control, exact_p, mantel_haenszel
from analysis.products.baskets.order_index import items_of
from analysis.stats.multiplicity import q_values
from analysis.stats.sizes import FEWEST_LINES_A_WEEK
from analysis.tables.engine import held

if TYPE_CHECKING:
    from analysis.products.baskets.order_contents import Baskets
    from analysis.products.baskets.order_index import Ints, Numbered
    from analysis.tables.engine import Tables

#: What orders may have in common that makes a pair, beside their size: a fact of the orders.
CONTROLS = {"size": None, "size_store": "store", "size_week": "week", "customer": "customer"}

#: Share of the orders of which a fact must be known for it to be a control: within the few others
#: nothing would be left of any pair.
MOSTLY = 0.5


@dataclass(frozen=True)
class Doubts:
    """How to judge.

    Parameters
    ----------
    fdr
        False discovery rate over the rules that are checked in the second period.
    least_odds
        The smallest odds ratio, under the control that leaves least, that is worth acting on. With
        enough orders everything is significant.
    """

    fdr: float = 0.05
    confidence: float = 0.95
    least_odds: float = 2.0


def check(
    tables: Tables,
    rules: pd.DataFrame,
    *,
    first: Baskets,
    second: Baskets,
    whole: Baskets,
    facts: ibis.Table,
    doubts: Doubts = Doubts(),
) -> pd.DataFrame:
    """Look at the rules again, in the second period and within what their orders share.

    Parameters
    ----------
    tables
        A study's tables; placements are used if there are any.
    rules
        Rules found in the first period: antecedents, consequents.
    first, second, whole
        Baskets of the two periods, and of both; the latter's lines know of discounts.
    facts
        `numbered.order_facts` of the lines: customer, store and time of each order.
    doubts
        How to judge.

    Returns
    -------
    pandas.DataFrame
        The rules with, for each period, first_ and second_ before both, a, b (orders), customers
        (who had both in one order), lift, low and high (whole customers) and p
        (`alike.exact_p`); second_q over the rules given; or_raw and for each of `CONTROLS`
        or_<control>, over both periods; or_least (of the control that leaves least); or_promotion
        (among weeks in which both, one or neither side was on offer; NaN where offers are not
        known), each with _low and _high, over whole customers, too; holds (second_q at most the
        rate asked for, second_low above 1), promotion_made, explained_by (the first control
        within which nothing is left, else empty), verdict (``holds``, ``fades``, ``weak``: less
        than the least odds is left, ``promotion`` or ``explained``).
    """
    rules = rules.reset_index(drop=True)
    found = rules.join(_period(first, rules, facts, doubts).add_prefix("first_"))
    found = found.join(_period(second, rules, facts, doubts).add_prefix("second_"))
    found["second_q"] = q_values(found["second_p"])
    found["holds"] = (found["second_q"] <= doubts.fdr) & (found["second_low"] > 1)
    orders, lines = whole.numbered(facts, items_of(rules)), whole.rows
    return _verdicts(found.join(_controlled(tables, rules, lines, facts, orders, doubts)), doubts)


def _period(
    baskets: Baskets, rules: pd.DataFrame, facts: ibis.Table, doubts: Doubts
) -> pd.DataFrame:
    orders = baskets.numbered(facts, items_of(rules))
    found = clustered_lift(orders, rules, confidence=doubts.confidence)
    return found.assign(p=exact_p(orders, rules, more=True))


def _controlled(
    tables: Tables, rules: pd.DataFrame, lines: ibis.Table, facts: ibis.Table,
    orders: Numbered, doubts: Doubts,
) -> pd.DataFrame:  # fmt: skip
    """Return the odds ratios, as they are, under each control, and by offer."""
    controls: dict[str, Control | None] = {"raw": Control.of(orders, None, by_size=False)}
    for name, fact in CONTROLS.items():
        if fact is None or orders.known(fact) >= MOSTLY:
            controls[name] = Control.of(orders, fact)
    controls["promotion"] = control(tables, lines, facts, orders, rules)
    known = {name: control for name, control in controls.items() if control is not None}
    table = mantel_haenszel(orders, rules, *known.values(), confidence=doubts.confidence)
    found = np.split(table[["odds_ratio", "low", "high"]].to_numpy(float), len(known))
    odds = dict(zip(known, found, strict=True))
    columns = {name: [f"or_{name}", f"or_{name}_low", f"or_{name}_high"] for name in controls}
    each = [pd.DataFrame(odds.get(n, np.nan), rules.index, own) for n, own in columns.items()]
    return pd.concat(each, axis=1)


def _least(found: pd.DataFrame) -> pd.DataFrame:
    """Add the smallest odds ratio that any control leaves, with its interval."""
    names = [n for n in CONTROLS if f"or_{n}" in found]
    lows = found[[f"or_{n}_low" for n in names]].fillna(0.0).to_numpy()
    least, rows = lows.argmin(axis=1), np.arange(len(found))
    ends = {
        f"or_least{end}": found[[f"or_{n}{end}" for n in names]].to_numpy()[rows, least]
        for end in ("", "_low", "_high")
    }
    return found.assign(**ends)


def _verdicts(found: pd.DataFrame, doubts: Doubts) -> pd.DataFrame:
    explained = np.full(len(found), "", dtype=object)
    for name in reversed([n for n in CONTROLS if f"or_{n}_low" in found]):
        nothing_left = (found[f"or_{name}_low"] <= 1) | found[f"or_{name}_low"].isna()
        explained = np.where(nothing_left, name, explained)
    found = _least(found)
    promotion = (found["or_promotion_low"] <= 1).to_numpy()
    verdict = np.select(
        [
            promotion,
            explained != "",
            (found["or_least"] < doubts.least_odds).to_numpy(),
            ~found["holds"].to_numpy(),
        ],
        ["promotion", "explained", "weak", "fades"],
        default="holds",
    )
    return found.assign(
        promotion_made=promotion,
        explained_by=explained.astype(object),
        verdict=verdict.astype(object),
    )


#: A product is on offer in a week if so large a share of its lines is discounted.
_MOSTLY = 0.5


def control(
    tables: Tables, lines: ibis.Table, facts: ibis.Table, orders: Numbered, rules: pd.DataFrame
) -> Control | None:
    """Return the control by which sides of a rule were on offer, and by size.

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
    places = orders.groups("place")

    def group(own: Numbered, number: int) -> Ints:
        rows = order[ends[number] : ends[number + 1]]
        # An order whose store is unknown has place -1, the last of all.
        offered = np.zeros(places + 1, np.int32)
        offered[-1] = -1
        offered[place[rows]] = sides[rows]
        return offered[own.facts["place"]]

    return Control(group, 4)


def _combined(offers: ibis.Table, facts: ibis.Table, rules: pd.DataFrame) -> ibis.Table:
    """Return the rules' places with an offer: rule, place, sides (1 the first, 2 the second)."""
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
    items = items_of(rules)
    wanted = ibis.memtable(pd.DataFrame({"item": pd.Series(items, dtype="str")}))
    stores = "store_id" in lines.columns
    parts = []
    if "discount_amount" in lines.columns:
        parts.append(_discounted(lines.semi_join(wanted, "item"), stores))
    if stores and tables.has("placements", "store_id"):
        parts.append(_placed(tables, items))
    return (
        held(ibis.union(*parts, distinct=True) if len(parts) > 1 else parts[0]) if parts else None
    )


def _discounted(lines: ibis.Table, stores: bool) -> ibis.Table:
    lines = lines.mutate(week=lines.ordered_at.truncate("W"))
    reduced = (lines.discount_amount > 0).fill_null(False).cast("float64")
    weeks = lines.group_by("item", "week").agg(share=reduced.mean(), n=lines.count())
    weeks = weeks.filter(weeks.share >= _MOSTLY, weeks.n >= FEWEST_LINES_A_WEEK).select(
        "item", "week"
    )
    if not stores:
        return weeks
    return weeks.join(lines.select("store_id", "week").distinct(), "week").select(
        "item", "week", "store_id"
    )


def _placed(tables: Tables, items: list[str]) -> ibis.Table:
    """Return the placements of products that are themselves the items."""
    placed = tables.placements
    shown = placed.display.notnull() | placed.mailer.notnull()
    # The names themselves, by which files tell what they do not hold.
    placed = placed.filter(shown, placed.product_id.isin(items)).mutate(item=placed.product_id)
    week = placed.week_start.cast("timestamp(6)").truncate("W")
    # An offer that began on another weekday counts for the week in which it began.
    return placed.select("item", week=week, store_id=placed.store_id).distinct()

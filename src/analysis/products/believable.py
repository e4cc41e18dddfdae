"""Which rules to believe: those that hold in another period and are not made by something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.discoveries import q_values
from analysis.products import promoted
from analysis.products.cells import by_stratum, hits, items_of, side_orders, sizes
from analysis.products.chance import fisher_more
from analysis.products.held import held
from analysis.products.stratified import clustered_lift, mantel_haenszel

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.products.baskets import Baskets
    from analysis.tables.engine import Tables

#: What orders may have in common that makes a pair: the strata by name.
CONTROLS = {
    "size": (),
    "size_store": ("store_id",),
    "size_week": ("week",),
    "customer": ("customer_id",),
}


@dataclass(frozen=True)
class Doubts:
    """How to judge.

    Parameters
    ----------
    fdr
        False discovery rate over the rules that are checked in the second period.
    confidence
        Coverage of the intervals.
    """

    fdr: float = 0.05
    confidence: float = 0.95


def check(
    tables: Tables,
    rules: pd.DataFrame,
    *,
    first: Baskets,
    second: Baskets,
    lines: ibis.Table,
    doubts: Doubts = Doubts(),
) -> pd.DataFrame:
    """Look at the rules again, in the second period and within what their orders share.

    Parameters
    ----------
    tables
        A study's tables; placements are used if there are any.
    rules
        Rules found in the first period: antecedents, consequents.
    first, second
        Baskets of the two periods.
    lines
        `baskets.bought` over both periods, for customer, store, time and discounts.
    doubts
        How to judge.

    Returns
    -------
    pandas.DataFrame
        The rules with, for each period, first_ and second_ before both, a, b (orders), customers
        (who had both in one order), lift, low and high (whole customers); second_p and second_q
        over the rules given; or_raw and for each of `CONTROLS` or_<control>, over both periods;
        or_least (of the control that leaves least); or_promotion (among weeks in which both, one
        or neither side was on offer; NaN where offers are not known), each with _low and _high;
        holds (second_q at most the rate asked for), promotion_made, explained_by (the first
        control within which nothing is left, else empty), verdict (``holds``, ``fades``,
        ``promotion`` or ``explained``).
    """
    rules = rules.reset_index(drop=True)
    wanted = ["order_id", "item", "customer_id", "ordered_at", "store_id", "discount_amount"]
    lines = lines.select([name for name in wanted if name in lines.columns])
    facts = order_facts(lines)
    found = rules.join(_period(first, rules, facts, doubts).add_prefix("first_"))
    found = found.join(_period(second, rules, facts, doubts).add_prefix("second_"))
    p = fisher_more(found["second_both"], found["second_a"], found["second_b"], second.orders)
    found["second_p"], found["second_q"] = p, q_values(p)
    found["holds"] = (found["second_q"] <= doubts.fdr) & (found["second_low"] > 1)
    return _verdicts(found.join(_controlled(tables, rules, lines, facts, doubts)))


def _controlled(
    tables: Tables, rules: pd.DataFrame, lines: ibis.Table, facts: ibis.Table, doubts: Doubts
) -> pd.DataFrame:
    """Return the odds ratios, as they are, under each control, and by offer."""
    import pandas as pd

    everything = lines.select("order_id", "item").distinct()
    found, orders = _seen(everything, rules, facts)
    odds = []
    for name, strata in {"raw": None, **CONTROLS}.items():
        if set(strata or ()) <= set(orders.columns):
            cells = by_stratum(found, orders, strata or (), by_size=strata is not None)
            odds.append(_odds(cells, len(rules), name, doubts))
    offered = promoted.cells(tables, lines, found, orders, rules)
    return pd.concat([*odds, _odds(offered, len(rules), "promotion", doubts)], axis=1)


def _seen(
    lines: ibis.Table, rules: pd.DataFrame, facts: ibis.Table
) -> tuple[ibis.Table, ibis.Table]:
    """Return `cells.hits` and `cells.sizes`, orders by number."""
    orders = sizes(lines, facts)
    items = items_of(rules)
    few = lines.semi_join(items, "item").join(facts.select("order_id", "number"), "order_id")
    few = held(few.select("item", order_id=few.number))
    orders = held(orders.drop("order_id").rename(order_id="number"))
    return hits(side_orders(few, rules), orders, rules), orders


def order_facts(lines: ibis.Table) -> ibis.Table:
    """Return one row an order: order_id, number, customer_id, week, and store_id if known."""
    import ibis

    facts = {"customer_id": lines.customer_id.max(), "week": lines.ordered_at.min().truncate("W")}
    if "store_id" in lines.columns:
        facts["store_id"] = lines.store_id.max()
    orders = lines.group_by("order_id").agg(**facts)
    number = ibis.row_number().over(order_by="order_id")
    return held(orders.mutate(number=number.cast("int32")))


def _period(
    baskets: Baskets, rules: pd.DataFrame, facts: ibis.Table, doubts: Doubts
) -> pd.DataFrame:
    # A guest's order is a customer of its own.
    facts = facts.mutate(customer_id=facts.customer_id.coalesce(facts.order_id.cast("string")))
    found, orders = _seen(baskets.lines, rules, facts)
    cells = by_stratum(found, orders, ("customer_id",), by_size=False)
    kept = clustered_lift(
        cells, orders=baskets.orders, rules=len(rules), confidence=doubts.confidence
    )
    return kept.drop(columns="rule")


def _odds(cells: ibis.Table | None, rules: int, name: str, doubts: Doubts) -> pd.DataFrame:
    import pandas as pd

    columns = [f"or_{name}", f"or_{name}_low", f"or_{name}_high"]
    if cells is None:
        return pd.DataFrame(np.nan, index=range(rules), columns=columns)
    table = mantel_haenszel(cells, rules=rules, confidence=doubts.confidence)
    return table[["odds_ratio", "low", "high"]].set_axis(columns, axis=1)


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


def _verdicts(found: pd.DataFrame) -> pd.DataFrame:
    explained = np.full(len(found), "", dtype=object)
    for name in reversed([n for n in CONTROLS if f"or_{n}_low" in found]):
        nothing_left = (found[f"or_{name}_low"] <= 1) | found[f"or_{name}_low"].isna()
        explained = np.where(nothing_left, name, explained)
    found = _least(found)
    promotion = (found["or_promotion_low"] <= 1).to_numpy()
    verdict = np.select(
        [promotion, explained != "", ~found["holds"].to_numpy()],
        ["promotion", "explained", "fades"],
        default="holds",
    )
    return found.assign(
        promotion_made=promotion,
        explained_by=explained.astype(object),
        verdict=verdict.astype(object),
    )

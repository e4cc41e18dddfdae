"""Each promotion against the goal it was run for, and how many reached each step of the way."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.errors import NotApplicable
from analysis.promotions.outcomes.outcomes import CONTROL
from analysis.promotions.returns import roi
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.proportions import wilson_interval

if TYPE_CHECKING:
    from analysis.promotions.experiments.experiments import Trials
    from analysis.promotions.returns.incremental_return import Returns
    from analysis.promotions.returns.roi import Return
    from analysis.tables.engine import Tables

#: Goal to the measure it is judged by, and how that is called.
GOALS = {
    "sales": ("net", "net sales"),
    "traffic": ("orders", "orders"),
    "launch": ("offered_orders", "orders of the offer"),
    "clearance": ("offered_units", "units of the offer"),
    "exposure": ("opened", "share who opened"),
}
OPENED = "opened"

#: Goals that a promotion has not reached by moving purchases from other weeks or products.
_MUST_GROW = ("sales", "traffic")


@without("trials")
def against_goals(
    tables: Tables, returns: Returns, *, trials: Trials | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Return what each promotion did for its own goal.

    Parameters
    ----------
    tables
        A study's tables; contacts with opened_at where exposure is a goal.
    returns
        Effects by promotion and arm.
    trials
        Verdicts of the randomised ones, which say what only moved.
    confidence
        Coverage of intervals.

    Returns
    -------
    pandas.DataFrame
        promotion_id, arm, label, goal, measure (in words), anyway, change, low, high, reached:
        ``yes`` (the interval lies above zero), ``yes, at a loss`` (and the net return surely below
        it), ``only moved`` (above zero in the promotion's days, but taken from other products or
        from the weeks after), ``no`` (below), ``not shown``, or ``unknown`` (no goal is stated, or
        its measure is not in the data). Exposure is a share of the
        customers contacted (Wilson's interval), with nothing anyway: a reach, not an effect.
    """
    reach, opened = normal_quantile(confidence), _opened(tables)
    rows = []
    said = {} if trials is None else trials.verdicts.set_index("promotion_id")["verdict"].to_dict()
    sent = returns.table[returns.table["customers"].notna()]
    for row in sent.to_dict("records"):
        key, goal = (str(row["promotion_id"]), str(row["arm"])), str(row["goal"])
        measure, words = GOALS.get(goal, ("", "no goal is stated"))
        if measure == OPENED:
            numbers = _reached(opened, key, int(row["customers"]), confidence)
        elif key in returns.effects:
            numbers = _changed(returns, key, measure, reach)
        else:
            continue
        reached = _verdict(*numbers[2:])
        if reached == "yes" and row["randomised"]:
            reached = _at_what_price(goal, returns.returns.get(key), said.get(key[0], ""))
        rows.append((*key, row["label"], goal, words, *numbers, reached))
    columns = ["promotion_id", "arm", "label", "goal", "measure", "anyway", "change"]
    return pd.DataFrame(rows, columns=[*columns, "low", "high", "reached"])


def _changed(
    returns: Returns, key: tuple[str, str], measure: str, reach: float
) -> tuple[float, float, float, float]:
    effects = returns.effects[key]
    if measure not in effects.names:
        return np.nan, np.nan, np.nan, np.nan
    change, error = effects.of(measure)
    return effects.would_have(measure), change, change - reach * error, change + reach * error


def _reached(
    opened: pd.DataFrame | None, key: tuple[str, str], customers: int, confidence: float
) -> tuple[float, float, float, float]:
    if opened is None:
        return np.nan, np.nan, np.nan, np.nan
    mine = opened[(opened["promotion_id"] == key[0]) & (opened["arm"] == key[1])]
    count = int(mine["opened"].sum())
    low, high = wilson_interval(count, customers, confidence=confidence)
    return 0.0, count / customers, float(low[0]), float(high[0])


def _opened(tables: Tables) -> pd.DataFrame | None:
    """Return the customers of each arm who opened a message of its promotion."""
    if not tables.has("contacts", "promotion_id", "opened_at"):
        return None
    sent = tables.contacts.filter(tables.contacts.opened_at.notnull())
    given = tables.assignments.select("promotion_id", "customer_id", "arm")
    both = sent.join(given, ["promotion_id", "customer_id"])
    counts = both.group_by("promotion_id", "arm").agg(opened=both.customer_id.nunique())
    return counts.order_by("promotion_id", "arm").to_pandas()


def _at_what_price(goal: str, found: Return | None, trial: str) -> str:
    """Say whether a goal that was reached in the promotion's days was worth it."""
    moved = trial == roi.MOVED or (found is not None and roi.moved_from(found))
    if moved and goal in _MUST_GROW:
        return "only moved"
    if found is not None and roi.of_arm(found, trial)[0] == roi.LOST:
        return "yes, at a loss"
    return "yes"


def _verdict(low: float, high: float) -> str:
    if np.isnan(low):
        return "unknown"
    return "yes" if low > 0 else "no" if high < 0 else "not shown"


_MESSAGE = {"reached": "delivered_at", "opened": "opened_at", "clicked": "clicked_at"}


def fetch(tables: Tables) -> pd.DataFrame:
    """Return one row a promotion and arm of which the data hold all days, by step.

    Parameters
    ----------
    tables
        A study's tables; needs assignments, promotions and promotion_products.

    Returns
    -------
    pandas.DataFrame
        promotion_id, arm, and a column a step that the study knows (chosen, reached,
        opened, clicked, redeemed, bought): distinct customers.
        ``bought`` is a purchase of a product on offer in the promotion's days, by whatever way: a
        customer may buy without having opened anything. Missing where a promotion had no product
        on offer, or nothing to redeem.

    Raises
    ------
    NotApplicable
        If no promotion was sent to customers, or the data hold none from its first day to its last.
    """
    tables.require("assignments", "promotions")
    given = tables.assignments
    given = given.filter(given.arm != CONTROL).select("promotion_id", "arm", "customer_id")
    if span := tables.manifest.order_span:
        first, last = map(date.fromisoformat, span)
        dated = tables.promotions
        begun, over = dated.starts_on.cast("date") >= first, dated.ends_on.cast("date") <= last
        given = given.semi_join(dated.filter(begun, over), "promotion_id")
    parts = {"chosen": given, **_messages(tables, given)}
    if "redemptions" in tables:
        parts["redeemed"] = _kept(given, tables.redemptions)
    if "promotion_products" in tables:
        parts["bought"] = _kept(given, _buyers(tables))
    steps = [rows.mutate(step=ibis.literal(step)) for step, rows in parts.items()]
    rows = steps[0].union(*steps[1:]) if len(steps) > 1 else steps[0]
    counts = rows.group_by("promotion_id", "arm", "step").agg(n=rows.customer_id.nunique())
    found = counts.to_pandas()
    if found.empty:
        raise NotApplicable("The data hold no promotion sent to customers from start to end.")
    laid = found.pivot(index=["promotion_id", "arm"], columns="step", values="n")
    # A step that nobody took is a column of zeros, not a step that the study does not know.
    laid = laid.reindex(columns=list(parts)).fillna(0).astype("int64")
    for step, could in _could(tables).items():
        if step in parts:  # where there was nothing to take it is not known, rather than nobody
            laid[step] = laid[step].where(laid.index.get_level_values(0).isin(could))
    return laid.rename_axis(columns=None).reset_index()


def _could(tables: Tables) -> dict[str, set[str]]:
    """Return the promotions that had something to redeem, and those that had something on offer."""
    asked: dict[str, list[ibis.Table]] = {"redeemed": [], "bought": []}
    if "promotion_products" in tables:
        offers = tables.promotion_products
        asked["bought"].append(offers)
        if "coupon_id" in offers.columns:
            asked["redeemed"].append(offers.filter(offers.coupon_id.notnull()))
    if "redemptions" in tables:
        asked["redeemed"].append(tables.redemptions)
    ids = {
        s: [r.select("promotion_id").distinct().to_pandas() for r in t] for s, t in asked.items()
    }
    return {s: {i for r in rows for i in r["promotion_id"]} for s, rows in ids.items()}


def _messages(tables: Tables, given: ibis.Table) -> dict[str, ibis.Table]:
    """Return the customers at each step of the messages, if they name their promotion."""
    if not tables.has("contacts", "promotion_id"):
        return {}
    sent = tables.contacts.filter(tables.contacts.promotion_id.notnull())
    return {
        step: _kept(given, sent.filter(sent[column].notnull()))
        for step, column in _MESSAGE.items()
        if column in sent.columns
    }


def _kept(given: ibis.Table, those: ibis.Table) -> ibis.Table:
    return given.semi_join(those, ["promotion_id", "customer_id"])


def _buyers(tables: Tables) -> ibis.Table:
    """Return the customers who bought a product on offer in the promotion's days."""
    offers = tables.promotion_products.select("promotion_id", "product_id").distinct()
    dated = tables.promotions
    dated = dated.select(
        "promotion_id", starts=dated.starts_on.cast("date"), ends=dated.ends_on.cast("date")
    )
    offers = offers.join(dated, "promotion_id")
    lines = tables.order_lines
    lines = lines.filter(lines.quantity > 0, lines.customer_id.notnull())
    lines = lines.select("customer_id", "product_id", day=lines.ordered_at.date())
    both = lines.join(offers, "product_id")
    both = both.filter(both.day >= both.starts, both.day <= both.ends)
    return both.select("promotion_id", "customer_id").distinct()

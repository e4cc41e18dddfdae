"""Each promotion against the goal it was run for, on that goal's own measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.promotions.returns import after_costs
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
    tables: Tables,
    returns: Returns,
    *,
    trials: Trials | None = None,
    confidence: float = 0.95,
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
    moved = trial == after_costs.MOVED or (found is not None and after_costs.moved_from(found))
    if moved and goal in _MUST_GROW:
        return "only moved"
    if found is not None and after_costs.of_arm(found, trial)[0] == after_costs.LOST:
        return "yes, at a loss"
    return "yes"


def _verdict(low: float, high: float) -> str:
    if np.isnan(low):
        return "unknown"
    return "yes" if low > 0 else "no" if high < 0 else "not shown"

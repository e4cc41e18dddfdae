"""How long a product lasts, and who is due for it.

The chance that a customer's own rhythm brings a product in the next days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from analysis.products.sequences.purchase_events import Events, Histories


#: Bounds of the classes: usual gap in days, time waited as a multiple of it, purchases so far.
_GAPS = (7, 14, 28, 56, 112)

_WAITED = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)

_TIMES = (2, 3, 5, 9, 17)

#: Pairs that a class's own share weighs as much as that of all pairs of as many purchases.
_PRIOR = 20.0

#: Usual gap, in days, of an item that nobody bought twice.
_LONG = 90.0


def due(known: Histories) -> csr_array:
    """Return, for each customer and item bought before, the chance to buy it in the next step.

    Learnt from the latest step, `histories.STEP` days long: of the pairs of customer and item
    with as many purchases, as long a usual gap and as long waited for when it began, how many were
    bought in it? Then asked of the same pairs at the end.
    """
    from scipy.sparse import csr_array

    before = known.before
    if before is None:
        rates = np.full(_NUMBER, 0.5)
    else:
        bought = known.steps[-1].toarray().ravel() > 0
        size = before.count.shape[1]
        place = np.repeat(np.arange(before.count.shape[0]), np.diff(before.count.indptr)) * size
        rates = _rates(_classes(before), bought[place + before.count.indices])
    count = known.count
    return csr_array((rates[_classes(known)], count.indices, count.indptr), shape=count.shape)


_NUMBER = (len(_GAPS) + 1) * (len(_WAITED) + 1) * (len(_TIMES) + 1)


def _classes(known: Histories) -> npt.NDArray[np.int64]:
    """Return the class of each pair, in the order of the sparse matrices' data."""
    times, span = known.count.data, known.last.data - known.first.data
    waited = known.day + 1 - known.last.data
    gap = usual_gap(known.count.indices, times, span, known.count.shape[1])
    place = np.digitize(gap, _GAPS) * (len(_WAITED) + 1) + np.digitize(waited / gap, _WAITED)
    return place * (len(_TIMES) + 1) + np.digitize(times, _TIMES)


def usual_gap(item: npt.NDArray, times: Floats, span: Floats, items: int) -> Floats:
    """Return the expected days between purchases, drawn towards those of all customers."""
    gaps = np.bincount(item, times - 1, items)
    common = (np.bincount(item, span, items) + 2 * _LONG) / (gaps + 2)
    return (span + 2 * common[item]) / (times - 1 + 2)


def _rates(classes: npt.NDArray[np.int64], bought: npt.NDArray[np.bool_]) -> Floats:
    n = np.bincount(classes, minlength=_NUMBER).reshape(-1, len(_TIMES) + 1)
    k = np.bincount(classes[bought], minlength=_NUMBER).reshape(-1, len(_TIMES) + 1)
    usual = k.sum(axis=0) / np.maximum(n.sum(axis=0), 1)
    return ((k + _PRIOR * usual) / (n + _PRIOR)).ravel()


#: Weight, in gaps, of the item's own rhythm beside a customer's.
PRIOR_GAPS = 2.0


@dataclass(frozen=True)
class Replenishment:
    """Repurchase rhythms.

    Parameters
    ----------
    items
        One row an item: item, customers (with at least ``min_gaps`` gaps), gaps, median_days,
        quarter_days, three_quarter_days, regularity (1 - coefficient of variation within
        customers, at least 0).
    due
        One row a customer and item with a rhythm: customer_id, item, last_on (date), gaps,
        usual_days (expected days between), due_on (date), overdue_days at the period's end
        (negative: not yet due).
    """

    items: pd.DataFrame
    due: pd.DataFrame


def replenishment(events: Events, *, min_gaps: int = 3, min_customers: int = 30) -> Replenishment:
    """Learn from days between purchases when each customer buys each item again.

    Parameters
    ----------
    events
        Purchases by customer, day and item.
    min_gaps
        Gaps a customer must show to have a rhythm of an item.
    min_customers
        Items with fewer such customers are left out.

    Notes
    -----
    A customer's expected gap is the geometric mean of the own gaps, drawn towards that of all
    customers with a weight of `PRIOR_GAPS` gaps: gaps are skewed, and few of them are noisy.
    """
    order = np.lexsort((events.day, events.item, events.customer))
    who, item, day = events.customer[order], events.item[order], events.day[order]
    same = (who[1:] == who[:-1]) & (item[1:] == item[:-1])
    gaps = pd.DataFrame(
        {"who": who[1:][same], "item": item[1:][same], "gap": np.diff(day)[same].astype(float)}
    )
    gaps["log"] = np.log(gaps["gap"])
    own = gaps.groupby(["who", "item"], as_index=False).agg(
        gaps=("gap", "size"), log=("log", "mean"), mean=("gap", "mean"), spread=("gap", "std")
    )
    own = own[own["gaps"] >= min_gaps]
    own = own[own.groupby("item")["who"].transform("size") >= min_customers]
    if own.empty:
        raise NotApplicable(
            f"No item is bought again {min_gaps} times by {min_customers} customers: "
            "there is no rhythm to learn."
        )
    kept = gaps.merge(own[["who", "item"]], on=["who", "item"])
    last = pd.Series(day).groupby([who, item]).max().rename_axis(["who", "item"]).rename("last")
    own = own.merge(last.reset_index(), on=["who", "item"])
    return Replenishment(_items(kept, own, events), _due(own, events))


def _items(gaps: pd.DataFrame, own: pd.DataFrame, events: Events) -> pd.DataFrame:
    quarters = gaps.groupby("item")["gap"].quantile([0.25, 0.5, 0.75]).unstack()
    variation = (own["spread"] / own["mean"]).groupby(own["item"]).median()
    counts = own.groupby("item").agg(customers=("who", "size"), gaps=("gaps", "sum"))
    table = counts.assign(
        item=events.names[counts.index.to_numpy()],
        median_days=quarters[0.5],
        quarter_days=quarters[0.25],
        three_quarter_days=quarters[0.75],
        regularity=(1 - variation).clip(lower=0),
    )
    columns = ["item", "customers", "gaps", "median_days", "quarter_days", "three_quarter_days"]
    table = table[[*columns, "regularity"]].reset_index(drop=True)
    ordered = table.sort_values(["customers", "item"], ascending=[False, True])
    return ordered.reset_index(drop=True)


def _due(own: pd.DataFrame, events: Events) -> pd.DataFrame:
    weight = own.groupby("item")["gaps"].transform("sum")
    common = (own["log"] * own["gaps"]).groupby(own["item"]).transform("sum") / weight
    drawn = (own["log"] * own["gaps"] + common * PRIOR_GAPS) / (own["gaps"] + PRIOR_GAPS)
    usual = np.exp(drawn)
    start = pd.Timestamp(events.period.start)
    due_day = (own["last"] + usual).round()
    table = pd.DataFrame(
        {
            "customer_id": events.customers[own["who"]],
            "item": events.names[own["item"]],
            "last_on": (start + pd.to_timedelta(own["last"], unit="D")).dt.date,
            "gaps": own["gaps"],
            "usual_days": usual,
            "due_on": (start + pd.to_timedelta(due_day, unit="D")).dt.date,
            "overdue_days": (events.period.days - due_day).astype("int64"),
        }
    )
    ordered = table.sort_values(["due_on", "customer_id", "item"])
    return ordered.reset_index(drop=True)


def held_out(events: Events, *, days: int = 28, window: int = 7) -> pd.DataFrame:
    """Return `calibration` of rhythms learnt before the last ``days`` on the ``window`` after."""
    from dataclasses import replace
    from datetime import timedelta

    from analysis.products.sequences.purchase_events import between, until
    from analysis.tables.periods import Period

    cut = events.period.days - days
    if cut < days:
        raise NotApplicable(f"{events.period.days} days leave no history before the last {days}.")
    middle = events.period.start + timedelta(days=cut)
    known = replace(until(events, cut), period=Period(events.period.start, middle))
    later = between(events, cut, events.period.days)
    after = replace(later, day=later.day - cut, period=Period(middle, events.period.end))
    return calibration(replenishment(known), after, window=window)


#: Ends of the classes of overdue days.
EDGES = (-14, -7, 0, 7, 14, 28)


def calibration(known: Replenishment, later: Events, *, window: int = 7) -> pd.DataFrame:
    """Return how often customers bought in the next days, by how overdue they were.

    Parameters
    ----------
    known
        Rhythms learnt from a period.
    later
        Events of the period right after it.
    window
        Days of it to look at.

    Returns
    -------
    pandas.DataFrame
        One row a class: overdue_from, overdue_to (days, the first and last class open), pairs (of
        customer and item), bought, share with low and high (Wilson).
    """
    from analysis.stats.proportions import wilson_interval

    soon = later.day < window
    seen = set(
        zip(later.customers[later.customer[soon]], later.names[later.item[soon]], strict=True)
    )
    pairs = zip(known.due["customer_id"], known.due["item"], strict=True)
    bought = np.array([pair in seen for pair in pairs], dtype=bool)
    bounds = [-np.inf, *EDGES, np.inf]
    band = np.digitize(known.due["overdue_days"], EDGES)
    n = np.bincount(band, minlength=len(EDGES) + 1)
    k = np.bincount(band[bought], minlength=len(EDGES) + 1)
    low, high = wilson_interval(k, n)
    table = pd.DataFrame(
        {
            "overdue_from": bounds[:-1], "overdue_to": bounds[1:], "pairs": n, "bought": k,
            "share": np.divide(k, n, out=np.full(len(n), np.nan), where=n > 0),
            "low": low, "high": high,
        }
    )  # fmt: skip
    return table[table["pairs"] > 0].reset_index(drop=True)

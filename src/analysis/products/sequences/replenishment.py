"""How long a product lasts, and who is due for it.

The chance that a customer's own rhythm brings a product in the next days.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
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
    min_gaps
        Gaps a customer must show to have a rhythm of an item.
    min_customers
        Items with fewer such customers are left out.

    Notes
    -----
    A customer's expected gap is the geometric mean of the own gaps, drawn towards that of all
    customers with a weight of `PRIOR_GAPS` gaps: gaps are skewed, and few of them are noisy.
    """
    own, gaps = _rhythms(events, min_gaps, min_customers, events.period.days)
    return Replenishment(_items(gaps, own, events), _due(own, events))


def _rhythms(
    events: Events, min_gaps: int, min_customers: int, cut: int, window: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what `_of_customers` does, of items that enough customers have a rhythm of."""
    parts = events.each(partial(_of_customers, min_gaps, cut, window))
    own = pd.concat([part[0] for part in parts], ignore_index=True)
    own = own[own.groupby("item")["who"].transform("size") >= min_customers]
    if own.empty:
        raise NotApplicable(
            f"No item is bought again {min_gaps} times by {min_customers} customers: "
            "there is no rhythm to learn."
        )
    gaps = pd.concat([part[1] for part in parts]).groupby(["item", "gap"], as_index=False).sum()
    return own.reset_index(drop=True), gaps[gaps["item"].isin(own["item"])]


def _of_customers(
    min_gaps: int, cut: int, window: int, events: Events
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rhythms of customers before the day ``cut``, and how often each gap is theirs.

    Returns
    -------
    tuple of pandas.DataFrame
        who (code), item, gaps, log, mean, spread, last, soon (bought in the ``window`` days from
        the cut); item, gap, n.
    """
    code = events.customer.astype(np.int64) * len(events.names) + events.item
    soon = np.unique(code[(events.day >= cut) & (events.day < cut + window)])
    known = np.flatnonzero(events.day < cut)
    order = known[np.lexsort((events.day[known], code[known]))]
    code, day = code[order], events.day[order]
    same = code[1:] == code[:-1]
    gaps = pd.DataFrame({"code": code[1:][same], "gap": np.diff(day)[same].astype(float)})
    gaps["log"] = np.log(gaps["gap"])
    own = gaps.groupby("code", as_index=False).agg(
        gaps=("gap", "size"), log=("log", "mean"), mean=("gap", "mean"), spread=("gap", "std")
    )
    own = own[own["gaps"] >= min_gaps]
    kept = gaps[gaps["code"].isin(own["code"])]
    counted = kept.assign(item=kept["code"] % len(events.names), n=1)
    found = own["code"].to_numpy(np.int64)
    last = day[np.searchsorted(code, found, side="right") - 1]
    who, item = np.divmod(found, len(events.names))
    own = own.assign(who=events.codes(who), item=item, last=last, soon=np.isin(found, soon))
    return own, counted.groupby(["item", "gap"], as_index=False)["n"].sum()


def _quarters(gaps: pd.DataFrame) -> pd.DataFrame:
    """Return the quartiles of each item's gaps, of which ``n`` are ``gap`` days long."""
    at = [0.25, 0.5, 0.75]
    each = gaps.groupby("item")
    found = {i: np.quantile(np.repeat(own["gap"], own["n"]), at) for i, own in each}
    return pd.DataFrame.from_dict(found, orient="index", columns=at)


def _items(gaps: pd.DataFrame, own: pd.DataFrame, events: Events) -> pd.DataFrame:
    quarters = _quarters(gaps)
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


def _usual(own: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the expected days between purchases, and the day on which the next is due."""
    weight = own.groupby("item")["gaps"].transform("sum")
    common = (own["log"] * own["gaps"]).groupby(own["item"]).transform("sum") / weight
    drawn = (own["log"] * own["gaps"] + common * PRIOR_GAPS) / (own["gaps"] + PRIOR_GAPS)
    usual = np.exp(drawn)
    return usual, (own["last"] + usual).round()


def _due(own: pd.DataFrame, events: Events) -> pd.DataFrame:
    usual, due_day = _usual(own)
    start = pd.Timestamp(events.period.start)
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


#: Ends of the classes of overdue days.
EDGES = (-14, -7, 0, 7, 14, 28)


def held_out(events: Events, *, days: int = 28, window: int = 7) -> pd.DataFrame:
    """Return how often customers bought in the next days, by how overdue they were.

    Parameters
    ----------
    days
        Days at the end that are held out: rhythms are learnt before them.
    window
        Days of them to look at, the first.

    Returns
    -------
    pandas.DataFrame
        One row a class: overdue_from, overdue_to (days, the first and last class open), pairs (of
        customer and item), bought, share with low and high (Wilson).
    """
    from analysis.stats.proportions import wilson_interval

    cut = events.period.days - days
    if cut < days:
        raise NotApplicable(f"{events.period.days} days leave no history before the last {days}.")
    own, _ = _rhythms(events, 3, 30, cut, min(window, days))
    bounds = [-np.inf, *EDGES, np.inf]
    band, bought = np.digitize(cut - _usual(own)[1], EDGES), own["soon"].to_numpy()
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

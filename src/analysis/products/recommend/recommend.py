"""The next best products of each customer, each with what was bought that speaks for it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.answers import without
from analysis.products.recommend.evaluation import (
    SCORERS,
    Evaluation,
    Model,
    blocks,
    similarity,
    top,
)
from analysis.products.sequences.purchase_events import MOST_CUSTOMERS, Histories, follow_ups
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from analysis.products.recommend.browsing_history import BrowsingHistory
    from analysis.products.sequences.purchase_events import Events
    from analysis.products.substitution.substitutes import Substitutes


@dataclass(frozen=True)
class Offer:
    """What may be recommended.

    Parameters
    ----------
    length
        Products a customer.
    new_only
        Only what the customer never bought.
    in_range_days
        A product that nobody bought for so many days is out of range.
    excluded
        Products that must not be recommended: not promoted while a promotion is restricted to
        others, on a subscription that delivers them anyway.
    instead
        Pairs of products that may stand in for each other (`substitutes.Substitutes.pairs`): who
        bought one is not recommended the other because of it.
    """

    length: int = 10
    new_only: bool = True
    in_range_days: int = 28
    excluded: frozenset[str] = frozenset()
    instead: frozenset[frozenset[str]] = frozenset()


@without("substitutes", "browsed")
def next_best(
    events: Events,
    evaluated: Evaluation,
    *,
    substitutes: Substitutes | None = None,
    browsed: BrowsingHistory | None = None,
    excluded: frozenset[str] = frozenset(),
    length: int = 10,
) -> pd.DataFrame:
    """Return each customer's best products by the recommender that an evaluation chose.

    Parameters
    ----------
    events
        Purchases by customer, day and item, up to the day of the recommendation.
    evaluated
        Names the recommender, and whether only what a customer never bought is recommended.
    substitutes
        Pairs that may stand in for each other; None where none could be looked for.
    browsed
        Pages seen; used only where the time held out bears out that they help.
    excluded, length
        As in `Offer`.

    Returns
    -------
    pandas.DataFrame
        As `recommend` returns it.
    """
    instead = frozenset() if substitutes is None else substitutes.pairs()
    offer = Offer(length, evaluated.new_only, excluded=excluded, instead=instead)
    return recommend(events, evaluated.best, offer, browsed=browsed)


def recommend(
    events: Events,
    recommender: str,
    offer: Offer = Offer(),
    *,
    browsed: BrowsingHistory | None = None,
) -> pd.DataFrame:
    """Return each customer's best products by the recommender of that name.

    Parameters
    ----------
    events
        Purchases by customer, day and item, up to the day of the recommendation.
    recommender
        A name in `recommenders.SCORERS`; the one that `recommend_evaluation.evaluate` chose.
    offer
        What may be recommended.
    browsed
        As in `next_best`.

    Returns
    -------
    pandas.DataFrame
        One row a customer and place: customer_id, place (from 1), item, score, reason, because
        (the product behind the reason, empty where there is none), every_days (the customer's own
        gap between purchases of it; NaN for what was not bought twice). Of more customers than
        `purchase_events.MOST_CUSTOMERS` each random part learns from itself.
    """
    barred = np.isin(events.names.astype(str), sorted(offer.excluded) or [""])
    allowed = np.any(events.each(partial(_sold, offer.in_range_days)), axis=0) & ~barred
    beside = () if browsed is None else (browsed.seen,)
    nothing: Any = None
    told = browsed and replace(browsed, seen=nothing)
    work = partial(_lists, recommender, offer, told, allowed)
    lists = pd.concat(events.of_dealt(work, *beside), ignore_index=True)
    if events.rows is not None:
        lists["customer_id"] = events.customers[lists["customer_id"]]
    if len(events.customers) <= MOST_CUSTOMERS:
        return lists
    return lists.sort_values(["customer_id", "place"], ignore_index=True)


def _lists(
    recommender: str, offer: Offer, browsed: BrowsingHistory | None,
    allowed: npt.NDArray[np.bool_], events: Events, *seen: Events,
) -> pd.DataFrame:  # fmt: skip
    known = Histories.of(events, events.period.days)
    apart = _places(events, offer.instead)
    reasons, scorer = REASONS[recommender](known, apart), SCORERS[recommender]
    if browsed is not None and browsed.helps:
        browsed = replace(browsed, seen=seen[0])
        reasons, scorer = _or_seen(reasons, browsed.looked(known.day)), browsed.blended()
    model = scorer(known)
    each = blocks(len(events.customers))
    parts = [_block(events, known, model, reasons, rows, allowed, offer) for rows in each]
    return pd.concat(parts, ignore_index=True)


def _block(
    events: Events, known: Histories, model: Model, reasons: Reasons, rows: npt.NDArray[np.int64],
    allowed: npt.NDArray[np.bool_], offer: Offer,
) -> pd.DataFrame:  # fmt: skip
    scores = np.where(allowed, model(rows), -np.inf)
    bought = known.bought[rows]
    lists = top(scores, bought, length=offer.length, new_only=offer.new_only)
    place = np.repeat(np.arange(len(lists)), lists.shape[1])
    item = lists.ravel()
    values = scores[place, item]
    own = bought.toarray()[place, item] > 0
    because, every = reasons(rows, lists)
    table = pd.DataFrame(
        {
            "customer_id": events.customers[rows[place]],
            "place": np.tile(np.arange(1, lists.shape[1] + 1), len(lists)),
            "item": events.names[item],
            "score": values,
            "because": np.where(because >= 0, events.names[np.maximum(because, 0)], ""),
            "every_days": np.where(own, every, np.nan),
        }
    )
    looked = table["because"] == table["item"]
    table["reason"] = np.select(
        [table["every_days"].notna(), own, looked, table["because"] != ""],
        ["your usual interval", "you bought it before", "you looked at it", "because you bought"],
        default="many customers buy it",
    )
    table.loc[own | looked, "because"] = ""
    kept = np.isfinite(values) & ~(own & offer.new_only)
    return table[kept]


def _places(events: Events, pairs: frozenset[frozenset[str]]) -> list[tuple[int, int]]:
    """Return pairs of products by their places among the names, as far as they are known."""
    place = {str(name): i for i, name in enumerate(events.names)}
    known = [sorted(pair) for pair in pairs if all(p in place for p in pair)]
    return sorted((place[a], place[b]) for a, b in known)


def _sold(in_range_days: int, events: Events) -> npt.NDArray[np.bool_]:
    sold = np.zeros(len(events.names), bool)
    sold[events.item[events.day >= events.period.days - in_range_days]] = True
    return sold


Codes = npt.NDArray[np.int64]

#: Weight of pages seen from which they are a reason: one page, four weeks before.
SEEN_LATELY = 0.5**4

#: For customers and their lists: the product that speaks most for each item of a list, -1 where
#: none does, and the days between the customer's own purchases of the item, NaN where unknown.
Reasons = Callable[[Codes, Codes], tuple[Codes, Floats]]

#: Pairs of places of products.
Apart = Collection[tuple[int, int]]


def alike(known: Histories, apart: Apart = ()) -> Reasons:
    """Give as reason the own product whose buyers are most like those of the recommended.

    Of ``apart``, pairs of products that may stand in for each other, neither is a reason for the
    other.
    """
    return _by(known, known.weights.log1p().tocsr(), _without(similarity(known), apart))


def followed(known: Histories, apart: Apart = ()) -> Reasons:
    """Give as reason the product bought in the latest step that it follows most; as `alike`."""
    return _by(known, known.steps[-1].tocsr(), _without(follow_ups(known), apart))


def _without(speaks: Floats, apart: Apart) -> Floats:
    if not len(apart):
        return speaks
    places = np.array([sorted(pair) for pair in apart], dtype=np.int64)
    kept = speaks.copy()
    kept[places[:, 0], places[:, 1]] = 0.0
    kept[places[:, 1], places[:, 0]] = 0.0
    return kept


def _by(known: Histories, weights: csr_array, speaks: Floats) -> Reasons:
    def reasons(rows: Codes, lists: Codes) -> tuple[Codes, Floats]:
        found = np.full(lists.shape, -1)
        for place, customer in enumerate(rows):
            own = slice(weights.indptr[customer], weights.indptr[customer + 1])
            items = weights.indices[own]
            if len(items):
                said = weights.data[own, None] * speaks[np.ix_(items, lists[place])]
                found[place] = np.where(said.max(axis=0) > 0, items[said.argmax(axis=0)], -1)
        return found.ravel(), _own_gaps(known, rows, lists)

    return reasons


def _or_seen(reasons: Reasons, seen: csr_array) -> Reasons:
    """Give as reason of a product whose page the customer saw lately that product itself."""

    def or_seen(rows: Codes, lists: Codes) -> tuple[Codes, Floats]:
        because, every = reasons(rows, lists)
        lately = np.take_along_axis(seen[rows].toarray(), lists, axis=1).ravel() >= SEEN_LATELY
        return np.where(lately, lists.ravel(), because), every

    return or_seen


def _own_gaps(known: Histories, rows: Codes, lists: Codes) -> Floats:
    """Return the mean days between a customer's purchases of each item, NaN below two."""
    parts = (known.count, known.first, known.last)
    times, first, last = (np.take_along_axis(m[rows].toarray(), lists, axis=1) for m in parts)
    gaps = np.divide(last - first, times - 1, out=np.full(times.shape, np.nan), where=times > 1)
    return gaps.ravel()


#: Reasons by recommender: of what it goes by, or else of what is bought by the same customers.
REASONS: dict[str, Callable[[Histories, Apart], Reasons]] = {
    name: followed if name == "bought next by others" else alike for name in SCORERS
}

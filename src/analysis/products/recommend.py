"""The next best products of each customer, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.products.histories import Histories
from analysis.products.recommend_evaluation import top
from analysis.products.recommenders import SCORERS, similarity

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.events import Events


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
    """

    length: int = 10
    new_only: bool = True
    in_range_days: int = 28
    excluded: frozenset[str] = frozenset()


def recommend(events: Events, recommender: str, offer: Offer = Offer()) -> pd.DataFrame:
    """Return each customer's best products by the recommender of that name.

    Parameters
    ----------
    events
        Purchases by customer, day and item, up to the day of the recommendation.
    recommender
        A name in `recommenders.SCORERS`; the one that `recommend_evaluation.evaluate` chose.
    offer
        What may be recommended.

    Returns
    -------
    pandas.DataFrame
        One row a customer and place: customer_id, place (from 1), item, score, reason, because
        (the product behind the reason, empty where there is none).
    """
    import pandas as pd

    known = Histories.of(events, events.period.days)
    scores = np.array(SCORERS[recommender](known), dtype=float)
    scores[:, ~_allowed(events, offer)] = -np.inf
    lists = top(scores, known, length=offer.length, new_only=offer.new_only)
    who = np.repeat(np.arange(len(lists)), lists.shape[1])
    item = lists.ravel()
    values = scores[who, item]
    if offer.new_only:
        values = np.where(np.asarray(known.bought[who, item]).ravel() > 0, -np.inf, values)
    because = _because(known, lists)
    own = np.asarray(known.bought[who, item]).ravel() > 0
    table = pd.DataFrame(
        {
            "customer_id": events.customers[who],
            "place": np.tile(np.arange(1, lists.shape[1] + 1), len(lists)),
            "item": events.names[item],
            "score": values,
            "because": np.where(because >= 0, events.names[np.maximum(because, 0)], ""),
        }
    )
    table["reason"] = np.select(
        [own, table["because"] != ""],
        ["you buy it regularly", "because you bought"],
        default="many customers buy it",
    )
    table.loc[own, "because"] = ""
    return table[np.isfinite(table["score"])].reset_index(drop=True)


def _allowed(events: Events, offer: Offer) -> np.ndarray:
    sold = np.zeros(len(events.names), bool)
    sold[events.item[events.day >= events.period.days - offer.in_range_days]] = True
    barred = np.isin(events.names.astype(str), sorted(offer.excluded) or [""])
    return sold & ~barred


def _because(known: Histories, lists: np.ndarray) -> np.ndarray:
    """Return the own product that speaks most for each recommended one; -1 if none does."""
    alike = similarity(known)
    weights = known.weights.log1p()
    found = np.full(lists.shape, -1)
    for customer, items in enumerate(lists):
        begin, end = weights.indptr[customer], weights.indptr[customer + 1]
        if begin == end:
            continue
        own = weights.indices[begin:end]
        speaks = weights.data[begin:end, None] * alike[np.ix_(own, items)]
        best = speaks.argmax(axis=0)
        found[customer] = np.where(speaks.max(axis=0) > 0, own[best], -1)
    return found.ravel()

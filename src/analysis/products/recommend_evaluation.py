"""Which recommender would have named what customers bought next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.discoveries import normal_quantile
from analysis.errors import NotApplicable
from analysis.products.histories import Histories, between
from analysis.products.recommenders import SCORERS, Scorer

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

    from analysis.products.events import Events

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """Recommenders on time they had not seen.

    Parameters
    ----------
    table
        One row a recommender: recommender, chosen, customers, recall, recall_low, recall_high,
        ndcg, ndcg_low, ndcg_high, coverage (share of all items ever recommended), novelty (mean
        bits of surprise: - log2 of the share of customers who bought the item before),
        validation (NDCG in the time before, by which the best was chosen); best first.
    new_only
        Only items the customer had not bought before count, and are recommended.
    best
        The chosen one.
    """

    table: pd.DataFrame
    new_only: bool
    best: str


def evaluate(
    events: Events,
    *,
    days: int = 28,
    length: int = 10,
    new_only: bool = False,
    confidence: float = 0.95,
    scorers: Mapping[str, Scorer] = SCORERS,
) -> Evaluation:
    """Compare recommenders: chosen on the next to last ``days``, measured on the last.

    Parameters
    ----------
    events
        Purchases by customer, day and item.
    days
        Length of the time held out, twice.
    length
        Length of the list.
    new_only
        Recommend, and count, only what the customer never bought before.
    confidence
        Coverage of the intervals over customers.
    scorers
        The recommenders.

    Notes
    -----
    Recall is the share of what was bought that is on the list; NDCG counts early places more
    (Järvelin and Kekäläinen 2002, ACM TOIS 20(4)) against the best list possible.
    """
    import pandas as pd

    total = events.period.days
    if total < 4 * days:
        raise NotApplicable(
            f"{total} days leave no history before two times {days} days held out; give "
            f"{4 * days} or more."
        )
    usable = {
        n: s
        for n, s in scorers.items()
        if not (new_only and n in ("usual basket", "usual, when due"))
    }
    rows = []
    for name, scorer in usable.items():
        before = _measured(events, scorer, total - 2 * days, days, length, new_only)
        now = _measured(events, scorer, total - days, days, length, new_only)
        rows.append({"recommender": name, **_summary(now, confidence),
                     "validation": float(before["ndcg"].mean())})  # fmt: skip
    table = pd.DataFrame(rows)
    best = str(table.loc[table["validation"].idxmax(), "recommender"])
    table.insert(1, "chosen", table["recommender"] == best)
    ordered = table.sort_values("ndcg", ascending=False).reset_index(drop=True)
    return Evaluation(ordered, new_only, best)


def top(scores: Floats, known: Histories, *, length: int, new_only: bool) -> npt.NDArray[np.int64]:
    """Return the best items of each customer, best first; ties by the item's place."""
    values = scores - np.where(known.bought.toarray() > 0, np.inf, 0.0) if new_only else scores
    length = min(length, values.shape[1])
    best = np.argpartition(-values, length - 1, axis=1)[:, :length]
    order = np.lexsort((best, -np.take_along_axis(values, best, axis=1)), axis=1)
    return np.take_along_axis(best, order, axis=1)


def _measured(
    events: Events, scorer: Scorer, day: int, days: int, length: int, new_only: bool
) -> dict[str, Floats]:
    known = Histories.of(events, day)
    truth = Histories.of(between(events, day, day + days), day + days).bought
    lists = top(scorer(known), known, length=length, new_only=new_only)
    relevant = truth.toarray() > 0
    if new_only:
        relevant &= known.bought.toarray() == 0
    seen = np.asarray(known.bought.sum(axis=1)).ravel() > 0
    asked = np.flatnonzero(relevant.any(axis=1) & seen)
    if len(asked) == 0:
        raise NotApplicable("Nobody known before bought anything in the time held out.")
    lists, relevant = lists[asked], relevant[asked]
    hit = np.take_along_axis(relevant, lists, axis=1).astype(float)
    count = relevant.sum(axis=1)
    discount = 1 / np.log2(np.arange(2, lists.shape[1] + 2))
    ideal = np.cumsum(discount)[np.minimum(count, lists.shape[1]) - 1]
    return {
        "recall": hit.sum(axis=1) / count,
        "ndcg": (hit @ discount) / ideal,
        "coverage": np.array([len(np.unique(lists)) / relevant.shape[1]]),
        "novelty": _surprise(known.bought)[lists].mean(axis=1),
    }


def _surprise(bought: csr_array) -> Floats:
    buyers = np.asarray(bought.sum(axis=0)).ravel()
    return -np.log2(np.maximum(buyers, 1) / bought.shape[0])


def _summary(values: dict[str, Floats], confidence: float) -> dict[str, float]:
    n = len(values["recall"])
    found: dict[str, float] = {"customers": n}
    for name in ("recall", "ndcg"):
        mean = float(values[name].mean())
        reach = (
            normal_quantile(confidence) * float(values[name].std(ddof=1)) / np.sqrt(n)
            if n > 1
            else np.nan
        )
        found |= {name: mean, f"{name}_low": mean - reach, f"{name}_high": mean + reach}
    return found | {n: float(values[n].mean()) for n in ("coverage", "novelty")}

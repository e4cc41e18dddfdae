"""Which recommender would have named what customers bought next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.recommend.recommenders import OWN, SCORERS, Model, Scorer
from analysis.products.sequences.purchase_events import sample
from analysis.products.sequences.purchase_matrix import Histories, between
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from analysis.products.sequences.purchase_events import Events


#: Customers scored at once.
_BLOCK = 4_096


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
    drawn_from
        Number of all customers where those measured were drawn at random; 0 where all were asked.
    """

    table: pd.DataFrame
    new_only: bool
    best: str
    drawn_from: int = 0


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
    (Järvelin and Kekäläinen 2002, ACM TOIS 20(4)) against the best list possible. Of more than
    `purchase_events.MOST_CUSTOMERS` so many are drawn at random: the recommenders learn from them
    and are measured on them, and the intervals are those of so many customers.
    """
    everybody, events = len(events.customers), sample(events)
    total = events.period.days
    if total < 4 * days:
        raise NotApplicable(
            f"{total} days leave no history before two times {days} days held out; give "
            f"{4 * days} or more."
        )
    usable = {n: s for n, s in scorers.items() if not (new_only and n in OWN)}
    earlier, later = (Trial.of(events, total - n * days, days, length, new_only) for n in (2, 1))
    rows = []
    for name, scorer in usable.items():
        before, now = earlier.measured(scorer), later.measured(scorer)
        rows.append({"recommender": name, **_summary(now, confidence),
                     "validation": float(before["ndcg"].mean())})  # fmt: skip
    table = pd.DataFrame(rows)
    best = str(table.loc[table["validation"].idxmax(), "recommender"])
    table.insert(1, "chosen", table["recommender"] == best)
    ordered = table.sort_values("ndcg", ascending=False).reset_index(drop=True)
    drawn_from = everybody if everybody > len(events.customers) else 0
    return Evaluation(ordered, new_only, best, drawn_from)


def blocks(customers: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the customers in blocks whose scores fit in memory."""
    for begin in range(0, customers, _BLOCK):
        yield np.arange(begin, min(begin + _BLOCK, customers))


def top(scores: Floats, bought: csr_array, *, length: int, new_only: bool) -> npt.NDArray[np.int64]:
    """Return the best items of each customer, best first; ties by the item's place.

    Parameters
    ----------
    scores
        Customers x items.
    bought
        What they bought before, 1 where they did.
    length
        Items a customer.
    new_only
        Leave out what they bought before.
    """
    values = scores - np.where(bought.toarray() > 0, np.inf, 0.0) if new_only else scores
    length = min(length, values.shape[1])
    best = np.argpartition(-values, length - 1, axis=1)[:, :length]
    order = np.lexsort((best, -np.take_along_axis(values, best, axis=1)), axis=1)
    return np.take_along_axis(best, order, axis=1)


# Known products and new ones are two questions of the same histories.
@lru_cache(maxsize=4)
def _held_out(events: Events, day: int, days: int) -> tuple[Histories, csr_array]:
    """Return what is known before ``day``, and what was bought in the ``days`` from it."""
    after = Histories.of(between(events, day, day + days), day + days, learning=False)
    return Histories.of(events, day), after.bought


@dataclass(frozen=True)
class Trial:
    """A day up to which is known, and what was bought in the days after it."""

    known: Histories
    truth: csr_array
    length: int
    new_only: bool

    @classmethod
    def of(cls, events: Events, day: int, days: int, length: int, new_only: bool) -> Trial:
        """Return the trial of the ``days`` from ``day``."""
        known, bought_after = _held_out(events, day, days)
        return cls(known, bought_after, length, new_only)

    def measured(self, scorer: Scorer) -> dict[str, Floats]:
        """Return recall, ndcg and novelty by customer, and the coverage."""
        model = scorer(self.known)
        parts = [self._block(model, rows) for rows in blocks(self.truth.shape[0])]
        found = {n: np.concatenate([p[n] for p in parts]) for n in parts[0]}
        if len(found["recall"]) == 0:
            raise NotApplicable("Nobody known before bought anything in the time held out.")
        shown = np.unique(found.pop("lists"))
        return found | {"coverage": np.array([len(shown) / self.truth.shape[1]])}

    def asked(self) -> npt.NDArray[np.int64]:
        """Return the customers who are measured: known before, with something to be named."""
        return np.concatenate([r[self._wanted(r)[1]] for r in blocks(self.truth.shape[0])])

    def _wanted(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray, npt.NDArray]:
        """Return what the customers bought after, and whether they are measured."""
        bought = self.known.bought[rows]
        relevant = self.truth[rows].toarray() > 0
        if self.new_only:
            relevant &= bought.toarray() == 0
        return relevant, relevant.any(axis=1) & (np.diff(bought.indptr) > 0)

    def _block(self, model: Model, rows: npt.NDArray[np.int64]) -> dict[str, npt.NDArray]:
        relevant, asked = self._wanted(rows)
        rows, relevant, bought = rows[asked], relevant[asked], self.known.bought[rows[asked]]
        lists = top(model(rows), bought, length=self.length, new_only=self.new_only)
        hit = np.take_along_axis(relevant, lists, axis=1).astype(float)
        count = relevant.sum(axis=1)
        discount = 1 / np.log2(np.arange(2, lists.shape[1] + 2))
        ideal = np.cumsum(discount)[np.minimum(count, lists.shape[1]) - 1]
        return {
            "recall": hit.sum(axis=1) / count,
            "ndcg": (hit @ discount) / ideal,
            "novelty": _surprise(self.known.bought)[lists].mean(axis=1),
            "lists": lists,
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

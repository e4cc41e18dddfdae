"""Ways to score every product for every customer, and which would have named what came next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.sequences.purchase_events import Histories, between, dealt, follow_ups
from analysis.products.sequences.replenishment import due
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from analysis.products.sequences.purchase_events import Events


#: Customers whose equations are solved at once.
_AT_ONCE = 2_048

Rows = npt.NDArray[np.int64]
#: Scores of every product for some customers.
Model = Callable[[Rows], Floats]
#: Learns from histories how to score.
Scorer = Callable[[Histories], Model]


def popularity(known: Histories) -> Model:
    """Score what many customers bought lately, the same for everybody."""
    scores = _popular(known)
    return lambda rows: np.broadcast_to(scores, (len(rows), len(scores)))


def _popular(known: Histories) -> Floats:
    return np.asarray(known.weights.minimum(1.0).sum(axis=0)).ravel()


def usual_basket(known: Histories) -> Model:
    """Score what the customer buys often and lately."""
    # What nothing else tells apart, popularity does.
    rest = 1e-6 * _popular(known) / known.weights.shape[0]
    return lambda rows: known.weights[rows].toarray() + rest


def replenishment(known: Histories) -> Model:
    """Score the chance that the customer's own rhythm brings the product next, by `due.due`."""
    chances, rest = due(known), 1e-6 * _popular(known) / known.weights.shape[0]
    return lambda rows: chances[rows].toarray() + rest


def sequences(known: Histories) -> Model:
    """Score what follows, a step later, what the customer bought in the latest step."""
    after, latest = follow_ups(known), known.steps[-1]
    rest = 1e-6 * _popular(known) / known.weights.shape[0]
    return lambda rows: latest[rows] @ after + rest


def neighbours(known: Histories) -> Model:
    """Score what is bought by those who buy what the customer buys.

    Item-to-item cosine over customers (Linden, Smith and York 2003, IEEE Internet Computing 7(1)).
    """
    alike, weights = similarity(known), known.weights.log1p()
    return lambda rows: weights[rows] @ alike


def similarity(known: Histories) -> Floats:
    """Return the cosine of every two items over customers, 0 of an item with itself."""
    together = (known.bought.T @ known.bought).toarray()
    size = np.sqrt(np.maximum(np.diag(together), 1.0))
    cosine = together / size[:, None] / size[None, :]
    np.fill_diagonal(cosine, 0.0)
    return cosine


@lru_cache(maxsize=2)  # the dearest; asked for known products and for new ones, of two days each
def factors(
    known: Histories, *, size: int = 24, rounds: int = 6, alpha: float = 10.0, ridge: float = 8.0
) -> Model:
    """Score by matrix factorisation.

    Alternating least squares on implicit feedback: confidence 1 + alpha x weight (Hu, Koren and
    Volinsky 2008, Collaborative filtering for implicit feedback datasets, ICDM).
    """
    rng = np.random.default_rng(0)
    weights = known.weights.tocsr()
    people = np.zeros((weights.shape[0], size))
    goods = rng.normal(0, 0.1, (weights.shape[1], size))
    for _ in range(rounds):
        _solve(people, goods, weights, alpha, ridge)
        # By columns: what is known of customers is then read in their order, once.
        _solve(goods, people, weights.T, alpha, ridge)
    return lambda rows: people[rows] @ goods.T


def _solve(wanted: Floats, given: Floats, weights: csr_array, alpha: float, ridge: float) -> None:
    """Solve every row of ``wanted`` for the given other side, in place."""
    size = given.shape[1]
    common = given.T @ given + ridge * np.eye(size)
    rows, columns = np.triu_indices(size)
    products = given[:, rows] * given[:, columns]
    sure = alpha * weights
    right = sure @ given + (weights > 0) @ given
    for begin in range(0, len(wanted), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        own = sure[part] @ products
        left = np.empty((len(own), size, size))
        left[:, rows, columns] = left[:, columns, rows] = own
        wanted[part] = np.linalg.solve(left + common, right[part][..., None])[..., 0]


#: All scorers, by the name they are reported under.
SCORERS: dict[str, Scorer] = {
    "popularity": popularity,
    "usual basket": usual_basket,
    "purchase interval": replenishment,
    "bought next by others": sequences,
    "bought by similar customers": neighbours,
    "matrix factorisation": factors,
}

#: Those that know nothing of products the customer never bought.
OWN = ("usual basket", "purchase interval")


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
    total = events.period.days
    if total < 4 * days:
        raise NotApplicable(
            f"{total} days leave no history before two times {days} days held out; give "
            f"{4 * days} or more."
        )
    usable = {n: s for n, s in scorers.items() if not (new_only and n in OWN)}
    table = events.of_sample(partial(_measured, usable, days, length, new_only, confidence))
    best = str(table.loc[table["validation"].idxmax(), "recommender"])
    table.insert(1, "chosen", table["recommender"] == best)
    ordered = table.sort_values("ndcg", ascending=False).reset_index(drop=True)
    everybody = len(events.customers) if len(dealt(events)) > 1 else 0
    return Evaluation(ordered, new_only, best, everybody)


def _measured(
    usable: Mapping[str, Scorer], days: int, length: int, new_only: bool, confidence: float,
    events: Events,
) -> pd.DataFrame:  # fmt: skip
    total = events.period.days
    earlier, later = (Trial.of(events, total - n * days, days, length, new_only) for n in (2, 1))
    rows = []
    for name, scorer in usable.items():
        before, now = earlier.measured(scorer), later.measured(scorer)
        rows.append({"recommender": name, **_summary(now, confidence),
                     "validation": float(before["ndcg"].mean())})  # fmt: skip
    return pd.DataFrame(rows)


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
    values = np.array(scores)
    if new_only:
        values[bought.nonzero()] = -np.inf
    length = min(length, values.shape[1])
    # So many of the columns' parts reach the least of their best: nothing below it is on a list.
    parts = np.arange(0, values.shape[1], max(1, values.shape[1] // (4 * length)))
    best = np.partition(np.maximum.reduceat(values, parts, axis=1), -length, axis=1)
    row, item = np.nonzero(values >= best[:, -length, None])
    order = np.lexsort((item, -values[row, item], row))
    begins = np.searchsorted(row, np.arange(len(values)))
    return item[order][begins[:, None] + np.arange(length)]


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
        spread = float(values[name].std(ddof=1)) if n > 1 else np.nan
        reach = normal_quantile(confidence) * spread / np.sqrt(n)
        found |= {name: mean, f"{name}_low": mean - reach, f"{name}_high": mean + reach}
    return found | {n: float(values[n].mean()) for n in ("coverage", "novelty")}

"""Ways to score every product for every customer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.products.sequences.purchase_matrix import Histories, follow_ups
from analysis.products.sequences.replenishment import due
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array

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
    columns = weights.T.tocsr()
    for _ in range(rounds):
        _solve(people, goods, weights, alpha, ridge)
        _solve(goods, people, columns, alpha, ridge)
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

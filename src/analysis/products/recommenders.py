"""Ways to score every product for every customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.products.histories import Histories

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
#: Customers whose equations are solved at once.
_AT_ONCE = 2_048

Scorer = Callable[[Histories], Floats]


def popularity(known: Histories) -> Floats:
    """Score what many customers bought lately, the same for everybody."""
    scores = np.asarray(known.weights.minimum(1.0).sum(axis=0)).ravel()
    return np.broadcast_to(scores, known.weights.shape)


def usual_basket(known: Histories) -> Floats:
    """Score what the customer buys often and lately."""
    # What nothing else tells apart, popularity does.
    return known.weights.toarray() + 1e-6 * popularity(known) / known.weights.shape[0]


def due(known: Histories) -> Floats:
    """Score the usual basket, held back where it was bought a moment ago.

    Someone who buys an item every n days and bought it t days ago needs it with a chance that
    rises with t / n; an item bought once has no rhythm and keeps its score.
    """
    weights, last = known.weights.toarray(), known.last.toarray()
    waited = known.day - last
    # Purchases halved every h days at a steady gap g sum up to about h / (ln 2 g).
    gap = np.divide(56.0 / np.log(2), weights, out=np.full_like(weights, np.inf), where=weights > 0)
    ripe = np.clip(waited / np.maximum(gap, 1.0), 0.25, 1.0)
    rhythmic = weights > 1.0
    return np.where(rhythmic, weights * ripe, weights) + 1e-6 * popularity(known)


def neighbours(known: Histories) -> Floats:
    """Score what is bought by those who buy what the customer buys.

    Item-to-item cosine over customers (Linden, Smith and York 2003, IEEE Internet Computing 7(1)).
    """
    return known.weights.log1p() @ similarity(known)


def similarity(known: Histories) -> Floats:
    """Return the cosine of every two items over customers, 0 of an item with itself."""
    together = (known.bought.T @ known.bought).toarray()
    size = np.sqrt(np.maximum(np.diag(together), 1.0))
    cosine = together / size[:, None] / size[None, :]
    np.fill_diagonal(cosine, 0.0)
    return cosine


def factors(
    known: Histories, *, size: int = 24, rounds: int = 6, alpha: float = 10.0, ridge: float = 8.0
) -> Floats:
    """Score by latent tastes.

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
    return people @ goods.T


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
    "usual, when due": due,
    "bought by similar customers": neighbours,
    "latent tastes": factors,
}

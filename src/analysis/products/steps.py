"""What is bought a step after what: sequences of two, learnt for all pairs at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from analysis.products.histories import Histories

#: Customers' weight of no effect that a pair has to overcome.
_PRIOR = 20.0


def follow_ups(known: Histories) -> npt.NDArray[np.float64]:
    """Return how much likelier each item is bought a step after another, items x items.

    The share of customers that bought B in the step after one with A, less the share of those who
    bought anything in both steps, drawn towards no difference where few bought A; 0 where it is
    not more. A step is `histories.STEP` days.
    """
    size = known.weights.shape[1]
    both, first, base, people = np.zeros((size, size)), np.zeros(size), np.zeros(size), 0
    for now, after in zip(known.steps, known.steps[1:], strict=False):
        came = (now.sum(axis=1) > 0) & (after.sum(axis=1) > 0)
        now, after = now[came], after[came]
        both += (now.T @ after).toarray()
        first += np.asarray(now.sum(axis=0)).ravel()
        base += np.asarray(after.sum(axis=0)).ravel()
        people += int(came.sum())
    usual = base / max(people, 1)
    share = (both + _PRIOR * usual) / (first + _PRIOR)[:, None]
    return np.maximum(share - usual, 0.0)

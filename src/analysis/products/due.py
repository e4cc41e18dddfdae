"""The chance that a customer's own rhythm brings a product in the next days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from analysis.products.histories import Histories

Floats = npt.NDArray[np.float64]

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

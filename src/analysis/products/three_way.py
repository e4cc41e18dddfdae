"""How often three things would be together if their pairs were all there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Cells are numbered by what an order holds: 1 for the first, 2 for the second, 4 for the third.
CELLS = 8
WHOLE = CELLS - 1

#: Sign of each cell in the logarithm of the three-factor interaction.
_SIGN = np.array([-1.0, 1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0])

#: Halvings of an interval: to the last bit of a number of orders.
_STEPS = 100


@dataclass(frozen=True)
class ThreeWay:
    """Tables of 2 x 2 x 2, with and without a three-factor interaction.

    Parameters
    ----------
    together
        Orders with all three.
    expected
        The same without the interaction, all pairs as they are.
    fitted
        All eight cells without it.
    information
        Sum of one over the fitted cells; infinite where the pairs leave nothing open.
    """

    together: Floats
    expected: Floats
    fitted: Floats
    information: Floats

    @classmethod
    def of(cls, cells: npt.ArrayLike) -> ThreeWay:
        """Fit tables; the last axis of ``cells`` has the eight counts.

        Notes
        -----
        Bartlett (1935), Suppl. J. R. Statist. Soc. 2(2): with the margins of all pairs kept, one
        number is left, and the odds ratio of the first two with the third must be that without
        it. As a screen for sets of products: DuMouchel and Pregibon (2001), Empirical Bayes
        screening for multi-item associations, section 4 (the all-two-factor model).
        """
        counts = np.asarray(cells, dtype=float)
        low = counts[..., WHOLE] - counts[..., _SIGN > 0].min(axis=-1)
        high = counts[..., WHOLE] + counts[..., _SIGN < 0].min(axis=-1)
        for _ in range(_STEPS):
            middle = (low + high) / 2
            below = _interaction(_moved(counts, middle)) < 0
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        expected = (low + high) / 2
        fitted = np.maximum(_moved(counts, expected), 0.0)
        with np.errstate(divide="ignore"):
            information = (1 / fitted).sum(axis=-1)
        return cls(counts[..., WHOLE], expected, fitted, information)

    @property
    def z(self) -> Floats:
        """How far beyond its pairs, in standard errors: the score test of the interaction."""
        known = np.isfinite(self.information)
        root = np.sqrt(np.where(known, self.information, 0.0))
        return np.where(known, (self.together - self.expected) * root, np.nan)

    @property
    def pull(self) -> Floats:
        """What one more order in each cell adds to ``together - expected``."""
        known = np.isfinite(self.information)
        information = np.where(known, self.information, 1.0)[..., None]
        weight = np.where(known[..., None], self.fitted * information, np.inf)
        return _SIGN / weight


def cells_of(
    orders: int, single: Floats, pairs: Floats, together: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return the eight cells from how many orders hold what.

    Parameters
    ----------
    orders
        All orders.
    single
        sets x 3: orders with the first, the second, the third.
    pairs
        sets x 3: with the first and second, first and third, second and third.
    together
        With all three.
    """
    t = np.asarray(together, dtype=float)
    a, b, c = single.T
    ab, ac, bc = pairs.T
    cells = [
        orders - a - b - c + ab + ac + bc - t,
        a - ab - ac + t, b - ab - bc + t, ab - t,
        c - ac - bc + t, ac - t, bc - t, t,
    ]  # fmt: skip
    return np.stack(cells, axis=-1)


def _moved(counts: Floats, together: Floats) -> Floats:
    """Return the cells with so many orders together, all pairs as they were."""
    return counts - _SIGN * (counts[..., WHOLE] - together)[..., None]


def _interaction(cells: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.maximum(cells, 0.0))
        plus = logs[..., _SIGN > 0].sum(axis=-1)
        minus = logs[..., _SIGN < 0].sum(axis=-1)
        # Both without end: the pairs leave nothing open, and any answer is the one they allow.
        return np.where(np.isneginf(plus) & np.isneginf(minus), 0.0, plus - minus)

"""Bootstrap intervals of an effect, for a million customers as for a thousand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.types import Floats

Counts = npt.NDArray[np.int64]

_BATCH = 50

#: Beyond this many customers an arm, so many random groups of them are drawn.
_MOST_GROUPS = 4_000
_GROUPS = 1_000

#: Values that fewer customers have are drawn customer by customer, which is then quicker.
_RARE = 14

#: From so many distinct values on, the arms are drawn side by side.
_MANY = 2_000


def by_buckets(
    treated: Floats, control: Floats, *, confidence: float, seed: int, replicates: int = 2_000
) -> tuple[float, float]:
    """Return the interval of the difference of means, resampling random groups of customers.

    Up to a few thousand customers they are drawn one by one; beyond, equal random groups are,
    which have the same variance of totals (see `analysis.stats.resampling.resampled_totals`).
    """
    one, two = (
        _means(values, seed + place, replicates) for place, values in enumerate((treated, control))
    )
    low, high = percentile_interval(one - two, confidence=confidence)
    return float(low[0]), float(high[0])


def _means(values: Floats, seed: int, replicates: int) -> Floats:
    n = len(values)
    units = n if n <= _MOST_GROUPS else _GROUPS
    drawn = resampled_totals(values[:, None], seed=seed, replicates=replicates, most_units=units)
    return drawn[:, 0] / n


def by_values(
    treated: tuple[Floats, Counts],
    control: tuple[Floats, Counts],
    *,
    confidence: float,
    seed: int,
    replicates: int = 2_000,
) -> tuple[float, float]:
    """Return the interval of the difference of means, exactly as if every customer were redrawn.

    Parameters
    ----------
    treated, control
        Distinct values and how many customers have each. Customers with equal values are one to
        the bootstrap, so how often a value is drawn is multinomial.
    """
    own = np.random.default_rng(seed).spawn(2)
    if len(treated[0]) + len(control[0]) < _MANY:
        gaps = _redrawn(*treated, own[0], replicates) - _redrawn(*control, own[1], replicates)
    else:
        with ThreadPoolExecutor(2) as both:  # drawing frees the interpreter
            one = both.submit(_redrawn, *treated, own[0], replicates)
            two = both.submit(_redrawn, *control, own[1], replicates)
            gaps = one.result() - two.result()
    low, high = percentile_interval(gaps, confidence=confidence)
    return float(low[0]), float(high[0])


def _redrawn(values: Floats, counts: Counts, rng: np.random.Generator, replicates: int) -> Floats:
    n = int(counts.sum())
    rare = counts < _RARE
    one_by_one = np.repeat(values[rare], counts[rare])
    chances = np.append(counts[~rare], len(one_by_one)) / n
    means = []
    for start in range(0, replicates, _BATCH):
        drawn = rng.multinomial(n, chances, size=min(_BATCH, replicates - start))
        sums = drawn[:, :-1] @ values[~rare] + _sums(one_by_one, drawn[:, -1], rng)
        means.append(sums / n)
    return np.concatenate(means)


def _sums(values: Floats, sizes: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Return the sums of so many values, drawn one by one."""
    total = int(sizes.sum())
    if not total:
        return np.zeros(len(sizes))
    drawn = values[rng.integers(0, len(values), size=total, dtype=np.int32)]
    starts = np.minimum(np.cumsum(sizes) - sizes, total - 1)
    return np.where(sizes > 0, np.add.reduceat(drawn, starts), 0.0)

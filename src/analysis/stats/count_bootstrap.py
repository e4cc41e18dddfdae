"""Bootstrap intervals of an effect, for a million customers as for a thousand."""

from __future__ import annotations

from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.types import Floats

#: Beyond this many customers an arm, so many random groups of them are drawn.
_MOST_GROUPS = 4_000
_GROUPS = 1_000


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

"""What is to be forecast: the horizon, the origins tested and the coverage of intervals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """How to forecast and to test it.

    Parameters
    ----------
    horizon
        Periods ahead.
    season
        Periods of one season; 1 for none.
    origins, step
        Number of past origins tested, and periods between them; models are refitted at each.
    coverages
        Nominal coverages of the intervals.
    """

    horizon: int = 8
    season: int = 1
    origins: int = 24
    step: int = 1
    coverages: tuple[float, ...] = (0.80, 0.95)

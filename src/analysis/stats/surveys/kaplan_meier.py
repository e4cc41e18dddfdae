"""How long it takes until something happens, where it has not happened yet for some."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Flags, Floats


@dataclass(frozen=True)
class Survival:
    """The Kaplan-Meier estimate.

    Parameters
    ----------
    times
        Times at which it happened to somebody, rising.
    at_risk, events
        For how many it might have happened at each, and for how many it did.
    still
        Share for whom it has not happened after each time.
    low, high
        Ends of its interval.
    """

    times: Floats
    at_risk: Floats
    events: Floats
    still: Floats
    low: Floats
    high: Floats

    def share_by(self, time: float) -> tuple[float, float, float]:
        """Return the share for whom it happened by ``time``, with its interval."""
        place = int(np.searchsorted(self.times, time, side="right")) - 1
        if place < 0:
            return 0.0, 0.0, 0.0
        return (
            1 - float(self.still[place]),
            1 - float(self.high[place]),
            1 - float(self.low[place]),
        )

    def quantile(self, share: float = 0.5) -> tuple[float, float, float]:
        """Return the time by which it happened to ``share``, with its interval.

        The interval inverts that of the curve (Brookmeyer and Crowley 1982, Biometrics 38, 29-41);
        NaN where the curve does not fall that far.
        """
        return (
            self._first(self.still, share),
            self._first(self.low, share),
            self._first(self.high, share),
        )

    def _first(self, curve: Floats, share: float) -> float:
        below = np.flatnonzero(np.nan_to_num(curve, nan=1.0) <= 1 - share + 1e-12)
        return float(self.times[below[0]]) if len(below) else float("nan")


def kaplan_meier(
    duration: Floats, happened: Flags, *, of: Floats | None = None, confidence: float = 0.95
) -> Survival:
    """Return the share for whom it has not happened yet, by time.

    Kaplan and Meier (1958), J. Am. Statist. Assoc. 53, 457-481; Greenwood's variance, and the
    interval on the scale of log(-log), which stays within 0 and 1.

    Parameters
    ----------
    duration
        Time until it happened, or until it was last known not to have.
    happened
        Whether it happened.
    of
        How many each row stands for; by default one.
    """
    duration, happened = np.asarray(duration, float), np.asarray(happened, bool)
    counts = np.ones(len(duration)) if of is None else np.asarray(of, float)
    times, place = np.unique(duration[happened], return_inverse=True)
    died = np.bincount(place, counts[happened], len(times)).astype(float)
    order = np.argsort(duration, kind="stable")
    gone = np.concatenate([[0.0], np.cumsum(counts[order])])
    risk = gone[-1] - gone[np.searchsorted(duration[order], times, side="left")]
    still = np.cumprod(1 - died / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(died / (risk * (risk - died)))
        spread = normal_quantile(confidence) * np.sqrt(greenwood) / np.abs(np.log(still))
        low, high = still ** np.exp(spread), still ** np.exp(-spread)
    ended = still <= 0
    return Survival(
        times, risk, died, still, np.where(ended, np.nan, low), np.where(ended, np.nan, high)
    )

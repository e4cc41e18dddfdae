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


def kaplan_meier(duration: Floats, happened: Flags, *, confidence: float = 0.95) -> Survival:
    """Return the share for whom it has not happened yet, by time.

    Kaplan and Meier (1958), J. Am. Statist. Assoc. 53, 457-481; Greenwood's variance, and the
    interval on the scale of log(-log), which stays within 0 and 1.

    Parameters
    ----------
    duration
        Time until it happened, or until it was last known not to have.
    happened
        Whether it happened.
    """
    duration, happened = np.asarray(duration, float), np.asarray(happened, bool)
    times = np.unique(duration[happened])
    ordered = np.sort(duration)
    at_risk = len(ordered) - np.searchsorted(ordered, times, side="left")
    ends = np.sort(duration[happened])
    events = np.searchsorted(ends, times, side="right") - np.searchsorted(ends, times, side="left")
    risk, died = at_risk.astype(float), events.astype(float)
    still = np.cumprod(1 - died / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(died / (risk * (risk - died)))
        spread = normal_quantile(confidence) * np.sqrt(greenwood) / np.abs(np.log(still))
        low, high = still ** np.exp(spread), still ** np.exp(-spread)
    gone = still <= 0
    return Survival(
        times, risk, died, still, np.where(gone, np.nan, low), np.where(gone, np.nan, high)
    )

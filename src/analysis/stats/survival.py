"""Who has done a thing by which day, some being lost sight of: Kaplan-Meier, competing risks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Flags, Floats, Integers


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
    over = np.concatenate([[0.0], np.cumsum(counts[order])])
    risk = over[-1] - over[np.searchsorted(duration[order], times, side="left")]
    still = np.cumprod(1 - died / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(died / (risk * (risk - died)))
        spread = normal_quantile(confidence) * np.sqrt(greenwood) / np.abs(np.log(still))
        low, high = still ** np.exp(spread), still ** np.exp(-spread)
    gone = still <= 0
    return Survival(
        times, risk, died, still, np.where(gone, np.nan, low), np.where(gone, np.nan, high)
    )


@dataclass(frozen=True)
class Ends:
    """How each visit stops to be followed.

    Parameters
    ----------
    stop
        Days followed, from 0 to the window.
    cause
        What ended it: 0 nothing (lost sight of), else a cause from 1.
    group
        Codes from 0. Within a group, who is lost sight of is like who is still seen.
    """

    stop: Integers
    cause: Integers
    group: Integers

    def cells(
        self, *, window: int, causes: int = 1, groups: int = 1
    ) -> tuple[Integers, tuple[int, int, int]]:
        """Return the cell each visit ends in, and the shape of all: groups x causes x days.

        Causes and days are from 0; a cause above ``causes`` is lost sight of, like cause 0.
        """
        cause = np.where(self.cause <= causes, self.cause, 0)
        place = (self.group * (causes + 1) + cause) * (window + 1) + self.stop
        return place, (groups, causes + 1, window + 1)


@dataclass(frozen=True)
class Hazards:
    """Rates by group, cause and day, and how many each group began with.

    Parameters
    ----------
    rate
        groups x causes x days, from day 1: share of those still followed.
    began
        Weight of each group on day 0.
    """

    rate: Floats
    began: Floats

    @classmethod
    def of(cls, ended: npt.NDArray[Any]) -> Hazards:
        """Return how many of those still followed end by which cause on which day.

        Parameters
        ----------
        ended
            How many end in each of `Ends.cells`; axes before these are cases of their own.
        """
        # At risk on a day is who is followed that day or longer.
        at_risk = np.cumsum(ended.sum(axis=-2)[..., ::-1], axis=-1)[..., ::-1].astype(np.float64)
        ended = ended[..., 1:, 1:].astype(np.float64)
        return cls(_rates(ended, at_risk[..., None, 1:]), at_risk[..., 0])

    def incidence(self, causes: int) -> Floats:
        """Return the share that each of the first ``causes`` has ended: causes x days.

        Notes
        -----
        Aalen and Johansen (1978), Scand. J. Statist. 5(3): what a cause takes on a day is its
        rate times the share that no cause has taken before. With one cause that is one less the
        estimate of Kaplan and Meier (1958), J. Am. Statist. Assoc. 53(282); causes left out are
        then no ends but losses. Groups are estimated apart and averaged as they began.
        """
        rate = self.rate[..., :causes, :]
        left = np.cumprod(1 - rate.sum(axis=-2), axis=-1)
        before = np.concatenate([np.ones_like(left[..., :1]), left[..., :-1]], axis=-1)
        taken = np.cumsum(rate * before[..., None, :], axis=-1)
        every = np.maximum(self.began.sum(axis=-1, keepdims=True), np.finfo(float).tiny)
        return np.asarray(np.einsum("...g,...gcd->...cd", self.began / every, taken))


def _rates(ended: Floats, at_risk: Floats) -> Floats:
    """Return rates; a group of which nobody is left to see takes the rate of all."""
    pooled, all_ = (counts.sum(axis=-3, keepdims=True) for counts in (ended, at_risk))
    usual = np.divide(pooled, all_, out=np.zeros_like(pooled), where=all_ > 0)
    rate = np.broadcast_to(usual, ended.shape).copy()
    return np.divide(ended, at_risk, out=rate, where=at_risk > 0)

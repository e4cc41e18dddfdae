"""Who has bought by which day, where some are lost sight of and some do another thing first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.types import Floats, Integers


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

    def hazards(self, weight: Floats, *, window: int, causes: int = 1, groups: int = 1) -> Hazards:
        """Return how many of those still followed end by which cause on which day.

        Parameters
        ----------
        weight
            How often each visit counts.
        window
            Days.
        causes
            Causes told apart: a higher one is lost sight of, like cause 0.
        groups
            Number of groups.
        """
        cause = np.where(self.cause <= causes, self.cause, 0)
        place = (self.group * (causes + 1) + cause) * (window + 1) + self.stop
        size = groups * (causes + 1) * (window + 1)
        # Without any row bincount counts in integers, whatever the weights are.
        ended = np.bincount(place, weight, size).astype(np.float64)
        ended = ended.reshape(groups, causes + 1, window + 1)
        # At risk on a day is who is followed that day or longer.
        at_risk = np.cumsum(ended.sum(axis=1)[:, ::-1], axis=1)[:, ::-1]
        return Hazards(_rates(ended[:, 1:, 1:], at_risk[:, None, 1:]), at_risk[:, 0])


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

    def incidence(self, causes: int) -> Floats:
        """Return the share that each of the first ``causes`` has ended: causes x days.

        Notes
        -----
        Aalen and Johansen (1978), Scand. J. Statist. 5(3): what a cause takes on a day is its
        rate times the share that no cause has taken before. With one cause that is one less the
        estimate of Kaplan and Meier (1958), J. Am. Statist. Assoc. 53(282); causes left out are
        then no ends but losses. Groups are estimated apart and averaged as they began.
        """
        rate = self.rate[:, :causes]
        left = np.cumprod(1 - rate.sum(axis=1), axis=1)
        before = np.concatenate([np.ones((len(left), 1)), left[:, :-1]], axis=1)
        taken = np.cumsum(rate * before[:, None], axis=2)
        share = self.began / max(float(self.began.sum()), np.finfo(float).tiny)
        return np.asarray(np.tensordot(share, taken, axes=1))


def _rates(ended: Floats, at_risk: Floats) -> Floats:
    """Return rates; a group of which nobody is left to see takes the rate of all."""
    pooled, all_ = ended.sum(axis=0), at_risk.sum(axis=0)
    usual = np.divide(pooled, all_, out=np.zeros_like(pooled), where=all_ > 0)
    rate = np.broadcast_to(usual, ended.shape).copy()
    return np.divide(ended, at_risk, out=rate, where=at_risk > 0)

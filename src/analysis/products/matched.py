"""Buyers of A, and the visits of others that they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.products.follow_ups import RHYTHMS, first_visits, rhythm

if TYPE_CHECKING:
    from analysis.products.events import Events

Days = npt.NDArray[np.int64]

_NEVER = np.int64(1 << 40)


@dataclass(frozen=True)
class Design:
    """How buyers of A are followed and compared.

    Parameters
    ----------
    window
        Days followed.
    quiet_days
        Days at the start in which a purchase of A is no first one.
    controls
        Most visits of controls for each buyer, in the same stratum.
    confidence
        Coverage of the intervals.
    draws
        Resamples of customers.
    seed
        Seed of the resamples, and of which visits are taken where there are too many.
    least
        Fewest buyers to say anything about.
    """

    window: int = 30
    quiet_days: int = 56
    controls: int = 10
    confidence: float = 0.95
    draws: int = 300
    seed: int = 0
    least: int = 50


@dataclass(frozen=True)
class People:
    """Customers as far as one pair of items is concerned."""

    first_a: Days
    key_b: Days
    group: Days
    visits: npt.NDArray[np.int32]
    buyers: Days
    days: int

    @classmethod
    def of(cls, events: Events, a: int, b: int, design: Design) -> People:
        """Return the customers as buyers of the items with codes ``a`` and ``b``."""
        days = events.period.days
        first_a = np.full(len(events.customers), _NEVER)
        rows = np.flatnonzero(events.item == a)[::-1]
        first_a[events.customer[rows]] = events.day[rows]
        rows = events.item == b
        key_b = events.customer[rows].astype(np.int64) * 2 * days + events.day[rows]
        known = (first_a >= design.quiet_days) & (first_a < days - 1)
        buyers = np.flatnonzero(known)
        visits = first_visits(events, events.beside(a))
        return cls(first_a, key_b, rhythm(events), visits, buyers, days)

    def next_b(self, who: Days, day: Days) -> Days:
        """Return the first day after ``day`` on which B was bought."""
        place = np.searchsorted(self.key_b, who * 2 * self.days + day, side="right")
        found = np.append(self.key_b, _NEVER)[place]
        return np.where(found // (2 * self.days) == who, found % (2 * self.days), _NEVER)

    def before(self, who: Days, day: Days, window: int) -> npt.NDArray[np.bool_]:
        """Tell who bought B in the ``window`` days before ``day``."""
        return self.next_b(who, np.maximum(day - window - 1, -1)) < day

    @property
    def groups(self) -> int:
        """Return how many groups `like` tells apart."""
        return 2 * RHYTHMS

    def like(self, visits: Visits, window: int) -> Days:
        """Return the visits' groups: of one rhythm, with or without B in the window before."""
        had = self.before(visits.who, visits.day, window)
        return self.group[visits.who] * 2 + had

    def on(self, who: Days, day: Days) -> npt.NDArray[np.bool_]:
        """Tell who bought B on ``day`` itself."""
        return self.next_b(who, day - 1) == day


@dataclass(frozen=True)
class Visits:
    """Visits that begin to count: customer, day and stratum."""

    who: Days
    day: Days
    stratum: Days

    def only(self, rows: npt.NDArray) -> Visits:
        """Return the visits of the given rows."""
        return Visits(self.who[rows], self.day[rows], self.stratum[rows])


@dataclass(frozen=True)
class Strata:
    """Buyers of A and visits of their controls, in strata that both have."""

    buyers: Visits
    controls: Visits
    number: int


def strata_of(people: People, design: Design) -> Strata:
    """Return buyers and controls of the same week, rhythm and earlier purchases of B."""
    who, week = np.nonzero(people.visits >= 0)
    day = people.visits[who, week].astype(np.int64)
    free = people.first_a[who] > day
    controls = _placed(people, who[free], day[free], design)
    buyers = _placed(people, people.buyers, people.first_a[people.buyers], design)
    both = np.intersect1d(buyers.stratum, controls.stratum)
    buyers, controls = (
        Visits(v.who[kept], v.day[kept], np.searchsorted(both, v.stratum[kept]))
        for v in (buyers, controls)
        for kept in [np.isin(v.stratum, both)]
    )
    most = design.controls * np.bincount(buyers.stratum, minlength=len(both))
    return Strata(buyers, _at_most(controls, most, design.seed), len(both))


def _placed(people: People, who: Days, day: Days, design: Design) -> Visits:
    """Return the visits without B, with their strata."""
    kept = ~people.on(who, day)
    visits = Visits(who[kept], day[kept], np.zeros(int(kept.sum()), np.int64))
    week = visits.day // 7
    stratum = week * people.groups + people.like(visits, design.window)
    return Visits(visits.who, visits.day, stratum)


def _at_most(visits: Visits, most: Days, seed: int) -> Visits:
    """Return at most so many visits of each stratum, drawn at random."""
    drawn = np.random.default_rng(seed).random(len(visits.who))
    order = np.lexsort((drawn, visits.stratum))
    ordered = visits.stratum[order]
    place = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    return visits.only(np.sort(order[place < most[ordered]]))

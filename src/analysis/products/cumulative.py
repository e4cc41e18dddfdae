"""Who buys B after A, day by day, against matched customers who did not buy A."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.errors import NotApplicable
from analysis.products.follow_ups import first_visits, rhythm

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.events import Events

Floats = npt.NDArray[np.float64]
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
        Matched customers drawn for each buyer.
    confidence
        Coverage of the intervals.
    draws
        Resamples of buyers with their controls.
    seed
        Seed of the matching and the resamples.
    least
        Fewest buyers to say anything about.
    """

    window: int = 30
    quiet_days: int = 56
    controls: int = 5
    confidence: float = 0.95
    draws: int = 400
    seed: int = 0
    least: int = 50


@dataclass(frozen=True)
class Followed:
    """One pair, followed.

    Parameters
    ----------
    curve
        One row a day: day, share, share_low, share_high (of buyers of A, who bought B by then),
        control, control_low, control_high (of matched customers).
    summary
        One row: first, then, buyers, matched (buyers with controls), share, control, difference
        and ratio with _low and _high, at the end of the window; median_days (among those who
        follow, beyond what the controls do), best_day (the last before the seven days in which
        most of what is beyond the controls happens); reason.
    """

    curve: pd.DataFrame
    summary: pd.DataFrame


def compare(events: Events, first: str, then: str, design: Design = Design()) -> Followed:
    """Follow buyers of ``first`` to their next ``then``, beside matched customers.

    Parameters
    ----------
    events
        Purchases by customer and day.
    first, then
        Items A and B.
    design
        Window, matching and intervals.

    Notes
    -----
    A buyer's day 0 is the first purchase of A after ``quiet_days``. Controls came in the same week
    with the same rhythm and bought something of A's department (where departments are known),
    had not bought A by then, and had or had not bought B in the window before, like the buyer;
    their day 0 is that visit. Who took B along on day 0 is left out on
    both sides: the same order is no "next". Controls are censored when they buy A, everybody at
    the period's end. Shares are one less the estimate of Kaplan and Meier (1958), J. Am. Statist.
    Assoc. 53(282); intervals are percentiles over resampled buyers, each with its controls.
    """
    a, b = events.code(first), events.code(then)
    people = _People.of(events, a, b, design)
    buyers, controls = _matched(people, design)
    if len(buyers) < design.least:
        raise NotApplicable(
            f"{first}, then {then}: {len(buyers)} buyers could be matched; {design.least} are "
            "needed."
        )
    took = _by_day(people, buyers[:, 0], buyers[:, 1], design, censor_at_a=False)
    rest = _by_day(people, controls[:, :, 0], controls[:, :, 1], design, censor_at_a=True)
    return _compared(first, then, len(people.buyers), took, rest, design)


@dataclass(frozen=True)
class _People:
    """Customers as far as one pair of items is concerned."""

    first_a: Days
    key_b: Days
    group: Days
    visits: npt.NDArray[np.int32]
    buyers: Days
    days: int

    @classmethod
    def of(cls, events: Events, a: int, b: int, design: Design) -> _People:
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

    def on(self, who: Days, day: Days) -> npt.NDArray[np.bool_]:
        """Tell who bought B on ``day`` itself."""
        return self.next_b(who, day - 1) == day


def _matched(people: _People, design: Design) -> tuple[Days, Days]:
    """Return buyers (customer, day) and their controls (buyer x control x customer, day)."""
    rng = np.random.default_rng(design.seed)
    buyers, at = people.buyers, people.first_a[people.buyers]
    keep = ~people.on(buyers, at)
    buyers, at = buyers[keep], at[keep]
    prior = people.before(buyers, at, design.window)
    pairs, drawn = [], []
    for week in np.unique(at // 7):
        here = np.flatnonzero(people.visits[:, week] >= 0)
        day = people.visits[here, week].astype(np.int64)
        free = (people.first_a[here] > day) & ~people.on(here, day)
        here, day = here[free], day[free]
        had = people.before(here, day, design.window)
        mine = at // 7 == week
        for group in np.unique(people.group[buyers[mine]]):
            for status in (False, True):
                chosen = np.flatnonzero(mine & (people.group[buyers] == group) & (prior == status))
                pool = np.flatnonzero((people.group[here] == group) & (had == status))
                if len(chosen) == 0 or len(pool) == 0:
                    continue
                pick = pool[rng.integers(0, len(pool), (len(chosen), design.controls))]
                pairs.append(np.column_stack([buyers[chosen], at[chosen]]))
                drawn.append(np.stack([here[pick], day[pick]], axis=-1))
    if not pairs:
        return np.empty((0, 2), np.int64), np.empty((0, design.controls, 2), np.int64)
    return np.concatenate(pairs), np.concatenate(drawn)


def _by_day(
    people: _People, who: Days, day: Days, design: Design, *, censor_at_a: bool
) -> tuple[Floats, Floats]:
    """Return events and people at risk by buyer and day, 1 to the window."""
    until = np.minimum(design.window, people.days - 1 - day)
    if censor_at_a:
        until = np.minimum(until, people.first_a[who] - day)
    wait = people.next_b(who.ravel(), day.ravel()).reshape(who.shape) - day
    happened = wait <= until
    stop = np.where(happened, wait, until)
    span = np.arange(1, design.window + 1)
    risk = (stop[..., None] >= span).astype(np.float64)
    event = (happened[..., None] & (stop[..., None] == span)).astype(np.float64)
    if who.ndim == 2:
        return event.sum(axis=1), risk.sum(axis=1)
    return event, risk


def _incidence(weights: Floats, event: Floats, risk: Floats) -> Floats:
    """Return one less Kaplan and Meier's estimate, by row of weights and day."""
    d, n = weights @ event, weights @ risk
    return 1 - np.cumprod(1 - np.divide(d, n, out=np.zeros_like(d), where=n > 0), axis=1)


def _compared(
    first: str,
    then: str,
    buyers: int,
    took: tuple[Floats, Floats],
    rest: tuple[Floats, Floats],
    design: Design,
) -> Followed:
    import pandas as pd

    n = len(took[0])
    rng = np.random.default_rng(design.seed + 1)
    weights = np.vstack([np.ones(n), rng.multinomial(n, np.full(n, 1 / n), design.draws)])
    share, control = _incidence(weights, *took), _incidence(weights, *rest)
    end_share, end_control = share[:, -1], control[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(end_control > 0, end_share / end_control, np.nan)
    measures = {"difference": end_share - end_control, "ratio": ratio}
    row: dict[str, object] = {
        "first": first, "then": then, "buyers": buyers, "matched": n,
        "share": end_share[0], "control": end_control[0],
    }  # fmt: skip
    for name, values in measures.items():
        low, high = _ends(values[1:, None], design.confidence)
        row |= {name: values[0], f"{name}_low": low[0], f"{name}_high": high[0]}
    row |= _when(share[0] - control[0])
    curve: dict[str, npt.NDArray] = {"day": np.arange(1, design.window + 1)}
    for name, values in (("share", share), ("control", control)):
        low, high = _ends(values[1:], design.confidence)
        curve |= {name: values[0], f"{name}_low": low, f"{name}_high": high}
    return Followed(pd.DataFrame(curve), pd.DataFrame([row]))


def _ends(values: Floats, confidence: float) -> tuple[Floats, Floats]:
    if np.isnan(values).any():
        return np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return low, high


def _when(excess: Floats) -> dict[str, object]:
    """Return when half of what is beyond the controls has happened, and when to write."""
    if excess[-1] <= 0:
        reason = "buyers do not follow more often than the others"
        return {"median_days": np.nan, "best_day": np.nan, "reason": reason}
    median, days = int(np.argmax(excess >= excess[-1] / 2)) + 1, min(7, len(excess))
    gained = excess - np.concatenate([np.zeros(days), excess[:-days]])
    best = int(np.argmax(gained)) + 1 - days
    return {"median_days": float(median), "best_day": float(max(best, 0)), "reason": ""}

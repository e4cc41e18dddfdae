"""Who buys B after A, day by day, against matched customers who did not buy A."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.errors import NotApplicable
from analysis.products.matched import Design, People, Strata, Visits, strata_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.events import Events

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]


_USUAL = Design()


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


def compare(events: Events, first: str, then: str, design: Design = _USUAL) -> Followed:
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
    their day 0 is that visit. All of a stratum's controls count, with as much weight together as
    its buyers have. Who took B along on day 0 is left out on both sides: the same order is no
    "next". Controls are censored when they buy A, everybody at the period's end. Shares are one
    less the estimate of Kaplan and Meier (1958), J. Am. Statist. Assoc. 53(282); intervals are
    percentiles over resampled customers, whether they are buyers, controls or both.
    Who leaves stays at risk and never buys: so the share is that of everybody, as Aalen and
    Johansen (1978) would have it with leaving as the competing event.
    """
    a, b = events.code(first), events.code(then)
    people = People.of(events, a, b, design)
    strata = strata_of(people, design)
    if len(strata.buyers.who) < design.least:
        raise NotApplicable(
            f"{first}, then {then}: {len(strata.buyers.who)} buyers could be matched; "
            f"{design.least} are needed."
        )
    weights = _weights(strata, len(events.customers), design)
    share, control = _shares(people, strata, weights, design)
    return _compared(
        first, then, len(people.buyers), len(strata.buyers.who), share, control, design
    )


def _weights(strata: Strata, customers: int, design: Design) -> tuple[Floats, Floats]:
    """Return how often each buyer and each control counts: once, then in every resample."""
    known = np.zeros(customers, bool)
    known[strata.buyers.who] = known[strata.controls.who] = True
    number = np.cumsum(known) - 1
    n = int(known.sum())
    rng = np.random.default_rng(design.seed + 1)
    drawn = rng.multinomial(n, np.full(n, 1 / n), design.draws).astype(np.float64)
    times = np.vstack([np.ones(n), drawn])
    return times[:, number[strata.buyers.who]], times[:, number[strata.controls.who]]


def _shares(
    people: People, strata: Strata, weights: tuple[Floats, Floats], design: Design
) -> tuple[Floats, Floats]:
    """Return the shares that bought B, of buyers and of controls, by resample and day."""
    own, theirs = weights
    took = _ends_at(people, strata.buyers, design, censor_at_a=False)
    rest = _ends_at(people, strata.controls, design, censor_at_a=True)
    share, control = (np.empty((len(own), design.window)) for _ in range(2))
    for draw in range(len(own)):
        share[draw] = _incidence(*took, own[draw], design.window)
        buyers = np.bincount(strata.buyers.stratum, own[draw], strata.number)
        pool = np.bincount(strata.controls.stratum, theirs[draw], strata.number)
        each = np.divide(buyers, pool, out=np.zeros_like(pool), where=pool > 0)
        scaled = theirs[draw] * each[strata.controls.stratum]
        control[draw] = _incidence(*rest, scaled, design.window)
    return share, control


def _ends_at(
    people: People, visits: Visits, design: Design, *, censor_at_a: bool
) -> tuple[Days, npt.NDArray[np.bool_]]:
    """Return the day on which each visit stops to be followed, and whether with B."""
    until = np.minimum(design.window, people.days - 1 - visits.day)
    if censor_at_a:
        until = np.minimum(until, people.first_a[visits.who] - visits.day)
    wait = people.next_b(visits.who, visits.day) - visits.day
    happened = wait <= until
    return np.where(happened, wait, until), happened


def _incidence(stop: Days, happened: npt.NDArray[np.bool_], weight: Floats, window: int) -> Floats:
    """Return one less Kaplan and Meier's estimate by day, from 1 to the window."""
    left = np.bincount(stop, weight, window + 1)
    d = np.bincount(stop[happened], weight[happened], window + 1)[1:]
    # At risk on a day is who is followed that day or longer.
    n = np.cumsum(left[::-1])[::-1][1:]
    return 1 - np.cumprod(1 - np.divide(d, n, out=np.zeros_like(d), where=n > 0))


def _compared(
    first: str, then: str, buyers: int, n: int, share: Floats, control: Floats, design: Design
) -> Followed:
    import pandas as pd

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

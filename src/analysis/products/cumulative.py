"""Who buys B after A, day by day, against matched customers who did not buy A."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.errors import NotApplicable
from analysis.products.incidence import Ends
from analysis.products.matched import Design, People, Strata, Visits, strata_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.events import Events

Floats = npt.NDArray[np.float64]

_USUAL = Design()

#: A day that no window reaches.
_LATER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Followed:
    """One pair, followed.

    Parameters
    ----------
    curve
        One row a day: day, share, share_low, share_high (of buyers of A, who bought B by then),
        control, control_low, control_high (of matched customers), control_least, control_most
        (the same if who buys A were never to buy B, and followed on past their own A).
    summary
        One row: first, then, buyers, matched (buyers with controls), share, control,
        control_least, control_most, difference (share less control), difference_least (share less
        control_most) and ratio with _low and _high, at the end of the window; median_days (among
        those who follow, beyond what the controls do), best_day (the last before the seven days
        in which most of what is beyond the controls happens); reason.
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
    "next". Intervals are percentiles over resampled customers, whether buyers, controls or both.

    Two things may come before B, and they are not treated alike.

    *Leaving* is a part of what is asked: how many of the buyers of A come for B, whoever else
    stays away. Who leaves stays at risk and never buys, until the period ends for everybody; that
    is the share of Aalen and Johansen (1978) with leaving as the competing event, though nobody
    says goodbye.

    *Buying A* ends what a control is there for: to show what a buyer would have done without it.
    As a competing event it would leave those who buy A without a B for ever, which is fewer than
    would have bought one (``control_least``); followed past it, they would bring B because of A
    (``control_most``). So a control is lost sight of at A, and one less the estimate of Kaplan and
    Meier (1958) is the share had nobody bought A: if, within a rhythm and an earlier purchase of
    B, who buys A were as likely to buy B as who does not, for the estimate is made within these.
    Where they are likelier for a reason that no column knows, it is too low; but whatever the
    reason, the share lies between the two others unless A keeps from buying B, so that
    ``difference_least`` is what is left at worst. B in the same order as A is counted: on that
    day chance brings both together too, and without it the difference would be too large.
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
    shares = _shares(people, strata, weights, design)
    return _compared(first, then, len(people.buyers), len(strata.buyers.who), shares, design)


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
) -> dict[str, Floats]:
    """Return the shares that bought B, of buyers and of controls, by resample and day."""
    own, theirs = weights
    took = _stops(people, strata.buyers, design)
    rest = _stops(people, strata.controls, design, before_a=True)
    past = _stops(people, strata.controls, design)
    size: dict[str, int] = {"window": design.window, "groups": people.groups}
    shares = {
        name: np.empty((len(own), design.window))
        for name in ("share", "control", "control_least", "control_most")
    }
    for draw in range(len(own)):
        buyers = np.bincount(strata.buyers.stratum, own[draw], strata.number)
        pool = np.bincount(strata.controls.stratum, theirs[draw], strata.number)
        each = np.divide(buyers, pool, out=np.zeros_like(pool), where=pool > 0)
        scaled = theirs[draw] * each[strata.controls.stratum]
        without = rest.hazards(scaled, causes=2, **size)
        shares["share"][draw] = took.hazards(own[draw], **size).incidence(1)[0]
        shares["control"][draw] = without.incidence(1)[0]
        shares["control_least"][draw] = without.incidence(2)[0]
        shares["control_most"][draw] = past.hazards(scaled, **size).incidence(1)[0]
    return shares


def _stops(people: People, visits: Visits, design: Design, *, before_a: bool = False) -> Ends:
    """Return how each visit stops to be followed: 1 with B, 2 with A if that ends it."""
    until = np.minimum(design.window, people.days - 1 - visits.day)
    bought_b = people.next_b(visits.who, visits.day) - visits.day
    bought_a = people.first_a[visits.who] - visits.day if before_a else np.full_like(until, _LATER)
    stop = np.minimum(until, np.minimum(bought_a, bought_b))
    cause = np.select([bought_b == stop, bought_a == stop], [1, 2], default=0)
    return Ends(stop, cause, people.like(visits, design.window))


def _compared(
    first: str, then: str, buyers: int, n: int, shares: dict[str, Floats], design: Design
) -> Followed:
    import pandas as pd

    end = {name: values[:, -1] for name, values in shares.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(end["control"] > 0, end["share"] / end["control"], np.nan)
    measures = {
        "difference": end["share"] - end["control"],
        "difference_least": end["share"] - end["control_most"],
        "ratio": ratio,
    }
    row: dict[str, object] = {
        "first": first, "then": then, "buyers": buyers, "matched": n,
        **{name: values[0] for name, values in end.items()},
    }  # fmt: skip
    for name, values in measures.items():
        low, high = _ends(values[1:, None], design.confidence)
        row |= {name: values[0], f"{name}_low": low[0], f"{name}_high": high[0]}
    row |= _when(shares["share"][0] - shares["control"][0])
    return Followed(_curve(shares, design), pd.DataFrame([row]))


def _curve(shares: dict[str, Floats], design: Design) -> pd.DataFrame:
    import pandas as pd

    curve: dict[str, npt.NDArray] = {"day": np.arange(1, design.window + 1)}
    for name in ("share", "control"):
        low, high = _ends(shares[name][1:], design.confidence)
        curve |= {name: shares[name][0], f"{name}_low": low, f"{name}_high": high}
    for name in ("control_least", "control_most"):
        curve[name] = shares[name][0]
    return pd.DataFrame(curve)


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

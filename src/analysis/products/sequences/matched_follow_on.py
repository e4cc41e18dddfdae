"""Who buys B after A, day by day, against matched customers who did not; the few to act on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.sequences.follow_on_screen import RHYTHMS, FollowUps, first_visits, rhythm
from analysis.stats.multiplicity import selected_confidence
from analysis.stats.survival import Ends, Hazards
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.products.sequences.purchase_events import Events


Days = npt.NDArray[np.int64]

_NEVER = np.int64(1 << 40)

#: How many groups `People.like` tells apart.
_GROUPS = 2 * RHYTHMS


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
    """Buyers of A, and visits of others of the same week, rhythm and earlier purchases of B.

    One row a visit in one of the ``number`` strata that both have: who, stratum, drawn (at random),
    group, stop and cause (of what ends with B), first_stop and first_cause (of what A ends, too).
    """

    buyers: pd.DataFrame
    controls: pd.DataFrame
    number: int
    known: int  # buyers, matched or not

    @classmethod
    def of(cls, events: Events, a: int, b: int, design: Design) -> Strata:
        """Return the strata; where a stratum has too many controls, some drawn at random."""
        counts = events.each(partial(_counted, a, b, design))
        buyers, controls = (sum(part[side] for part in counts) for side in (2, 3))
        both = np.flatnonzero((buyers > 0) & (controls > 0))
        theirs = np.cumsum([0, *(int(part[3][both].sum()) for part in counts)]).tolist()
        begins = {part[0]: begin for part, begin in zip(counts, theirs, strict=False)}
        most = design.controls * buyers[both]
        chosen = events.each(partial(_chosen, a, b, design, both, most, begins))
        matched, others = (pd.concat(parts) for parts in zip(*chosen, strict=True))
        return cls(matched, _at_most(others, most), len(both), sum(part[1] for part in counts))


def _counted(a: int, b: int, design: Design, events: Events) -> tuple[int, int, Days, Days]:
    """Return the first customer, the buyers of A, and buyers and controls by stratum."""
    people, *sides = _placed(events, a, b, design)
    strata = -(-people.days // 7) * _GROUPS
    buyers, controls = (np.bincount(visits.stratum, minlength=strata) for visits in sides)
    return events.first, len(people.buyers), buyers, controls


def _chosen(
    a: int, b: int, design: Design, both: Days, most: Days, begins: dict[int, int], events: Events
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the buyers, and the controls that may be drawn, of the strata ``both`` have."""
    people, *sides = _placed(events, a, b, design)
    bits = np.random.PCG64(design.seed).advance(begins[events.first])
    found = []
    for visits in (side.only(np.isin(side.stratum, both)) for side in sides):
        (stop, cause), (first, of_first) = (_stops(people, visits, design, to_a) for to_a in (0, 1))
        found.append(pd.DataFrame({
            "who": events.codes(visits.who), "stratum": np.searchsorted(both, visits.stratum),
            "group": people.like(visits, design.window), "stop": stop, "cause": cause,
            "first_stop": first, "first_cause": of_first, "drawn": 0.0,
        }))  # fmt: skip
    buyers, controls = found
    controls["drawn"] = np.random.Generator(bits).random(len(controls))
    return buyers, _at_most(controls, most)


def _placed(events: Events, a: int, b: int, design: Design) -> tuple[People, Visits, Visits]:
    """Return the customers, and the visits of buyers and of controls with their strata."""
    people = People.of(events, a, b, design)
    who, week = np.nonzero(people.visits >= 0)
    day = people.visits[who, week].astype(np.int64)
    free = people.first_a[who] > day
    buyers = _without_b(people, people.buyers, people.first_a[people.buyers], design)
    return people, buyers, _without_b(people, who[free], day[free], design)


def _without_b(people: People, who: Days, day: Days, design: Design) -> Visits:
    kept = ~people.on(who, day)
    visits = Visits(who[kept], day[kept], day[kept] // 7 * _GROUPS)
    return replace(visits, stratum=visits.stratum + people.like(visits, design.window))


def _at_most(visits: pd.DataFrame, most: Days) -> pd.DataFrame:
    """Return at most so many visits of each stratum, those with the least random numbers."""
    stratum = visits["stratum"].to_numpy()
    order = np.lexsort((visits["drawn"].to_numpy(), stratum))
    ordered = stratum[order]
    place = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    return visits.iloc[np.sort(order[place < most[ordered]])]


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
    strata = Strata.of(events, a, b, design)
    if len(strata.buyers) < design.least:
        raise NotApplicable(
            f"{first}, then {then}: {len(strata.buyers)} buyers could be matched; "
            f"{design.least} are needed."
        )
    shares = _shares(strata, _weights(strata, len(events.customers), design), design)
    return _compared(first, then, strata.known, len(strata.buyers), shares, design)


def _weights(strata: Strata, customers: int, design: Design) -> Iterator[tuple[Floats, Floats]]:
    """Return how often each buyer and each control counts: once, then in every resample.

    One at a time: three hundred resamples of a million customers would be gigabytes.
    """
    known = np.zeros(customers, bool)
    known[strata.buyers["who"]] = known[strata.controls["who"]] = True
    number = np.cumsum(known) - 1
    n = int(known.sum())
    rng = np.random.default_rng(design.seed + 1)
    chances, times = np.full(n, 1 / n), np.ones(n)
    buyers, controls = (number[side["who"]] for side in (strata.buyers, strata.controls))
    for draw in range(design.draws + 1):
        if draw:
            times = rng.multinomial(n, chances).astype(np.float64)
        yield times[buyers], times[controls]


def _shares(
    strata: Strata, weights: Iterable[tuple[Floats, Floats]], design: Design
) -> dict[str, Floats]:
    """Return the shares that bought B, of buyers and of controls, by resample and day."""
    sides = ((strata.buyers, "", 1), (strata.controls, "first_", 2), (strata.controls, "", 1))
    cells = [
        Ends(*(side[name].to_numpy() for name in (f"{first}stop", f"{first}cause", "group")))
        .cells(window=design.window, causes=causes, groups=_GROUPS)
        for side, first, causes in sides
    ]  # fmt: skip
    buyers, controls = (side["stratum"].to_numpy() for side in (strata.buyers, strata.controls))
    ended = [np.empty((design.draws + 1, *shape)) for _, shape in cells]
    for draw, (own, theirs) in enumerate(weights):
        bought = np.bincount(buyers, own, strata.number)
        pool = np.bincount(controls, theirs, strata.number)
        each = np.divide(bought, pool, out=np.zeros_like(pool), where=pool > 0)
        scaled = theirs * each[controls]
        for counts, (place, shape), weight in zip(ended, cells, (own, scaled, scaled), strict=True):
            counts[draw] = np.bincount(place, weight, math.prod(shape)).reshape(shape)
    took, without, past = (Hazards.of(counts) for counts in ended)
    shares = {"share": took.incidence(1), "control": without.incidence(1)}
    shares |= {"control_least": without.incidence(2), "control_most": past.incidence(1)}
    return {name: each[:, 0] for name, each in shares.items()}


def _stops(people: People, visits: Visits, design: Design, to_a: int) -> tuple[Days, Days]:
    """Return when and why each visit stops to be followed: 1 with B, 2 with A if that ends it."""
    until = np.minimum(design.window, people.days - 1 - visits.day)
    bought_b = people.next_b(visits.who, visits.day) - visits.day
    bought_a = people.first_a[visits.who] - visits.day if to_a else np.full_like(until, _LATER)
    stop = np.minimum(until, np.minimum(bought_a, bought_b))
    return stop, np.select([bought_b == stop, bought_a == stop], [1, 2], default=0)


def _compared(
    first: str, then: str, buyers: int, n: int, shares: dict[str, Floats], design: Design
) -> Followed:
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


@dataclass(frozen=True)
class Following:
    """The surest follow-ups, looked at closely.

    Parameters
    ----------
    table
        One row a pair: ``Followed.summary``, the largest difference first.
    curves
        One row a pair and day: first, then and ``Followed.curve``.
    confidence
        Coverage of the intervals: higher than asked for where pairs were picked out of many.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    confidence: float


def closest(
    events: Events, screened: FollowUps, *, design: Design, fdr: float = 0.05, most: int = 12
) -> Following:
    """Compare the surest pairs of a screening with matched customers.

    Parameters
    ----------
    screened
        All pairs.
    design
        Matching and intervals.
    fdr
        False discovery rate over all pairs screened.
    most
        Pairs to look at.
    """
    found = screened.table[(screened.table["q"] <= fdr) & (screened.table["difference"] > 0)]
    confidence = selected_confidence(screened.table["q"], fdr=fdr, most=most)
    chosen = replace(design, confidence=max(design.confidence, min(confidence, 0.99)))
    followed: list[Followed] = []
    for first, then in zip(found["first"], found["then"], strict=True):
        if len(followed) == most:
            break
        try:
            followed.append(compare(events, first, then, chosen))
        except NotApplicable:  # too few could be matched: the next pair takes its place
            continue
    if not followed:
        raise NotApplicable(
            f"No product follows another within {design.window} days significantly, or too few "
            "customers could be matched."
        )
    table = pd.concat([f.summary for f in followed]).sort_values("difference", ascending=False)
    curves = [
        f.curve.assign(first=f.summary["first"][0], then=f.summary["then"][0]) for f in followed
    ]
    return Following(
        table.reset_index(drop=True), pd.concat(curves, ignore_index=True), chosen.confidence
    )

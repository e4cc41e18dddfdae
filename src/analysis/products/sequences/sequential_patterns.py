"""Frequent sequences of visits, with gaps and a span in days, several items a visit.

Whether the order of visits matters, or any order would show the same sequences.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable, ParamsError
from analysis.products.sequences.follow_on_screen import visit_days
from analysis.stats.multiplicity import q_values
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.products.sequences.purchase_events import Events


Codes = npt.NDArray[np.int32]

Ints = npt.NDArray[np.integer]

#: For each item those that may come after it, or beside it.
Neighbours = dict[int, set[int]]

#: Where a pattern occurs: customer, day of its last visit, day of its first.
Places = tuple[Codes, Codes, Codes]

#: Visits in order, each with its items in order, as codes.
Pattern = tuple[tuple[int, ...], ...]

_EVER = np.int32(1 << 30)


#: Pairs of items counted at a time, at 16 bytes each.
_MOST_CELLS = 32_000_000


@dataclass(frozen=True)
class Limits:
    """What a sequence may look like.

    Parameters
    ----------
    min_gap, max_gap
        Days between one visit of the pattern and the next; None: no maximum.
    span
        Days between its first visit and its last; None: any.
    longest
        Items in all; None: any number.
    most
        Refuse to find more patterns.
    """

    min_gap: int = 1
    max_gap: int | None = None
    span: int | None = None
    longest: int | None = None
    most: int = 200_000

    def __post_init__(self) -> None:
        if self.min_gap < 1 or (self.max_gap is not None and self.max_gap < self.min_gap):
            raise ParamsError(
                f"Gaps of {self.min_gap} to {self.max_gap} days leave no next visit: the least is "
                "1 day and the most not below the least"
            )

    def days(self) -> tuple[np.int32, np.int32, np.int32]:
        """Return the limits as the kernel wants them."""
        ends = [_EVER if v is None else np.int32(v) for v in (self.max_gap, self.span)]
        return np.int32(self.min_gap), ends[0], ends[1]


def frequent_sequences(
    events: Events, *, support: float, limits: Limits = Limits(),
    counted: dict[Pattern, int] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return all sequences that enough customers went through.

    Parameters
    ----------
    support
        Share of the customers with an event.
    counted
        Customers of patterns, as codes, that were counted before; those counted now are added.

    Returns
    -------
    pandas.DataFrame
        pattern (tuple of visits, each a tuple of items), visits, items, customers, support,
        closed (no longer pattern of as many customers contains it); most customers first.

    Raises
    ------
    NotApplicable
        If there are more patterns than ``limits.most``, with a support that would do.

    Notes
    -----
    SPADE (Zaki 2001, Machine Learning 42) on lists of where patterns end, with the constraints of
    cSPADE (Zaki 2000). A maximum gap breaks the rule that all parts of a frequent sequence are
    frequent; what still holds, and prunes, is that its neighbouring visits are.
    """
    if not 0 < support <= 1:
        raise ParamsError(f"support {support!r} must be a share of customers above 0, at most 1")
    total = len(events.customers)
    least = max(1, math.ceil(support * total - 1e-9))
    found = _search(events, least, limits, {} if counted is None else counted)
    return _table(found, events.names, total, every=limits.max_gap is not None)


def occurrences(
    pattern: Pattern,
    places: dict[int, Places],
    limits: Limits,
    known: dict[Pattern, Places] | None = None,
    *,
    once: bool = False,
) -> Places:
    """Return where a pattern occurs; what it begins with is kept in ``known``.

    With ``once``, which costs less, one place a customer may be all, and is not kept.
    """
    from analysis.products.sequences.sequence_kernels import later, together

    known = {} if known is None else known
    if pattern in known:
        return known[pattern]
    *before, last = pattern
    *rest, item = last
    who, day, _ = places[item]
    if rest:
        found = together(*occurrences((*before, tuple(rest)), places, limits, known), who, day)
    elif before:
        start = occurrences(tuple(before), places, limits, known)
        found = later(*start, who, day, *limits.days(), once)
    else:
        found = places[item]
    if not once:
        known[pattern] = found
    return found


def item_places(events: Events) -> dict[int, Places]:
    """Return where each item was bought."""
    # Stable: what is sorted by customer and day remains so.
    order = np.argsort(events.item, kind="stable")
    ends = np.cumsum(np.bincount(events.item, minlength=len(events.names)))
    found = {}
    for item, (begin, end) in enumerate(zip(np.r_[0, ends[:-1]], ends, strict=True)):
        rows = order[begin:end]
        found[item] = (events.customer[rows], events.day[rows], events.day[rows])
    return found


def _pairs(
    events: Events, items: Codes, limits: Limits
) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
    """Yield, for some of ``items`` at a time, the customers with each other item after, beside."""
    from analysis.products.sequences.sequence_kernels import pairs

    place = np.full(len(events.names), -1, np.int32)
    place[items] = np.arange(len(items))
    kept = place[events.item] >= 0
    customer, day, item = events.customer[kept], events.day[kept], place[events.item[kept]]
    ends = np.cumsum(np.bincount(customer, minlength=len(events.customers)))
    starts = np.concatenate([[0], ends]).astype(np.int64)
    min_gap, max_gap, span = limits.days()
    step = max(1, _MOST_CELLS // max(1, len(items)))
    for low in range(0, len(items), step):
        high = min(low + step, len(items))
        yield pairs(starts, day, item, low, high, len(items), min_gap, min(max_gap, span))


def _search(
    events: Events, least: int, limits: Limits, counted: dict[Pattern, int]
) -> dict[Pattern, int]:
    """Return every frequent pattern with its number of customers, those of one length at a time."""
    candidates: list[Pattern] = [((item,),) for item in range(len(events.names))]
    found, longest = dict[Pattern, int](), 1
    while candidates:
        if fresh := [p for p in candidates if p not in counted]:
            counts = sum(events.each(partial(_followed, fresh, limits))).tolist()
            counted.update(zip(fresh, counts, strict=True))
        kept = {p: counted[p] for p in candidates if counted[p] >= least}
        found |= kept
        if len(found) > limits.most:
            raise NotApplicable(
                f"More than {limits.most:,} sequences are followed by {least:,} customers. About "
                f"{int(np.quantile([*found.values()], 0.9)) + 1:,} customers as a minimum, or "
                "shorter sequences, would do."
            )
        if longest == limits.longest or not kept:
            break
        if longest == 1:
            neighbours = _neighbours(events, [item for ((item,),) in kept], least, limits)
        candidates = [longer for pattern in kept for longer in _longer(pattern, *neighbours)]
        longest += 1
    return found


def _followed(patterns: list[Pattern], limits: Limits, events: Events) -> Ints:
    """Return how many customers follow each pattern; what several begin with is looked for once."""
    from analysis.products.sequences.sequence_kernels import customers

    places, counts = item_places(events), list[int]()
    for _, alike in itertools.groupby(patterns, lambda p: (p[:-1], p[-1][:-1])):
        known: dict[Pattern, Places] = {}
        counts += [customers(occurrences(p, places, limits, known, once=True)[0]) for p in alike]
    return np.array(counts)


def _neighbours(events: Events, items: list[int], least: int, limits: Limits) -> list[Neighbours]:
    """Return, by item, which others enough customers bought after it, and beside it."""
    names = np.array(items, np.int32)
    counted = sum(events.each(lambda own: np.concatenate([*_pairs(own, names, limits)], axis=1)))
    enough = ({i: {*names[row].tolist()} for i, row in zip(items, side, strict=True)}
              for side in counted >= least)  # fmt: skip
    return [*enough]


def _longer(pattern: Pattern, after: Neighbours, beside: Neighbours) -> Iterator[Pattern]:
    """Yield the patterns of one item more that may be frequent."""
    last = pattern[-1]
    for item in sorted(set.intersection(*(after[item] for item in last))):
        yield (*pattern, (item,))
    for item in sorted(set.intersection(*(beside[item] for item in last))):
        yield (*pattern[:-1], (*last, item))


def _table(
    found: dict[Pattern, int], names: npt.NDArray[np.object_], total: int, *, every: bool
) -> pd.DataFrame:
    """Return the patterns found; with ``every``, all that a pattern contains can be covered by it.

    Without a maximum gap what lies between two patterns of as many customers is followed by as
    many, so that the patterns of one item less tell all. A maximum gap breaks that: A-B-B-C may
    hold where A-B-C, its B too far from C or A, does not.
    """
    inner = _all_parts if every else _parts
    covered = {part for p, n in found.items() for part in inner(p) if found.get(part) == n}
    table = pd.DataFrame(
        {
            "pattern": pd.Series(
                [tuple(tuple(names[i] for i in visit) for visit in p) for p in found], dtype=object
            ),
            "visits": [len(p) for p in found],
            "items": [sum(map(len, p)) for p in found],
            "customers": list(found.values()),
        }
    )
    table["support"] = table["customers"] / max(total, 1)
    table["closed"] = [p not in covered for p in found]
    table["key"] = table["pattern"].map(str)
    ordered = table.sort_values(["customers", "items", "key"], ascending=[False, False, True])
    return ordered.drop(columns="key").reset_index(drop=True)


def _all_parts(pattern: Pattern) -> set[Pattern]:
    """Return every shorter pattern that the pattern contains."""
    parts: set[Pattern] = set()
    fresh = set(_parts(pattern))
    while fresh:
        parts |= fresh
        fresh = {shorter for part in fresh for shorter in _parts(part)} - parts
    return parts


def _parts(pattern: Pattern) -> Iterator[Pattern]:
    """Yield the patterns of one item less that the pattern contains."""
    for place, visit in enumerate(pattern):
        for item in visit:
            rest = tuple(i for i in visit if i != item)
            middle = (rest,) if rest else ()
            if len(pattern) > 1 or rest:
                yield (*pattern[:place], *middle, *pattern[place + 1 :])


def most_common(
    events: Events, *, wanted: int = 40, limits: Limits, least: float = 0.02
) -> pd.DataFrame:
    """Return the most common closed sequences of two visits or more.

    Parameters
    ----------
    wanted
        How many sequences.
    least
        Share of the customers below which a sequence is not common.

    Raises
    ------
    NotApplicable
        If no sequence of visits is common.
    """
    support, counted = 0.8, dict[Pattern, int]()
    while True:
        found = frequent_sequences(events, support=support, limits=limits, counted=counted)
        longer = found[found["closed"] & (found["visits"] > 1)]
        if len(longer) >= wanted or support <= least:
            break
        support = max(0.75 * support, least)
    if longer.empty:
        raise NotApplicable(f"Fewer than {least:.0%} of the customers share a sequence of visits.")
    return longer.head(wanted).reset_index(drop=True)


def order_permutation_test(
    events: Events, patterns: pd.DataFrame, *, limits: Limits, shuffles: int = 199, seed: int = 0
) -> pd.DataFrame:
    """Test by permutation whether the order of visits matters for each pattern.

    Parameters
    ----------
    patterns
        From `sequences.frequent_sequences`, or a part of it.
    limits
        The same as there.
    shuffles
        Random permutations of every customer's visits over the days they came.
    seed
        Seed of the permutations.

    Returns
    -------
    pandas.DataFrame
        The patterns with expected (mean over the permutations), ratio (customers / expected), p (of
        so many customers or more in any order) and q over the patterns given.

    Notes
    -----
    A permutation keeps what a customer buys, what is bought together and when the customer comes;
    only what comes before what is lost. The count is a sum over independent customers and so nearly
    normal: p is that of Student's t for one more draw after ``shuffles`` draws, which reaches
    further into the tail than the share of permutations as large, 1 / (shuffles + 1) at least.
    """
    code = {name: i for i, name in enumerate(events.names)}
    coded = [
        tuple(tuple(sorted(code[i] for i in visit)) for visit in pattern)
        for pattern in patterns["pattern"]
    ]
    visits = dict(events.each(lambda own: (own.first, len(visit_days(own)))))
    before = dict(zip(visits, np.cumsum([0, *visits.values()]).tolist(), strict=False))
    draws = _Draws(coded, limits, shuffles, seed, before, sum(visits.values()))
    seen = sum(events.each(draws.of))
    observed, expected = patterns["customers"].to_numpy(), seen.mean(axis=0)
    p = _one_more(observed - expected, seen.std(axis=0, ddof=1), shuffles)
    ratio = np.divide(observed, expected, out=np.full(len(coded), np.nan), where=expected > 0)
    return patterns.assign(expected=expected, ratio=ratio, p=p, q=q_values(p))


@dataclass(frozen=True)
class _Draws:
    """Permutations to count patterns in, by which random number each customer's visits begin."""

    patterns: list[Pattern]
    limits: Limits
    number: int
    seed: int
    before: dict[int, int]
    visits: int

    def of(self, events: Events) -> Floats:
        """Return how many of these customers follow each pattern, by draw."""
        from analysis.products.sequences.sequence_kernels import customers

        items = sorted({item for pattern in self.patterns for visit in pattern for item in visit})
        visits, own = _Visits.of(events, np.array(items)), len(visit_days(events))
        bits = np.random.PCG64(self.seed).advance(self.before[events.first])
        rng, seen = np.random.Generator(bits), np.zeros((self.number, len(self.patterns)))
        # What another begins with is then known in full before it is counted.
        longest_first = sorted(enumerate(self.patterns), key=lambda each: -len(each[1]))
        for draw in range(self.number):
            bought = dict(zip(items, visits.permuted(rng), strict=True))
            where = (bought, self.limits, dict[Pattern, Places]())
            for i, pattern in longest_first:
                seen[draw, i] = customers(occurrences(pattern, *where, once=True)[0])
            bits.advance(self.visits - own)
        return seen


def _one_more(beyond: Floats, spread: Floats, draws: int) -> Floats:
    from scipy.special import stdtr

    reach = spread * np.sqrt(1 + 1 / draws)
    # Where every order shows the same, only the same can be seen.
    t = np.divide(beyond, reach, out=np.zeros_like(beyond), where=reach > 0)
    return stdtr(draws - 1, -t)


@dataclass(frozen=True)
class _Visits:
    """Customers' visits, and which items of the patterns were bought at each.

    An item's customers, one row a visit with it, are the same in whatever order the visits come.
    """

    who: npt.NDArray[np.int64]
    day: Codes
    starts: npt.NDArray[np.int64]
    begins: npt.NDArray[np.int64]
    items: Codes
    buyers: list[Codes]

    @classmethod
    def of(cls, events: Events, items: npt.NDArray[np.int64]) -> _Visits:
        days, visits = events.period.days, visit_days(events)
        place = np.full(len(events.names), -1, np.int32)
        place[items] = np.arange(len(items))
        own = place[events.item]
        kept = own >= 0
        codes = events.customer[kept].astype(np.int64) * days + events.day[kept]
        begins = np.append(np.searchsorted(codes, visits), len(codes))
        buyers = [events.customer[own == i] for i in range(len(items))]
        customer = visits // days
        starts = np.searchsorted(customer, np.arange(len(events.customers) + 1))
        who = events.codes(customer).astype(np.int64)
        return cls(who, (visits % days).astype(np.int32), starts, begins, own[kept], buyers)

    def permuted(self, rng: np.random.Generator) -> list[Places]:
        """Return where the items were bought, each customer's visits permuted over their days."""
        from analysis.products.sequences.sequence_kernels import days_of_items

        # A customer's number beside the draw leaves it fewer digits; the same draws as ever.
        key = self.who + rng.random(len(self.who))
        ends = np.cumsum([0, *map(len, self.buyers)])
        found = days_of_items(self.starts, key, self.day, self.begins, self.items, ends[:-1].copy())
        days = np.split(found, ends[1:-1])
        return [(who, day, day) for who, day in zip(self.buyers, days, strict=True)]

"""Do customers stay in their group? The first half's groups against the second half's.

Two yardsticks make the answer readable. Chance: if the halves had nothing to do with each other,
a tenth of any group would be in any group again. Noise: even if nobody had changed, a customer's
total would differ from half to half, and customers near a boundary would cross it. To see how
much that is, neighbouring weeks are dealt at random, one to each of two halves: both then cover
the whole period alike, and what moves between them is week-to-week noise alone. Real change is
what the calendar halves move beyond that. Swings that last longer than two weeks (a holiday, a
season of one's own) count as change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.customers.value.deciles import equal_groups
from analysis.errors import NotApplicable
from analysis.stats.resampling import Estimates, Sampling, estimate_totals
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.stats.types import Floats, Integers

if TYPE_CHECKING:
    from analysis.customers.features.weekly import Value, WeeklyAmounts

_DEALS = 20
_FAR = 3


@dataclass(frozen=True)
class Persistence:
    """Where the first half's groups are in the second half.

    Parameters
    ----------
    matrix
        One pair of groups a row: first, second (1 best; one more than the number of groups: did
        not buy in that half), customers, share (of the first half's group), noise_share (the
        same when neighbouring weeks are dealt at random), chance_share.
    stayed
        One group of the first half a row: decile, customers, stayed (share that is in the same
        group in the second half), stayed_low, stayed_high, noise, noise_low, noise_high, chance,
        change (noise - stayed: left beyond noise), change_low, change_high, reason.
    summary
        One measure a row, with the same columns: ``same`` (all customers in the same group),
        ``top`` (the best group), ``far`` (moved by three groups or more).
    deals
        Number of random deals behind the noise.
    """

    matrix: pd.DataFrame
    stayed: pd.DataFrame
    summary: pd.DataFrame
    deals: int


def persistence(
    weekly: WeeklyAmounts,
    *,
    value: Value = "net_amount",
    groups: int = 10,
    deals: int = _DEALS,
    sampling: Sampling | None = None,
) -> Persistence:
    """Compare each customer's group in both halves, with chance and with noise.

    Parameters
    ----------
    weekly
        Weekly totals over both halves.
    value
        What to rank by, in each half by itself.
    groups
        Number of groups among those who bought in a half.
    deals
        How often neighbouring weeks are dealt into two random halves.
    sampling
        How intervals are made: by resampling whole customers in the groups they are in, which
        makes them a little too wide for the best and the last group.

    Raises
    ------
    NotApplicable
        If the halves cannot be compared, if fewer than thirty customers bought, if nobody bought
        twice, or if so many are equal that nobody is in the best group of the first half.
    """
    weekly.require()
    if len(weekly.customers) < FEWEST_CUSTOMERS:
        raise NotApplicable(
            f"Staying in a group cannot be told from noise with fewer than {FEWEST_CUSTOMERS} "
            f"customers ({len(weekly.customers)})."
        )
    weekly.require_return()
    sampling = sampling or Sampling()
    amounts = weekly.of(value)
    middle = amounts.shape[1] // 2
    calendar = [(_grouped(amounts[:, :middle], groups), _grouped(amounts[:, middle:], groups))]
    if not (calendar[0][0] == 1).any():
        raise NotApplicable(
            "Too many customers brought the same in the first half: nobody is in its best group."
        )
    dealt = [
        (_grouped(amounts[:, one], groups), _grouped(amounts[:, other], groups))
        for one, other in _dealt_weeks(amounts.shape[1], deals, sampling.seed)
    ]
    both_ways = [*dealt, *((second, first) for first, second in dealt)]
    return Persistence(
        matrix=_matrix(calendar, both_ways, groups),
        stayed=_stayed(calendar, both_ways, groups, sampling),
        summary=_summary(calendar, both_ways, groups, sampling),
        deals=deals,
    )


def _grouped(amounts: Floats, groups: int) -> Integers:
    """Return each customer's group in a half; those who did not buy get a group of their own."""
    totals = amounts.sum(axis=1)
    bought = amounts.any(axis=1)
    found = np.full(len(totals), groups + 1, dtype="int64")
    found[bought] = equal_groups(totals[bought], groups)
    return found


def _dealt_weeks(weeks: int, deals: int, seed: int) -> list[tuple[Integers, Integers]]:
    """Deal each pair of neighbouring weeks, one week to either half."""
    coins = np.random.default_rng(seed).integers(0, 2, size=(deals, weeks // 2))
    pairs = 2 * np.arange(weeks // 2)
    return [(pairs + coin, pairs + 1 - coin) for coin in coins]


_Pairs = list[tuple["Integers", "Integers"]]


def _matrix(calendar: _Pairs, dealt: _Pairs, groups: int) -> pd.DataFrame:
    places = groups + 1
    seen, noise = _counts(calendar, places), _counts(dealt, places)
    first, second = np.indices(seen.shape) + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        share = seen / seen.sum(axis=1, keepdims=True)
        noise_share = noise / noise.sum(axis=1, keepdims=True)
    chance = np.broadcast_to(seen.sum(axis=0) / seen.sum(), seen.shape)
    return pd.DataFrame(
        {
            "first": first.ravel(),
            "second": second.ravel(),
            "customers": seen.ravel().astype("int64"),
            "share": share.ravel(),
            "noise_share": noise_share.ravel(),
            "chance_share": chance.ravel(),
        }
    )


def _counts(pairs: _Pairs, places: int) -> Floats:
    cells = np.concatenate([(a - 1) * places + b - 1 for a, b in pairs])
    return np.bincount(cells, minlength=places**2).reshape(places, places).astype("float64")


def _stayed(calendar: _Pairs, dealt: _Pairs, groups: int, sampling: Sampling) -> pd.DataFrame:
    order = np.arange(1, groups + 1)
    table = _compared(
        [_same_by_group(pairs, order) for pairs in (calendar, dealt)],
        [_members_by_group(pairs, order) for pairs in (calendar, dealt)],
        sampling,
    )
    first, second = calendar[0]
    table["chance"] = [(second == group).mean() for group in order]
    table.insert(0, "customers", [int((first == group).sum()) for group in order])
    table.insert(0, "decile", order)
    return table


def _summary(calendar: _Pairs, dealt: _Pairs, groups: int, sampling: Sampling) -> pd.DataFrame:
    """Compare over all customers: same group, best group kept, moved far."""
    inside, within = [], []
    for pairs in (calendar, dealt):
        same = _mean([a == b for a, b in pairs])
        far = _mean([np.abs(a - b) >= _FAR for a, b in pairs])
        top = _mean([(a == 1) & (b == 1) for a, b in pairs])
        best = _mean([a == 1 for a, _ in pairs])
        inside.append(np.column_stack([same, top, far]))
        within.append(np.column_stack([np.ones_like(same), best, np.ones_like(same)]))
    table = _compared(inside, within, sampling)
    first, second = calendar[0]
    places = np.arange(1, groups + 2)
    one, other = ((half[:, None] == places).mean(axis=0) for half in (first, second))
    together = np.outer(one, other)
    apart = np.abs(places[:, None] - places[None, :]) >= _FAR
    table["chance"] = [np.trace(together), other[0], together[apart].sum()]
    table.insert(0, "customers", [len(first), int((first == 1).sum()), len(first)])
    table.insert(0, "measure", ["same", "top", "far"])
    return table


def _same_by_group(pairs: _Pairs, order: Integers) -> Floats:
    return _mean([(a[:, None] == order) & (a == b)[:, None] for a, b in pairs])


def _members_by_group(pairs: _Pairs, order: Integers) -> Floats:
    return _mean([a[:, None] == order for a, _ in pairs])


def _mean(flags: list[NDArray[np.bool_]]) -> Floats:
    """Return each customer's mean over the deals."""
    total = np.zeros(flags[0].shape)
    for flag in flags:
        total += flag
    return total / len(flags)


def _compared(inside: list[Floats], within: list[Floats], sampling: Sampling) -> pd.DataFrame:
    """Return the share in the calendar halves, in the dealt halves, and how they differ."""
    count = inside[0].shape[1]
    found = estimate_totals(np.hstack([*inside, *within]), _seen_noise_change, sampling)
    table = pd.DataFrame(index=range(count))
    for place, name in enumerate(("stayed", "noise", "change")):
        part = slice(place * count, (place + 1) * count)
        table[name] = found.value[part]
        table[f"{name}_low"], table[f"{name}_high"] = found.low[part], found.high[part]
    table["reason"] = _first_reason(found, count)
    return table


def _seen_noise_change(sums: Floats) -> Floats:
    seen, dealt, seen_of, dealt_of = np.split(sums, 4, axis=-1)
    share, noise = seen / seen_of, dealt / dealt_of
    return np.concatenate([share, noise, noise - share], axis=-1)


def _first_reason(found: Estimates, count: int) -> list[str]:
    return [
        next((reason for reason in found.reason[place::count] if reason), "")
        for place in range(count)
    ]

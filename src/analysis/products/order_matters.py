"""Whether the order of visits matters, or any order would show the same sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.discoveries import q_values
from analysis.errors import NotApplicable
from analysis.products.sequences import Limits, Pattern, Places, frequent_sequences, occurrences

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.events import Events

Floats = npt.NDArray[np.float64]


def most_common(
    events: Events, *, wanted: int = 40, limits: Limits, least: float = 0.02
) -> pd.DataFrame:
    """Return the most common closed sequences of two visits or more.

    Parameters
    ----------
    events
        Purchases by customer, day and item.
    wanted
        How many sequences.
    limits
        Gaps, span and length.
    least
        Share of the customers below which a sequence is not common.

    Raises
    ------
    NotApplicable
        If no sequence of visits is common.
    """
    support = 0.8
    while True:
        found = frequent_sequences(events, support=support, limits=limits)
        longer = found[found["closed"] & (found["visits"] > 1)]
        if len(longer) >= wanted or support <= least:
            break
        support = max(0.75 * support, least)
    if longer.empty:
        raise NotApplicable(f"Fewer than {least:.0%} of the customers share a sequence of visits.")
    return longer.head(wanted).reset_index(drop=True)


def against_shuffled(
    events: Events,
    patterns: pd.DataFrame,
    *,
    limits: Limits,
    shuffles: int = 199,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how many customers would go through each pattern if visits came in any order.

    Parameters
    ----------
    events
        Purchases by customer, day and item.
    patterns
        From `sequences.frequent_sequences`, or a part of it.
    limits
        The same as there.
    shuffles
        Times every customer's visits are dealt anew to the days they came.
    seed
        Seed of the shuffles.

    Returns
    -------
    pandas.DataFrame
        The patterns with expected (mean over the shuffles), ratio (customers / expected), p (of so
        many customers or more in any order) and q over the patterns given.

    Notes
    -----
    A shuffle keeps what a customer buys, what is bought together and when the customer comes; only
    what comes before what is lost. The count is a sum over independent customers and so nearly
    normal: p is that of Student's t for one more draw after ``shuffles`` draws, which reaches
    further into the tail than the share of shuffles as large, 1 / (shuffles + 1) at least.
    """
    from analysis.products.sequence_kernel import customers

    rng = np.random.default_rng(seed)
    code = {name: i for i, name in enumerate(events.names)}
    coded = [
        tuple(tuple(sorted(code[i] for i in visit)) for visit in pattern)
        for pattern in patterns["pattern"]
    ]
    visits = _Visits.of(events, np.array(sorted({i for p in coded for v in p for i in v})))
    seen = np.zeros((shuffles, len(coded)))
    for shuffle in range(shuffles):
        places = visits.dealt(rng)
        known: dict[Pattern, Places] = {}
        seen[shuffle] = [customers(occurrences(p, places, limits, known)[0]) for p in coded]
    observed, expected = patterns["customers"].to_numpy(), seen.mean(axis=0)
    p = _one_more(observed - expected, seen.std(axis=0, ddof=1), shuffles)
    ratio = np.divide(observed, expected, out=np.full(len(coded), np.nan), where=expected > 0)
    return patterns.assign(expected=expected, ratio=ratio, p=p, q=q_values(p))


def _one_more(beyond: Floats, spread: Floats, draws: int) -> Floats:
    from scipy.special import stdtr

    reach = spread * np.sqrt(1 + 1 / draws)
    # Where every order shows the same, only the same can be seen.
    t = np.divide(beyond, reach, out=np.zeros_like(beyond), where=reach > 0)
    return stdtr(draws - 1, -t)


@dataclass(frozen=True)
class _Visits:
    """Customers' visits, and at which of them the items of the patterns were bought."""

    who: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]
    bought: dict[int, npt.NDArray[np.int64]]

    @classmethod
    def of(cls, events: Events, items: npt.NDArray[np.int64]) -> _Visits:
        days = events.period.days
        codes = events.customer.astype(np.int64) * days + events.day
        visits, place = np.unique(codes, return_inverse=True)
        bought = {int(item): place[events.item == item] for item in items}
        return cls(visits // days, visits % days, bought)

    def dealt(self, rng: np.random.Generator) -> dict[int, Places]:
        """Return where the items were bought, each customer's visits dealt to the same days."""
        # Customers ascend, so that a draw beside their number sorts within each of them.
        order = np.argsort(self.who + rng.random(len(self.who)))
        code = (self.who << 32) + self.day[order]
        found = {}
        for item, place in self.bought.items():
            rows = np.sort(code[place])
            day = (rows & 0xFFFFFFFF).astype(np.int32)
            found[item] = ((rows >> 32).astype(np.int32), day, day)
        return found

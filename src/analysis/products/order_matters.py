"""Whether the order of visits matters, or any order would show the same sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.discoveries import q_values
from analysis.products.sequences import Limits, item_places, occurrences

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from analysis.products.events import Events


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
        The patterns with expected (mean over the shuffles), ratio (customers / expected), p (share
        of shuffles with as many customers, the data themselves counted once: Phipson and Smyth
        2010, Stat. Appl. Genet. Mol. Biol. 9(1)) and q over the patterns given.

    Notes
    -----
    A shuffle keeps what a customer buys, what is bought together and when the customer comes; only
    what comes before what is lost. p cannot be smaller than 1 / (shuffles + 1).
    """
    from analysis.products.sequence_kernel import customers

    rng = np.random.default_rng(seed)
    code = {name: i for i, name in enumerate(events.names)}
    coded = [
        tuple(tuple(sorted(code[i] for i in visit)) for visit in pattern)
        for pattern in patterns["pattern"]
    ]
    seen = np.zeros((shuffles, len(coded)))
    for shuffle in range(shuffles):
        places = item_places(events, _dealt(events, rng))
        seen[shuffle] = [customers(occurrences(p, places, limits)[0]) for p in coded]
    observed = patterns["customers"].to_numpy()
    p = (1 + (seen >= observed).sum(axis=0)) / (1 + shuffles)
    expected = seen.mean(axis=0)
    ratio = np.divide(observed, expected, out=np.full(len(coded), np.nan), where=expected > 0)
    return patterns.assign(expected=expected, ratio=ratio, p=p, q=q_values(p))


def _dealt(events: Events, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """Return the day of every event after each customer's visits are dealt to their days."""
    days = events.period.days
    codes = events.customer.astype(np.int64) * days + events.day
    visits, place = np.unique(codes, return_inverse=True)
    who = visits // days
    dealt = np.lexsort((rng.random(len(visits)), who))
    return (visits[dealt] % days).astype(np.int32)[place]

"""Who is left alone on purpose: the control of the whole programme, and that of each list.

Both go by a hash of the programme and the customer, so that a customer is not drawn anew with
every list, and nobody has to keep a file of who was drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import blake2b

import numpy as np
import pandas as pd

from analysis.stats.types import Flags, Floats

_DAY_ONE = date(2000, 1, 3)  # a Monday; periods of rotation are counted from it


def places(customers: Sequence[str], programme: str) -> Floats:
    """Return each customer's place in the programme: a number in [0, 1) that never changes."""
    start = blake2b(f"{programme}|".encode(), digest_size=8)
    found = np.empty(len(customers), dtype=np.uint64)
    for row, customer in enumerate(customers):
        own = start.copy()
        own.update(str(customer).encode())
        found[row] = int.from_bytes(own.digest(), "big")
    return (found >> np.uint64(11)).astype(np.float64) / 2.0**53


def programme_control(
    customers: Sequence[str], *, programme: str, share: float, as_of: date, rotate_days: int
) -> Flags:
    """Tell who is in the control of the whole programme on a day.

    Parameters
    ----------
    customers
        Keys of customers.
    programme
        Name of the programme.
    share
        Share of all customers that no list of the programme may touch.
    as_of
        The day.
    rotate_days
        After so many days another part of the customers is left alone; nobody is for ever.
    """
    return places(customers, f"{programme}/control/{_turn(as_of, rotate_days)}") < share


def _turn(as_of: date, rotate_days: int) -> int:
    """Return the number of the period of rotation that a day lies in."""
    return (as_of - _DAY_ONE).days // rotate_days


def hold_out(
    customers: Sequence[str],
    strata: pd.Series,
    *,
    programme: str,
    share: float,
    as_of: date,
    rotate_days: int,
) -> Flags:
    """Tell who of a list is held out, within each stratum the same share.

    Within a stratum those of the lowest places are held out, as many as the share says; what is
    left over by rounding goes to the strata by their largest remainders, so that the whole list
    keeps its share too. A customer with a low place is held out of every list of a period; the
    next period, which begins with that of the programme's control, draws places anew.

    Parameters
    ----------
    customers
        Keys of the list.
    strata
        Stratum of each.
    programme
        Name of the programme.
    share
        Share of the list that is not contacted.
    as_of, rotate_days
        Day of the list, and after how many days others are held out.
    """
    if not len(customers) or share <= 0:
        return np.zeros(len(customers), dtype=bool)
    codes, names = pd.factorize(strata.astype("str"), sort=True)
    place = places(customers, f"{programme}/list/{_turn(as_of, rotate_days)}")
    order = np.lexsort((place, codes))
    sizes = np.bincount(codes, minlength=len(names))
    counts = _largest_remainders(sizes.astype(np.float64) * share, round(share * len(customers)))
    rank = np.empty(len(codes), dtype=np.int64)
    rank[order] = np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    held: Flags = rank < counts[codes]
    return held


def _largest_remainders(exact: Floats, total: int) -> Floats:
    counts = np.floor(exact + 1e-9)
    left = max(0, total - int(counts.sum()))
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[:left]] += 1
    return counts


def balance(listed: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return how alike targets and holdout are.

    Parameters
    ----------
    listed
        Rows of the list: arm, stratum and ``columns``.
    columns
        Numbers known before.

    Returns
    -------
    pandas.DataFrame
        measure, target, holdout (means), difference (in standard deviations of all), n_target,
        n_holdout.
    """
    sides = [listed[listed["arm"] == arm] for arm in ("target", "holdout")]
    rows = []
    for name in columns:
        target, holdout = (float(side[name].mean()) if len(side) else np.nan for side in sides)
        spread = float(listed[name].std()) if len(listed) > 1 else 0.0
        apart = (target - holdout) / spread if spread > 0 else 0.0
        rows.append((name, target, holdout, apart, len(sides[0]), len(sides[1])))
    names = ["measure", "target", "holdout", "difference", "n_target", "n_holdout"]
    return pd.DataFrame(rows, columns=names)

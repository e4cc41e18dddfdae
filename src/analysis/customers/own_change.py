"""Who spends clearly more, or less, than before, by the noise of their own weeks.

A customer's weeks come in two halves. If nothing had changed, any half of the weeks would do as
well as the later one: the later half is compared with random deals of the customer's own weeks,
above and below (Pitman 1937; p-values as in Phipson and Smyth 2010, Statistical Applications in
Genetics and Molecular Biology 9, article 39). The past is first moved with the total of all
customers. Rises and falls are each held to a false discovery rate.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from analysis.customers.fading import cutoff, moved_with_total

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.customers.weekly import WeeklyAmounts

    Floats = NDArray[np.float64]

#: Customers who bought in fewer weeks are not tested: dealing so few proves nothing.
FEWEST_WEEKS = 6

#: Days into the first half by which a customer must have been seen.
SETTLED_DAYS = 28

_DEALS = 5_000
_BLOCK = 4_000_000


def judge(
    amounts: WeeklyAmounts,
    first_seen: pd.Series,
    *,
    least: float = 0.30,
    fdr: float = 0.10,
    seed: int = 0,
) -> pd.DataFrame:
    """Judge every customer's rise or fall from the first half to the second.

    Parameters
    ----------
    amounts
        Weekly totals over both halves; where they have a gap, nobody is called.
    first_seen
        Day of the first purchase by customer_id (the index). Who came later than four weeks into
        the first half has too little past to be compared, and is not tested.
    least
        Smallest rise or fall that matters, as a share of the past.
    fdr
        Share of false alarms allowed among those called rising, and among those called falling.
    seed
        Seed of the deals.

    Returns
    -------
    pandas.DataFrame
        customer_id, change (now / before - 1; NaN without a past), p_rise, p_fall (one-sided; NaN
        where not tested), rising, falling.
    """
    import pandas as pd

    weeks = amounts.of("net_amount")
    table = pd.DataFrame({"customer_id": amounts.customers})
    if amounts.gap:
        return table.assign(
            change=np.nan, p_rise=np.nan, p_fall=np.nan, rising=False, falling=False
        )
    before, now, _ = moved_with_total(*np.split(weeks, 2, axis=1))
    was, is_now = before.sum(axis=1), now.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(was > 0, is_now / was - 1, np.nan)
    known = first_seen.reindex(amounts.customers) <= pd.Timestamp(
        amounts.weeks[0].start + timedelta(days=SETTLED_DAYS)
    )
    rise, fall = np.full((2, len(table)), np.nan)
    mine = known.to_numpy()
    rise[mine], fall[mine] = tails(np.hstack([before, now])[mine], seed=seed)
    return table.assign(
        change=change,
        p_rise=rise,
        p_fall=fall,
        rising=(rise <= cutoff(rise, fdr)) & (is_now >= (1 + least) * was),
        falling=(fall <= cutoff(fall, fdr)) & (is_now <= (1 - least) * was),
    )


def tails(weeks: Floats, *, seed: int = 0) -> tuple[Floats, Floats]:
    """Return one-sided p-values of a rise and of a fall from the first half of the weeks.

    Parameters
    ----------
    weeks
        Customers x weeks, whole numbers, so that sums are exact.
    seed
        Seed of the deals; all customers share them.
    """
    tested = np.flatnonzero((weeks != 0).sum(axis=1) >= FEWEST_WEEKS)
    rise, fall = np.full((2, len(weeks)), np.nan)
    half = weeks.shape[1] // 2
    order = np.random.default_rng(seed).permuted(
        np.tile(np.arange(weeks.shape[1]), (_DEALS, 1)), axis=1
    )
    deals = (order < half).T.astype("float64")
    for rows in np.array_split(tested, max(1, len(tested) * _DEALS // _BLOCK)):
        observed = weeks[rows, :half].sum(axis=1)[:, None]
        dealt = weeks[rows] @ deals
        fall[rows] = (1 + (dealt >= observed).sum(axis=1)) / (1 + _DEALS)
        rise[rows] = (1 + (dealt <= observed).sum(axis=1)) / (1 + _DEALS)
    return rise, fall

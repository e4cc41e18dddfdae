"""When each customer is likely to come next, by the customer's own gaps, and how well that held.

A forecast for those who are still customers: somebody who is lost does not come at all, so that
fewer come by a date than the forecast says, by about the share of the lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.customers.churn.churn_label import gaps_in_days
from analysis.customers.retention import inactivity
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.customers.lifetime.snapshots import Snapshot


QUANTILES = (0.1, 0.5, 0.9)
#: Nobody's next purchase is sought further ahead, in days.
_FARTHEST = 3_650.0


def forecast(snapshot: Snapshot) -> pd.DataFrame:
    """Return when each customer with two gaps or more comes next, if still a customer.

    Parameters
    ----------
    snapshot
        Customers at a cut-off.

    Returns
    -------
    pandas.DataFrame
        customer_id, silence_days, days_low, days, days_high (10 %, 50 % and 90 % of chances, days
        after the cut-off), next_low, next_on, next_high (dates).

    Raises
    ------
    NotApplicable
        If fewer than thirty customers bought on two days.
    """
    pace = inactivity.fit(gaps_in_days(snapshot.customers))
    frame = snapshot.customers[snapshot.customers["repeats"] >= 2]
    known = gaps_in_days(frame)
    table = frame[["customer_id", "silence_days"]].reset_index(drop=True)
    for name, chance in zip(("days_low", "days", "days_high"), QUANTILES, strict=True):
        table[name] = _days_until(pace, table["silence_days"].to_numpy("float64"), known, chance)
    start = pd.Timestamp(snapshot.known.end)
    for name, days in (("next_low", "days_low"), ("next_on", "days"), ("next_high", "days_high")):
        table[name] = (start + pd.to_timedelta(table[days].round(), unit="D")).dt.normalize()
    return table


def _days_until(
    pace: inactivity.Pace, silent: Floats, known: pd.DataFrame, chance: float
) -> Floats:
    """Return the days from now by which ``chance`` of the next gaps, given the silence, end."""
    gaps, total = known["gaps"].to_numpy("float64"), known["gap_sum"].to_numpy("float64")
    aim = (1 - chance) * pace.longer(silent, gaps, total)
    low, high = np.zeros(len(silent)), np.full(len(silent), _FARTHEST)
    for _ in range(45):
        middle = (low + high) / 2
        later = pace.longer(silent + middle, gaps, total) > aim
        low, high = np.where(later, middle, low), np.where(later, high, middle)
    return high


def check(snapshot: Snapshot) -> pd.DataFrame:
    """Return how many of the customers of a past snapshot came by the dates forecast.

    Returns
    -------
    pandas.DataFrame
        One quantile a row: quantile (share that should have come), customers (whose date lay within
        the days followed), came (share that did), error (standard error of the share).
    """
    table = forecast(snapshot)
    followed = snapshot.customers.set_index("customer_id")["next_days"]
    came_after = followed.reindex(table["customer_id"]).to_numpy("float64")
    assert snapshot.outcome is not None
    rows = []
    for name, chance in zip(("days_low", "days", "days_high"), QUANTILES, strict=True):
        due = table[name].to_numpy()
        inside = due <= snapshot.outcome.days
        came = (came_after < due)[inside]
        n, share = int(inside.sum()), float(came.mean()) if inside.any() else np.nan
        error = np.sqrt(share * (1 - share) / n) if n else np.nan
        rows.append({"quantile": chance, "customers": n, "came": share, "error": error})
    return pd.DataFrame(rows)

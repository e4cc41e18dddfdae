"""When each customer is likely to come next, by the customer's own gaps, and how well that held.

The model of gaps knows neither bursts of visits nor customers who are lost. So its chances are
replaced by what they came to at earlier cut-offs: where of customers told "one half by this day"
four in ten had come, the day for one half is that of a higher chance. Customers still to come when
the days followed end are censored (Kaplan and Meier 1958). Those silent for longer than their gaps
explain are lost more often, and are calibrated apart. Where too many are lost for nine in ten to
come at all, there is no such day.

References
----------
Kuleshov, Fenner, Ermon (2018), Accurate uncertainties for deep learning using calibrated
regression, ICML, section 3 (recalibration by the empirical distribution of past chances).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.customers.churn.churn_label import gaps_in_days
from analysis.customers.retention import inactivity
from analysis.stats.sizes import FEWEST_LEARNT
from analysis.stats.survival import Survival, kaplan_meier
from analysis.stats.types import Flags, Floats, Integers

if TYPE_CHECKING:
    from analysis.customers.lifetime.snapshots import Snapshot

QUANTILES = (0.1, 0.5, 0.9)
_NAMES = ("days_low", "days", "days_high")
#: Customers are calibrated apart whose silence at most these shares of their own gaps exceed.
_UNUSUAL = (0.5, 0.1)
#: Nobody's next purchase is sought further ahead, in days.
_FARTHEST = 3_650.0


@dataclass(frozen=True)
class Calibration:
    """What share had come by the days to which the model gave a chance, by how unusual silence was.

    Parameters
    ----------
    groups
        By `_UNUSUAL`: distribution of the chance the model gave to the day of the next purchase.
    """

    groups: tuple[Survival, ...]

    def chances(self, share: float, unusual: Integers) -> Floats:
        """Return the model's chance by which ``share`` had come; NaN where fewer ever came."""
        return np.array([one.quantile(share)[0] for one in self.groups])[unusual]


def calibrate(past: Sequence[Snapshot]) -> Calibration:
    """Return how chances came true after past snapshots.

    A group of fewer than a hundred customers takes what came true of all.
    """
    parts = [_placed(one) for one in past]
    chance, came, unusual = (np.concatenate([part[i] for part in parts]) for i in range(3))
    groups = []
    for number in range(len(_UNUSUAL) + 1):
        rows = unusual == number
        rows = rows if rows.sum() >= FEWEST_LEARNT else np.ones(len(chance), bool)
        groups.append(kaplan_meier(chance[rows], came[rows]))
    return Calibration(tuple(groups))


def _placed(snapshot: Snapshot) -> tuple[Floats, Flags, Integers]:
    """Return the chance given to the day each came, or to the last day followed, and who came."""
    pace = inactivity.fit(gaps_in_days(snapshot.customers))
    frame = snapshot.customers[snapshot.customers["repeats"] >= 2]
    assert snapshot.outcome is not None
    days = frame["next_days"].to_numpy("float64")
    came = days < snapshot.outcome.days
    silent, known = frame["silence_days"].to_numpy("float64"), gaps_in_days(frame)
    ended = silent + np.where(came, days, snapshot.outcome.days)
    now, then = (pace.longer(d, known["gaps"], known["gap_sum"]) for d in (silent, ended))
    return 1 - then / np.maximum(now, 1e-12), came, _unusual(now)


def _unusual(longer: Floats) -> Integers:
    return np.asarray(sum((longer < share).astype("int64") for share in _UNUSUAL))


def forecast(snapshot: Snapshot, past: Sequence[Snapshot] = ()) -> pd.DataFrame:
    """Return when each customer with two gaps or more comes next.

    Parameters
    ----------
    snapshot
        Customers at a cut-off.
    past
        Earlier snapshots, by which chances are calibrated; without them the model is taken at its
        word, and the dates are those of somebody who is still a customer.

    Returns
    -------
    pandas.DataFrame
        customer_id, silence_days, days_low, days, days_high (10 %, 50 % and 90 % of chances, days
        after the cut-off; NaN where too few come at all), next_low, next_on, next_high (dates).

    Raises
    ------
    NotApplicable
        If fewer than thirty customers bought on two days.
    """
    pace = inactivity.fit(gaps_in_days(snapshot.customers))
    frame = snapshot.customers[snapshot.customers["repeats"] >= 2]
    known = gaps_in_days(frame)
    table = frame[["customer_id", "silence_days"]].reset_index(drop=True)
    silent = table["silence_days"].to_numpy("float64")
    unusual = _unusual(pace.longer(silent, known["gaps"], known["gap_sum"]))
    held = calibrate(past) if past else None
    for name, share in zip(_NAMES, QUANTILES, strict=True):
        chance = held.chances(share, unusual) if held else np.full(len(table), share)
        table[name] = _days_until(pace, silent, known, chance)
    start = pd.Timestamp(snapshot.known.end)
    for name, days in (("next_low", "days_low"), ("next_on", "days"), ("next_high", "days_high")):
        table[name] = (start + pd.to_timedelta(table[days].round(), unit="D")).dt.normalize()
    return table


def _days_until(
    pace: inactivity.Pace, silent: Floats, known: pd.DataFrame, chance: Floats
) -> Floats:
    """Return the days from now by which ``chance`` of the next gaps, given the silence, end."""
    gaps, total = known["gaps"].to_numpy("float64"), known["gap_sum"].to_numpy("float64")
    aim = (1 - chance) * pace.longer(silent, gaps, total)
    low, high = np.zeros(len(silent)), np.full(len(silent), _FARTHEST)
    for _ in range(45):
        middle = (low + high) / 2
        later = pace.longer(silent + middle, gaps, total) > aim
        low, high = np.where(later, middle, low), np.where(later, high, middle)
    return np.where(np.isfinite(chance) & (high < _FARTHEST - 1), high, np.nan)


def check(snapshot: Snapshot, past: Sequence[Snapshot] = ()) -> pd.DataFrame:
    """Return how many of the customers of a past snapshot came by the dates forecast.

    Parameters
    ----------
    snapshot
        A snapshot with its outcome.
    past
        Earlier ones, by which chances are calibrated.

    Returns
    -------
    pandas.DataFrame
        One quantile a row: quantile (share that should have come), customers (whose date lay within
        the days followed), came (share that did), error (standard error of the share),
        by_model_alone (share that came by the model's own dates), undated (customers without).
    """
    own, table = forecast(snapshot), forecast(snapshot, past)
    followed = snapshot.customers.set_index("customer_id")["next_days"]
    came_after = followed.reindex(table["customer_id"]).to_numpy("float64")
    assert snapshot.outcome is not None
    rows = []
    for name, chance in zip(_NAMES, QUANTILES, strict=True):
        (alone, _), (share, n) = (
            _came(one[name].to_numpy(), came_after, snapshot.outcome.days) for one in (own, table)
        )
        rows.append(
            {
                "quantile": chance,
                "customers": n,
                "came": share,
                "error": np.sqrt(share * (1 - share) / n) if n else np.nan,
                "by_model_alone": alone,
                "undated": int(table[name].isna().sum()),
            }
        )
    return pd.DataFrame(rows)


def _came(due: Floats, came_after: Floats, days: int) -> tuple[float, int]:
    """Return the share that came by dates within the days followed, and of how many."""
    inside = due <= days
    share = float((came_after < due)[inside].mean()) if inside.any() else np.nan
    return share, int(inside.sum())

"""How the forecast of purchases held: week by week beyond the fit, and interval by interval.

A tracking plot lays the repeat purchases that a model expects of customers from their first one on
beside those they made, in the weeks it was fitted to and in those after. Where the two part, the
rates changed, or a season came that no model of customers knows.

Reference
---------
Fader, Hardie, Lee (2005), Marketing Science 24(2), 275-284, figures 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.customers.lifetime import gamma_gamma, purchase_counts
from analysis.customers.lifetime.purchase_counts import WEEK
from analysis.customers.lifetime.valuation import contestant, newcomers_like
from analysis.customers.lifetime.value_scorecard import fit_named, forecast
from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from analysis.customers.lifetime.lifetime_value import PurchaseModel
    from analysis.customers.lifetime.snapshots import Snapshot
    from analysis.customers.lifetime.valuation import Valuation
    from analysis.tables.engine import Tables

#: Coverage that customers' intervals are checked at.
NOMINAL = 0.80


@dataclass(frozen=True)
class Tracking:
    """Repeat purchases expected and made, week by week.

    Parameters
    ----------
    weeks
        One whole week a row: week_end (first day after it), fitted (whether the model saw it),
        expected, made, expected_so_far, made_so_far.
    model
        Name of the model, fitted at ``cutoff``.
    cutoff
        First day that the model did not see.
    customers
        Customers first seen before it.
    """

    weeks: pd.DataFrame
    model: str
    cutoff: date
    customers: int

    @property
    def beyond(self) -> pd.Series:
        """Sums of expected and made over the weeks that the model did not see."""
        return self.weeks.loc[~self.weeks["fitted"], ["expected", "made"]].sum()


def tracking(tables: Tables, past: Sequence[Snapshot], valuation: Valuation) -> Tracking:
    """Return the purchases expected by week of the model that values rest on, fitted earlier.

    Parameters
    ----------
    tables
        A study's tables.
    past
        Past snapshots; the model is fitted at the last of them and followed to the end of the
        valuation's history.
    valuation
        What names the model.
    """
    history, known = valuation.history, past[-1].known
    described = purchase_counts.encode(past[-1].customers)
    model = fit_named(contestant(valuation.purchases.name), described)
    count = history.days // 7
    made = purchase_counts.repeats_by_week(tables, history, until=known.end)
    made = made.set_index("week")["repeats"].reindex(range(count), fill_value=0)
    so_far = _expected_by(model, described, known.start, count)
    ends = [history.start + timedelta(days=7 * (i + 1)) for i in range(count)]
    weeks = pd.DataFrame(
        {
            "week_end": ends,
            "fitted": [end <= known.end for end in ends],
            "expected": np.diff(so_far, prepend=0.0),
            "made": made.to_numpy("float64"),
            "expected_so_far": so_far,
            "made_so_far": np.cumsum(made.to_numpy("float64")),
        }
    )
    return Tracking(weeks, model.name, known.end, len(described))


def _expected_by(
    model: PurchaseModel, customers: pd.DataFrame, start: object, count: int
) -> Floats:
    """Return the repeat purchases expected by the end of each week, cohort by cohort of a day.

    A new customer's expectation is taken at whole weeks and interpolated: it is smooth.
    """
    first = (pd.to_datetime(customers["first_on"]) - pd.Timestamp(start)).dt.days
    day, joined = np.unique(first.to_numpy(), return_counts=True)
    fresh, share = newcomers_like(customers)
    lags = np.arange(count + 1, dtype="float64")
    curve = np.array([0.0, *(share @ model.expected(fresh, lag) for lag in lags[1:])])
    # The last day of a week counts as over: ends are taken a day before the next begins.
    ends = 7.0 * np.arange(1, count + 1) - 1
    lived = np.clip(ends[:, None] - day, 0, None) / WEEK
    return np.asarray(np.interp(lived, lags, curve) @ joined)


def intervals_held(
    past: Sequence[Snapshot], valuation: Valuation, *, seed: int = 0
) -> pd.DataFrame:
    """Return how often the customers' 80 % intervals held what they brought, by cut-off and group.

    Returns
    -------
    pandas.DataFrame
        One cut-off and group (one-time buyers, repeat buyers) a row: cutoff, group, customers (in
        the sample looked at), forecast, actual (means per customer, currency), held (share), low,
        high (95 %, Wilson), below, above (shares that brought less, or more).

    Raises
    ------
    NotApplicable
        If the value of a purchase could not be modelled at any of them.
    """
    rows: list[dict[str, object]] = []
    for snapshot in past:
        described = purchase_counts.encode(snapshot.customers)
        assert snapshot.outcome is not None
        try:
            value = gamma_gamma.fit_value(described)
        except NotApplicable:
            continue
        model = fit_named(contestant(valuation.purchases.name), described)
        told = forecast(described, model, value, days=snapshot.outcome.days, seed=seed)
        frame = described.assign(expected=told.expected, bottom=told.low, top=told.high)
        rows += _held(frame[np.isfinite(told.low)], snapshot.known.end)
    if not rows:
        raise NotApplicable("Intervals of customers could not be checked at any past cut-off.")
    return pd.DataFrame(rows)


def _held(frame: pd.DataFrame, cutoff: date) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    once = frame["repeats"] == 0
    for group, part in (("one-time buyers", frame[once]), ("repeat buyers", frame[~once])):
        if part.empty:
            continue
        below, above = part["margin_next"] < part["bottom"], part["margin_next"] > part["top"]
        held = int((~below & ~above).sum())
        low, high = wilson_interval(np.array([held]), np.array([len(part)]))
        rows.append(
            {
                "cutoff": cutoff,
                "group": group,
                "customers": len(part),
                "forecast": float(part["expected"].mean()),
                "actual": float(part["margin_next"].mean()),
                "held": held / len(part),
                "low": float(low[0]),
                "high": float(high[0]),
                "below": float(below.mean()),
                "above": float(above.mean()),
            }
        )
    return rows

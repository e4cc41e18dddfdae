"""What losing customers would cost, and what a contact would have to achieve to pay.

Value at risk is the probability of churn times what the customer is expected to bring if kept. What
a contact achieves is not known before it is tested: given is the effect at which it breaks even,
never an assumed one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.customers.churn.churn_evaluation import RetentionOffer
from analysis.errors import NotApplicable, ParamsError
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.customers.churn.churn_forecast import ChurnForecast
    from analysis.customers.lifetime.lifetime_value import LifetimeValue


#: Share of customers in each group by expected value, highest first.
GROUPS = (("Top tenth", 0.10), ("Next four tenths", 0.50), ("Lower half", 1.00))


@dataclass(frozen=True)
class RetentionValue:
    """Value at risk by customer and by group.

    Parameters
    ----------
    customers
        customer_id, group, churn, kept_value (expected margin if kept), at_risk, break_even (share
        of would-be churners that a contact must keep to pay; above 1 it cannot).
    groups
        One group a row, then ``All``: group, customers, churn (mean), value (expected margin),
        at_risk, at_risk_share (of that of all), break_even, can_pay (customers whom a contact can
        pay for).
    cost
        What contacting one customer costs.
    """

    customers: pd.DataFrame
    groups: pd.DataFrame
    cost: float


def offer_for(
    values: LifetimeValue, *, months: int, incentive: float, contact: float
) -> RetentionOffer:
    """Return an offer to customers who are worth what an active one is expected to bring.

    Raises
    ------
    NotApplicable
        If that is not positive.
    """
    frame = values.customers
    worth = frame[f"value_{months}"].sum() / max(float(frame["alive"].sum()), 1e-9)
    if not worth > 0:
        raise NotApplicable(
            f"Keeping customers cannot pay: they are expected to bring no margin in {months} "
            "months."
        )
    return RetentionOffer(value=float(worth), incentive=incentive, contact=contact)


def value_at_risk(
    forecast: ChurnForecast, values: LifetimeValue, *, months: int, cost: float
) -> RetentionValue:
    """Return ``retention_value`` of the customers whose churn is forecast."""
    named = values.customers.rename(columns={f"value_{months}": "value"})
    return retention_value(forecast.customers[["customer_id", "churn"]], named, cost=cost)


def retention_value(churn: pd.DataFrame, values: pd.DataFrame, *, cost: float) -> RetentionValue:
    """Return the value at risk and the break-even effect of a contact.

    Parameters
    ----------
    churn
        customer_id and churn (probability).
    values
        customer_id, value (expected margin over the horizon) and alive (probability), as from
        ``lifetime_value``.
    cost
        What contacting one customer costs, incentive included; positive.

    Raises
    ------
    ParamsError
        If ``cost`` is not positive: every effect would pay.
    """
    if not cost > 0:
        raise ParamsError(f"contact_cost must be above 0 ({cost}), or every contact pays")
    frame = churn.merge(values[["customer_id", "value", "alive"]], on="customer_id")
    kept = (frame["value"] / frame["alive"].clip(lower=1e-6)).clip(lower=0)
    at_risk = frame["churn"] * kept
    frame = frame.assign(
        group=_groups(frame["value"].to_numpy("float64")),
        kept_value=kept,
        at_risk=at_risk,
        break_even=np.where(at_risk > 0, cost / np.maximum(at_risk, 1e-12), np.inf),
    )
    columns = ["customer_id", "group", "churn", "value", "kept_value", "at_risk", "break_even"]
    rows = [_row(frame[frame["group"] == name], name, cost) for name, _ in GROUPS]
    groups = pd.DataFrame([*rows, _row(frame, "All", cost)])
    whole = max(float(frame["at_risk"].sum()), 1e-12)
    return RetentionValue(
        frame[columns].sort_values("at_risk", ascending=False, kind="stable", ignore_index=True),
        groups.assign(at_risk_share=groups["at_risk"] / whole),
        cost,
    )


def _groups(value: Floats) -> NDArray[np.str_]:
    place = np.argsort(np.argsort(-value, kind="stable"), kind="stable") / max(len(value), 1)
    conditions = [place < until for _, until in GROUPS]
    return np.select(conditions, [name for name, _ in GROUPS], default=GROUPS[-1][0])


def _row(rows: pd.DataFrame, name: str, cost: float) -> dict[str, object]:
    at_risk = float(rows["at_risk"].sum())
    return {
        "group": name,
        "customers": len(rows),
        "churn": float(rows["churn"].mean()) if len(rows) else np.nan,
        "value": float(rows["value"].sum()),
        "at_risk": at_risk,
        "break_even": cost * len(rows) / at_risk if at_risk > 0 else np.inf,
        "can_pay": int((rows["break_even"] <= 1).sum()),
    }

"""What losing customers would cost, and what a contact would have to achieve to pay.

Value at risk is the probability of churn times what the customer is expected to bring if kept. What
a contact achieves is not known before it is tested: given is the effect at which it breaks even,
never an assumed one. Where offers to silent customers were randomised before, what they achieved is
the share of would-be churners who accept, with its uncertainty, and gives the profit of contacting
by risk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.answers import without
from analysis.customers.churn.churn_evaluation import RetentionOffer
from analysis.errors import NotApplicable, ParamsError
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.customers.churn.churn_forecast import ChurnForecast
    from analysis.customers.lifetime.lifetime_value import LifetimeValue

_DRAWS = 4_000
_POWER, _STEPS = 0.80, 30
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
        at_risk, at_risk_share (of that of all), break_even, shown (smallest effect that a test
        shows with 80 % power where a random half is left uncontacted; infinite where it shows
        none), can_pay (customers whom a contact can pay for).
    cost
        What contacting one customer costs.
    """

    customers: pd.DataFrame
    groups: pd.DataFrame
    cost: float


@without("tried")
def offer_for(
    values: LifetimeValue,
    *,
    months: int,
    incentive: float,
    contact: float,
    tried: pd.DataFrame | None = None,
) -> RetentionOffer:
    """Return an offer to customers who are worth what an active one is expected to bring.

    Parameters
    ----------
    values
        Expected margin of every customer.
    months
        The horizon that counts.
    incentive, contact
        Costs of the offer where it is taken, and of reaching somebody.
    tried
        What randomised offers to silent customers achieved, as from ``win_back.drawn_by_lot``.

    Raises
    ------
    NotApplicable
        If that is not positive.
    """
    frame = values.customers[values.customers["alive"].notna()]
    worth = frame[f"value_{months}"].sum() / max(float(frame["alive"].sum()), 1e-9)
    if not worth > 0:
        raise NotApplicable(
            f"Keeping customers cannot pay: they are expected to bring no margin in {months} "
            "months."
        )
    offer = RetentionOffer(value=float(worth), incentive=incentive, contact=contact)
    if tried is None:
        return offer
    accepted = accepted_when_tried(tried)
    a, b = _beta_like(accepted)
    people = int(tried["customers"].sum() + tried.groupby("promotion_id")["control"].first().sum())
    return replace(offer, accepted_a=a, accepted_b=b, measured=people)


def accepted_when_tried(tried: pd.DataFrame, *, seed: int = 0) -> Floats:
    """Return draws of the share of would-be churners whom randomised offers brought back.

    Of customers who would have stayed away, as controls show, those who came: (treated - control) /
    (1 - control), nobody being kept away by an offer. All arms together, each share by Jeffreys'
    posterior.
    """
    rng = np.random.default_rng(seed)
    arms = tried.assign(
        back=(tried["returned"] * tried["customers"]).round(),
        back_alone=(tried["returned_control"] * tried["control"]).round(),
    )
    alone = arms.groupby("promotion_id")[["control", "back_alone"]].first().sum()
    treated = arms[["customers", "back"]].sum()
    shares = [
        rng.beta(back + 0.5, of - back + 0.5, _DRAWS)
        for back, of in (treated[["back", "customers"]], alone[["back_alone", "control"]])
    ]
    return np.clip((shares[0] - shares[1]) / (1 - shares[1]), 0, 1)


def _beta_like(drawn: Floats) -> tuple[float, float]:
    """Return the beta distribution of the mean and variance of ``drawn``."""
    mean = float(np.clip(drawn.mean(), 1e-3, 1 - 1e-3))
    size = mean * (1 - mean) / max(float(drawn.var()), 1e-9) - 1
    return mean * max(size, 1.0), (1 - mean) * max(size, 1.0)


def profit_curve(forecast: ChurnForecast, *, confidence: float, seed: int = 0) -> pd.DataFrame:
    """Return the profit of contacting regular customers by falling risk, tenth by tenth.

    Parameters
    ----------
    forecast
        Its ``deciles`` are those of the last cut-off checked, its ``offer`` is measured.
    confidence
        Coverage of the intervals, which hold the offer's acceptance and the tenths' churn.

    Returns
    -------
    pandas.DataFrame
        One tenth a row, after a first row of nobody: share (of regular customers contacted),
        profit (currency per regular customer), low, high.

    Raises
    ------
    NotApplicable
        If no randomised offer has measured what a contact achieves.
    """
    offer, rows = forecast.offer, forecast.deciles
    if offer is None or not offer.measured:
        raise NotApplicable(
            "What contacting by risk would earn cannot be told: no randomised offer to silent "
            "customers has measured how many of them a contact brings back."
        )
    rng = np.random.default_rng(seed)
    n, lost = (rows[name].to_numpy("float64") for name in ("customers", "lost"))
    accepted = rng.beta(offer.accepted_a, offer.accepted_b, (_DRAWS, 1))
    churn = rng.beta(lost + 0.5, n - lost + 0.5, (_DRAWS, len(n)))
    expected = _profits(n * churn, n, accepted, offer)
    low, high = np.quantile(expected, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    mean = offer.accepted_a / (offer.accepted_a + offer.accepted_b)
    table = pd.DataFrame(
        {
            "share": np.cumsum(n) / n.sum(),
            "profit": _profits(lost, n, mean, offer),
            "low": low,
            "high": high,
        }
    )
    nobody = pd.DataFrame(0.0, index=[0], columns=table.columns)
    return pd.concat([nobody, table], ignore_index=True)


def _profits(lost: Floats, n: Floats, accepted: Floats | float, offer: RetentionOffer) -> Floats:
    """Return the profit per customer of contacting the first so many tenths."""
    kept = accepted * (offer.value - offer.incentive) - offer.contact
    own = lost * kept - (n - lost) * (offer.incentive + offer.contact)
    return np.asarray(np.cumsum(own, axis=-1) / n.sum())


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


def _shown(churn: float, customers: int) -> float:
    """Return the smallest effect that a test of halves shows, as a share of would-be churners."""
    if not (customers and churn > 0):
        return np.inf
    reach = normal_quantile(0.95) + normal_quantile(2 * _POWER - 1)
    effect = 0.0
    for _ in range(_STEPS):  # the fewer are lost when contacted, the smaller the error
        kept = churn * (1 - min(effect, 1.0))
        spread = churn * (1 - churn) + kept * (1 - kept)
        effect = float(reach * np.sqrt(2 * spread / customers) / churn)
    return effect if effect <= 1 else np.inf  # no contact keeps more than all of them


def _row(rows: pd.DataFrame, name: str, cost: float) -> dict[str, object]:
    at_risk = float(rows["at_risk"].sum())
    churn = float(rows["churn"].mean()) if len(rows) else np.nan
    return {
        "group": name, "customers": len(rows), "churn": churn, "value": float(rows["value"].sum()),
        "at_risk": at_risk, "break_even": cost * len(rows) / at_risk if at_risk > 0 else np.inf,
        "shown": _shown(churn, len(rows)), "can_pay": int((rows["break_even"] <= 1).sum()),
    }  # fmt: skip

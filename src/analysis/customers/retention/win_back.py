"""Is a contact worth its cost? What fading customers could bring back, and what contacts did bring.

From what a customer lost, take off what comes back by itself; of the rest, assume that a contact
brings back a share. That share is an assumption, so the report says from which share on a contact
pays, for every customer and for all. Only a contact with a control group measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.customers.features.contact_history import CONTROL, sent_messages
from analysis.customers.retention.lifecycle import SILENT
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.proportions import newcombe
from analysis.stats.sizes import FEWEST_FOLLOWED
from analysis.stats.types import Floats
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.customers.retention.decline import Fading
    from analysis.customers.retention.lifecycle import Stages
    from analysis.stats.resampling import Estimates
    from analysis.tables.engine import Tables

_CURVE_STEPS = 60


@dataclass(frozen=True)
class ContactTerms:
    """What a contact costs and what it is assumed to do.

    Parameters
    ----------
    contact_cost
        Cost of contacting one customer (currency).
    recovery_rate
        Share of the lost margin, after what comes back by itself, that a contact brings back.
    horizon_days
        Days over which it counts.
    compared_days
        Days of the half in which the loss was measured.
    confidence
        Coverage of the intervals.
    """

    contact_cost: float
    recovery_rate: float
    horizon_days: int
    compared_days: int
    confidence: float = 0.95


@dataclass(frozen=True)
class ContactPlan:
    """Whom to contact, and what it would bring on the terms assumed.

    Parameters
    ----------
    customers
        One fading customer a row, the most gainful first: customer_id, before, now, loss (in the
        half compared), at_risk (margin missing over the horizon that does not come back by
        itself), brings_back, cost, gain (brings_back - cost), break_even (recovery rate at which
        the contact pays; NaN if none does), worth_it.
    value_at_risk, value_at_risk_low, value_at_risk_high
        at_risk of all fading customers. The interval holds these customers' own week-to-week
        noise and the uncertainty of what comes back by itself.
    break_even, break_even_low, break_even_high
        Recovery rate at which contacting all of them pays; NaN if none does.
    curve
        Gain over the recovery rate: recovery_rate, all_gain, all_low, all_high (contacting
        everybody who is fading), best_gain (only those worth it at that rate).
    rebound_reason
        Why nothing was taken off for what comes back by itself; empty where it was.
    terms
        As given.
    """

    customers: pd.DataFrame
    value_at_risk: float
    value_at_risk_low: float
    value_at_risk_high: float
    break_even: float
    break_even_low: float
    break_even_high: float
    curve: pd.DataFrame
    rebound_reason: str
    terms: ContactTerms

    @property
    def chosen(self) -> pd.DataFrame:
        """The customers whom a contact is worth it for; none is a possible answer."""
        return self.customers[self.customers["worth_it"]].reset_index(drop=True)


def plan_contacts(fading: Fading, rebound: Estimates, terms: ContactTerms) -> ContactPlan:
    """Weigh a contact's cost against what each fading customer could bring back.

    Parameters
    ----------
    fading
        Who is fading, from ``fading.judge``.
    rebound
        What comes back by itself, from ``fading.rebound``. Where it could not be measured,
        nothing is taken off, and the plan says so.
    terms
        What a contact costs and is assumed to do.
    """
    called = fading.called
    value, low, high = _kept(rebound)
    scale = terms.horizon_days / terms.compared_days
    customers = _customers(called, value * scale, terms)
    loss, error = float(called["loss"].sum()), float(np.sqrt((called["loss_error"] ** 2).sum()))
    at_risk = _product(loss, normal_quantile(terms.confidence) * error, (value, low, high), scale)
    break_even = [_ratio(terms.contact_cost * len(called), amount) for amount in at_risk]
    return ContactPlan(
        customers=customers,
        value_at_risk=at_risk[0],
        value_at_risk_low=at_risk[1],
        value_at_risk_high=at_risk[2],
        break_even=break_even[0],
        break_even_low=break_even[2],
        break_even_high=break_even[1],
        curve=_curve(customers["at_risk"].to_numpy(), at_risk, terms),
        rebound_reason=rebound.reason[0] if np.isnan(rebound.value[0]) else "",
        terms=terms,
    )


def _kept(rebound: Estimates) -> tuple[float, float, float]:
    """Return what does not come back by itself, as a share, with its interval."""
    if np.isnan(rebound.value[0]):
        return 1.0, 1.0, 1.0
    value = 1 - float(np.clip(rebound.value[0], 0, 1))
    low, high = 1 - np.clip([rebound.high[0], rebound.low[0]], 0, 1)
    return value, value if np.isnan(low) else float(low), value if np.isnan(high) else float(high)


def _customers(called: pd.DataFrame, kept: float, terms: ContactTerms) -> pd.DataFrame:
    at_risk = called["loss"] * kept
    brings_back = terms.recovery_rate * at_risk
    gain = brings_back - terms.contact_cost
    table = called[["customer_id", "before", "now", "loss"]].assign(
        at_risk=at_risk,
        brings_back=brings_back,
        cost=terms.contact_cost,
        gain=gain,
        break_even=terms.contact_cost / at_risk.where(at_risk > 0),
        worth_it=gain > 0,
    )
    return table.sort_values(["gain", "customer_id"], ascending=[False, True], ignore_index=True)


def _product(
    loss: float, margin_of_error: float, kept: tuple[float, float, float], scale: float
) -> tuple[float, float, float]:
    """Return loss x kept x scale with an interval from the intervals of both.

    Zou, Donner (2008), Construction of confidence limits about effect measures, Statistics in
    Medicine 27, 1693-1702, applied to the product's first-order terms.
    """
    value, low, high = kept
    down = np.hypot(value * margin_of_error, loss * (value - low))
    up = np.hypot(value * margin_of_error, loss * (high - value))
    middle = loss * value
    ends = (middle, max(middle - down, 0.0), middle + up)
    return float(ends[0] * scale), float(ends[1] * scale), float(ends[2] * scale)


def _curve(at_risk: Floats, total: tuple[float, float, float], terms: ContactTerms) -> pd.DataFrame:
    highest = min(1.0, max(2 * terms.recovery_rate, 0.10))
    rates = np.linspace(0, highest, _CURVE_STEPS + 1)
    cost = terms.contact_cost * len(at_risk)
    each = rates[:, None] * at_risk[None, :] - terms.contact_cost
    return pd.DataFrame(
        {
            "recovery_rate": rates,
            "all_gain": rates * total[0] - cost,
            "all_low": rates * total[1] - cost,
            "all_high": rates * total[2] - cost,
            "best_gain": np.maximum(each, 0.0).sum(axis=1),
        }
    )


def _ratio(cost: float, amount: float) -> float:
    return cost / amount if amount > 0 else float("nan")


_MOSTLY = 0.5


def brought_back(
    tables: Tables,
    snapshot: Stages,
    *,
    contact_days: int = 28,
    return_days: int = 56,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare silent customers who were contacted with those who were not.

    Parameters
    ----------
    tables
        A study's tables.
    snapshot
        Stages on a day at least ``contact_days + return_days`` days before the last of the data.
    contact_days, return_days
        Only customers who stay silent for ``contact_days`` after the snapshot are compared, so
        that nobody is contacted after having come back: contacted if a message went out in these
        days, back if there is a purchase in the ``return_days`` after them (a landmark analysis:
        Anderson, Cain and Gelber 1983, Journal of Clinical Oncology 1, 710-719).

    Returns
    -------
    pandas.DataFrame
        stage, contacted and not_contacted (customers), returned_contacted, returned_not (shares),
        difference, low, high (Newcombe), randomised (always False here: who was contacted was
        chosen, so the difference is no effect).

    Raises
    ------
    NotApplicable
        If nobody silent was contacted.
    """
    people = _followed(tables, snapshot, contact_days, return_days)
    if not people["contacted"].any():
        raise NotApplicable("Nobody silent was contacted in the days looked at.")
    rows = []
    for stage in SILENT:
        part = people[people["stage"] == stage]
        yes, no = part[part["contacted"]], part[~part["contacted"]]
        back = (int(yes["returned"].sum()), int(no["returned"].sum()))
        difference = difference_of_shares(back[0], len(yes), back[1], len(no), confidence)
        shares = [b / n if n else np.nan for b, n in zip(back, (len(yes), len(no)), strict=True)]
        rows.append((stage, len(yes), len(no), *shares, *difference, False))
    columns = ["stage", "contacted", "not_contacted", "returned_contacted", "returned_not"]
    return pd.DataFrame(rows, columns=[*columns, "difference", "low", "high", "randomised"])


def drawn_by_lot(
    tables: Tables,
    *,
    as_of: date,
    silent_days: int = 60,
    return_days: int = 56,
    fewest: int = FEWEST_FOLLOWED,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Measure what randomised win-back offers brought back, promotion by promotion.

    A promotion is a win-back where at least half of those drawn for it were silent.

    Parameters
    ----------
    tables
        A study's tables; needs assignments.
    as_of
        The first day not looked at; who was assigned less than ``return_days`` before is left out.
    silent_days
        Only customers who had bought before, but not in so many days before being assigned.
    return_days
        Came back: a purchase within so many days of being assigned.
    fewest
        Arms with fewer such customers are left out.
    confidence
        Coverage of all intervals together (Bonferroni), so that the best may be pointed at.

    Returns
    -------
    pandas.DataFrame
        promotion_id, arm (any but control), customers, control, returned, returned_control
        (shares), difference, low, high (Newcombe): an effect, for the arms were drawn.

    Raises
    ------
    NotApplicable
        If no promotion drew its arms at random among silent customers.
    """
    pairs = _against_control(_by_arm(tables, as_of, silent_days, return_days).to_pandas(), fewest)
    if not pairs:
        raise NotApplicable("No offer to silent customers was randomised, so none was measured.")
    each = 1 - (1 - confidence) / len(pairs)
    rows = [
        (
            *(promotion, arm, of, among, back / of, others / among),
            *difference_of_shares(back, of, others, among, each),
        )
        for promotion, arm, of, back, among, others in pairs
    ]
    names = ["promotion_id", "arm", "customers", "control", "returned", "returned_control"]
    return pd.DataFrame(rows, columns=[*names, "difference", "low", "high"])


def _against_control(
    counts: pd.DataFrame, fewest: int
) -> list[tuple[str, str, int, int, int, int]]:
    """Return promotion, arm, its customers and returns, control's customers and returns."""
    found = []
    for promotion, arms in counts.groupby("promotion_id"):
        if arms["customers"].sum() < _MOSTLY * arms["drawn"].sum():
            continue
        control = arms[arms["arm"] == CONTROL]
        for arm in arms[arms["arm"] != CONTROL].sort_values("arm").to_dict("records"):
            if control.empty or min(arm["customers"], control["customers"].iloc[0]) < fewest:
                continue
            among, others = (int(control[c].iloc[0]) for c in ("customers", "returned"))
            mine = (int(arm["customers"]), int(arm["returned"]))
            found.append((str(promotion), str(arm["arm"]), *mine, among, others))
    return found


def _by_arm(tables: Tables, as_of: date, silent_days: int, return_days: int) -> ibis.Table:
    """Return those drawn, the silent among them and who came back, by promotion and arm."""
    arms = tables.assignments
    last = ibis.timestamp((as_of - timedelta(days=return_days)).isoformat())
    arms = arms.filter(arms.randomised, arms.assigned_at < last)
    arms = arms.mutate(drawn_on=arms.assigned_at.date())
    lines = tables.order_lines
    bought = lines.filter(lines.customer_id.notnull(), lines.quantity >= 0)
    days = bought.select("customer_id", ordered_on=bought.ordered_at.date()).distinct()
    days = days.filter(days.ordered_on < ibis.date(as_of.isoformat()))
    both = arms.join(days, "customer_id")
    since = both.ordered_on.delta(both.drawn_on, unit="day").cast("int64")
    both = both.mutate(since=since)
    people = both.group_by("promotion_id", "arm", "customer_id").agg(
        last=both.since.max(where=both.since < 0),
        back=both.count(where=(both.since >= 0) & (both.since < return_days)),
    )
    silent = people["last"] < -silent_days
    return people.group_by("promotion_id", "arm").agg(
        drawn=people.count(),
        customers=people.count(where=silent),
        returned=people.count(where=silent & (people.back > 0)),
    )


def difference_of_shares(
    x1: int, n1: int, x2: int, n2: int, confidence: float
) -> tuple[float, float, float]:
    """Return the difference of two shares with Newcombe's interval (1998, method 10)."""
    if not n1 or not n2:
        return np.nan, np.nan, np.nan
    difference, low, high = newcombe(x1, n1, x2, n2, z=normal_quantile(confidence))
    return float(difference), float(low), float(high)


def detectable_difference(row: pd.Series) -> float:
    """Return the difference that two arms of this size would show with a power of 80 %.

    Two-sided test of two shares at 5 %, by the pooled share (Fleiss, Levin, Paik 2003, Statistical
    Methods for Rates and Proportions, section 4.2, without their correction for continuity).

    Parameters
    ----------
    row
        Of ``brought_back``.
    """
    one, other = float(row["contacted"]), float(row["not_contacted"])
    back = one * row["returned_contacted"] + other * row["returned_not"]
    pooled = back / (one + other)
    error = np.sqrt(pooled * (1 - pooled) * (1 / one + 1 / other))
    return float((normal_quantile(0.95) + normal_quantile(0.60)) * error)


def _followed(tables: Tables, found: Stages, contact_days: int, return_days: int) -> pd.DataFrame:
    """Return silent customers of a snapshot: stage, contacted, returned."""
    from analysis.customers.features.habits import purchase_days

    silent = found.table.loc[found.table["stage"].isin(SILENT), ["customer_id", "stage"]]
    reach = Period(found.as_of, found.as_of + timedelta(days=contact_days))
    landmark = reach.end
    after = Period(landmark, landmark + timedelta(days=return_days))
    contacted = sent_messages(tables, reach).select("customer_id").distinct().to_pandas()
    bought = purchase_days(tables, after).select("customer_id").distinct().to_pandas()
    meanwhile = purchase_days(tables, reach).select("customer_id").distinct().to_pandas()
    silent = silent[~silent["customer_id"].isin(meanwhile["customer_id"])]
    return silent.assign(
        contacted=silent["customer_id"].isin(contacted["customer_id"]),
        returned=silent["customer_id"].isin(bought["customer_id"]),
    )

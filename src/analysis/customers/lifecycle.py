"""Life stage of every customer, judged by the customer's own rhythm and own past.

Silence is unusual if the customer's own gaps say so (``silence``), rise and fall of spending count
if they are beyond the noise of the customer's own weeks (``own_change``, many customers at once
held to a false discovery rate). One cut in days for all would call the monthly shopper lapsed and
miss the daily one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from analysis.customers import gaps, habits, own_change, silence, weekly
from analysis.customers.newness import is_new
from analysis.errors import NotApplicable, SaidAbove
from analysis.tables.periods import Period

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.tables.engine import Tables

    Floats = NDArray[np.float64]

STAGES = ("New", "Growing", "Active", "Declining", "At risk", "Lapsed", "Won back")

#: What each stage means, and what to do about it.
MEANING = {
    "New": ("First seen a short while ago.", "Make the second visit easy."),
    "Growing": ("Spends clearly more than before.", "Give room: new departments."),
    "Active": ("Comes and spends as usual.", "Leave alone; keep the offer good."),
    "Declining": ("Still comes, but spends clearly less.", "Ask why; offer what they dropped."),
    "At risk": ("Has been away longer than nine of ten of their own gaps.", "Remind now."),
    "Lapsed": ("Has been away far longer than their own gaps explain.", "One win-back offer."),
    "Won back": ("Came back from such a silence lately.", "Welcome back; watch the next visit."),
}


@dataclass(frozen=True)
class StageRules:
    """When a stage begins.

    Parameters
    ----------
    new_days
        Days since the first purchase for which a customer is new (see ``newness.is_new``), and
        since the return for which one is won back.
    at_risk, lapsed
        Share of a customer's own gaps that are as long as the silence.
    half_days
        Length of the two spans that spending is compared over; 7 divides it.
    change
        Smallest rise or fall that matters, as a share of the past.
    fdr
        Share of false alarms allowed among the customers called growing, or declining.
    """

    new_days: int = 90
    at_risk: float = 0.10
    lapsed: float = 0.02
    half_days: int = 182
    change: float = 0.30
    fdr: float = 0.10


@dataclass(frozen=True)
class Stages:
    """Every customer's life stage.

    Parameters
    ----------
    table
        One customer a row, by customer_id: stage (ordered categorical), recency_days, unusual
        (share of own gaps that are longer than the silence, by the model), risk_after and
        lapsed_after (days of silence at which the customer becomes at risk, lapsed), change (of
        spending), p_rise, p_fall.
    pace
        The model of silence.
    calibration
        How often last gaps were called; see ``silence.calibration``.
    as_of
        The day judged on.
    gap
        Why nobody could be called growing or declining; empty where it could be judged.
    """

    table: pd.DataFrame
    pace: silence.Pace
    calibration: pd.DataFrame
    as_of: date
    gap: str = ""


def stages(
    tables: Tables,
    as_of: date,
    *,
    window_days: int = 365,
    rules: StageRules | None = None,
    seed: int = 0,
) -> Stages:
    """Judge every customer who bought in the window before ``as_of``.

    Parameters
    ----------
    tables
        A study's tables.
    as_of
        The first day not looked at.
    window_days
        Days of history behind the rhythm.
    rules
        When a stage begins.
    seed
        Seed of the random deals of weeks.

    Raises
    ------
    NotApplicable
        If nobody, or hardly anybody, bought twice in the window. Where the orders do not cover two
        spans of ``rules.half_days``, nobody is called growing or declining, and ``gap`` says so.
    """
    rules = rules or StageRules()
    people = _rhythm(tables, Period.before(as_of, days=window_days))
    amounts = weekly.fetch(tables, Period.before(as_of, days=2 * rules.half_days))
    first_seen = people.set_index("customer_id")["first_seen_on"]
    changed = own_change.judge(amounts, first_seen, least=rules.change, fdr=rules.fdr, seed=seed)
    people = people.merge(changed, on="customer_id", how="left", validate="one_to_one")
    pace = silence.fit(people, seed=seed)
    cuts = silence.thresholds(pace, people, (rules.at_risk, rules.lapsed))
    known = (people["gaps"], people["gap_sum"])
    people["unusual"] = pace.longer(people["recency_days"] - 1, *known)
    people["risk_after"] = np.ceil(pace.overdue_after(cuts[0], *known))
    people["lapsed_after"] = np.ceil(pace.overdue_after(cuts[1], *known))
    people["stage"] = _stage(people, pace, cuts, rules)
    columns = ["customer_id", "stage", "recency_days", "unusual", "risk_after", "lapsed_after"]
    table = people[[*columns, "change", "p_rise", "p_fall"]]
    return Stages(table, pace, silence.calibration(pace, people), as_of, amounts.gap)


def required(found: Stages | None) -> Stages:
    """Return ``found``; SaidAbove where life stages could not be told."""
    if found is None:
        raise SaidAbove("Life stages could not be told; the reason stands above.")
    return found


def of_customers(found: Stages | None, features: pd.DataFrame) -> pd.Series:
    """Return each customer's stage by row of ``features``; missing without a purchase."""
    import pandas as pd

    table = required(found).table
    places = pd.Series(table["stage"].cat.codes.to_numpy(), table["customer_id"])
    codes = features["customer_id"].map(places).fillna(-1).astype("int64")
    return pd.Series(pd.Categorical.from_codes(codes, STAGES, ordered=True), features.index)


def transitions(earlier: Stages, later: Stages) -> pd.DataFrame:
    """Return where customers of each stage are later.

    Returns
    -------
    pandas.DataFrame
        was, became (a stage, or ``Not seen`` where the window no longer holds a purchase),
        customers, share (of ``was``), low, high (95 % Wilson), by_chance (share of all customers
        in ``became``).
    """
    import pandas as pd
    from statsmodels.stats.proportion import proportion_confint

    both = earlier.table[["customer_id", "stage"]].merge(
        later.table[["customer_id", "stage"]], on="customer_id", how="left", suffixes=("", "_later")
    )
    became = both["stage_later"].astype("object").fillna("Not seen")
    counts = pd.crosstab(both["stage"], became).reindex(
        index=[s for s in STAGES if (both["stage"] == s).any()],
        columns=[*STAGES, "Not seen"],
        fill_value=0,
    )
    long = counts.stack().rename("customers").rename_axis(["was", "became"]).reset_index()
    total = long.groupby("was")["customers"].transform("sum")
    low, high = proportion_confint(long["customers"], total, method="wilson")
    chance = long.groupby("became")["customers"].transform("sum") / len(both)
    return long.assign(share=long["customers"] / total, low=low, high=high, by_chance=chance)


def _rhythm(tables: Tables, period: Period) -> pd.DataFrame:
    """Return gaps, silence and first purchase of everybody who bought in the period."""
    import ibis
    import pandas as pd

    days = gaps.compute(tables, period)
    first = habits.first_seen(tables, period)
    joined = days.left_join(first, "customer_id").drop("customer_id_right")
    last = (
        gaps.purchase_days(tables, period)
        .group_by("customer_id")
        .agg(last_order_on=ibis._.ordered_on.max())
    )
    joined = joined.left_join(last, "customer_id").drop("customer_id_right")
    people = joined.order_by("customer_id").to_pandas()
    if people.empty:
        raise NotApplicable(f"Life stages cannot be told: nobody bought from {period}.")
    end = pd.Timestamp(period.end)
    for name in ("last_order_on", "first_seen_on", "longest_gap_ended_on"):
        people[name] = pd.to_datetime(people[name])
    people["recency_days"] = (end - people["last_order_on"]).dt.days
    people["tenure_days"] = (end - people["first_seen_on"]).dt.days
    people["back_days"] = (end - people["longest_gap_ended_on"]).dt.days
    return people


def _stage(people: pd.DataFrame, pace: silence.Pace, cuts: Floats, rules: StageRules) -> pd.Series:
    import pandas as pd

    longest = people["longest_gap"].fillna(0)
    rest = (people["gaps"] - 1).clip(lower=0), people["gap_sum"] - longest
    was_lapsed = (people["gaps"] > 0) & (pace.longer(longest - 1, *rest) < cuts[1])
    conditions = {
        "Lapsed": people["unusual"] < cuts[1],
        "At risk": people["unusual"] < cuts[0],
        "New": is_new(people["tenure_days"], new_days=rules.new_days),
        "Won back": was_lapsed & (people["back_days"] <= rules.new_days),
        "Growing": people["rising"].fillna(False).astype("bool"),
        "Declining": people["falling"].fillna(False).astype("bool"),
    }
    chosen = np.select([c.to_numpy() for c in conditions.values()], list(conditions), "Active")
    return pd.Series(pd.Categorical(chosen, STAGES, ordered=True), people.index)

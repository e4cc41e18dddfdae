"""Life stage of every customer, judged by the customer's own rhythm and own past.

Silence is unusual if the customer's own gaps say so (``silence``), rise and fall of spending count
if they are beyond the noise of the customer's own weeks (``own_change``, many customers at once
held to a false discovery rate). One cut in days for all would call the monthly shopper lapsed and
miss the daily one.

Who spends clearly more, or less, than before, by the noise of their own weeks.

A customer's weeks come in two halves. If nothing had changed, any half of the weeks would do as
well as the later one: the later half is compared with random deals of the customer's own weeks,
above and below (Pitman 1937; p-values as in Phipson and Smyth 2010, Statistical Applications in
Genetics and Molecular Biology 9, article 39). The past is first moved with the total of all
customers. Rises and falls are each held to a false discovery rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from analysis.customers.features import habits, weekly
from analysis.customers.features.attributes import is_new
from analysis.customers.retention import inactivity
from analysis.customers.retention.decline import cutoff, moved_with_total
from analysis.customers.segments.group_summary import worth
from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_WEEKS_BOUGHT
from analysis.stats.types import Floats
from analysis.tables.lines import by_part
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.customers.features.weekly import WeeklyAmounts
    from analysis.tables.engine import Tables

#: Stages of who has been away longer than the own rhythm explains.
SILENT = ("At risk", "Lapsed")

STAGES = ("New", "Growing", "Active", "Declining", "At risk", "Lapsed", "Won back")

#: What each stage means, and what practice tries with it.
MEANING = {
    "New": ("First seen a short while ago.", "A reason for the second visit."),
    "Growing": ("Spends significantly more than before.", "An offer in a new department."),
    "Active": ("Comes and spends as usual.", "No contact against the usual one."),
    "Declining": ("Still comes, but spends significantly less.", "An offer in what they dropped."),
    "At risk": ("Has been away longer than nine of ten of their own gaps.", "A reminder now."),
    "Lapsed": ("Has been away far longer than their own gaps explain.", "One win-back offer."),
    "Won back": ("Came back from such a silence lately.", "A welcome back."),
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
    pace: inactivity.Pace
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
    changed = judge(amounts, first_seen, least=rules.change, fdr=rules.fdr, seed=seed)
    people = people.merge(changed, on="customer_id", how="left", validate="one_to_one")
    pace = inactivity.fit(people, seed=seed)
    cuts = inactivity.thresholds(pace, people, (rules.at_risk, rules.lapsed))
    known = (people["gaps"], people["gap_sum"])
    people["unusual"] = pace.longer(people["recency_days"] - 1, *known)
    people["once"] = _once(tables, people, as_of, window_days, rules)
    people["risk_after"] = np.ceil(pace.overdue_after(cuts[0], *known))
    people["lapsed_after"] = np.ceil(pace.overdue_after(cuts[1], *known))
    people["stage"] = _stage(people, pace, cuts, rules)
    columns = ["customer_id", "stage", "recency_days", "unusual", "risk_after", "lapsed_after"]
    table = people[[*columns, "change", "p_rise", "p_fall"]]
    return Stages(table, pace, inactivity.calibration(pace, people), as_of, amounts.gap)


def of_customers(found: Stages, features: pd.DataFrame) -> pd.Series:
    """Return each customer's stage by row of ``features``; missing without a purchase."""
    table = found.table
    places = pd.Series(table["stage"].cat.codes.to_numpy(), table["customer_id"])
    codes = features["customer_id"].map(places).fillna(-1).astype("int64")
    return pd.Series(pd.Categorical.from_codes(codes, STAGES, ordered=True), features.index)


@dataclass(frozen=True)
class Silence:
    """How many customers are silent beyond their own rhythm, and how many would be anyway.

    Parameters
    ----------
    customers, silent
        Customers judged, and those at risk or lapsed among them.
    net_share
        Share of net sales that the silent brought.
    returned, called
        Customers who did buy in the weeks after an earlier day, and those among them who had been
        called silent on that day: what a shop that loses nobody shows. 0 where not checked.
    followed, back
        Customers called silent on that day, and those among them who bought in the weeks after.
    """

    customers: int
    silent: int
    net_share: float
    returned: int = 0
    called: int = 0
    followed: int = 0
    back: int = 0

    @property
    def share(self) -> float:
        """Share of customers who are silent."""
        return self.silent / self.customers

    @property
    def usual(self) -> float:
        """Share that is silent where nobody leaves; NaN where not checked."""
        return self.called / self.returned if self.returned else float("nan")


def silent_sales(features: pd.DataFrame, stage_of: pd.Series, **sampling: Any) -> pd.DataFrame:
    """Return ``group_summary.worth`` of the silent, if any, and of all others."""
    silent = stage_of.isin(SILENT).map({True: "silent", False: "others"})
    return worth(features, silent.where(stage_of.notna()), **sampling)


def silence(by_stage: pd.DataFrame, followed: pd.DataFrame | None) -> Silence:
    """Return how many are silent, against a shop that loses nobody.

    Parameters
    ----------
    by_stage
        ``group_summary.worth`` of the stages.
    followed
        ``group_summary.what_next`` of the stages of an earlier day; None where none was made.
    """
    away = by_stage[by_stage["group"].isin(SILENT)]
    counts = (int(by_stage["customers"].sum()), int(away["customers"].sum()))
    net_share = float(away["net_share"].sum())
    if followed is None:
        return Silence(*counts, net_share)
    came = (followed["bought"] * followed["customers"]).round().astype("int64")
    silent = followed["group"].isin(SILENT)
    called, of = int(came[silent].sum()), int(followed.loc[silent, "customers"].sum())
    return Silence(*counts, net_share, int(came.sum()), called, of, called)


def transitions(earlier: Stages, later: Stages) -> pd.DataFrame:
    """Return where customers of each stage are later.

    Returns
    -------
    pandas.DataFrame
        was, became (a stage, or ``Not seen`` where the window no longer holds a purchase),
        customers, share (of ``was``), low, high (95 % Wilson), by_chance (share of all customers
        in ``became``).
    """
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
    low, high = wilson_interval(long["customers"], total)
    chance = long.groupby("became")["customers"].transform("sum") / len(both)
    return long.assign(share=long["customers"] / total, low=low, high=high, by_chance=chance)


def _rhythm(tables: Tables, period: Period) -> pd.DataFrame:
    """Return gaps, silence and first purchase of everybody who bought in the period."""

    def joined(part: Tables) -> ibis.Table:
        days = habits.purchase_gaps(part, period)
        first = habits.first_seen(part, period)
        last = habits.purchase_days(part, period).group_by("customer_id")
        last = last.agg(last_order_on=ibis._.ordered_on.max())
        both = days.left_join(first, "customer_id").drop("customer_id_right")
        return both.left_join(last, "customer_id").drop("customer_id_right")

    people = by_part(tables, joined).order_by("customer_id").to_pandas()
    if people.empty:
        raise NotApplicable(f"Life stages cannot be told: nobody bought from {period}.")
    end = pd.Timestamp(period.end)
    for name in ("last_order_on", "first_seen_on", "longest_gap_ended_on"):
        people[name] = pd.to_datetime(people[name])
    people["recency_days"] = (end - people["last_order_on"]).dt.days
    people["tenure_days"] = (end - people["first_seen_on"]).dt.days
    people["back_days"] = (end - people["longest_gap_ended_on"]).dt.days
    return people


def _stage(
    people: pd.DataFrame, pace: inactivity.Pace, cuts: Floats, rules: StageRules
) -> pd.Series:
    longest = people["longest_gap"].fillna(0)
    rest = (people["gaps"] - 1).clip(lower=0), people["gap_sum"] - longest
    was_lapsed = (people["gaps"] > 0) & (pace.longer(longest - 1, *rest) < cuts[1])
    falling = people["falling"].fillna(False).astype("bool")
    judged = people["once"] == ""
    # Who buys less also comes less often: silent by last year's pace is not silent by today's.
    slower = falling & (_by_last_gaps(people, pace) >= cuts[0])
    conditions = {
        "Lapsed": (judged & (people["unusual"] < cuts[1]) & ~slower) | (people["once"] == "Lapsed"),
        "At risk": (judged & (people["unusual"] < cuts[0]) & ~slower)
        | (people["once"] == "At risk"),
        "New": is_new(people["tenure_days"], new_days=rules.new_days),
        "Declining": falling,
        "Won back": was_lapsed & (people["back_days"] <= rules.new_days),
        "Growing": people["rising"].fillna(False).astype("bool"),
    }
    chosen = np.select([c.to_numpy() for c in conditions.values()], list(conditions), "Active")
    return pd.Series(pd.Categorical(chosen, STAGES, ordered=True), people.index)


def _by_last_gaps(people: pd.DataFrame, pace: inactivity.Pace) -> Floats:
    """Return how unusual the silence is by the last two gaps alone."""
    last = people[["last_gap", "gap_before_last"]]
    return pace.longer(people["recency_days"] - 1, last.notna().sum(axis=1), last.sum(axis=1))


def _once(
    tables: Tables, people: pd.DataFrame, as_of: date, window_days: int, rules: StageRules
) -> pd.Series:
    """Return the stage of who bought once, by their chance to return; empty where not so judged.

    One purchase has no rhythm. How many bought again in the last weeks is seen of those who had
    bought once before these weeks, and of the silent ones of several purchases: who bought once
    is in the silent stage of which as many, or more, came back (`inactivity.once_stages`).
    """
    none = pd.Series("", people.index)
    then = as_of - timedelta(days=RETURN_DAYS)
    try:
        past = _rhythm(tables, Period.before(then, days=window_days))
        pace = inactivity.fit(past)
    except NotApplicable:
        return none
    cuts = inactivity.thresholds(pace, past, (rules.at_risk, rules.lapsed))
    unusual = pace.longer(past["recency_days"] - 1, past["gaps"], past["gap_sum"])
    stage = np.select([unusual < cuts[1], unusual < cuts[0]], ["Lapsed", "At risk"], "Active")
    came = people.loc[people["recency_days"] <= RETURN_DAYS, "customer_id"]
    past = past.assign(stage=stage, came=past["customer_id"].isin(came))
    return inactivity.once_stages(past, people)


#: Days in which a return is looked for, where stages are told by the chance to return.
RETURN_DAYS = 91

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
    tested = np.flatnonzero((weeks != 0).sum(axis=1) >= FEWEST_WEEKS_BOUGHT)
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

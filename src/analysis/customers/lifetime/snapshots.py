"""What was known of each customer at past dates, and what each of them did after.

A snapshot is taken at a cut-off: its features use nothing at or after it, its outcomes nothing
before it. Cut-offs lie one horizon apart, so that the outcomes of one snapshot end where the
features of the next do: what is learnt from the earlier ones is never a look ahead at the last. A
gap between features and the silence that is asked about keeps a model from being praised for
seeing a customer who is leaving this very day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.customers.features import features, habits
from analysis.customers.lifetime import purchase_counts
from analysis.errors import DataError, NotApplicable
from analysis.tables.lines import lines_in
from analysis.tables.margin import MICROS
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: What a model may learn from, and how it is called in a sentence. Nothing here grows with the
#: length of the history by itself: a model taught by one cut-off must read the next alike.
FEATURES = {
    "silence_days": "days since the last purchase",
    "silence_ratio": "days since the last purchase over the usual gap",
    "gap_mean": "usual days between purchases", "gap_spread": "irregularity of the gaps",
    "last_gap": "last gap in days", "purchase_rate": "purchases per week",
    "margin_rate": "margin per week",
    "new_weeks": "weeks since the first purchase, up to one period",
    "purchases_last": "purchases in the last period",
    "purchases_change": "purchases against the period before",
    "margin_last": "margin of the last period", "margin_change": "margin against the period before",
    **{
        name: f"{words} in the last period"
        for name, words in {
            "basket_value": "net amount per order",
            "discount_share": "share of discount",
            "departments": "departments bought from",
            "categories": "categories bought from",
            "returns_rate": "share returned",
            "store_share": "share at the main store",
            "channels": "channels used",
            "contacts": "messages received",
            "response_rate": "share of messages answered",
            "complaints": "complaints",
        }.items()
    },
}  # fmt: skip

#: What was known beside, of the thing that a question of one's own asks about (`own_question`).
ASKED_FEATURES = {
    "done_days": "days since it was last done",
    "done_ever": "done before",
    "done_last": "times done in the last period",
    "done_rate": "times done per week",
    "spent_last": "spend in as many days before",
}

_RHYTHM = ("gap_mean", "gap_spread", "last_gap")
_COUNTED = ["departments", "categories", "channels", "contacts", "complaints"]

#: A single column that ranks an outcome better than this has seen it.
_TOO_GOOD = 0.98


@dataclass(frozen=True)
class Snapshot:
    """Customers at a cut-off.

    Parameters
    ----------
    known
        The days before the cut-off.
    outcome
        The days after it that outcomes are counted over; None where they are still to come.
    customers
        One row a customer who bought before the cut-off: customer_id, the columns of
        ``purchase_counts.fetch``, `FEATURES`; where ``outcome`` is over also purchases_next,
        net_next, margin_next (currency), next_days (days to the next purchase day, NaN without
        one) and silent (no purchase after the gap).
    gap_days
        Days after the cut-off that do not count for ``silent``.
    """

    known: Period
    outcome: Period | None
    customers: pd.DataFrame
    gap_days: int


def cutoffs(history: Period, *, horizon_days: int, most: int) -> list[Period]:
    """Return the known periods of past snapshots, earliest first, one horizon apart.

    Raises
    ------
    NotApplicable
        If the history does not hold one horizon to learn from and two to learn and check.
    """
    count = min(most, history.days // horizon_days - 1)
    if count < 2:
        raise NotApplicable(
            f"Forecasts of customers cannot be checked: {history.days} days of history hold fewer "
            f"than three periods of {horizon_days} days (one to know customers by, one to learn "
            "from, one to check on)."
        )
    ends = [history.end - timedelta(days=horizon_days * i) for i in range(count, 0, -1)]
    return [Period(history.start, end) for end in ends]


def fetch(
    tables: Tables, known: Period, *, horizon_days: int, gap_days: int = 0, outcome: bool = True
) -> Snapshot:
    """Return a snapshot at the end of ``known``.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    known
        The days before the cut-off.
    horizon_days
        Length of the outcomes, and of the last period among the features.
    gap_days
        Days after the cut-off that do not count for ``silent``.
    outcome
        Whether the days after are over.
    """
    last = Period.before(known.end, days=min(horizon_days, known.days))
    each = purchase_counts.fetch(tables, known)
    each = each.merge(_recent(tables, last), on="customer_id", how="left")
    rhythm = habits.purchase_gaps(tables, known).select(
        "customer_id", "gap_mean", "gap_spread", "last_gap"
    )
    each = each.merge(rhythm.to_pandas(), on="customer_id", how="left")
    each = _with_rates(each, horizon_days)
    if last.previous().start < known.start:
        # Of a period before the history began nothing is known, which is not the same as nothing.
        each[["purchases_change", "margin_change"]] = np.nan
    if not outcome:
        return Snapshot(known, None, _numeric(each), gap_days)
    after = Period(known.end, known.end + timedelta(days=horizon_days))
    return Snapshot(known, after, _numeric(_followed(tables, each, after, gap_days)), gap_days)


def fetch_all(
    tables: Tables, history: Period, *, horizon_days: int, gap_days: int, most: int = 3
) -> list[Snapshot]:
    """Return past snapshots over ``history``, earliest first (see ``cutoffs``)."""
    return [
        fetch(tables, known, horizon_days=horizon_days, gap_days=gap_days)
        for known in cutoffs(history, horizon_days=horizon_days, most=most)
    ]


def _recent(tables: Tables, last: Period) -> pd.DataFrame:
    """Return what is known of the last period, and its purchases and margin beside those before."""
    detailed = features.fetch_detailed(tables, last)
    wanted = [n for n in FEATURES if n in detailed.columns and n not in _RHYTHM]
    sums = [
        _sums(tables, period).set_index("customer_id")[["purchases", "margin"]].add_suffix(suffix)
        for period, suffix in ((last, "_last"), (last.previous(), "_before"))
    ]
    both = sums[0].join(sums[1], how="outer").fillna(0.0)
    return both.reset_index().merge(
        detailed[["customer_id", *wanted]], on="customer_id", how="left"
    )


def _with_rates(each: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    absent = [f"{n}_{when}" for n in ("purchases", "margin") for when in ("last", "before")]
    counted = [name for name in _COUNTED if each[name].notna().any()]
    each[absent + counted] = each[absent + counted].astype("float64").fillna(0.0)
    weeks = each["observed"] + 1
    silence_days = 7 * (each["observed"] - each["recency"])
    return each.assign(
        silence_days=silence_days,
        silence_ratio=silence_days / each["gap_mean"].astype("float64"),
        purchase_rate=(each["repeats"] + 1) / weeks,
        margin_rate=each["margin_amount"] / weeks,
        new_weeks=each["observed"].clip(upper=horizon_days / 7),
        purchases_change=each["purchases_last"] - each["purchases_before"],
        margin_change=each["margin_last"] - each["margin_before"],
    )


def _numeric(each: pd.DataFrame) -> pd.DataFrame:
    columns = {n: each[n].astype("float64") if n in each else np.nan for n in FEATURES}
    return each.assign(**columns)


def _sums(tables: Tables, period: Period) -> pd.DataFrame:
    """Return customer_id, purchases (days), net, margin, first_on, last_on in ``period``.

    What comes after one cut-off is the last period before the next, so each is asked for twice.
    """
    sums = tables.once(f"sums of {period}", lambda every: _summed(every, period))
    return sums.order_by("customer_id").to_pandas()


def _summed(tables: Tables, period: Period) -> ibis.Table:
    lines = lines_in(tables, period)
    lines = lines.filter(lines.customer_id.notnull())
    day = (lines.quantity >= 0).ifelse(lines.ordered_at.date(), ibis.null("date"))
    return lines.group_by("customer_id").agg(
        purchases=day.nunique(),
        net=lines.net_amount.sum().cast("float64"),
        margin=lines.margin_micros.sum().cast("float64") / MICROS,
        first_on=day.min(),
        last_on=day.max(),
    )


def _followed(tables: Tables, each: pd.DataFrame, after: Period, gap_days: int) -> pd.DataFrame:
    """Add what came after the cut-off."""
    sums = _sums(tables, after)
    days = (pd.to_datetime(sums["first_on"]) - pd.Timestamp(after.start)).dt.days
    late = pd.to_datetime(sums["last_on"]) >= pd.Timestamp(after.start + timedelta(days=gap_days))
    coming = pd.DataFrame(
        {
            "customer_id": sums["customer_id"],
            "purchases_next": sums["purchases"].astype("float64"),
            "net_next": sums["net"],
            "margin_next": sums["margin"],
            "next_days": days,
            "came_late": late.to_numpy(),
        }
    )
    joined = each.merge(coming, on="customer_id", how="left")
    counted = ["purchases_next", "net_next", "margin_next"]
    joined[counted] = joined[counted].fillna(0.0)
    late_again = joined.pop("came_late").fillna(False).astype(bool)
    return joined.assign(silent=~late_again)


def matrix(customers: pd.DataFrame, names: Sequence[str] = tuple(FEATURES)) -> pd.DataFrame:
    """Return the features that a model learns from, refusing what is not known at a past date.

    Raises
    ------
    DataError
        If a name is none of `FEATURES` or `ASKED_FEATURES`: attributes of customers are those of
        today.
    """
    for name in names:
        if name not in FEATURES and name not in ASKED_FEATURES:
            raise DataError(
                f"{name} is no feature that was known at the cut-off: it may hold what came "
                f"after. Use one of {', '.join(FEATURES)}, or compute it from dated rows."
            )
    return customers[list(names)]


def refuse_leaks(learnt: pd.DataFrame, outcome: NDArray[np.bool_]) -> None:
    """Raise DataError naming a column that by itself tells the outcome all but perfectly."""
    from scipy.stats import rankdata

    positives, negatives = int(outcome.sum()), int((~outcome).sum())
    if min(positives, negatives) < 10:
        return
    for name in learnt.columns:
        values = learnt[name].to_numpy("float64")
        ranks = rankdata(np.where(np.isnan(values), -np.inf, values))
        above = ranks[outcome].sum() - positives * (positives + 1) / 2
        auc = above / (positives * negatives)
        if max(auc, 1 - auc) > _TOO_GOOD:
            raise DataError(
                f"{name} tells the outcome all but perfectly (AUC {max(auc, 1 - auc):.3f}): it "
                "holds what came after the cut-off. Leave it out."
            )

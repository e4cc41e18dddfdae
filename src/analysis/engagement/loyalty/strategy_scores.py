"""Scores of a loyalty strategy: repeat purchase, retention, renewal; each with its interval."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.answers import without
from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_FOLLOWED, FEWEST_TERMS
from analysis.tables.lines import raw_lines_in
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Days after the first purchase at which the repeat rate is told.
REPEAT_DAYS = (30, 90, 365)


@without("curve")
def scores(
    tables: Tables, *, as_of: date, curve: pd.DataFrame | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the scores that this study can give.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines.
    as_of
        First day not looked at.
    curve
        ``customers.return_curve`` of newcomers; None leaves the repeat rates out.
    confidence
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        score, value, low, high, customers, reason (why it is not given).
    """
    rows = [*_repeat(curve), *_retention(tables, as_of, confidence), *_renewal(
        tables, as_of, confidence)]  # fmt: skip
    return pd.DataFrame(rows, columns=["score", "value", "low", "high", "customers", "reason"])


def _repeat(curve: pd.DataFrame | None) -> list[dict[str, object]]:
    """Return the shares that came back within so many days, as far as anybody was watched."""
    if curve is None:
        return [_none("bought again", "new customers cannot be followed in this study")]
    found = []
    for days in REPEAT_DAYS:
        score, upto = f"bought again within {days} days", curve[curve["days"] <= days]
        if upto.empty or (
            curve["days"].max() < days and upto["at_risk"].iloc[-1] < FEWEST_FOLLOWED
        ):
            found.append(_none(score, "too few new customers were watched that long"))
            continue
        row = upto.iloc[-1]
        found.append({"score": score, "value": row["returned"], "low": row["low"],
                      "high": row["high"], "customers": int(curve["at_risk"].iloc[0]),
                      "reason": ""})  # fmt: skip
    return found


def _retention(tables: Tables, as_of: date, confidence: float) -> list[dict[str, object]]:
    """Return the share of the buyers of one year, or half-year, who bought in the next."""
    begins = tables.first_day
    found = []
    for days, words in ((365, "year"), (182, "half-year")):
        now = Period.before(as_of, days=days)
        score = f"bought in a {words} and again in the next"
        if begins is None or begins >= now.previous().start + timedelta(days=14):
            found.append(_none(score, f"the data do not reach back two {words}s"))
            continue
        before, after = (_buyers(tables, p) for p in (now.previous(), now))
        kept = before.semi_join(after, "customer_id").count().to_pandas()
        found.append(_rate(score, int(kept), int(before.count().to_pandas()), confidence,
                           FEWEST_FOLLOWED))  # fmt: skip
    return found


def _buyers(tables: Tables, period: Period) -> ibis.Table:
    lines = raw_lines_in(tables, period)
    bought = lines.filter(lines.customer_id.notnull(), lines.net_amount > 0)
    return bought.select("customer_id").distinct()


def _renewal(tables: Tables, as_of: date, confidence: float) -> list[dict[str, object]]:
    """Return the share of terms renewed, of those that ended, by how they are renewed."""
    score = "renewed a term that ended"
    if not tables.has("subscriptions", "renewed_from"):
        return [_none(score, "nothing expires in this study: renewal is not defined without terms")]
    terms = tables.subscriptions
    ended = terms.filter(terms.ends_on.notnull(), terms.ends_on < ibis.date(as_of.isoformat()))
    follow = terms.filter(terms.renewed_from.notnull()).select(subscription_id="renewed_from")
    follow = follow.distinct().mutate(renewed=ibis.literal(1))
    modes = ended.mutate(auto_renew=ibis.null("boolean")) if "auto_renew" not in (
        ended.columns) else ended  # fmt: skip
    both = modes.left_join(follow, "subscription_id")
    sums = both.group_by("auto_renew").agg(
        ended=both.count(), renewed=ibis.coalesce(both.renewed.sum(), 0).cast("int64")
    )
    frame = sums.to_pandas()
    if frame.empty:
        return [_none(score, "no term has ended yet")]
    every = [_rate(score, int(frame["renewed"].sum()), int(frame["ended"].sum()), confidence,
                   FEWEST_TERMS)]  # fmt: skip
    for mode, words in ((True, "unless the customer says no"), (False, "by the customer's act")):
        mine = frame[frame["auto_renew"].eq(mode).fillna(False)]
        if not mine.empty:
            every.append(_rate(f"{score}, {words}", int(mine["renewed"].iloc[0]),
                               int(mine["ended"].iloc[0]), confidence, FEWEST_TERMS))  # fmt: skip
    return every


def _rate(score: str, hits: int, of: int, confidence: float, fewest: int) -> dict[str, object]:
    if of < fewest:
        return _none(score, f"{of} cases; {fewest} are needed")
    low, high = wilson_interval(hits, of, confidence=confidence)
    return {"score": score, "value": hits / of, "low": float(low[0]), "high": float(high[0]),
            "customers": of, "reason": ""}  # fmt: skip


def _none(score: str, reason: str) -> dict[str, object]:
    nothing = float("nan")
    return {"score": score, "value": nothing, "low": nothing, "high": nothing, "customers": 0,
            "reason": reason}  # fmt: skip


def stored_value(tables: Tables, *, as_of: date) -> pd.DataFrame:
    """Return what is kept on customers' accounts: flow, movements, customers, amount.

    Raises
    ------
    NotApplicable
        If the study has no stored value, or none before the day.
    """
    rows = tables.stored_value
    rows = rows.filter(rows.posted_at < ibis.timestamp(f"{as_of.isoformat()} 00:00:00"))
    cents = (rows.amount * 100).cast("int64")
    sums = rows.group_by("kind").agg(
        movements=rows.count(), customers=rows.customer_id.nunique(),
        amount=cents.sum().cast("int64"),
    )  # fmt: skip
    frame = sums.to_pandas().set_index("kind")
    if frame.empty:
        raise NotApplicable(f"Nothing was put on an account before {as_of}.")
    by_customer = rows.group_by("customer_id").agg(balance=cents.sum().cast("int64"))
    held = by_customer.filter(by_customer.balance != 0)
    owed = held.aggregate(
        movements=ibis.literal(0),
        customers=held.count(),
        amount=ibis.coalesce(held.balance.sum(), 0).cast("int64"),
    ).to_pandas()
    owed.index = pd.Index(["open"])
    order = [k for k in ("load", "bonus", "spend", "expire", "adjust") if k in frame.index]
    found = pd.concat([frame.loc[order], owed])
    below = held.filter(held.balance < 0).count().to_pandas()
    found["amount"] = found["amount"] / 100
    return found.rename_axis("flow").reset_index().assign(below_zero=int(below))

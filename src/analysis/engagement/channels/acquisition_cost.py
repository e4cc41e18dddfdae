"""What a new customer cost by channel, and after how long that is earned back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.sizes import FEWEST_CUSTOMERS, FEWEST_FOLLOWED
from analysis.tables.lines import lines_in
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    from analysis.stats.types import Floats
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

MONTH_DAYS = 30


@dataclass(frozen=True)
class Acquisition:
    """Newcomers of a period by how they were won.

    Parameters
    ----------
    costs
        channel, customers, media (money spent on it), cost (a new customer), low, high, basis
        (``media_spend`` over newcomers, or ``acquisition_cost`` as stated), stated (mean of
        acquisition_cost, no less than the rewards of a referral; NaN if none), buyers (share with
        a purchase).
    payback
        channel, month (30 days since the first day known), customers (followed that long), margin
        (cumulative, each), low, high, cost.
    cohorts
        The same by quarter of joining, all channels: cohort, month, customers, margin, low, high.
    paid_back
        channel, months (first month in which margin reaches cost), shown (first month in which
        the lower end does); NaN where it does not within what is seen.
    """

    costs: pd.DataFrame
    payback: pd.DataFrame
    cohorts: pd.DataFrame
    paid_back: pd.DataFrame


def measure(
    tables: Tables, period: Period, *, months: int = 12, confidence: float = 0.95, seed: int = 0,
    replicates: int = 500,
) -> Acquisition:  # fmt: skip
    """Return cost and payback of customers who joined in ``period``.

    Raises
    ------
    NotApplicable
        If customers do not say how they were won, or too few joined.
    """
    if not tables.has("customers", "acquisition_channel", "joined_on"):
        raise NotApplicable(
            "Customers do not say through which channel and when they were won, so what a new "
            "customer costs is not known."
        )
    people = _newcomers(tables, period).to_pandas()
    if len(people) < FEWEST_CUSTOMERS:
        raise NotApplicable(
            f"{len(people)} customers with a known channel joined in the period; "
            f"{FEWEST_CUSTOMERS} are needed."
        )
    margin = _margin_by_month(tables, people, period, months)
    costs = _costs(tables, people, period, margin)
    ways = {"confidence": confidence, "seed": seed, "replicates": replicates}
    curves = _curves(people, margin, "channel", months, ways)
    curves = curves.merge(costs[["channel", "cost"]], "left", "channel")
    quarter = pd.PeriodIndex(pd.to_datetime(people["joined_on"]), freq="Q").astype(str)
    cohorts = _curves(people.assign(cohort=quarter), margin, "cohort", months, ways)
    return Acquisition(costs, curves, cohorts, _paid_back(curves))


def _newcomers(tables: Tables, period: Period) -> ibis.Table:
    people = tables.customers
    start, end = (ibis.date(day.isoformat()) for day in (period.start, period.end))
    rows = people.filter(
        people.acquisition_channel.notnull(), people.joined_on >= start, people.joined_on < end
    )
    stated = ibis.null("float64")
    if tables.has("customers", "acquisition_cost"):
        stated = rows.acquisition_cost.cast("float64")
        if "referrals" in tables:  # what both sides were given is paid as well (report 09)
            rows = _with_rewards(rows, tables)
            paid = ibis.greatest(stated, ibis.coalesce(rows.rewards, 0.0))
            stated = rows.acquisition_cost.notnull().ifelse(paid, ibis.null("float64"))
    return rows.select(
        "customer_id", "joined_on", channel=rows.acquisition_channel, stated=stated
    ).order_by("customer_id")


def _with_rewards(rows: ibis.Table, tables: Tables) -> ibis.Table:
    """Return the newcomers with what both sides of their referral were given."""
    made = tables.referrals
    given = [made[c].cast("float64") for c in ("reward", "referred_reward") if c in made.columns]
    whole = sum((ibis.coalesce(value, 0.0) for value in given), ibis.literal(0.0))
    each = made.group_by(buyer=made.referred_id).agg(rewards=whole.max())
    return rows.left_join(each, rows.customer_id == each.buyer).drop("buyer")


def _margin_by_month(tables: Tables, people: pd.DataFrame, period: Period, months: int) -> Floats:
    """Return margin by newcomer and month since joining; months that are not over are NaN."""
    lines = lines_in(tables, period)
    who = _newcomers(tables, period).select("customer_id", "joined_on")
    both = lines.join(who, "customer_id")
    day = both.ordered_at.date().delta(both.joined_on, unit="day").cast("int64")
    both = both.mutate(month=(ibis.greatest(day, 0) // MONTH_DAYS).cast("int64"))
    both = both.filter(both.month < months)
    sums = both.group_by("customer_id", "month").agg(margin=both.margin_micros.sum() / MICROS)
    table = sums.order_by("customer_id", "month").to_pandas()
    place = dict(zip(people["customer_id"], range(len(people)), strict=True))
    row = table["customer_id"].map(place)
    found = np.zeros((len(people), months))
    found[row.to_numpy(), table["month"].to_numpy()] = table["margin"].to_numpy(float)
    known = (pd.Timestamp(period.end) - pd.to_datetime(people["joined_on"])).dt.days.to_numpy()
    over = MONTH_DAYS * (np.arange(months) + 1)[None, :] <= known[:, None]
    return np.where(over, found, np.nan)


def _costs(tables: Tables, people: pd.DataFrame, period: Period, margin: Floats) -> pd.DataFrame:
    from scipy.stats import chi2

    media = _media(tables, period)
    bought = pd.Series(np.nan_to_num(margin).any(axis=1), index=people.index)
    rows = []
    for channel, part in people.groupby("channel", sort=True):
        n, stated = len(part), float(part["stated"].mean())
        spent = float(media.get(channel, np.nan))
        by_media = np.isfinite(spent)
        cost = spent / n if by_media else stated
        # Newcomers are a Poisson count: Garwood's interval (1936), turned over.
        ends = (chi2.ppf(0.975, 2 * n + 2) / 2, chi2.ppf(0.025, 2 * n) / 2)
        error = 1.959964 * float(part["stated"].std()) / np.sqrt(n)
        low, high = (spent / e for e in ends) if by_media else (cost - error, cost + error)
        known = "acquisition_cost" if np.isfinite(cost) else "unknown"
        basis = "media_spend" if by_media else known
        rows.append((channel, n, spent, cost, low, high, basis, stated,
                     float(bought[part.index].mean())))  # fmt: skip
    names = ["channel", "customers", "media", "cost", "low", "high", "basis", "stated", "buyers"]
    return pd.DataFrame(rows, columns=names)


def _media(tables: Tables, period: Period) -> pd.Series:
    if "media_spend" not in tables:
        return pd.Series(dtype=float)
    spent = tables.media_spend
    start, end = (ibis.date(day.isoformat()) for day in (period.start, period.end))
    spent = spent.filter(spent.day >= start, spent.day < end)
    sums = spent.group_by("channel").agg(amount=spent.amount.sum().cast("float64"))
    return sums.to_pandas().set_index("channel")["amount"]


def _curves(
    people: pd.DataFrame, margin: Floats, by: str, months: int,
    ways: dict[str, float],
) -> pd.DataFrame:  # fmt: skip
    """Return the cumulative margin of every group, month by month, while enough are followed."""
    cumulative = np.cumsum(margin, axis=1)
    groups = people.reset_index(drop=True).groupby(by, sort=True).indices
    rows = []
    for name, place in groups.items():
        for month in range(months):
            values = cumulative[place, month]
            values = values[np.isfinite(values)]
            if len(values) < FEWEST_FOLLOWED:
                break
            totals = resampled_totals(
                values[:, None], seed=int(ways["seed"]), replicates=int(ways["replicates"])
            )
            low, high = percentile_interval(
                totals[:, 0] / len(values), confidence=ways["confidence"]
            )
            ends = (float(low[0]), float(high[0]))
            rows.append((name, month + 1, len(values), values.mean(), *ends))
    return pd.DataFrame(rows, columns=[by, "month", "customers", "margin", "low", "high"])


def _paid_back(curves: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for channel, part in curves.groupby("channel", sort=True):
        found = []
        for column in ("margin", "low"):
            reached = part.loc[part[column] >= part["cost"], "month"]
            found.append(float(reached.min()) if len(reached) else np.nan)
        rows.append((channel, *found))
    return pd.DataFrame(rows, columns=["channel", "months", "shown"])

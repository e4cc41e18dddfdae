"""Occasions to write to single customers: points expiring, near the next tier, birthday ahead.

A list to choose from, not a plan: who may be written to, and whether it pays, is decided where
lists are made.

Do customers buy more around their birthday.

Who is born when is as good as random, so each customer's own other weeks are the comparison, and
birth dates dealt anew among the customers tell what chance and season do. What is found is the
birthday's own effect together with whatever greeting everybody gets; the greeting's part needs a
holdout.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.loyalty.tier_thresholds import qualifying_years, read_thresholds
from analysis.engagement.points.points_ledger import PARTS
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.sizes import FEWEST_BIRTHDAYS
from analysis.stats.types import Floats, Integers
from analysis.tables.lines import in_period
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.engagement.points.points_ledger import Reconciliation
    from analysis.tables.engine import Tables

COLUMNS = ["customer_id", "occasion", "due_on", "value", "reason"]


def care_occasions(
    tables: Tables,
    books: Reconciliation,
    *,
    point_value: float,
    amounts: Mapping[str, float] | None = None,
    days: int = 30,
    near: float = 0.15,
) -> pd.DataFrame:
    """Return who has an occasion in the next ``days``.

    Parameters
    ----------
    tables
        A study's tables.
    books
        The ledger. Points expiring are told only where it reconciles.
    point_value
        What a point is worth to the customer, in currency.
    amounts
        Points that each tier needs; None reads them from the tiers.
    days
        Days ahead.
    near
        Share of the threshold within which a customer counts as near it.

    Returns
    -------
    pandas.DataFrame
        customer_id, occasion, due_on, value (currency: of the points that expire; of the purchases
        still missing to the tier, at one unit a point; missing for birthdays), reason. Sorted by
        customer, day and occasion.
    """
    as_of = books.ledger.as_of
    parts = [
        _expiring(books, point_value, days) if books.holds else None,
        _near_tier(tables, books, amounts, near),
        _birthdays(tables, as_of, days),
    ]
    found = [part for part in parts if part is not None and len(part)]
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    every = pd.concat(found, ignore_index=True)[COLUMNS]
    return every.sort_values(["customer_id", "due_on", "occasion"]).reset_index(drop=True)


def _expiring(books: Reconciliation, point_value: float, days: int) -> pd.DataFrame:
    lots, as_of = books.ledger.lots, books.ledger.as_of
    last = as_of + timedelta(days=days)
    soon = lots.filter(
        lots.open > 0,
        lots.expires_on >= ibis.date(as_of.isoformat()),
        lots.expires_on < ibis.date(last.isoformat()),
    )
    sums = soon.group_by("customer_id").agg(
        amount=soon.open.sum().cast("int64"), due_on=soon.expires_on.min()
    )
    frame = sums.order_by("customer_id").to_pandas()
    points = frame["amount"] / PARTS
    return pd.DataFrame(
        {
            "customer_id": frame["customer_id"],
            "occasion": "points expiring",
            "due_on": pd.to_datetime(frame["due_on"]).dt.date,
            "value": (points * point_value).round(2),
            "reason": [f"{p:,.0f} points expire by {last - timedelta(days=1)}" for p in points],
        }
    )


def _near_tier(
    tables: Tables, books: Reconciliation, amounts: Mapping[str, float] | None, near: float
) -> pd.DataFrame | None:
    """Return who is short of the next tier by little in the year that runs."""
    as_of = books.ledger.as_of
    try:
        begins, ends = qualifying_years(tables, as_of=as_of)[-1]
    except NotApplicable:
        return None
    start, until = ends, ends + (ends - begins)
    levels = sorted((v, k) for k, v in (amounts or read_thresholds(tables)).items())
    lots = books.ledger.lots
    mine = lots.filter(lots.earned, lots.posted_on >= ibis.date(start.isoformat()))
    sums = mine.group_by("customer_id").agg(
        amount=(mine.amount - mine.reversed).sum().cast("int64")
    )
    frame = sums.order_by("customer_id").to_pandas()
    points, rows = frame["amount"].to_numpy(float) / PARTS, []
    for level, tier in levels:
        close = (points >= (1 - near) * level) & (points < level)
        missing = level - points[close]
        rows.append(pd.DataFrame({
            "customer_id": frame["customer_id"].to_numpy()[close],
            "occasion": "near tier",
            "due_on": until - timedelta(days=1),
            "value": np.round(missing, 2),
            "reason": [f"{m:,.0f} points short of {tier}" for m in missing],
        }))  # fmt: skip
    return pd.concat(rows, ignore_index=True) if rows else None


def _birthdays(tables: Tables, as_of: date, days: int) -> pd.DataFrame | None:
    if not tables.has("customers", "birth_date"):
        return None
    rows = tables.customers
    born = rows.filter(rows.birth_date.notnull()).select(
        "customer_id", month=rows.birth_date.month(), day=rows.birth_date.day()
    )
    ahead = [as_of + timedelta(days=d) for d in range(days)]
    soon = {(d.month, d.day): d for d in reversed(ahead)}
    if (3, 1) in soon and (2, 29) not in soon:
        soon[2, 29] = soon[3, 1]
    frame = born.order_by("customer_id").to_pandas()
    keys = list(zip(frame["month"].astype(int), frame["day"].astype(int), strict=True))
    due = [soon.get(key) if key != (1, 1) else None for key in keys]
    kept = frame.assign(due_on=due)
    kept = kept[kept["due_on"].notna()]
    return pd.DataFrame({
        "customer_id": kept["customer_id"], "occasion": "birthday", "due_on": kept["due_on"],
        "value": np.nan, "reason": "birthday",
    })  # fmt: skip


#: Weeks of a year, and weeks to either side that are drawn.
WEEKS, SHOWN = 52, 6
#: Birthdays on this day are placeholders more often than not.
_PLACEHOLDER = (1, 1)


@dataclass(frozen=True)
class Birthdays:
    """Purchases around birthdays.

    Parameters
    ----------
    customers, purchases
        Customers with a birthday that is known, and days on which they bought.
    weeks
        week (relative to the birthday's), ratio (purchases over those of dealt birth dates), low,
        high (of no effect: where dealt birth dates fall).
    ratio, low, high
        Of the birthday's week and the one before, with the interval of the ratio.
    p
        Share of dealt birth dates that are as far from one.
    placeholders
        Customers born on 1 January, left out.
    """

    customers: int
    purchases: int
    weeks: pd.DataFrame
    ratio: float
    low: float
    high: float
    p: float
    placeholders: int


def birthdays(
    tables: Tables, *, as_of: date, days: int = 364, draws: int = 999, seed: int = 0,
    confidence: float = 0.95,
) -> Birthdays:  # fmt: skip
    """Return how much more is bought in the week of the birthday and the one before.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and customers with birth dates.
    as_of
        First day not looked at.
    days
        Days looked at; whole years, so that everybody has the same birthdays.
    draws, seed
        Of birth dates dealt anew.
    confidence
        Of the interval.

    Raises
    ------
    NotApplicable
        If birth dates are unknown, or too few.
    """
    if not tables.has("customers", "birth_date"):
        raise NotApplicable("This study knows no birth dates.")
    bought, week, placeholders = _weeks(tables, Period.before(as_of, days=days))
    if len(week) < FEWEST_BIRTHDAYS:
        raise NotApplicable(
            f"{len(week)} customers with a purchase have a known birthday; "
            f"{FEWEST_BIRTHDAYS} are needed."
        )
    places = np.arange(-SHOWN, SHOWN + 1)
    own = _around(bought, week, places)
    rng = np.random.default_rng(seed)
    dealt = np.array([_around(bought, rng.permutation(week), places) for _ in range(draws)])
    return _read(own, dealt, places, confidence, len(week), int(bought.sum()), placeholders)


def _weeks(tables: Tables, period: Period) -> tuple[Integers, Integers, int]:
    """Return purchase days by customer and week of the year, weeks of birth, placeholders."""
    rows = tables.customers
    born = rows.filter(rows.birth_date.notnull())
    first = (born.birth_date.month() == _PLACEHOLDER[0]) & (
        born.birth_date.day() == _PLACEHOLDER[1]
    )
    born = born.select("customer_id", week=_week(born.birth_date), first=first)
    lines = in_period(tables.order_lines, period)
    days = lines.filter(lines.customer_id.notnull(), lines.net_amount > 0)
    days = days.select("customer_id", day=days.ordered_at.date()).distinct()
    met = days.inner_join(born, "customer_id")
    cells = met.group_by("customer_id", "week", "first", bought=_week(met.day)).agg(n=met.count())
    frame = cells.order_by("customer_id", "bought").to_pandas()
    kept = frame[~frame["first"]]
    customer, names = pd.factorize(kept["customer_id"])
    counts = np.zeros((len(names), WEEKS), np.int64)
    np.add.at(counts, (customer, kept["bought"].to_numpy(int)), kept["n"].to_numpy(np.int64))
    week = np.zeros(len(names), np.int64)
    week[customer] = kept["week"].to_numpy(np.int64)
    return counts, week, int(frame.loc[frame["first"], "customer_id"].nunique())


def _week(day: ibis.Value) -> ibis.Value:
    """Return the week of the year, 0 to 51; the last has the days that are over."""
    return ibis.least((day.day_of_year().cast("int64") - 1) // 7, WEEKS - 1)


def _around(bought: Integers, week: Integers, places: Integers) -> Floats:
    """Return the purchase days in each week around the birthday's."""
    columns = (week[:, None] + places) % WEEKS
    return np.asarray(np.take_along_axis(bought, columns, axis=1).sum(axis=0), dtype=float)


def _read(
    own: Floats, dealt: Floats, places: Integers, confidence: float, customers: int, purchases: int,
    placeholders: int,
) -> Birthdays:  # fmt: skip
    tail = (1 - confidence) / 2
    usual = dealt.mean(axis=0)
    low, high = np.quantile(dealt / usual, [tail, 1 - tail], axis=0)
    weeks = pd.DataFrame({"week": places, "ratio": own / usual, "low": low, "high": high})
    near = (places == 0) | (places == -1)
    mine, others = own[near].sum(), dealt[:, near].sum(axis=1)
    ratio = float(mine / others.mean())
    reach = normal_quantile(confidence) * float(others.std(ddof=1) / others.mean())
    further = np.abs(others - others.mean()) >= abs(mine - others.mean())
    return Birthdays(
        customers, purchases, weeks, ratio, ratio - reach, ratio + reach,
        float((1 + further.sum()) / (1 + len(others))), placeholders,
    )  # fmt: skip

"""Do customers buy more around their birthday.

Who is born when is as good as random, so each customer's own other weeks are the comparison, and
birth dates dealt anew among the customers tell what chance and season do. What is found is the
birthday's own effect together with whatever greeting everybody gets; the greeting's part needs a
holdout.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.sizes import FEWEST_BIRTHDAYS
from analysis.stats.types import Floats, Integers
from analysis.tables.lines import in_period
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

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

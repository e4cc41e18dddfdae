"""Who becomes an excellent customer: what the best had done in their first weeks.

Newcomers are looked at from their first purchase on. What they do in the first 30, 60 or 90 days is
held against what they bring in the time after, which is not in it. Thresholds of signs are set on
the newcomers of the first half and signs are judged on those of the second, so that none is
praised for fitting the customers it was found on. A sign is a look-alike rule, not a lever: making
others do the same need not make them excellent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_NEWCOMERS
from analysis.stats.types import Flags
from analysis.tables.lines import lines_in
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: Days of a newcomer's beginning that signs are read from.
WINDOWS = (30, 60, 90)
#: Who was not seen for so many days from the start of the history counts as new.
QUIET_DAYS = 60


@dataclass(frozen=True)
class EarlySigns:
    """What excellent customers had done early.

    Parameters
    ----------
    signs
        One sign and window a row: days (window), sign (in words), customers (judged), with_sign,
        excellent_with, low, high (share that became excellent, 95 %, Wilson), excellent_without,
        ratio (of the two shares), q (false discovery rate over all signs).
    newcomers
        Newcomers in both halves.
    excellent
        Share of newcomers called excellent.
    follow_days
        Days after the window over which excellence counts.
    """

    signs: pd.DataFrame
    newcomers: int
    excellent: float
    follow_days: int


#: Days after the window over which margin counts, and share of newcomers called excellent by it.
FOLLOW_DAYS, EXCELLENT = 182, 0.20


def early_signs(tables: Tables, history: Period) -> EarlySigns:
    """Return which early behaviour goes together with becoming an excellent customer.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    history
        The days looked at.

    Raises
    ------
    NotApplicable
        If the history is too short to follow anybody, or fewer than 200 newcomers can be followed.
    """
    found = [_window(tables, history, days) for days in WINDOWS]
    signs = pd.concat([table for table, _ in found], ignore_index=True)
    return EarlySigns(signs.assign(q=q_values(signs.pop("p"))), found[0][1], EXCELLENT, FOLLOW_DAYS)


def _window(tables: Tables, history: Period, days: int) -> tuple[pd.DataFrame, int]:
    frame = newcomers(tables, history, days=days, follow_days=FOLLOW_DAYS)
    if len(frame) < 2 * FEWEST_NEWCOMERS:
        raise NotApplicable(
            f"Early signs cannot be read: {len(frame)} newcomers can be followed for "
            f"{days + FOLLOW_DAYS} days, fewer than {2 * FEWEST_NEWCOMERS}."
        )
    middle = len(frame) // 2
    first, second = frame.iloc[:middle], frame.iloc[middle:]
    bar = first["margin_after"].quantile(1 - EXCELLENT)
    became = (second["margin_after"] > bar).to_numpy()
    rows = [
        {"days": days, "sign": sign, **_judged(inside, became)}
        for sign, inside in _signs(first, second).items()
    ]
    return pd.DataFrame(rows), len(frame)


def newcomers(tables: Tables, history: Period, *, days: int, follow_days: int) -> pd.DataFrame:
    """Return newcomers by first purchase, with what they did in ``days`` and brought after.

    Returns
    -------
    pandas.DataFrame
        customer_id, first_on, purchases (days, in the window), departments, first_net,
        discount_share, margin (in the window), margin_after (in ``follow_days`` after it). Only
        those whose whole time lies in ``history`` and begins 60 days after its start or later; who
        joined before it, where that is known, is no newcomer however late first seen.
    """
    earliest = history.start + timedelta(days=QUIET_DAYS)
    latest = history.end - timedelta(days=days + follow_days)
    if latest <= earliest:
        raise NotApplicable(
            f"Early signs cannot be read: {history.days} days of history hold no newcomer who can "
            f"be followed for {days + follow_days} days."
        )
    lines = _dated(tables, history)
    inside = lines.offset < days
    bought = inside & (lines.quantity >= 0)
    table = lines.group_by("customer_id", "first_on").agg(
        purchases=lines.offset.nunique(where=bought).cast("float64"),
        departments=lines.department.nunique(where=bought).cast("float64"),
        first_net=lines.net_amount.sum(where=lines.offset == 0).cast("float64"),
        discount=lines.discount.sum(where=inside).cast("float64"),
        net=lines.net_amount.sum(where=inside).cast("float64"),
        margin=lines.margin_micros.sum(where=inside).cast("float64") / MICROS,
        after=lines.margin_micros.sum(where=(~inside) & (lines.offset < days + follow_days)),
    )
    table = table.filter(
        table.first_on >= ibis.date(earliest.isoformat()),
        table.first_on < ibis.date(latest.isoformat()),
    )
    if tables.has("customers", "joined_on"):
        people = tables.customers
        table = table.anti_join(people.filter(people.joined_on < history.start), "customer_id")
    frame = table.order_by("first_on", "customer_id").to_pandas()
    listed = frame["net"] + frame["discount"]
    return frame.assign(
        margin_after=frame.pop("after").astype("float64").fillna(0.0) / MICROS,
        discount_share=(frame["discount"] / listed.where(listed > 0)).fillna(0.0),
    ).drop(columns=["net", "discount"])


def _dated(tables: Tables, history: Period) -> ibis.Table:
    """Return known customers' lines with the day since their first purchase."""
    lines = lines_in(tables, history)
    lines = lines.filter(lines.customer_id.notnull())
    zero = ibis.literal(0).cast("decimal(18, 2)")
    known = "discount_amount" in lines.columns
    lines = lines.mutate(
        day=lines.ordered_at.date(),
        discount=ibis.coalesce(lines.discount_amount, zero) if known else zero,
    )
    bought_on = (lines.quantity >= 0).ifelse(lines.day, ibis.null("date"))
    first = bought_on.min().over(ibis.window(group_by=lines.customer_id))
    lines = lines.mutate(first_on=first)
    lines = lines.filter(lines.first_on.notnull(), lines.day >= lines.first_on)
    return lines.mutate(offset=lines.day.delta(lines.first_on, unit="day"))


def _signs(first: pd.DataFrame, second: pd.DataFrame) -> dict[str, Flags]:
    """Return signs in words, with thresholds from ``first``, and who of ``second`` shows them."""
    third = {name: first[name].quantile(2 / 3) for name in ("first_net", "margin")}
    found = {
        "came back at least once": second["purchases"] >= 2,
        "came on three days or more": second["purchases"] >= 3,
        "bought from three departments or more": second["departments"] >= 3,
        "first basket in the top third": second["first_net"] > third["first_net"],
        "margin in the top third": second["margin"] > third["margin"],
        "mean discount of a fifth or more": second["discount_share"] >= 0.20,
    }
    return {sign: flags.to_numpy() for sign, flags in found.items()}


def _judged(inside: Flags, became: Flags) -> dict[str, float]:
    from scipy.stats import fisher_exact

    n, without = int(inside.sum()), int((~inside).sum())
    hits, others = int(became[inside].sum()), int(became[~inside].sum())
    low, high = wilson_interval(hits, max(n, 1))
    share, rest = (hits / n if n else np.nan), (others / without if without else np.nan)
    table = [[hits, n - hits], [others, without - others]]
    told = n > 0 and without > 0
    return {
        "customers": len(inside), "with_sign": n, "excellent_with": share,
        "low": float(low[0]) if n else np.nan, "high": float(high[0]) if n else np.nan,
        "excellent_without": rest, "ratio": share / rest if told and rest > 0 else np.nan,
        "p": float(fisher_exact(table).pvalue) if told else np.nan,
    }  # fmt: skip

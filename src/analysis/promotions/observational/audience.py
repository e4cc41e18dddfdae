"""Who was targeted, who could have been, and what both had bought before.

A campaign that was not randomised has no randomised control arm. Those it is compared with are
the customers who bought in the same days before it and were not targeted (or the arm named
control, where the retailer kept one). They differ; how, is what the rest of the analysis is about.

What is known of customers before a campaign, as the models that compare them take it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.outcomes import outcomes
from analysis.promotions.outcomes.outcomes import CONTROL, Spans
from analysis.promotions.outcomes.purchases import weekly_margin
from analysis.stats.sizes import FEWEST_OF_A_SIDE, FEWEST_WEEKS_BEFORE_CAMPAIGN
from analysis.stats.types import Flags, Floats
from analysis.tables.engine import held
from analysis.tables.periods import Period, as_date

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Arm of customers who were not assigned at all.
UNTOUCHED = "untouched"


@dataclass(frozen=True)
class Audience:
    """Customers of a campaign and those they are compared with.

    Parameters
    ----------
    promotion_id
        The campaign.
    window
        Its days, as far as the data go.
    people
        As `outcomes.fetch`, and: treated (bool), earlier (other promotions sent to the customer
        before), meanwhile (others that ran in the same days).
    weekly
        Customers x weeks: contribution margin in the currency, rows as in ``people``.
    first_week
        Week of the first column, counted from the campaign's first day: -26 is the 26th before.
    compared_with
        ``control`` or ``untouched``.
    left_out
        Targeted customers who had bought nothing in the days before: nobody compares to them.
    """

    promotion_id: str
    window: Period
    people: pd.DataFrame
    weekly: Floats
    first_week: int
    compared_with: str
    left_out: int

    @property
    def treated(self) -> Flags:
        """Who was targeted."""
        return self.people["treated"].to_numpy(bool)

    @property
    def window_weeks(self) -> int:
        """Whole weeks of the campaign."""
        return self.window.days // 7

    def margin(self, first: int, weeks: int) -> Floats:
        """Return every customer's margin over ``weeks`` weeks from week ``first``."""
        start = first - self.first_week
        return self.weekly[:, start : start + weeks].sum(axis=1)


def fetch(tables: Tables, spans: Spans, promotion_id: str) -> Audience:
    """Return the audience of one campaign.

    Raises
    ------
    NotApplicable
        If the campaign runs less than a week of the data, if the data begin less than eight weeks
        before it, or if too few are left on either side.
    """
    window = _window(tables, spans, promotion_id)
    first = as_date(tables.order_lines.ordered_at.min().to_pandas().date())
    days = min(spans.before_days, (window.start - first).days)
    if days // 7 < FEWEST_WEEKS_BEFORE_CAMPAIGN:
        begun = f"The data begin {days} days before it" if days > 0 else "It began before the data"
        raise NotApplicable(
            f"{begun}; it takes {7 * FEWEST_WEEKS_BEFORE_CAMPAIGN} days to compare customers on."
        )
    before = Period.before(window.start, days=days // 7 * 7)
    everybody, kind = _side_by_side(tables, promotion_id, before)
    people = outcomes.fetch(tables, spans, promotion_id, people=everybody)
    people = people.merge(_other_promotions(tables, promotion_id, window), "left", "customer_id")
    people = people.fillna({"earlier": 0, "meanwhile": 0})
    people = people.assign(treated=~people["arm"].isin([CONTROL, UNTOUCHED]))
    bought = people["before_orders"] > 0
    left_out = int((people["treated"] & ~bought).sum())
    people = people[bought].reset_index(drop=True)
    _require_both(people["treated"].to_numpy(bool))
    weekly = weekly_margin(tables, people["customer_id"], Period(before.start, window.end))
    return Audience(promotion_id, window, people, weekly, -(days // 7), kind, left_out)


def _window(tables: Tables, spans: Spans, promotion_id: str) -> Period:
    rows = tables.promotions
    found = rows.filter(rows.promotion_id == promotion_id).select("starts_on", "ends_on")
    starts, ends = found.to_pandas().iloc[0]
    start, end = _day(starts), min(_day(ends) + timedelta(days=1), spans.as_of)
    if (end - start).days < 7:
        raise NotApplicable("The data hold less than a week of it.")
    return Period(start, end)


def _day(value: object) -> date:
    return pd.Timestamp(value).date()


def _side_by_side(tables: Tables, promotion_id: str, before: Period) -> tuple[ibis.Table, str]:
    """Return the targeted beside those they are compared with, and the kind of the latter."""
    given = tables.assignments
    given = given.filter(given.promotion_id == promotion_id)
    given = given.select("promotion_id", "customer_id", "arm", "assigned_at", "randomised")
    if given.filter(given.arm == CONTROL).count().to_pandas():
        return given, CONTROL
    lines = tables.order_lines
    start, end = (ibis.timestamp(day.isoformat()) for day in (before.start, before.end))
    bought = lines.filter(
        lines.customer_id.notnull(), lines.ordered_at >= start, lines.ordered_at < end
    )
    others = bought.select("customer_id").distinct().anti_join(given, "customer_id")
    others = others.select(
        promotion_id=ibis.literal(promotion_id),
        customer_id=others.customer_id,
        arm=ibis.literal(UNTOUCHED),
        assigned_at=ibis.null(given.assigned_at.type()),
        randomised=ibis.literal(False),
    )
    return held(given.union(others.cast(given.schema()))), UNTOUCHED


def _other_promotions(tables: Tables, promotion_id: str, window: Period) -> pd.DataFrame:
    """Return customer_id, earlier and meanwhile: other promotions sent to each customer."""
    sent, dated = tables.assignments, tables.promotions
    sent = sent.filter(sent.arm != CONTROL, sent.promotion_id != promotion_id)
    dated = dated.select("promotion_id", "starts_on", "ends_on")
    both = sent.select("promotion_id", "customer_id").join(dated, "promotion_id")
    starts, ends = both.starts_on.cast("date"), both.ends_on.cast("date")
    first, last = ibis.date(window.start.isoformat()), ibis.date(window.last_day.isoformat())
    counted = both.group_by("customer_id").agg(
        earlier=(starts < first).cast("int64").sum(),
        meanwhile=((starts <= last) & (ends >= first)).cast("int64").sum(),
    )
    return counted.order_by("customer_id").to_pandas()


def _require_both(treated: Flags) -> None:
    for count, side in ((int(treated.sum()), "targeted"), (int((~treated).sum()), "untargeted")):
        if count < FEWEST_OF_A_SIDE:
            raise NotApplicable(
                f"Only {count} {side} customers had bought before; {FEWEST_OF_A_SIDE} are needed."
            )


#: Weeks before the campaign that count as recent, and as the season before.
RECENT, SEASON = 4, 13

NAMES = (
    "Net sales before",
    "Orders before",
    "Margin, last 4 weeks",
    "Margin, weeks 5 to 13",
    "Offered products before",
    "Discount share before",
    "Weeks with a purchase",
    "Weeks since the last one",
    "Earlier campaigns",
)


def of(audience: Audience) -> Floats:
    """Return customers x covariates, all from before the campaign: columns as in `NAMES`.

    Money and counts are in logarithms (with their sign), since customers differ in proportions.
    """
    people = audience.people
    known = audience.weekly[:, : -audience.first_week]
    recent = _log(known[:, -RECENT:].sum(axis=1))
    season = _log(known[:, -SEASON:-RECENT].sum(axis=1))
    active = known != 0
    weeks = active.sum(axis=1).astype(float)
    silent = np.where(weeks > 0, np.argmax(active[:, ::-1], axis=1), known.shape[1])
    habits = [weeks, np.log1p(silent), np.log1p(people["earlier"].to_numpy(float))]
    net, discount = (people[f"before_{c}"].to_numpy(float) for c in ("net", "discount"))
    listed = np.maximum(net + discount, 0)
    share = np.divide(discount, listed, out=np.zeros_like(net), where=listed > 0)
    orders, offered = (people[f"before_{c}"].to_numpy(float) for c in ("orders", "offered_net"))
    whole = [_log(net), np.log1p(orders), recent, season, _log(offered), share.clip(0, 1)]
    return np.column_stack([*whole, *habits])


def basis(covariates: Floats) -> Floats:
    """Return covariates in standard units with their squares, those that do not vary left out."""
    spread = covariates.std(axis=0)
    varying = covariates[:, spread > 0]
    units = (varying - varying.mean(axis=0)) / spread[spread > 0]
    squares = units**2 - 1
    bent = squares[:, squares.std(axis=0) > 1e-9]
    return np.hstack([units, bent])


def _log(amount: Floats) -> Floats:
    return np.sign(amount) * np.log1p(np.abs(amount))

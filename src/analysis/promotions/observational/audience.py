"""Who was targeted, who could have been, and what both had bought before.

A campaign that was not randomised has no randomised control arm. Those it is compared with are
the customers who bought in the same days before it and were not targeted (or the arm named
control, where the retailer kept one). They differ; how, is what the rest of the analysis is about.

What is known of customers before a campaign, as the models that compare them take it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.outcomes import outcomes
from analysis.promotions.outcomes.outcomes import CONTROL, Spans
from analysis.promotions.outcomes.purchases import days_of, weekly_margins, within
from analysis.stats.sizes import FEWEST_OF_A_SIDE, FEWEST_WEEKS_BEFORE_CAMPAIGN
from analysis.stats.types import Flags, Floats
from analysis.tables.engine import held
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Arm of customers who were not assigned at all.
UNTOUCHED = "untouched"

#: Order lines, counted once a campaign, that one question to the engine looks at.
_MOST_LINES = 50_000_000


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


def there(found: Audience | NotApplicable) -> Audience:
    """Return an audience; raise the reason if there is none."""
    if isinstance(found, NotApplicable):
        raise found
    return found


def together(
    tables: Tables, spans: Spans, promotion_ids: Sequence[str]
) -> dict[str, Audience | NotApplicable]:
    """Return the audiences of several campaigns, or why there is none, by promotion_id.

    There is none where it runs less than a week of the data, where these begin less than eight
    weeks before it, or where too few are left on either side. One question of as many campaigns as
    the study's size allows costs the engine little more than one of a single campaign.
    """
    first = tables.first_day or spans.as_of
    dates = tables.promotions.filter(tables.promotions.promotion_id.isin(list(promotion_ids)))
    dates = dates.select("promotion_id", "starts_on", "ends_on").to_pandas()
    found: dict[str, Audience | NotApplicable] = {}
    looked = {}
    for key, *ends in dates.itertuples(index=False):
        try:
            looked[key] = _days_looked_at(spans, first, *(pd.Timestamp(d).date() for d in ends))
        except NotApplicable as reason:
            found[key] = reason
    size = max(1, _MOST_LINES // max(tables.manifest.rows.get("order_lines", 0), 1))
    for at in range(0, len(looked), size):
        keys = sorted(looked)[at : at + size]
        found |= _at_once(tables, spans, {key: looked[key] for key in keys})
    return found


def _days_looked_at(spans: Spans, first: date, starts: date, ends: date) -> tuple[Period, Period]:
    """Return the days before a campaign, in whole weeks, and its own."""
    end = min(ends + timedelta(days=1), spans.as_of)
    if (end - starts).days < 7:
        raise NotApplicable("The data hold less than a week of it.")
    days = min(spans.before_days, (starts - first).days)
    if days // 7 < FEWEST_WEEKS_BEFORE_CAMPAIGN:
        begun = f"The data begin {days} days before it" if days > 0 else "It began before the data"
        raise NotApplicable(
            f"{begun}; it takes {7 * FEWEST_WEEKS_BEFORE_CAMPAIGN} days to compare customers on."
        )
    return Period.before(starts, days=days // 7 * 7), Period(starts, end)


def _at_once(
    tables: Tables, spans: Spans, looked: Mapping[str, tuple[Period, Period]]
) -> dict[str, Audience | NotApplicable]:
    everybody, controlled = _side_by_side(tables, {k: before for k, (before, _) in looked.items()})
    people = outcomes.fetch(tables, spans, *looked, people=everybody)
    keys = ["promotion_id", "customer_id"]
    others = _other_promotions(tables, {key: window for key, (_, window) in looked.items()})
    people = people.merge(others, "left", keys).fillna({"earlier": 0, "meanwhile": 0})
    people = people.assign(treated=~people["arm"].isin([CONTROL, UNTOUCHED]))
    bought = people["before_orders"] > 0
    left_out = people.loc[people["treated"] & ~bought, "promotion_id"].value_counts()
    people = people[bought]
    whole = {key: Period(before.start, window.end) for key, (before, window) in looked.items()}
    weekly = weekly_margins(tables, people[keys], whole)
    found: dict[str, Audience | NotApplicable] = {}
    for key, (before, window) in looked.items():
        mine = people[people["promotion_id"] == key].reset_index(drop=True)
        kind, weeks = CONTROL if key in controlled else UNTOUCHED, -(before.days // 7)
        reason, without = _too_few(mine["treated"].to_numpy(bool)), int(left_out.get(key, 0))
        one = Audience(key, window, mine, weekly[key], weeks, kind, without)
        found[key] = NotApplicable(reason) if reason else one
    return found


def _side_by_side(tables: Tables, before: Mapping[str, Period]) -> tuple[ibis.Table, set[str]]:
    """Return the targeted beside those they are compared with, and who has an arm for these."""
    given = tables.assignments
    given = given.filter(given.promotion_id.isin(list(before)))
    given = given.select("promotion_id", "customer_id", "arm", "assigned_at", "randomised")
    control = given.filter(given.arm == CONTROL).select("promotion_id").distinct()
    controlled = set(control.to_pandas()["promotion_id"])
    alone = {key: days for key, days in before.items() if key not in controlled}
    if not alone:
        return given, controlled
    lines = tables.order_lines.filter(tables.order_lines.customer_id.notnull())
    visits = lines.select("customer_id", day=lines.ordered_at.date()).distinct()
    others = within(visits, alone).select("promotion_id", "customer_id").distinct()
    others = others.anti_join(given, ["promotion_id", "customer_id"]).mutate(
        arm=ibis.literal(UNTOUCHED),
        assigned_at=ibis.null(given.assigned_at.type()),
        randomised=ibis.literal(False),
    )
    return held(given.union(others.cast(given.schema()))), controlled


def _other_promotions(tables: Tables, windows: Mapping[str, Period]) -> pd.DataFrame:
    """Return promotion_id, customer_id, earlier and meanwhile: others sent to each customer."""
    sent, dated = tables.assignments, tables.promotions
    starts, ends = dated.starts_on.cast("date"), dated.ends_on.cast("date")
    sent = sent.filter(sent.arm != CONTROL).select("customer_id", other="promotion_id")
    both = sent.join(dated.select(other="promotion_id", starts=starts, ends=ends), "other")
    both = both.cross_join(days_of(windows))
    both = both.filter(both.other != both.promotion_id)
    counted = both.group_by("promotion_id", "customer_id").agg(
        earlier=(both.starts < both["first"]).cast("int64").sum(),
        meanwhile=((both.starts < both.after) & (both.ends >= both["first"])).cast("int64").sum(),
    )
    return counted.to_pandas()


def _too_few(treated: Flags) -> str:
    for count, side in ((int(treated.sum()), "targeted"), (int((~treated).sum()), "untargeted")):
        if count < FEWEST_OF_A_SIDE:
            had = f"Only {count} {side} customers had bought before"
            return f"{had}; {FEWEST_OF_A_SIDE} are needed."
    return ""


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

"""What every assigned customer of a promotion bought, before, in and after its window.

Assignment decides who is compared, never redemption: whoever redeems chose to. One row a customer
and promotion is formed in the engine; order lines never leave it.

Columns are named ``<phase><group><measure>``:

========== ===========================================================================
phase      ``before_`` (days before the first day), nothing (the promotion's days),
           ``after_`` (days after the last day)
group      nothing (everything bought), ``offered_`` (products on offer), ``rival_``
           (other products of the categories on offer)
measure    ``orders`` (with a purchase of the group), ``net``, ``margin``, ``discount``
           (currency), ``units`` (of products whose quantity counts units)
========== ===========================================================================

Refunds that name their order count at the time of that order, whenever they came back; other
refunds at their own time.

What a promotion is measured by, and what customers are compared on before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.outcomes.purchases import PURCHASES, by_customer
from analysis.tables.engine import held, kind_of
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

CONTROL = "control"


@dataclass(frozen=True)
class Spans:
    """How long before and after a promotion is looked at.

    Parameters
    ----------
    as_of
        First day not looked at; a promotion that still runs is measured up to it.
    before_days, after_days
        Days before its first and after its last day.
    """

    as_of: date
    before_days: int = 182
    after_days: int = 56


def compute(tables: Tables, spans: Spans, *, people: ibis.Table | None = None) -> ibis.Table:
    """Return one row a customer of a promotion: arm and purchases.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines, products, promotions and, without ``people``,
        assignments. Without promotion_products nothing counts as on offer.
    spans
        Days looked at.
    people
        Other customers than the assigned, such as assigned and untouched ones side by side:
        promotion_id, customer_id, arm, assigned_at, randomised.

    Returns
    -------
    ibis.Table
        promotion_id, customer_id, arm, assigned_at, randomised; the columns `PURCHASES` (orders
        int64, the others float64; zero where nothing was bought); ``redemptions`` (in the
        promotion's days; null where the study has no redemptions table).

    Notes
    -----
    Promotions that start on ``as_of`` or later are left out. Money is summed as integers and
    becomes float64 at the end, so the table is the same on any engine and number of threads.
    """
    timed = _with_spans(people if people is not None else tables.assignments, tables, spans)
    keys = ["promotion_id", "customer_id"]
    if kind_of(tables.connection) == "duckdb":  # which joins and groups numbers faster than texts
        timed = held(timed.mutate(row=ibis.row_number().cast("int32")))
    bought = by_customer(timed, tables)
    own = [name for name in (*keys, "row") if name in bought.columns]
    rows = timed.left_join(bought, own).drop(*(f"{name}_right" for name in own))
    rows = rows.left_join(_redeemed(timed, tables), keys)
    rows = rows.drop("promotion_id_right", "customer_id_right")
    return _filled(rows, has_redemptions="redemptions" in tables)


def fetch(
    tables: Tables, spans: Spans, *promotion_ids: str, people: ibis.Table | None = None
) -> pd.DataFrame:
    """Return ``compute`` of some promotions as a data frame sorted by promotion and customer_id.

    NotApplicable if nobody is assigned to them.
    """
    rows = compute(tables, spans, people=people)
    rows = rows.filter(rows.promotion_id.isin(promotion_ids))
    frame = rows.order_by("promotion_id", "customer_id").to_pandas()
    if frame.empty:
        names = ", ".join(promotion_ids)
        raise NotApplicable(f"Nobody is assigned to promotion {names} before {spans.as_of}.")
    return frame


def overview(tables: Tables, spans: Spans) -> pd.DataFrame:
    """Return the promotions of the days that are known, in order of their first day.

    Those that start at ``as_of`` or later, or ended before the first order, are `outside`.

    Returns
    -------
    pandas.DataFrame
        promotion_id, name, mechanic, goal (empty where unknown), starts_on, ends_on (dates),
        customers, arms (assigned; 0 without assignments), control (an arm is named control),
        randomised (assigned and every arm randomised), days_before and days_after (of those
        asked for, how many the data cover), finished (ended before ``as_of``), contact_cost
        (currency a customer contacted; missing where unknown).
    """
    promotions = tables.promotions.to_pandas()
    for name in ("mechanic", "goal"):
        promotions[name] = promotions.get(name, pd.Series("", promotions.index)).fillna("")
    cost = promotions.get("contact_cost", pd.Series(float("nan"), promotions.index))
    promotions["contact_cost"] = cost.astype("float64")
    promotions = promotions[_when(promotions, tables, spans) == ""].copy()
    for name in ("starts_on", "ends_on"):
        promotions[name] = pd.to_datetime(promotions[name])
    table = promotions.merge(_assigned(tables), on="promotion_id", how="left")
    counts = ["customers", "arms"]
    table[counts] = table[counts].fillna(0).astype("int64")
    for name in ("control", "randomised"):
        table[name] = table[name].eq(True)
    as_of, first = pd.Timestamp(spans.as_of), pd.Timestamp(tables.first_day or spans.as_of)
    known = (table["starts_on"] - first).dt.days.clip(0, spans.before_days)
    since = (as_of - table["ends_on"]).dt.days - 1
    table = table.assign(
        days_before=known, days_after=since.clip(0, spans.after_days), finished=since >= 0
    )
    table["starts_on"], table["ends_on"] = table["starts_on"].dt.date, table["ends_on"].dt.date
    columns = ["promotion_id", "name", "mechanic", "goal", "starts_on", "ends_on", *counts]
    columns += ["control", "randomised", "days_before", "days_after", "finished", "contact_cost"]
    return table.sort_values(["starts_on", "promotion_id"])[columns].reset_index(drop=True)


def outside(tables: Tables, spans: Spans) -> pd.DataFrame:
    """Return the promotions that are left out: name and when, by name.

    Parameters
    ----------
    tables
        A study's tables; needs promotions and order_lines.
    spans
        Whose ``as_of`` ends what is known.
    """
    promotions = tables.promotions.to_pandas()
    table = promotions.assign(when=_when(promotions, tables, spans))
    return table.loc[table["when"] != "", ["name", "when"]].sort_values("name", ignore_index=True)


def _when(promotions: pd.DataFrame, tables: Tables, spans: Spans) -> pd.Series:
    """Say ``later`` or ``earlier`` of promotions outside the days that are known, else nothing."""
    starts, ends = (pd.to_datetime(promotions[name]) for name in ("starts_on", "ends_on"))
    said = pd.Series("", promotions.index, dtype="str")
    said[starts >= pd.Timestamp(spans.as_of)] = "later"
    said[ends < pd.Timestamp(tables.first_day or spans.as_of)] = "earlier"
    return said


def _assigned(tables: Tables) -> pd.DataFrame:
    columns = ["promotion_id", "customers", "arms", "control", "randomised"]
    if "assignments" not in tables:
        return pd.DataFrame(columns=columns).astype({"promotion_id": "str"})
    given = tables.assignments
    found = given.group_by("promotion_id").agg(
        customers=given.customer_id.nunique(),
        arms=given.arm.nunique(),
        control=(given.arm == CONTROL).any(),
        randomised=given.randomised.all(),
    )
    return found.to_pandas()


def _with_spans(people: ibis.Table, tables: Tables, spans: Spans) -> ibis.Table:
    """Give everybody the first and last moments of the three phases."""
    as_of = ibis.timestamp(spans.as_of.isoformat())
    promotions = tables.promotions
    starts = promotions.starts_on.cast("timestamp")
    ends = promotions.ends_on.cast("timestamp") + ibis.interval(days=1)
    dated = promotions.select(
        "promotion_id",
        before_from=starts - ibis.interval(days=spans.before_days),
        window_from=starts,
        window_to=ibis.least(ends, as_of),
        after_to=ibis.least(ends + ibis.interval(days=spans.after_days), as_of),
    )
    dated = dated.filter(dated.window_from < as_of)
    chosen = people.select("promotion_id", "customer_id", "arm", "assigned_at", "randomised")
    return chosen.join(dated, "promotion_id")


def _redeemed(timed: ibis.Table, tables: Tables) -> ibis.Table:
    """Count redemptions in the promotion's days, by customer."""
    keys = ["promotion_id", "customer_id"]
    if "redemptions" not in tables:
        return timed.select(*keys).limit(0).mutate(redemptions=0)
    used = tables.redemptions.select(*keys, "redeemed_at")
    both = timed.select(*keys, "window_from", "window_to").join(used, keys)
    inside = both.filter(both.redeemed_at >= both.window_from, both.redeemed_at < both.window_to)
    return inside.group_by(*keys).agg(redemptions=inside.count())


def _filled(rows: ibis.Table, *, has_redemptions: bool) -> ibis.Table:
    """Put zeros where nothing was bought, and money into the currency."""
    scale = {"net": 100, "discount": 100, "margin": MICROS, "units": 1}
    columns = {}
    for name in PURCHASES:
        measure = name.rpartition("_")[2]
        if measure == "orders":
            columns[name] = ibis.coalesce(rows[name], 0).cast("int64")
        else:
            columns[name] = ibis.coalesce(rows[name].cast("float64"), 0.0) / scale[measure]
    counted = ibis.coalesce(rows.redemptions, 0).cast("int64")
    used = counted if has_redemptions else ibis.null("int64")
    kept = ("promotion_id", "customer_id", "arm", "assigned_at", "randomised")
    return rows.select(*kept, **columns, redemptions=used)


Kind = Literal["mean", "share", "ratio"]


@dataclass(frozen=True)
class Measure:
    """One measure of an arm.

    Parameters
    ----------
    key, label
        Name in tables, and in words.
    kind
        Mean a customer, share of customers, or ratio of two totals.
    money
        The measure is an amount of the currency.
    per
        Column of the ratio's denominator.
    """

    key: str
    label: str
    kind: Kind
    money: bool = False
    per: str = ""


#: All are by assignment: those who never came count as zero.
MEASURES = (
    Measure("margin", "Margin per customer", "mean", money=True),
    Measure("net", "Net sales per customer", "mean", money=True),
    Measure("orders", "Orders per customer", "mean"),
    Measure("units", "Units per customer", "mean"),
    Measure("discount", "Discount per customer", "mean", money=True),
    Measure("converted", "Customers who bought", "share"),
    Measure("participated", "Customers who bought the offer", "share"),
    Measure("redeemed", "Customers who redeemed", "share"),
    Measure("basket", "Net sales per order", "ratio", money=True, per="orders"),
    Measure("margin_to_date", "Margin with the weeks after", "mean", money=True),
    Measure("category", "Margin of the category on offer", "mean", money=True),
    Measure("category_to_date", "The same with the weeks after", "mean", money=True),
    Measure("rivals", "Margin of its other products", "mean", money=True),
    Measure("offered_after", "Margin of the offer, weeks after", "mean", money=True),
)

#: What was known of every customer before the first day.
COVARIATES = ("before_margin", "before_orders", "before_net", "before_offered_orders")

#: Columns of moments that all measures and adjustments are computed from.
COLUMNS = (
    *("margin", "net", "orders", "units", "discount", "margin_to_date"),
    *("category", "category_to_date", "rivals", "offered_after"),
    *("converted", "participated", "redeemed"),
    *COVARIATES,
)


def measured(rows: ibis.Table) -> ibis.Table:
    """Add what `MEASURES` needs to ``outcomes.compute``: shares as 0 and 1, and sums over time."""
    return rows.mutate(
        converted=(rows.orders > 0).cast("int64"),
        participated=(rows.offered_orders > 0).cast("int64"),
        redeemed=(ibis.coalesce(rows.redemptions, 0) > 0).cast("int64"),
        margin_to_date=rows.margin + rows.after_margin,
        category=rows.offered_margin + rows.rival_margin,
        category_to_date=rows.offered_margin
        + rows.rival_margin
        + rows.after_offered_margin
        + rows.after_rival_margin,
        rivals=rows.rival_margin,
        offered_after=rows.after_offered_margin,
    )

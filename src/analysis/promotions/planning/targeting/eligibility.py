"""Who may be contacted at all: every rule, how many it stops, and who is left.

A customer is stopped by the first rule that applies, in the order of the table; what each rule
would stop by itself stands beside it.

Everybody who might be contacted, with what the rules and the ranking need to know of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.answers import NotGiven, without
from analysis.customers.features import features
from analysis.errors import NotApplicable
from analysis.promotions.planning.targeting import standing_holdout
from analysis.promotions.planning.targeting.contact_consent import (
    Permission,
    contact_record,
    permitted,
)
from analysis.stats.types import Flags
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Rule to what it says of a customer; also the order in which rules are applied.
SAYS = {
    "consent": "no consent for any channel",
    "suppressed": "opted out of, or not reachable through, every channel consented to",
    "complaint": "a complaint is open",
    "contacted": "contacted too recently",
    "capped": "has had as many messages as the caps allow",
    "experiment": "takes part in a running experiment",
    "control": "in the control of the whole programme",
    "stock": "the product it is about is out of stock or delisted",
    "margin": "brings less margin than the minimum",
}


@dataclass(frozen=True)
class ContactRules:
    """What a customer must meet to be contacted.

    Parameters
    ----------
    as_of
        The day of the list.
    channel_costs
        Channels there are, with what a message costs.
    consent_assumed
        Channels that may be used though the study records no consent for them.
    rest_days
        Days after a message in which no other goes out.
    caps, cap_total, cap_days
        Most messages by channel, and through all channels, in so many days; a channel without a
        cap has none of its own.
    complaint_days
        A complaint without an answer counts as open for so many days.
    minimum_margin
        Least margin of the past that a customer must have brought.
    programme
        Name that hashes go by.
    control_share, rotate_days
        Share of all customers that the programme leaves alone, and for how long the same ones.
    """

    as_of: date
    channel_costs: Mapping[str, float]
    consent_assumed: tuple[str, ...] = ()
    rest_days: int = 7
    caps: Mapping[str, int] = field(default_factory=dict)
    cap_total: int = 8
    cap_days: int = 28
    complaint_days: int = 90
    minimum_margin: float = 0.0
    programme: str = "programme"
    control_share: float = 0.05
    rotate_days: int = 182

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order given."""
        return tuple(self.channel_costs)


@dataclass(frozen=True)
class Eligible:
    """Who is left after every rule.

    Parameters
    ----------
    customers
        All candidates: their columns, and ``stopped`` (rule; empty where none applies).
    channels
        Row by row of ``customers``: a column of true and false for each channel that may be used.
    recent
        The same rows: messages of late by channel.
    waterfall
        rule, says, before (customers still there), stopped, left, alone (how many this rule would
        stop by itself).
    permission
        Consent.
    rules
        As given.
    supposed
        Consent is neither recorded nor assumed, and taken for given only to show what could be
        chosen if it were; no list may be made of it.
    """

    customers: pd.DataFrame
    channels: pd.DataFrame
    recent: pd.DataFrame
    waterfall: pd.DataFrame
    permission: Permission
    rules: ContactRules
    supposed: bool = False

    @property
    def open(self) -> Flags:
        """Who is left, by row of ``customers``."""
        return (self.customers["stopped"] == "").to_numpy()


@without("complaints")
def eligible(
    tables: Tables,
    candidates: pd.DataFrame,
    rules: ContactRules,
    *,
    complaints: pd.DataFrame | None = None,
) -> Eligible:
    """Apply every rule to every candidate.

    Parameters
    ----------
    tables
        A study's tables; what a rule needs and the study lacks stops nobody, save consent, which
        is not given where it is not recorded.
    candidates
        customer_id, margin (of the past); may have reason_product_id (what the contact is about).
    rules
        The rules.
    complaints
        customer_id of open complaints, where another report tells them; None reads ``feedback``.
    """
    people = candidates.sort_values("customer_id", kind="stable").reset_index(drop=True)
    ids = people["customer_id"]
    permission = permitted(
        tables, ids, rules.channels, as_of=rules.as_of, assumed=rules.consent_assumed
    )
    record = contact_record(tables, as_of=rules.as_of, days=rules.cap_days)
    recent, out, since = _by_channel(record, ids, rules)
    consented = permission.allowed.to_numpy()
    reachable = consented & ~out
    most = np.array([rules.caps.get(c, np.iinfo(np.int64).max) for c in rules.channels])
    room = recent.to_numpy().sum(axis=1) < rules.cap_total
    usable = reachable & (recent.to_numpy() < most) & room[:, None]
    masks = {
        "consent": ~consented.any(axis=1),
        "suppressed": consented.any(axis=1) & ~reachable.any(axis=1),
        "complaint": ids.isin(_complaining(tables, rules, complaints)).to_numpy(),
        "contacted": since <= rules.rest_days,
        "capped": reachable.any(axis=1) & ~usable.any(axis=1),
        "experiment": ids.isin(_under_test(tables, rules.as_of)).to_numpy(),
        "control": standing_holdout.programme_control(
            ids.tolist(),
            programme=rules.programme,
            share=rules.control_share,
            as_of=rules.as_of,
            rotate_days=rules.rotate_days,
        ),
        "stock": _about(people).isin(unsellable(tables, rules.as_of)).to_numpy(),
        "margin": (people["margin"] < rules.minimum_margin).to_numpy(),
    }
    stopped, table = _waterfall(masks, len(people))
    allowed = pd.DataFrame(usable & (stopped == "")[:, None], columns=list(rules.channels))
    return Eligible(people.assign(stopped=stopped), allowed, recent, table, permission, rules)


@without("complaints")
def as_if_consented(
    tables: Tables, left: Eligible, *, complaints: pd.DataFrame | None = None
) -> Eligible:
    """Return who would be left if consent were given; ``left`` itself where any is known."""
    if left.permission.recorded or left.permission.assumed:
        return left
    supposed = replace(left.rules, consent_assumed=left.rules.channels)
    people = left.customers.drop(columns="stopped")
    return replace(eligible(tables, people, supposed, complaints=complaints), supposed=True)


def _by_channel(
    record: pd.DataFrame, ids: pd.Series, rules: ContactRules
) -> tuple[pd.DataFrame, Flags, np.ndarray]:
    """Return recent messages, opted out or bounced by channel, and days since any message."""
    recent = pd.DataFrame(0, index=range(len(ids)), columns=list(rules.channels))
    out = np.zeros(recent.shape, dtype=bool)
    if record.empty:
        return recent, out, np.full(len(ids), np.inf)
    for number, channel in enumerate(rules.channels):
        own = record[record["channel"] == channel].set_index("customer_id")
        rows = own.reindex(ids)
        recent[channel] = rows["recent"].fillna(0).astype("int64").to_numpy()
        away = rows[["opted_out", "bounced"]].astype("boolean").fillna(False).any(axis=1)
        out[:, number] = away.to_numpy(dtype=bool)
    since = record.groupby("customer_id")["days_since"].min().reindex(ids)
    return recent, out, since.astype("float64").fillna(np.inf).to_numpy()


def _waterfall(masks: Mapping[str, Flags], n: int) -> tuple[np.ndarray, pd.DataFrame]:
    stopped, rows = np.full(n, "", dtype=object), []
    for rule, mask in masks.items():
        free = stopped == ""
        own = free & mask
        stopped[own] = rule
        left = int(free.sum() - own.sum())
        rows.append((rule, SAYS[rule], int(free.sum()), int(own.sum()), left, int(mask.sum())))
    names = ["rule", "says", "before", "stopped", "left", "alone"]
    return stopped, pd.DataFrame(rows, columns=names)


def _about(people: pd.DataFrame) -> pd.Series:
    return people.get("reason_product_id", pd.Series("", people.index)).fillna("")


def _complaining(tables: Tables, rules: ContactRules, told: pd.DataFrame | None) -> pd.Series:
    if told is not None:
        return told["customer_id"]
    if not tables.has("feedback", "customer_id"):
        return pd.Series(dtype="object")
    rows, day = tables.feedback, midnight(rules.as_of)
    first = midnight(rules.as_of - timedelta(days=rules.complaint_days))
    rows = rows.filter(rows.kind == "complaint", rows.submitted_at >= first)
    rows = rows.filter(rows.submitted_at < day, rows.customer_id.notnull())
    if "resolved_at" in rows.columns:
        rows = rows.filter(rows.resolved_at.isnull() | (rows.resolved_at >= day))
    return rows.select("customer_id").distinct().to_pandas()["customer_id"]


def _under_test(tables: Tables, as_of: date) -> pd.Series:
    """Return the customers of randomised promotions that run on the day."""
    if "assignments" not in tables or "promotions" not in tables:
        return pd.Series(dtype="object")
    promotions, day = tables.promotions, pd.Timestamp(as_of).date()
    running = promotions.filter(promotions.starts_on <= day, promotions.ends_on >= day)
    given = tables.assignments.filter(tables.assignments.randomised)
    both = given.join(running.select("promotion_id"), "promotion_id")
    return both.select("customer_id").distinct().to_pandas()["customer_id"]


def unsellable(tables: Tables, as_of: date, *, quiet_days: int = 56) -> pd.Series:
    """Return the products that cannot be offered: out of stock everywhere, or delisted.

    Out of stock by the last day of ``stock`` before the day; where the study has no stock, a
    product counts as delisted that was sold before, but not in the last ``quiet_days`` days.
    """
    day = midnight(as_of)
    if "stock" in tables:
        rows = tables.stock
        rows = rows.filter(rows.day < pd.Timestamp(as_of).date())
        last = rows.group_by("product_id").agg(day=rows.day.max())
        now = rows.join(last, ["product_id", "day"])
        on_hand = now.group_by("product_id").agg(on_hand=now.on_hand.sum())
        gone = on_hand.filter(on_hand.on_hand <= 0).select("product_id").to_pandas()["product_id"]
    else:
        gone = pd.Series(dtype="object")
    lines = tables.order_lines.filter(tables.order_lines.ordered_at < day)
    sold = lines.group_by("product_id").agg(last=lines.ordered_at.max()).to_pandas()
    end = pd.Timestamp(as_of) - pd.Timedelta(days=quiet_days)
    quiet = sold.loc[sold["last"] < end, "product_id"]
    return pd.concat([gone, quiet]).drop_duplicates().sort_values(ignore_index=True)


#: What stands for customers whom no rule stops, and for those who are no candidates.
REACHED, NO_CANDIDATE = "may be contacted", "no candidate: nothing bought in the window"
#: The horizon that value is told for, or the nearest to it that was forecast.
_MONTHS = 12


@dataclass(frozen=True)
class ValueByRule:
    """What customers are expected to bring, by the first rule that stops them.

    Parameters
    ----------
    table
        One rule a row that stops anybody, ``REACHED`` first and ``NO_CANDIDATE`` last: rule (in
        words), customers, value (expected margin, currency), share (of that of all).
    months
        Over which margin is expected.
    """

    table: pd.DataFrame
    months: int


@without("worth")
def value_by_rule(left: Eligible, worth: pd.DataFrame | None = None) -> ValueByRule | None:
    """Return what the customers whom each rule stops are expected to bring.

    Parameters
    ----------
    left
        Who is stopped by what.
    worth
        customer_id and ``value_<months>``, as report 07 forecasts today's customers; None, and
        nothing is told, where it forecasts nobody.

    Raises
    ------
    NotApplicable
        If no margin is expected of anybody.
    """
    if worth is None:
        return None
    horizons = [int(n.removeprefix("value_")) for n in worth if n.startswith("value_")]
    months = min(horizons, key=lambda m: (abs(m - _MONTHS), m))
    value = worth[["customer_id"]].assign(value=worth[f"value_{months}"].astype("float64"))
    if not value["value"].sum() > 0:
        raise NotApplicable(f"No margin is expected of today's customers over {months} months.")
    said = {"": REACHED, **SAYS}
    stopped = left.customers[["customer_id"]].assign(rule=left.customers["stopped"].map(said))
    both = value.merge(stopped, on="customer_id", how="outer")
    both["rule"] = both["rule"].fillna(NO_CANDIDATE)
    table = both.groupby("rule").agg(customers=("customer_id", "size"), value=("value", "sum"))
    table = table.reindex([r for r in (*said.values(), NO_CANDIDATE) if r in table.index])
    table = table.rename_axis("rule").reset_index()
    return ValueByRule(table.assign(share=table["value"] / table["value"].sum()), months)


def candidates(
    tables: Tables,
    *,
    as_of: date,
    window_days: int,
    recent_days: int,
    occasions: Sequence[pd.DataFrame | NotGiven] = (),
) -> pd.DataFrame:
    """Return every customer with a purchase in the window.

    Parameters
    ----------
    tables
        A study's tables.
    as_of
        The day of the list.
    window_days
        Days before it that a customer must have bought in.
    recent_days
        The last of them, which tell whether a customer is active or silent.
    occasions
        Tables of due occasions, where there are any: customer_id, occasion, due_on, and perhaps
        product_id and value; those due by the day count, of several the one of most value.

    Returns
    -------
    pandas.DataFrame
        customer_id (sorted), margin, net, orders (of the window), recent_orders, recent_margin,
        occasion (empty
        where none is due), reason_product_id (what the occasion is about; missing where nothing).

    Raises
    ------
    NotApplicable
        If nobody bought in the window.
    """
    window = Period.before(as_of, days=window_days)
    rows = features.compute(tables, window)
    rows = rows.filter(rows.orders > 0).select(
        "customer_id", "orders", margin="margin_amount", net="net_amount"
    )
    found = rows.order_by("customer_id").to_pandas()
    if found.empty:
        raise NotApplicable(f"Nobody bought anything in {window}, so there is nobody to contact.")
    late = features.compute(tables, Period.before(as_of, days=recent_days))
    late = late.select("customer_id", recent_orders="orders", recent_margin="margin_amount")
    found = found.merge(late.to_pandas(), on="customer_id", how="left")
    found["recent_orders"] = found["recent_orders"].fillna(0).astype("int64")
    found["recent_margin"] = found["recent_margin"].fillna(0.0)
    due = _due([o for o in occasions if isinstance(o, pd.DataFrame)], as_of)
    found = found.merge(due, on="customer_id", how="left")
    return found.assign(occasion=found["occasion"].fillna("").astype("str"))


def _due(occasions: Sequence[pd.DataFrame], as_of: date) -> pd.DataFrame:
    """Return each customer's due occasion of most value."""
    names = ["customer_id", "occasion", "reason_product_id"]
    parts = []
    for table in occasions:
        part = table[pd.to_datetime(table["due_on"]) <= pd.Timestamp(as_of)]
        product = part.get("product_id", pd.Series(None, part.index, dtype="object"))
        value = part.get("value", pd.Series(0.0, part.index)).astype("float64").fillna(0.0)
        parts.append(part.assign(reason_product_id=product, value=value)[[*names, "value"]])
    kept = [p for p in parts if len(p)]
    if not kept:
        return pd.DataFrame({n: pd.Series(dtype="str") for n in names})
    both = pd.concat(kept, ignore_index=True)
    both = both.sort_values(["customer_id", "value", "occasion"], ascending=[True, False, True])
    return both.drop_duplicates("customer_id")[names]

"""What contacting customers and running a promotion cost: known, or assumed and said to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.promotions.outcomes.outcomes import CONTROL

if TYPE_CHECKING:
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Costs:
    """Costs of one arm.

    Parameters
    ----------
    customers
        Customers treated.
    contact, fixed
        Money spent on messages, and on the promotion itself (its arm's share of it).
    contact_basis, fixed_basis
        ``messages`` (the cost of each message sent), ``promotion`` (as its record states),
        ``assumed`` (a parameter of the report) or ``unknown`` (contact alone: NaN).
    """

    customers: int
    contact: float
    fixed: float
    contact_basis: str
    fixed_basis: str


@dataclass(frozen=True)
class Assumed:
    """Costs where none are known.

    Parameters
    ----------
    contact
        Cost of contacting a customer once; None where nobody assumes any.
    fixed
        Cost of running a promotion.
    """

    contact: float | None
    fixed: float


def by_arm(tables: Tables, assumed: Assumed) -> pd.DataFrame:
    """Return what every arm but control cost.

    Parameters
    ----------
    tables
        A study's tables; needs promotions and assignments.
    assumed
        Costs where the study states none.

    Returns
    -------
    pandas.DataFrame
        promotion_id, arm, customers, contact, fixed, contact_basis, fixed_basis; the fixed cost
        of a promotion is split over its arms by customers. contact is NaN, and contact_basis
        ``unknown``, where no cost is stated and none is assumed.
    """
    given = tables.assignments
    given = given.filter(given.arm != CONTROL)
    sizes = given.group_by("promotion_id", "arm").agg(customers=given.customer_id.nunique())
    arms = sizes.order_by("promotion_id", "arm").to_pandas()
    arms = arms.merge(_stated(tables), "left", "promotion_id").merge(
        _messages(tables), "left", ["promotion_id", "arm"]
    )
    by_message, by_record = arms["messages"].notna(), arms["contact_cost"].notna()
    otherwise = float("nan") if assumed.contact is None else assumed.contact
    each = arms["contact_cost"].fillna(otherwise) * arms["customers"]
    arms["contact"] = arms["messages"].where(by_message, each)
    without = "unknown" if assumed.contact is None else "assumed"
    basis = by_record.map({True: "promotion", False: without})
    arms["contact_basis"] = basis.where(~by_message, "messages")
    share = arms["customers"] / arms.groupby("promotion_id")["customers"].transform("sum")
    arms["fixed"] = arms["fixed_cost"].fillna(assumed.fixed) * share
    arms["fixed_basis"] = arms["fixed_cost"].notna().map({True: "promotion", False: "assumed"})
    return arms[
        ["promotion_id", "arm", "customers", "contact", "fixed", "contact_basis", "fixed_basis"]
    ]


def of_arm(table: pd.DataFrame, promotion_id: str, arm: str) -> Costs:
    """Return the costs of one arm, from the table of `by_arm`."""
    row = table[(table["promotion_id"] == promotion_id) & (table["arm"] == arm)].iloc[0]
    return Costs(
        customers=int(row["customers"]),
        contact=float(row["contact"]),
        fixed=float(row["fixed"]),
        contact_basis=str(row["contact_basis"]),
        fixed_basis=str(row["fixed_basis"]),
    )


def _stated(tables: Tables) -> pd.DataFrame:
    """Return what the promotions' records state: promotion_id, fixed_cost, contact_cost."""
    wanted = [c for c in ("fixed_cost", "contact_cost") if tables.has("promotions", c)]
    rows = tables.promotions.select("promotion_id", *wanted).to_pandas()
    rows = rows.reindex(columns=["promotion_id", "fixed_cost", "contact_cost"])
    return rows.astype({"fixed_cost": "float64", "contact_cost": "float64"})


def _messages(tables: Tables) -> pd.DataFrame:
    """Return the cost of the messages sent, by arm; no rows where messages have no cost."""
    if not tables.has("contacts", "promotion_id", "cost") or "assignments" not in tables:
        empty = pd.DataFrame({"promotion_id": [], "arm": [], "messages": []})
        return empty.astype({"promotion_id": "str", "arm": "str", "messages": "float64"})
    sent = tables.contacts.filter(tables.contacts.promotion_id.notnull())
    given = tables.assignments.select("promotion_id", "customer_id", "arm")
    both = sent.join(given, ["promotion_id", "customer_id"])
    cents = (both.cost * 100).cast("int64")
    sums = both.filter(both.cost.notnull()).group_by("promotion_id", "arm")
    found = sums.agg(messages=cents.sum()).order_by("promotion_id", "arm").to_pandas()
    return found.assign(messages=found["messages"].astype("float64") / 100)

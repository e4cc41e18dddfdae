"""How many of those contacted got as far as each step, down to the purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.outcomes.outcomes import CONTROL

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

_MESSAGE = {"reached": "delivered_at", "opened": "opened_at", "clicked": "clicked_at"}


def fetch(tables: Tables) -> pd.DataFrame:
    """Return one row a promotion and arm, with the customers at each step.

    Parameters
    ----------
    tables
        A study's tables; needs assignments, promotions and promotion_products.

    Returns
    -------
    pandas.DataFrame
        promotion_id, arm, and a column a step that the study knows (chosen, reached,
        opened, clicked, redeemed, bought): distinct customers.
        ``bought`` is a purchase of a product on offer in the promotion's days, by whatever way: a
        customer may buy without having opened anything.

    Raises
    ------
    NotApplicable
        If no promotion was sent to customers.
    """
    tables.require("assignments", "promotions")
    given = tables.assignments
    given = given.filter(given.arm != CONTROL).select("promotion_id", "arm", "customer_id")
    parts = {"chosen": given, **_messages(tables, given)}
    if "redemptions" in tables:
        parts["redeemed"] = _kept(given, tables.redemptions)
    if "promotion_products" in tables:
        parts["bought"] = _kept(given, _buyers(tables))
    steps = [rows.mutate(step=_word(step)) for step, rows in parts.items()]
    rows = steps[0].union(*steps[1:]) if len(steps) > 1 else steps[0]
    counts = rows.group_by("promotion_id", "arm", "step").agg(n=rows.customer_id.nunique())
    found = counts.to_pandas()
    if found.empty:
        raise NotApplicable("No promotion was sent to customers by name.")
    laid = found.pivot(index=["promotion_id", "arm"], columns="step", values="n")
    # A step that nobody took is a column of zeros, not a step that the study does not know.
    laid = laid.reindex(columns=list(parts)).fillna(0).astype("int64")
    return laid.rename_axis(columns=None).reset_index()


def _word(step: str) -> ibis.Value:

    return ibis.literal(step)


def _messages(tables: Tables, given: ibis.Table) -> dict[str, ibis.Table]:
    """Return the customers at each step of the messages, if they name their promotion."""
    if not tables.has("contacts", "promotion_id"):
        return {}
    sent = tables.contacts.filter(tables.contacts.promotion_id.notnull())
    return {
        step: _kept(given, sent.filter(sent[column].notnull()))
        for step, column in _MESSAGE.items()
        if column in sent.columns
    }


def _kept(given: ibis.Table, those: ibis.Table) -> ibis.Table:
    return given.semi_join(those, ["promotion_id", "customer_id"])


def _buyers(tables: Tables) -> ibis.Table:
    """Return the customers who bought a product on offer in the promotion's days."""
    offers = tables.promotion_products.select("promotion_id", "product_id").distinct()
    dated = tables.promotions
    dated = dated.select(
        "promotion_id", starts=dated.starts_on.cast("date"), ends=dated.ends_on.cast("date")
    )
    offers = offers.join(dated, "promotion_id")
    lines = tables.order_lines
    lines = lines.filter(lines.quantity > 0, lines.customer_id.notnull())
    lines = lines.select("customer_id", "product_id", day=lines.ordered_at.date())
    both = lines.join(offers, "product_id")
    both = both.filter(both.day >= both.starts, both.day <= both.ends)
    return both.select("promotion_id", "customer_id").distinct()

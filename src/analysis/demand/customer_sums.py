"""Sums over customers that the uncertainty of a group's change follows from.

Sums and sums of products are taken in the engine, so that no customer's lines ever leave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.tables.money import cents

if TYPE_CHECKING:
    import ibis
    import pandas as pd

#: What is summed over customers: a and b are a customer's net amount in the group before and
#: now, ta and tb in total. Money in cents, products of cents in decimals of 38 digits.
_PRODUCTS = ("aa", "bb", "ab", "ata", "atb", "bta", "btb")
_OF_TOTALS = ("aa", "bb", "ab")


def customer_sums(lines: ibis.Table, *, by: str) -> tuple[pd.DataFrame, pd.Series]:
    """Sum net amount and its products over customers.

    Parameters
    ----------
    lines
        Order lines with ``now`` (true in the current period).
    by
        Column that groups them.

    Returns
    -------
    groups : pandas.DataFrame
        One row a group: group, customers (with a line in it; each guest order counts as one), a
        and b (net amount before and now, in cents), lines_a, lines_b, and the sums over customers
        of the products aa, bb, ab, ata, atb, bta, btb, where ta and tb are a customer's net
        amount in all groups.
    whole : pandas.Series
        n (customers), a, b, aa, bb, ab over all groups.
    """
    pairs, totals = _pairs(lines, by), _totals(lines)
    return _group_sums(pairs, totals).to_pandas(), _whole_sums(totals).to_pandas().iloc[0]


def _unit(lines: ibis.Table) -> ibis.Value:
    """Return who varies independently: a customer, or a single guest order."""
    import ibis

    guest = ibis.literal("guest order ") + lines.order_id
    return ibis.coalesce(ibis.literal("customer ") + lines.customer_id, guest)


def _pairs(lines: ibis.Table, by: str) -> ibis.Table:
    """Return one row a customer and group: unit, group, a, b."""
    net = cents(lines.net_amount)
    return lines.group_by(unit=_unit(lines), group=lines[by].coalesce("(not stated)")).agg(
        a=lines.now.ifelse(0, net).sum().cast("int64"),
        b=lines.now.ifelse(net, 0).sum().cast("int64"),
        lines_a=lines.now.ifelse(0, 1).sum(),
        lines_b=lines.now.ifelse(1, 0).sum(),
    )


def _totals(lines: ibis.Table) -> ibis.Table:
    """Return one row a customer: unit, ta, tb."""
    net = cents(lines.net_amount)
    return lines.group_by(unit=_unit(lines)).agg(
        ta=lines.now.ifelse(0, net).sum().cast("int64"),
        tb=lines.now.ifelse(net, 0).sum().cast("int64"),
    )


def _product(x: ibis.Value, y: ibis.Value) -> ibis.Value:
    """Return the exact sum of products of cents, as a float."""
    return (x * y).cast("decimal(38, 0)").sum().cast("float64")


def _group_sums(pairs: ibis.Table, totals: ibis.Table) -> ibis.Table:
    joined = pairs.inner_join(totals, "unit")
    columns = {"a": joined.a, "b": joined.b, "ta": joined.ta, "tb": joined.tb}
    products = {name: _product(*(columns[c] for c in _factors(name))) for name in _PRODUCTS}
    return joined.group_by("group").agg(
        customers=joined.count(),
        a=joined.a.sum().cast("float64"),
        b=joined.b.sum().cast("float64"),
        lines_a=joined.lines_a.sum(),
        lines_b=joined.lines_b.sum(),
        **products,
    )


def _whole_sums(totals: ibis.Table) -> ibis.Table:
    columns = {"a": totals.ta, "b": totals.tb}
    products = {name: _product(*(columns[c] for c in _factors(name))) for name in _OF_TOTALS}
    return totals.agg(
        n=totals.count(),
        a=totals.ta.sum().cast("float64"),
        b=totals.tb.sum().cast("float64"),
        **products,
    )


def _factors(name: str) -> tuple[str, str]:
    """Split the name of a product of columns: ``atb`` is a times tb."""
    return name[0], name[1:]

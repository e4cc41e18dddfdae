"""One table of everything checked: what was looked for, what was found, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.quality import date_coverage, reconciliation, store_days
from analysis.quality.business_rules import LINE_RULES, ORDER_RULES, Rule
from analysis.quality.check_record import COLUMNS, Record, Severity, record
from analysis.quality.questions import guest_record
from analysis.tables.engine import Tables
from analysis.tables.lines import midnight, repeated_products
from analysis.tables.margin import cents


def line_rows(tables: Tables, *, as_of: ibis.Value) -> ibis.Table:
    """Return the order lines with what the line rules look at, as far as the study has it.

    Adds ``late`` (ordered at or after ``as_of``), ``in_catalogue`` and ``in_register`` (1 or 0),
    and ``counted`` (quantity counts units).
    """
    lines = tables.order_lines
    lines = lines.mutate(late=lines.ordered_at >= as_of)
    if tables.has("products"):
        lines = _with_catalogue(tables, lines)
    if tables.has("customers"):
        register = tables.customers.select("customer_id").mutate(in_register=1)
        lines = lines.left_join(register, "customer_id").drop("customer_id_right")
        lines = lines.mutate(in_register=lines.in_register.coalesce(0))
    return lines


def _with_catalogue(tables: Tables, lines: ibis.Table) -> ibis.Table:
    counts = tables.has("products", "counted")
    catalogue = tables.products.select("product_id", *(("counted",) if counts else ()))
    joined = lines.left_join(catalogue.mutate(in_catalogue=1), "product_id")
    joined = joined.drop("product_id_right").mutate(in_catalogue=joined.in_catalogue.coalesce(0))
    return joined.mutate(counted=joined.counted.coalesce(True)) if counts else joined


def order_rows(lines: ibis.Table) -> ibis.Table:
    """Return one row an order: what the order rules look at, money in cents.

    In a large shop these rows are kept on disk, so whether an order is of several customers, stores
    or days is kept rather than which.
    """
    customer, time = lines.customer_id.coalesce(""), lines.ordered_at
    several = {"customers": customer.min() != customer.max()}
    several["days"] = time.min().date() != time.max().date()
    if "store_id" in lines.columns:
        several["stores"] = lines.store_id.min() != lines.store_id.max()
    return (
        lines.group_by("order_id")
        .agg(
            net=cents(lines.net_amount).sum(),
            first_customer=customer.min(),
            first_time=time.min(),
            **{f"several_{name}": value for name, value in several.items()},
        )
        .drop("order_id")
    )


_RANK = {"decide": 0, "know": 1, "fine": 2}


def run_checks(tables: Tables, *, as_of: date, stale_days: int) -> pd.DataFrame:
    """Check a study's order lines and what they refer to.

    Parameters
    ----------
    tables
        A study's tables.
    as_of
        The day before which everything is known.
    stale_days
        Days without an order before ``as_of`` above which the data are stale.

    Returns
    -------
    pandas.DataFrame
        One row a check, what needs a decision first: severity (``decide``, ``know`` or
        ``fine``), topic, check, rows (found), of_rows (looked at), share, amount (net amount of
        the rows found, in the study's currency, unless the advice says otherwise; NaN where
        money is not what is at stake) and what_to_do.
    """
    lines = line_rows(tables, as_of=midnight(as_of))
    orders = order_rows(lines).cache()
    records = [
        *_count(lines, LINE_RULES, total=cents(lines.net_amount)),
        *_count(orders, ORDER_RULES, total=orders.net),
        _same_product(tables, orders),
        _posted_twice(orders),
        guest_record(orders),
        *date_coverage.records(tables, as_of=as_of, stale_days=stale_days),
        *_of_stores(tables, as_of),
        *reconciliation.records(tables),
    ]
    table = pd.DataFrame(records, columns=list(COLUMNS))
    rank = table["severity"].map(_RANK)
    return table.iloc[rank.argsort(kind="stable")].reset_index(drop=True)


def _count(rows: ibis.Table, rules: Sequence[Rule], *, total: ibis.Value) -> list[Record]:
    """Count every rule that the study has the columns for, in one pass."""
    answerable = [rule for rule in rules if set(rule.needs) <= set(rows.columns)]
    sums: dict[str, ibis.Value] = {"rows": rows.count(), "total": total.sum().cast("float64")}
    for i, rule in enumerate(answerable):
        found = rule.found(rows).coalesce(False)
        stake = rule.amount(rows) if rule.amount else total
        sums[f"rows_{i}"] = found.ifelse(1, 0).sum()
        sums[f"net_{i}"] = found.ifelse(stake, 0).sum().cast("float64")
    counted = rows.agg(**sums).to_pandas().fillna(0).iloc[0]
    return [
        _judged(rule, int(counted[f"rows_{i}"]), counted[f"net_{i}"], counted)
        for i, rule in enumerate(answerable)
    ]


def _judged(rule: Rule, found: int, net: float, counted: pd.Series) -> Record:
    of_rows = int(counted["rows"])
    weight = abs(net / counted["total"]) if counted["total"] else 0.0
    share = max(found / of_rows if of_rows else 0.0, weight)
    severity: Severity = "fine" if not found else "decide" if share > rule.limit else "know"
    advice = rule.advice if found else "Nothing to do."
    if rule.absence and not found:
        severity, advice = "know", rule.absence
    return record(
        rule.check,
        rule.topic,
        rows=found,
        of_rows=of_rows,
        amount=net / 100 if found else 0.0,
        severity=severity,
        advice=advice,
    )


def _same_product(tables: Tables, orders: ibis.Table) -> Record:
    """Count orders that have a product on several lines."""
    several = repeated_products(tables)
    rows, of_rows = int(several.order.nunique().to_pandas()), int(orders.count().to_pandas())
    return record(
        "Order with the same product on several lines",
        "uniqueness",
        rows=rows,
        of_rows=of_rows,
        severity="fine" if not rows else "decide" if rows / of_rows > 0.1 else "know",
        advice="Harmless if a till writes one line a scan; else look for doubled rows."
        if rows
        else "Nothing to do.",
    )


def _of_stores(tables: Tables, as_of: date) -> list[Record]:
    """Count days of single stores without orders, where there are several stores."""
    try:
        return [store_days.gap_record(store_days.store_gaps(tables, as_of=as_of))]
    except NotApplicable:
        return []


def _posted_twice(orders: ibis.Table) -> Record:
    """Count orders of one customer, minute and amount that stand under several numbers."""
    sold = orders.filter(orders.net != 0, orders.first_customer != "")
    alike = sold.group_by("first_customer", "net", minute=sold.first_time.truncate("m")).agg(
        copies=sold.count() - 1
    )
    alike = alike.filter(alike.copies > 0)
    sums = alike.agg(n=alike.copies.sum(), net=(alike.copies * alike.net).sum().cast("float64"))
    found = sums.to_pandas().fillna(0).iloc[0]
    rows, of_rows = int(found["n"]), int(orders.count().to_pandas())
    return record(
        "Order of the same customer, minute and amount as another",
        "uniqueness",
        rows=rows,
        of_rows=of_rows,
        amount=float(found["net"]) / 100,
        severity="fine" if not rows else "decide" if rows / of_rows > 0.001 else "know",
        advice="May be posted twice: look at a few." if rows else "Nothing to do.",
    )

"""What the data cannot say themselves and the shop is asked: guests, restarted receipt numbers.

Each is a sentence that names what was seen and how to mend the mapping if the answer is yes.
"""

from __future__ import annotations

import re

import ibis

from analysis.quality.check_record import Record, record

#: Share of all orders that no one customer has, where there are enough others.
IMPOSSIBLE = 0.10
#: Share from which a customer called like a guest is asked about.
CALLED_GUEST = 0.01
ENOUGH_CUSTOMERS = 20
GUEST = re.compile(
    r"0+|-1|9{4,}|1{4,}|n/?a|none|null|cash|guest|walk[ -]?in.*|anonym.*|unknown|no ?card"
    r"|no ?customer|laufkund.*|barverkauf|bar|gast|unbekannt|diverse?|comptoir|passage|contado"
    r"|mostrador|散客|游客",
    re.IGNORECASE,
)
#: Days between the lines of an order that make it two.
FAR_APART = 7


def questions(orders: ibis.Table) -> tuple[str, ...]:
    """Return what only the shop can answer, in sentences.

    Parameters
    ----------
    orders
        One row an order: order_id, customer_id, first and last (times of its lines), net, purchase.
    """
    found = [_guest(orders), _restarted(orders)]
    return tuple(sentence for sentence in found if sentence)


def guest_record(orders: ibis.Table) -> Record:
    """Return the check for a customer who must be the guest.

    Parameters
    ----------
    orders
        One row an order, with ``first_customer`` (empty: a guest) and ``net`` in cents.
    """
    named = orders.filter(orders.first_customer != "").rename(customer_id="first_customer")
    top = _most_orders(named)
    share = top["orders"] / top["all_orders"] if top else 0.0
    doubtful = bool(top) and _doubtful(top, share)
    return record(
        "Customer with an impossible share of the orders",
        "guests",
        rows=int(top["orders"]) if doubtful else 0,
        of_rows=int(top["all_orders"]) if top else 0,
        amount=top["net"] / 100 if doubtful else float("nan"),
        severity="decide" if doubtful else "fine",
        advice=_ask_guest(top, share) if doubtful else "Nothing to do.",
    )


def _guest(orders: ibis.Table) -> str:
    top = _most_orders(orders.filter(orders.customer_id.notnull()))
    if not top:
        return ""
    share = top["orders"] / top["all_orders"]
    return _ask_guest(top, share) if _doubtful(top, share) else ""


def _most_orders(orders: ibis.Table) -> dict[str, float]:
    """Return the customer with most orders, and how many orders and customers there are."""
    customers = orders.group_by("customer_id").agg(orders=orders.count(), net=orders.net.sum())
    whole = customers.mutate(
        all_orders=customers.orders.sum().over(), all_customers=customers.count().over()
    )
    rows = whole.order_by([ibis.desc("orders"), "customer_id"]).limit(1).to_pyarrow().to_pylist()
    return {k: v if k == "customer_id" else int(v) for k, v in rows[0].items()} if rows else {}


def _doubtful(top: dict[str, float], share: float) -> bool:
    if GUEST.fullmatch(str(top["customer_id"]).strip()):
        return share >= CALLED_GUEST and top["all_customers"] > 1
    return share >= IMPOSSIBLE and top["all_customers"] >= ENOUGH_CUSTOMERS


def _ask_guest(top: dict[str, float], share: float) -> str:
    name = str(top["customer_id"])
    return (
        f"Customer {name} has {share:.0%} of the orders: is it the guest? If so, say "
        f'customer_id: {{column: ..., values: {{"{name}": ""}}}} in the mapping, and nobody is '
        "counted as that customer."
    )


def _restarted(orders: ibis.Table) -> str:
    """Ask whether receipt numbers restart, where lines of one order lie days apart."""
    days = orders["last"].date().delta(orders["first"].date(), unit="day")
    apart = orders.mutate(days=days)
    apart = apart.filter(apart.days >= FAR_APART)
    n = int(apart.count().to_pandas())
    if not n:
        return ""
    (one,) = apart.order_by([ibis.desc("days"), "order_id"]).limit(1).to_pyarrow().to_pylist()
    return (
        f"{n:,} orders have lines {FAR_APART} or more days apart, such as {one['order_id']} "
        f"({one['first']:%Y-%m-%d} and {one['last']:%Y-%m-%d}): do receipt numbers restart? If so, "
        "join the month or the store to the key, as order_id: {join: [Store, Receipt], "
        "between: \"-\"}; a month is {column: Date, extract: '^\\d{4}-\\d{2}'}."
    )

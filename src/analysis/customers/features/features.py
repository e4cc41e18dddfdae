"""One row a customer over a period: what the other rooms know about a customer's buying.

Lines are summed to orders first and orders to customers, which is much cheaper than counting
distinct orders over lines.

What each customer's money goes to: by department, and by proxies for attitudes.

The engine lays departments side by side; one row a customer leaves it. The proxies read product
words (organic, gifts, private label). They stand for attitudes that nobody asked about, and are
named as proxies wherever they are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.tables.lines import by_part, lines_in
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: Optional money columns of order_lines that features sum up; absent ones are zero.
_OPTIONAL_MONEY = ("discount_amount", "coupon_amount")


def compute(tables: Tables, period: Period) -> ibis.Table:
    """Return one row a customer with an order line in ``period``; guests are left out.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    period
        The days looked at; nothing outside is read.

    Returns
    -------
    ibis.Table
        customer_id; orders (purchases: orders with at least one line that is not a return),
        lines, units (of products whose quantity counts units; returns subtract), departments
        and categories (distinct, bought), net_amount, margin_amount, list_amount,
        discount_amount, coupon_amount (currency; float64 of an exact sum), discount_share
        (discount / list, null where list is not positive), basket_value (net / orders, null
        without orders), first_order_on, last_order_on (dates of purchases), recency_days (days
        from the last purchase to the period's end).
    """
    orders = _orders(_uniform(lines_in(tables, period)))
    totals = _customers(orders, period)
    breadth = _breadth(_uniform(lines_in(tables, period)))
    return _with_ratios(totals.left_join(breadth, "customer_id").drop("customer_id_right"))


def fetch(tables: Tables, period: Period) -> pd.DataFrame:
    """Return ``compute`` as a data frame sorted by customer_id."""
    features = by_part(tables, lambda part: compute(part, period))
    return features.order_by("customer_id").to_pandas()


def bought_in(tables: Tables, period: Period) -> pd.DataFrame:
    """Return ``fetch`` of those who bought: who only returned goods is no buyer of the period.

    Groups by value, such as deciles, are made of buyers; what the others brought back is in
    `coverage.Coverage`, so that buyers, they and guests add up to net sales.
    """
    return _buyers(fetch(tables, period))


def buying_habits(tables: Tables, period: Period) -> pd.DataFrame:
    """Return ``fetch_detailed`` of those who bought (see `bought_in`)."""
    return _buyers(fetch_detailed(tables, period))


def offer_use(tables: Tables, period: Period) -> pd.DataFrame:
    """Return of ``buying_habits`` what an attitude to discounts is judged by."""
    from analysis.customers.features import habits

    def counted(part: Tables) -> ibis.Table:
        totals = _customers(_orders(_uniform(lines_in(part, period))), period)
        mine = totals.select("customer_id", "orders", "margin_amount")
        joined = mine.left_join(habits.offers(part, period), "customer_id")
        return joined.drop("customer_id_right")

    return _buyers(by_part(tables, counted).order_by("customer_id").to_pandas())


def _buyers(everybody: pd.DataFrame) -> pd.DataFrame:
    return everybody[everybody["orders"] > 0].reset_index(drop=True)


def fetch_detailed(tables: Tables, period: Period) -> pd.DataFrame:
    """Return everything known of each customer's buying before the period's end.

    Returns
    -------
    pandas.DataFrame
        Sorted by customer_id: the columns of ``compute``, of ``habits.compute`` (stores, channels,
        days, offers, returns, trend, tenure), of ``habits.purchase_gaps`` and of
        ``contact_history.compute`` and ``voices`` (last contact, response, NPS score, complaints),
        customer by customer. Counts of
        what a customer does not have are 0; what does not exist is missing.
    """
    from analysis.customers.features import contact_history, habits

    more = (habits.compute, habits.purchase_gaps, contact_history.compute, contact_history.voices)

    def everything(part: Tables) -> ibis.Table:
        result = compute(part, period)
        for make in more:
            result = result.left_join(make(part, period), "customer_id").drop("customer_id_right")
        return result

    frame = by_part(tables, everything).order_by("customer_id").to_pandas()
    counts = ["purchase_days", "gaps", "gap_sum", "contacts", "responses", "complaints"]
    frame[counts] = frame[counts].fillna(0).astype("int64")
    return frame


def _uniform(lines: ibis.Table) -> ibis.Table:
    """Leave guests out, and give every study the same columns."""
    known = lines.filter(lines.customer_id.notnull())
    zero = ibis.literal(0).cast("decimal(18, 2)")
    optional = {
        name: ibis.coalesce(known[name], zero) if name in known.columns else zero
        for name in _OPTIONAL_MONEY
    }
    known = known.mutate(**optional)
    listed = (
        ibis.coalesce(known.list_amount, known.net_amount + known.discount_amount)
        if "list_amount" in known.columns
        else known.net_amount + known.discount_amount
    )
    return known.mutate(
        list_amount=listed.cast("decimal(18, 2)"),
        units=known.counted.ifelse(known.quantity, 0.0),
        bought=known.quantity >= 0,
    )


def _orders(lines: ibis.Table) -> ibis.Table:
    return lines.group_by("customer_id", "order_id").agg(
        lines=lines.count(),
        units=lines.units.sum(),
        net=lines.net_amount.sum(),
        margin=lines.margin_micros.sum(),
        listed=lines.list_amount.sum(),
        discount=lines.discount_amount.sum(),
        coupon=lines.coupon_amount.sum(),
        ordered_on=lines.ordered_at.min().date(),
        purchase=lines.bought.any(),
    )


def _customers(orders: ibis.Table, period: Period) -> ibis.Table:
    bought_on = orders.purchase.ifelse(orders.ordered_on, ibis.null("date"))
    customers = orders.group_by("customer_id").agg(
        orders=orders.purchase.cast("int64").sum(),
        lines=orders.lines.sum().cast("int64"),
        units=orders.units.sum(),
        net_amount=orders.net.sum().cast("float64"),
        margin_amount=orders.margin.sum().cast("float64") / MICROS,
        list_amount=orders.listed.sum().cast("float64"),
        discount_amount=orders.discount.sum().cast("float64"),
        coupon_amount=orders.coupon.sum().cast("float64"),
        first_order_on=bought_on.min(),
        last_order_on=bought_on.max(),
    )
    end = ibis.date(period.end.isoformat())
    return customers.mutate(recency_days=end.delta(customers.last_order_on, unit="day"))


def _breadth(lines: ibis.Table) -> ibis.Table:
    bought = lines.filter(lines.bought).select("customer_id", "department", "category").distinct()
    return bought.group_by("customer_id").agg(
        departments=bought.department.nunique(), categories=bought.category.nunique()
    )


def _with_ratios(customers: ibis.Table) -> ibis.Table:
    share = customers.discount_amount / customers.list_amount
    basket = customers.net_amount / customers.orders
    return customers.mutate(
        departments=ibis.coalesce(customers.departments, 0),
        categories=ibis.coalesce(customers.categories, 0),
        discount_share=(customers.list_amount > 0).ifelse(share, ibis.null("float64")),
        basket_value=(customers.orders > 0).ifelse(basket, ibis.null("float64")),
    )


#: Proxy to words that a product's hierarchy or name must hold one of.
PROXIES = {
    "organic (proxy)": ("organic", "natural food"),
    "gifts (proxy)": ("gift", "greeting card", "floral", "flower", "bouquet"),
    "baby (proxy)": ("baby", "infant", "diaper"),
    "pets (proxy)": ("pet ", "dog ", "cat ", "pet food"),
    "alcohol (proxy)": ("beer", "wine", "liquor", "spirits"),
}

_WORDS = ("department", "category", "subcategory", "name")


def spending_mix(tables: Tables, period: Period, *, departments: int = 20) -> pd.DataFrame:
    """Return what each customer spent on each of the largest departments, and on the proxies.

    Parameters
    ----------
    tables
        A study's tables.
    period
        The days looked at.
    departments
        Departments with the largest sales; the rest is ``(other departments)``.

    Returns
    -------
    pandas.DataFrame
        customer_id, total, then one column a department and one a proxy (currency). Purchases
        only; returns are left out. Proxies without any sale are left out.
    """
    bought = _bought(tables, period)
    largest = bought.group_by("department").agg(net=bought.net_amount.sum())
    largest = largest.order_by(largest.net.desc(), largest.department).limit(departments)
    names = largest.to_pandas()["department"].tolist()
    rows = by_part(tables, lambda part: _mixed(part, period, names))
    table = rows.order_by("customer_id").to_pandas()
    money = table.columns.drop("customer_id")
    table[money] = table[money].fillna(0).astype("float64") / 100
    empty = [c for c in (*PROXIES, "(other departments)") if not table[c].any()]
    return table.drop(columns=empty)


def _mixed(tables: Tables, period: Period, names: list[str]) -> ibis.Table:
    """Return what each customer spent in all, in each department named, and by proxy, in cents."""
    lines = _bought(tables, period).left_join(_flagged(tables), "product_id")
    lines = lines.drop("product_id_right")
    cents = (lines.net_amount * 100).cast("int64")
    sums = {"total": cents.sum()}
    sums |= {name: cents.sum(where=lines.department == name) for name in names}
    sums["(other departments)"] = cents.sum(where=~lines.department.isin(names))
    sums |= {proxy: cents.sum(where=lines[proxy]) for proxy in PROXIES}
    return lines.group_by("customer_id").agg(**sums)


def _bought(tables: Tables, period: Period) -> ibis.Table:
    lines = lines_in(tables, period)
    return lines.filter(lines.customer_id.notnull(), lines.quantity >= 0)


def _flagged(tables: Tables) -> ibis.Table:
    """Return product_id and one flag a proxy, at most one row a product."""
    products = tables.products
    known = [name for name in _WORDS if name in products.columns]
    text = ibis.literal(" ")
    for name in known:
        text = text + ibis.coalesce(products[name].lower(), "") + " "
    flags = {proxy: _any_of(text, words) for proxy, words in PROXIES.items()}
    if "organic" in products.columns:
        marked = products.organic.cast("string").lower().isin(["yes", "true", "1"])
        flags["organic (proxy)"] = flags["organic (proxy)"] | ibis.coalesce(marked, False)
    return products.select("product_id", **flags)


def _any_of(text: ibis.Value, words: tuple[str, ...]) -> ibis.Value:
    found = text.contains(words[0])
    for word in words[1:]:
        found = found | text.contains(word)
    return found

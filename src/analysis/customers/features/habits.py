"""Where, when and how a customer buys, and the days between purchases, all summed in the engine.

Stores, channels, days, offers, returns and contacts are summed from lines to orders and from orders
to customers; nothing on or after the period's end is read. Purchases of one day are one purchase
day, as in BTYD practice: the clock of a customer's rhythm ticks in days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from analysis.tables.lines import lines_in, raw_lines_in

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: Logarithms are summed as whole thousand-millionths: sums then do not depend on thread order.
_NANOS = 1_000_000_000


def purchase_days(tables: Tables, period: Period) -> ibis.Table:
    """Return one row a customer and day with a purchase (a line that is no return).

    Returns
    -------
    ibis.Table
        customer_id, ordered_on, previous_on (the purchase day before; null at the first in the
        period), gap (days between the two), place (0 for the first).
    """
    lines = raw_lines_in(tables, period)
    bought = lines.filter(lines.customer_id.notnull(), lines.quantity >= 0)
    days = bought.select("customer_id", ordered_on=bought.ordered_at.date()).distinct()
    by_day = ibis.window(group_by=days.customer_id, order_by=days.ordered_on)
    days = days.mutate(
        previous_on=days.ordered_on.lag().over(by_day), place=ibis.row_number().over(by_day)
    )
    return days.mutate(gap=days.ordered_on.delta(days.previous_on, unit="day").cast("int64"))


def purchase_gaps(tables: Tables, period: Period) -> ibis.Table:
    """Return one row a customer with a purchase in ``period``.

    Returns
    -------
    ibis.Table
        customer_id; purchase_days, gaps (purchase_days - 1), gap_sum, gap_mean, gap_median,
        gap_spread (standard deviation, null below two gaps), longest_gap (all in days), log_gaps
        (sum of natural logarithms), last_gap, gap_before_last (days; null where there is none),
        longest_gap_ended_on (the latest day that ended a gap of that length).
    """
    days = purchase_days(tables, period)
    backwards = ibis.window(group_by=days.customer_id, order_by=days.ordered_on.desc())
    everything = ibis.window(group_by=days.customer_id)
    days = days.mutate(
        from_end=ibis.row_number().over(backwards), longest=days.gap.max().over(everything)
    )
    logs = (days.gap.cast("float64").ln() * _NANOS).round().cast("int64")
    sums = days.group_by("customer_id").agg(
        purchase_days=days.count().cast("int64"),
        gaps=days.gap.count().cast("int64"),
        gap_sum=ibis.coalesce(days.gap.sum(), 0).cast("int64"),
        gap_squares=ibis.coalesce((days.gap * days.gap).sum(), 0).cast("int64"),
        longest_gap=days.gap.max(),
        longest_gap_ended_on=days.ordered_on.max(where=days.gap == days.longest),
        log_gaps=ibis.coalesce(logs.sum(), 0).cast("float64") / _NANOS,
        last_gap=days.gap.max(where=days.from_end == 0),
        gap_before_last=days.gap.max(where=days.from_end == 1),
    )
    joined = sums.left_join(_medians(days), "customer_id").drop("customer_id_right")
    return _with_moments(joined)


def _with_moments(sums: ibis.Table) -> ibis.Table:
    """Add mean and standard deviation, from whole numbers so that thread order cannot matter."""
    nothing = ibis.null("float64")
    count = sums.gaps.cast("float64")
    scaled = (sums.gaps * sums.gap_squares - sums.gap_sum * sums.gap_sum).cast("float64")
    return sums.mutate(
        gap_mean=(sums.gaps > 0).ifelse(sums.gap_sum / count.nullif(0), nothing),
        gap_spread=(sums.gaps > 1).ifelse(
            (scaled / (count * (count - 1)).nullif(0)).sqrt(), nothing
        ),
    ).drop("gap_squares")


def _medians(days: ibis.Table) -> ibis.Table:
    """Return exact medians by ranks: engines differ in what they call a median."""
    known = days.filter(days.gap.notnull())
    by_size = ibis.window(group_by=known.customer_id, order_by=[known.gap, known.ordered_on])
    ranked = known.mutate(
        rank=ibis.row_number().over(by_size),
        count=known.count().over(ibis.window(group_by=known.customer_id)),
    )
    middle = ranked.filter(
        (2 * ranked["rank"] >= ranked["count"] - 2) & (2 * ranked["rank"] <= ranked["count"])
    )
    return middle.group_by("customer_id").agg(gap_median=middle.gap.cast("float64").mean())


#: First hour of the afternoon and of the evening; before is the morning.
AFTERNOON, EVENING = 12, 17

_ZERO = "decimal(18, 2)"


def compute(tables: Tables, period: Period) -> ibis.Table:
    """Return one row a customer with an order line in ``period``; guests are left out.

    Returns
    -------
    ibis.Table
        customer_id; first_seen_on (first purchase known before the period's end, or joined_on if
        that is earlier), tenure_days; lines_per_order, weekend_share, morning_share and
        evening_share (of orders), main_weekday (1 Monday to 7 Sunday) and weekday_share; stores,
        main_store, store_share; channels, main_channel, channel_share (null where the study has
        none); returned_amount (currency, positive), returns_rate (of what was bought),
        private_label_share (of net; null without brands), coupon_orders_share, net_before and
        net_after (currency; halves of the period), spend_trend ((after - before) / both, -1 to
        1), and what ``buyers`` needs to judge the discount share: priced_lines,
        discounted_lines, lines_squared, discounted_squared, crossed (sums over orders of n^2,
        x^2 and n x, n lines with a list price, x of them discounted).
    """
    orders = _orders(tables, period)
    result = _totals(orders, period)
    for part in (
        _favourite(orders, "ordered_weekday", "main_weekday", "weekday_share", None),
        _favourite(orders, "store_id", "main_store", "store_share", "stores"),
        _favourite(orders, "channel", "main_channel", "channel_share", "channels"),
        first_seen(tables, period),
    ):
        result = result.left_join(part, "customer_id").drop("customer_id_right")
    return _with_tenure(result, period)


def offers(tables: Tables, period: Period) -> ibis.Table:
    """Return of ``compute`` what is needed to judge the discount share."""
    names = ("priced_lines", "discounted_lines", "lines_squared", "discounted_squared", "crossed")
    return _totals(_orders(tables, period), period).select("customer_id", *names)


def _orders(tables: Tables, period: Period) -> ibis.Table:
    """Return one row an order with what habits are summed from."""
    lines = _with_optional(lines_in(tables, period))
    zero = ibis.literal(0).cast(_ZERO)
    returned = lines.quantity < 0
    priced = ~returned & (lines.net_amount + lines.discount_amount > 0)
    lines = lines.mutate(
        returned=returned.ifelse(-lines.net_amount, zero),
        private=lines.brand.lower().contains("private").ifelse(lines.net_amount, zero),
        branded=lines.brand.notnull().ifelse(lines.net_amount, zero),
        priced=priced.cast("int64"),
        discounted=(priced & (lines.discount_amount > 0)).cast("int64"),
        couponed=lines.coupon_amount > 0,
    )
    orders = lines.group_by("customer_id", "order_id").agg(
        ordered_at=lines.ordered_at.min(),
        store_id=lines.store_id.min(),
        channel=lines.channel.min(),
        purchase=(~returned).any(),
        lines=lines.count(),
        couponed=lines.couponed.any(),
        **{n: lines[n].sum() for n in ("returned", "private", "branded", "priced", "discounted")},
        net=lines.net_amount.sum(),
    )
    return orders.mutate(
        ordered_weekday=(orders.ordered_at.date().day_of_week.index() + 1).cast("int64"),
        hour=orders.ordered_at.hour(),
    )


def _with_optional(lines: ibis.Table) -> ibis.Table:
    """Leave guests out, and give every study the same columns."""
    known = lines.filter(lines.customer_id.notnull())
    types = {"store_id": "string", "channel": "string", "brand": "string"}
    absent = {name: ibis.null(t) for name, t in types.items() if name not in known.columns}
    zero = ibis.literal(0).cast(_ZERO)
    money = {
        name: ibis.coalesce(known[name], zero) if name in known.columns else zero
        for name in ("discount_amount", "coupon_amount")
    }
    return known.mutate(**absent, **money)


def _totals(orders: ibis.Table, period: Period) -> ibis.Table:
    middle = ibis.timestamp((period.start + (period.end - period.start) / 2).isoformat())
    late = orders.ordered_at >= middle
    zero = ibis.literal(0).cast(_ZERO)
    bought = orders.purchase
    count = bought.cast("int64").sum()
    share = {
        "weekend_share": orders.ordered_weekday >= 6,
        "morning_share": orders.hour < AFTERNOON,
        "evening_share": orders.hour >= EVENING,
        "coupon_orders_share": orders.couponed,
    }
    sums = orders.group_by("customer_id").agg(
        purchases=count,
        lines_per_order=orders.lines.sum(where=bought).cast("float64") / count.nullif(0),
        **{
            name: (bought & flag).cast("int64").sum().cast("float64") / count.nullif(0)
            for name, flag in share.items()
        },
        returned_amount=orders.returned.sum().cast("float64"),
        bought_amount=(orders.net + orders.returned).sum().cast("float64"),
        private_amount=orders.private.sum().cast("float64"),
        branded_amount=orders.branded.sum().cast("float64"),
        net_before=late.ifelse(zero, orders.net).sum().cast("float64"),
        net_after=late.ifelse(orders.net, zero).sum().cast("float64"),
        priced_lines=orders.priced.sum().cast("int64"),
        discounted_lines=orders.discounted.sum().cast("int64"),
        lines_squared=(orders.priced * orders.priced).sum().cast("int64"),
        discounted_squared=(orders.discounted * orders.discounted).sum().cast("int64"),
        crossed=(orders.priced * orders.discounted).sum().cast("int64"),
    )
    return _with_rates(sums)


def _with_rates(sums: ibis.Table) -> ibis.Table:
    both = sums.net_before + sums.net_after
    return sums.mutate(
        returns_rate=_ratio(sums.returned_amount, sums.bought_amount),
        private_label_share=_ratio(sums.private_amount, sums.branded_amount),
        spend_trend=_ratio(sums.net_after - sums.net_before, both),
    ).drop("purchases", "bought_amount", "private_amount", "branded_amount")


def _ratio(numerator: ibis.Value, denominator: ibis.Value) -> ibis.Value:
    return (denominator > 0).ifelse(numerator / denominator, ibis.null("float64"))


def _favourite(
    orders: ibis.Table, column: str, name: str, share: str, distinct: str | None
) -> ibis.Table:
    """Return each customer's most frequent value of ``column``; the first in order if tied."""
    bought = orders.filter(orders.purchase, orders[column].notnull())
    counts = bought.group_by("customer_id", column).agg(n=bought.count())
    by_customer = ibis.window(group_by=counts.customer_id)
    ranked = counts.mutate(
        place=ibis.row_number().over(
            ibis.window(
                group_by=counts.customer_id, order_by=[counts.n.desc(), counts[column].asc()]
            )
        ),
        total=counts.n.sum().over(by_customer),
        values=counts.count().over(by_customer),
    )
    kept = {"customer_id": ranked.customer_id, name: ranked[column]}
    kept[share] = ranked.n.cast("float64") / ranked.total
    if distinct:
        kept[distinct] = ranked["values"].cast("float64")
    return ranked.filter(ranked.place == 0).select(**kept)


def first_seen(tables: Tables, period: Period) -> ibis.Table:
    """Return customer_id and first_seen_on: the first purchase known, or joining before that."""
    lines = tables.order_lines
    end = ibis.timestamp(period.end.isoformat())
    before = lines.filter(lines.customer_id.notnull(), lines.ordered_at < end)
    seen = before.group_by("customer_id").agg(first_seen_on=before.ordered_at.min().date())
    if not tables.has("customers", "joined_on"):
        return seen
    people = tables.customers.select("customer_id", "joined_on")
    both = seen.left_join(people, "customer_id").drop("customer_id_right")
    joined = ibis.coalesce(both.joined_on, both.first_seen_on)
    earlier = (joined < both.first_seen_on).ifelse(joined, both.first_seen_on)
    return both.select("customer_id", first_seen_on=earlier)


def _with_tenure(result: ibis.Table, period: Period) -> ibis.Table:
    end = ibis.date(period.end.isoformat())
    return result.mutate(tenure_days=end.delta(result.first_seen_on, unit="day"))

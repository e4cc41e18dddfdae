"""Formats of the columns of the tables of channels."""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def oddities() -> Columns:
    """Return the columns of ``Contacts.oddities``."""
    return {
        "what": formats.text("What was odd"),
        "rule": formats.text("Rule"),
        "messages": formats.integer("Messages"),
    }


def response(group: str, interval: str, measures: list[str]) -> Columns:
    """Return the columns of ``text.wide_rates``; orders only where nothing else is known."""
    chosen = {"group": formats.text(group), "sent": formats.integer("Sent")}
    labels = {
        "delivered": "Delivered", "bounced": "Bounced", "opened": "Opened", "clicked": "Clicked",
        "bought": "Ordered after", "bought_before": "Ordered before",
        "unsubscribed": "Unsubscribed", "complained": "Complained",
    }  # fmt: skip
    answers = [name for name in measures if not name.startswith("bought")]
    for name in answers or measures:
        fine = name in ("unsubscribed", "complained", "clicked")
        chosen[name] = formats.percent(2 if fine else 1, labels[name])
        if name in ("clicked", "bought", "unsubscribed"):
            ends = formats.interval(f"{name}_high", 2 if fine else 1, interval)
            chosen[f"{name}_low"] = ends
    return chosen


def opens(interval: str) -> Columns:
    """Return the columns of ``ContactRates.opens``."""
    return {
        "channel": formats.text("Channel"),
        "delivered": formats.integer("Delivered"),
        "opened": formats.integer("Opened"),
        "by_machine": formats.integer("Machine opens"),
        "of_unknown_make": formats.integer("Machine or person"),
        "real": formats.percent(1, "Opened by persons"),
        "real_low": formats.interval("real_high", 1, interval),
        "basis": formats.text("Basis"),
    }


def ranking(interval: str) -> Columns:
    """Return the columns of ``HoldoutLift.ranking``."""
    return {
        "name": formats.text("Promotion"),
        "channel": formats.text("Channel"),
        "treated": formats.integer("Customers"),
        "margin": formats.money(2, "Before cost", signed=True),
        "cost": formats.money(2, "Message"),
        "net": formats.money(2, "After cost", signed=True),
        "net_low": formats.interval("net_high", 2, f"{interval}, all at once", unit="EUR"),
        "before_cost": formats.integer("Rank before"),
        "after_cost": formats.integer("Rank after"),
    }


def arms(interval: str) -> Columns:
    """Return the columns of ``HoldoutLift.arms``."""
    return {
        "label": formats.text("Promotion and arm"),
        "treated": formats.integer("Treated"),
        "control": formats.integer("Held out"),
        "orders": formats.number(3, "Extra orders each", signed=True),
        "orders_low": formats.interval("orders_high", 3, interval, unit=""),
        "net": formats.money(2, "Margin on offer, after messages", signed=True),
        "net_low": formats.interval("net_high", 2, interval, unit="EUR"),
    }


def costs_per_order(interval: str) -> Columns:
    """Return the columns of ``HoldoutLift.arms`` on the cost of an extra order."""
    return {
        "label": formats.text("Promotion and arm"),
        "channel": formats.text("Channel"),
        "cost_per_order": formats.money(2, "Messages per extra order"),
        "cost_per_order_low": formats.interval("cost_per_order_high", 2, interval, unit="EUR"),
    }


def attribution(models: dict[str, str], holdout: bool, *, cost: bool = True) -> Columns:
    """Return the columns of ``text.credit_table``."""
    chosen = {"channel": formats.text("Channel")}
    chosen |= {key: formats.integer(label) for key, label in models.items()}
    if holdout:
        chosen["holdout"] = formats.integer("Holdout")
        chosen["holdout_low"] = formats.interval("holdout_high", 0, "95 % interval", unit="")
        return chosen
    if not cost:
        return chosen
    return chosen | {
        "cost": formats.money(0, "Messages cost"),
        "each": formats.money(2, "Per credited order"),
    }


def removal(interval: str) -> Columns:
    """Return the columns of ``Attribution.removal``."""
    return {
        "channel": formats.text("Channel"),
        "effect": formats.percent(1, "Lost without it"),
        "low": formats.interval("high", 1, interval),
    }


def slopes(interval: str) -> Columns:
    """Return the columns of ``text.slope_table``."""
    return {
        "what": formats.text("A message more in the days before"),
        "effect": formats.number(4, "Change", signed=True),
        "low": formats.interval("high", 4, interval, unit=""),
        "messages": formats.integer("Messages"),
    }


def doses(interval: str) -> Columns:
    """Return the columns of ``DoseCurve.doses``."""
    return {
        "variant": formats.text("Frequency assigned"),
        "customers": formats.integer("Customers"),
        "messages": formats.number(1, "Messages in 28 days"),
        "orders": formats.number(2, "Orders"),
        "net_gain": formats.money(2, "Gain on the lowest, after cost", signed=True),
        "net_low": formats.interval("net_high", 2, interval, unit="EUR"),
        "left": formats.percent(1, "Opted out"),
        "left_low": formats.interval("left_high", 1, interval),
    }


def classes() -> Columns:
    """Return the columns of ``DoseCurve.classes``."""
    return {
        "class": formats.text("Class"),
        "customers": formats.integer("Customers"),
        "share": formats.percent(1, "Share"),
    }


def preferred() -> Columns:
    """Return the columns of ``Preferences.channels``."""
    return {
        "channel": formats.text("Channel"),
        "customers": formats.integer("Customers written to"),
        "share": formats.percent(2, "Response"),
        "strength": formats.number(0, "Messages until the own rate weighs as much"),
        "chosen": formats.integer("Best for"),
    }


def hours(interval: str) -> Columns:
    """Return the columns of ``Preferences.hours``."""
    return {
        "hour": formats.integer("From hour"),
        "contacts": formats.integer("Messages"),
        "share": formats.percent(2, "Response"),
        "low": formats.interval("high", 2, interval),
    }


def combinations(interval: str) -> Columns:
    """Return the columns of ``Overlap.combinations``."""
    return {
        "channels": formats.text("Reached by"),
        "customers": formats.integer("Customers"),
        "share": formats.percent(1, "Share"),
        "messages": formats.number(1, "Messages each"),
        "bought": formats.percent(1, "Ordered after"),
        "low": formats.interval("high", 1, interval),
    }


def orders(interval: str) -> Columns:
    """Return the columns of ``Overlap.orders``."""
    return {
        "first": formats.text("First"),
        "second": formats.text("Then"),
        "pairs": formats.integer("Pairs"),
        "bought": formats.percent(1, "Ordered after"),
        "low": formats.interval("high", 1, interval),
        "before": formats.percent(1, "Ordered before"),
    }


def consents(interval: str) -> Columns:
    """Return the columns of ``Consents.table``."""
    return {
        "channel": formats.text("Channel"),
        "held": formats.integer("Consent today"),
        "withdrawn": formats.integer("Withdrawn in the period"),
        "lagging": formats.integer("Register still says yes"),
        "messages": formats.integer("Messages"),
        "without": formats.integer("Without consent"),
        "share": formats.percent(2, "Share"),
        "low": formats.interval("high", 2, interval),
    }


def mix(interval: str) -> Columns:
    """Return the columns of ``BuyingChannels.mix``."""
    return {
        "channel": formats.text("Channel"),
        "customers": formats.integer("Customers"),
        "orders": formats.integer("Orders"),
        "net": formats.money(0, "Net sales"),
        "margin": formats.money(0, "Margin"),
        "share": formats.percent(1, "Share of orders"),
        "low": formats.interval("high", 1, interval),
        "change": formats.points(1, "Against the period before"),
    }


def migration(interval: str) -> Columns:
    """Return the columns of ``BuyingChannels.migration``."""
    return {
        "channel": formats.text("Mostly through"),
        "next": formats.text("Next period"),
        "customers": formats.integer("Customers"),
        "share": formats.percent(1, "Share"),
        "low": formats.interval("high", 1, interval),
    }


def omnichannel() -> Columns:
    """Return the columns of ``BuyingChannels.value``."""
    return {
        "channels": formats.integer("Channels used"),
        "customers": formats.integer("Customers"),
        "orders": formats.number(1, "Orders each"),
        "margin": formats.money(2, "Margin each"),
    }


def acquisition(interval: str) -> Columns:
    """Return the columns of ``text.acquisition_table``."""
    return {
        "channel": formats.text("Won through"),
        "customers": formats.integer("New customers"),
        "media": formats.money(0, "Media"),
        "cost": formats.money(2, "Per new customer"),
        "low": formats.interval("high", 2, interval, unit="EUR"),
        "basis": formats.text("Basis"),
        "months": formats.integer("Paid back in month"),
        "shown": formats.integer("Significantly in month"),
    }


def intervals() -> Columns:
    """Return the columns of ``event_table.interval_between``."""
    return {
        "start": formats.text("From"),
        "then": formats.text("To the next"),
        "events": formats.integer("Events"),
        "followed": formats.integer("Followed by one"),
        "days_25": formats.number(1, "A quarter within, days"),
        "days_50": formats.number(1, "Half"),
        "days_90": formats.number(1, "Nine tenths"),
    }


def returns(interval: str) -> Columns:
    """Return the columns of ``event_table.returned_between``."""
    return {
        "start": formats.text("After the first"),
        "then": formats.text("Does"),
        "first_day": formats.integer("From day"),
        "last_day": formats.integer("To day"),
        "customers": formats.integer("Customers"),
        "share": formats.percent(1, "Share"),
        "low": formats.interval("high", 1, interval),
    }

"""Columns of the tables of channels."""

from __future__ import annotations

from analysis.engagement.channels.attribution import MODELS
from analysis.reporting.notebook.formats import Columns, Format

#: `Contacts.oddities`
oddities = Columns("what: What was odd | rule | messages")

_RESPONSE = Columns("""
    group: {group} | sent 0 | delivered 0.0 % | bounced 0.0 % | opened 0.0 % | clicked 0.00 % ±
    unsubscribed 0.00 % ± | complained 0.00 % | bought 0.0 % ±: Ordered after
    bought_before 0.0 %: Ordered before
""")


def response(group: str, interval: str, measures: list[str]) -> dict[str, Format]:
    """Return the columns of ``text.wide_rates``; orders only where nothing else is known."""
    answers = [name for name in measures if not name.startswith("bought")] or measures
    shown = ["group", "sent", *answers, *(f"{name}_low" for name in answers)]
    return _RESPONSE(interval, among=shown, group=group)


#: `ContactRates.opens`
opens = Columns("""
    channel | delivered 0 | opened 0 | by_machine 0: Machine opens
    of_unknown_make 0: Machine or person | real 0.0 % ±: Opened by persons | basis
""")

#: `HoldoutLift.ranking`
ranking = Columns("""
    name: Promotion | channel | treated 0: Customers | margin +$ 0.00: Before cost
    cost $ 0.00: Message | net +$ 0.00: After cost
    net_low..net_high 0.00: {interval}, all at once | before_cost 0: Rank before
    after_cost 0: Rank after
""")

#: `HoldoutLift.arms`
arms = Columns("""
    label: Promotion and arm | treated 0 | control 0: Held out
    orders +0.000 ±: Extra orders each | net +$ 0.00 ±: Margin on offer, after messages
""")

#: `HoldoutLift.arms` on the cost of an extra order.
costs_per_order = Columns("""
    label: Promotion and arm | channel | cost_per_order $ 0.00 ±: Messages per extra order
""")

_CREDITS = " | ".join(f"{model} 0: {label}" for model, label in MODELS.items())

#: `text_response.credit_table`
credited = Columns(f"""
    channel | {_CREDITS} | cost $ 0: Messages cost | each $ 0.00: Per credited order
""")

#: `text_response.tested_table`
tested = Columns(f"channel | {_CREDITS} | holdout 0 ±")

#: `Attribution.removal`
removal = Columns("channel | effect 0.0 % ± low: Lost without it")

#: `text.slope_table`
slopes = Columns("""
    what: A message more in the days before | effect +0.0000 ± low: Change | messages
""")

#: `text.slope_table` of every segment.
segment_slopes = Columns("""
    segment | what: A message more in the days before | effect +0.0000 ± low: Change | messages
""")

#: `DoseCurve.doses`
doses = Columns("""
    variant: Frequency assigned | customers | messages 0.0: Messages in 28 days | orders 0.00
    net_gain +$ 0.00 ± net_low: Gain on the lowest, after cost | left 0.0 % ±: Opted out
""")

#: `DoseCurve.classes`
classes = Columns("class | customers | share")

#: `Preferences.channels`
preferred = Columns("""
    channel | customers: Customers written to | share 0.00 %: Response
    strength 0: Messages until the own rate weighs as much | chosen 0: Best for
""")

#: `Preferences.hours`
hours = Columns("hour 0: From hour | contacts 0: Messages | share 0.00 % ± low: Response")

#: `Overlap.combinations`
combinations = Columns("""
    channels: Reached by | customers | share | messages 0.0: Messages each
    bought 0.0 % ± low: Ordered after
""")

#: `Overlap.orders`
orders = Columns("""
    first | second: Then | pairs 0 | bought 0.0 % ± low: Ordered after
    before 0.0 %: Ordered before
""")

#: `Consents.table`
consents = Columns("""
    channel | held 0: Consent today | withdrawn 0: Withdrawn in the period
    lagging 0: Register still says yes | messages | without 0: Without consent
    share 0.00 % ± low
""")

#: `BuyingChannels.mix`
mix = Columns("""
    channel | customers | orders | net $ 0: Net sales | margin $ 0 | share ± low: Share of orders
    change +0.0 points: Against the period before
""")

#: `BuyingChannels.migration`
migration = Columns("channel: Mostly through | next: Next period | customers | share ± low")

#: `BuyingChannels.value`
omnichannel = Columns("""
    channels 0: Channels used | customers | orders 0.0: Orders each | margin $ 0.00: Margin each
""")

#: `text.acquisition_table`
acquisition = Columns("""
    channel: Won through | customers: New customers | media $ 0
    cost $ 0.00 ± low: Per new customer | basis | months 0: Paid back in month
    shown 0: Significantly in month
""")

#: `contact_events.interval_between`
intervals = Columns("""
    start: From | then: To the next | events 0 | followed 0: Followed by one
    days_25 0.0: A quarter within, days | days_50 0.0: Half | days_90 0.0: Nine tenths
""")

#: `contact_events.returned_between`
returns = Columns("""
    start: After the first | then: Does | first_day 0: From day | last_day 0: To day | customers
    share ± low
""")

"""Columns of the tables of target lists."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `Eligible.waterfall`
waterfall = Columns("""
    says: Rule, in this order | before 0: Customers | stopped 0 | left 0 | alone 0: By itself
""")

#: `PastResponses.cells`
responses = Columns("""
    name: Promotion | arm | channel | depth 0 %: Discount | state: Customers | n 0: Contacted
    effect $ 0.00: Measured | shrunk $ 0.00: Used | low..high 0.00: {interval} of it
""")

#: `Offers.counts`
offer_rules = Columns("rule | customers")

#: `Channels.table`
channels = Columns("""
    channel | cost $ 0.00: A message costs | customers: May be reached
    own_history 0: Of them with messages before | response 0.0 %: Answered, of all sent
""")

#: `text.by_reason`
rulings = Columns("""
    ruling | reason: Why | customers | expected_margin $ 0: Expected margin, net | cost $ 0
""")

#: `text.bounds`
limits = Columns("limit | most: At most | used | price $ 0.00: One more would bring")

#: `text.by_offer`
mix = Columns("""
    channel | depth 0 %: Discount | basis | customers | expected_margin $ 0.00: Expected each, net
    cost $ 0.00: Cost each
""")

#: `text.balanced`
balance = Columns("""
    measure: Mean of | target $ 0.00: Targets | holdout $ 0.00
    difference +0.00: Apart, standard deviations
""")

#: `cost_curve.what_if`
scenarios = Columns("""
    scenario | budget $ 0 | deepest 0 %: Deepest discount | holdout 0 %: Held out
    contacts 0: Contacted | spend $ 0: Spent | gain $ 0 ± low: Expected margin, net
    smallest $ 0.00: Would show, per customer
""")

#: `PastLists.table`
past = Columns("""
    name: List | starts_on: Sent from | customers | held_out 0 | sent 0 | promised $ 0.00
    measured $ 0.00 | low..high 0.00: {interval} of it | kept ✓ | reason: Not measured because
""")

#: `PastLists.responses`
list_responses = Columns("""
    by | group | lists 0 | n 0: Targets | promised $ 0.00 | measured $ 0.00
    low..high 0.00: {interval} of it
""")

#: `CareList.table`
care = Columns("""
    list: Occasion or flow | kind | due 0 | contact 0: Message | held_out 0 | left_alone 0
    why: Mostly because
""")

#: `ValueByRule.table`
value_by_rule = Columns("""
    rule: Customers | customers: Number | value $ 0: Expected margin, {months} months | share
""")

"""Columns of the tables of baskets and sequences."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: Pairs that hold.
pairs = Columns("""
    brief: Who buys – also buys | same_category ✓: One category | gain $ 0: Extra margin | orders
    lift | second_lift 0.0: 2nd half | or_least 0.0 ±: Odds ratio
""")

#: Pairs that are not to be believed.
doubts = Columns("""
    brief: Who buys – also buys | lift | second_lift 0.0: 2nd half | or_least 0.00: Odds ratio
    why: Explained by
""")

#: Sets of three against their pairs.
threes = Columns("""
    label: In one order | orders | expected 0 | second_ratio 0.00 ± second_low: Ratio | holds
""")

#: Rules to one target.
leading = Columns("""
    a: Who buys | orders | confidence 0.0 % | lift | lift_low..lift_high 0.0: Interval of lift
""")

#: `Substitutes.table`
substitutes = Columns("""
    brief: This – or that | both 0: Together | expected_size 0: Expected by basket size
    buyers 0: Buyers of both | buyer_lift 0.0
""")

#: `bundles.bundles`
bundles = Columns("""
    brief: Bundle | orders | margin $ 0.00 | margin_left $ 0.00: at {discount} off
    break_even 0 %: Break-even
""")

#: `bundles.cross_sell`
cross_sell = Columns("""
    a_name: Buyers of | b_name: Not yet of | segment | open 0: Customers | reach 0 %: Penetration
""")

#: `Following.table`
follow_ups = Columns("""
    label: First, then | matched 0: Buyers
    difference +0.0 points ± | write_on 0: Contact on day
""")

#: Sequences against permuted visits.
sequences = Columns("label: Sequence | customers: Buyers | expected 0: Random order | ratio | q")

#: `Replenishment.items`
rhythms = Columns("""
    name: Item | customers: Buyers | median_days 0 | quarter_days..three_quarter_days 0: Quartiles
    due_soon 0: Due within a week
""")

#: `Evaluation.table`
recommenders = Columns("""
    recommender | chosen ✓ | recall 0.0 % ± | ndcg 0.000: NDCG | coverage 0 %
    novelty 0.0: Novelty, bits
""")

#: Recommendations.
recommendations = Columns("customer_id | place 0 | item_name: Product | why")

#: `brand_switching.at_risk`
offers = Columns("""
    offered_name: On offer | other_name: The other | gained 0: Orders gained
    lost 0 ±: Lost by the other | q
""")

#: `FirstBaskets.table`
first_orders = Columns("""
    name: In the first order | customers: Buyers | difference +$ 0.00 ± low | q
""")

#: Shelf groups, a row a group.
shelves = Columns("members: Bought together | orders | odds 0.0: Odds ratio")

"""Columns of the tables of segmentation."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `group_summary.worth`: who is in a segment and what it brings.
worth = Columns("""
    group: {label} | customers | share | net_share ± | margin_share
    net_per_customer $ 0: Sales each | orders_per_customer 0.0: Orders each | basket_value
    discount_share | recency_days 0: Last seen, days (median)
""")

#: `rfm.sizes`
sizes = Columns("""
    score | group 0 | customers | share | smallest 0: From | largest 0: To | tied 0: In a tie
""")

#: `group_summary.what_next`: what a segment did afterwards.
what_next = Columns("""
    group: {label} | customers | bought 0.0 % ±: Bought again | net_before $ 0: Before, in 30 days
    net_after $ 0: After, in 30 days | change +0 % ± | discount_before 0.0 %
    discount_after 0.0 %: After
""")

#: `rfm_migration.movement`
movement = Columns("""
    label: Score | customers | stayed 0.0 %: Same in both halves
    noise 0.0 %: If nobody had changed | noise_low..noise_high 0.0 %: 95 % of permutations
    chance 0.0 %: By chance | moved +0.0 points: Beyond noise
""")

#: `tiers.treatment_bounds`; what is expected, where a forecast says it.
tiers = Columns("""
    group: Tier | customers | expected_share 0.0 %: Of expected margin
    expected_per_customer $ 0: Expected per customer and year | margin_share
    margin_per_customer $ 0 ±: Past margin per customer | bound $ 0.00: May cost per year (assumed)
""")

#: `discount_response.react`
reaction = Columns(
    "group: Kind | lines 0 | categories 0 | reaction +0.0 % ± low: Ten points deeper"
)

#: `discount_response.stock_up`
stocked = Columns("""
    group: Kind | lines 0: Discounted lines | further 0.00: Further units a line
    more +0 % ± low: Ten points deeper
""")

#: `segment_profiles.assemble`
segments = Columns("""
    customer_id | rfm: RFM | tier | buyer | rhythm | life_stage | cluster | region | main_store
    net_amount
""")

#: `win_back.brought_back`
win_back = Columns("""
    stage | contacted 0 | returned_contacted 0.0 %: Came back | not_contacted 0
    returned_not 0.0 %: Came back | difference +0.0 points ± low
""")

#: `win_back.drawn_by_lot`
tested = Columns("""
    promotion | arm | customers | returned 0.0 %: Came back | control 0
    returned_control 0.0 %: Came back | difference +0.0 points ± low: Effect
""")

#: `discount_response.compare`
paused = Columns("""
    group: Kind | customers | usual 0.000: Orders a week, usual | paused 0.000: Without discounts
    stayed 0 % ± low: Of usual
""")

#: `Clusters.criteria`
criteria = Columns("""
    clusters 0 | silhouette 0.00 | cloud_high 0.00: Limit without clusters
    stability_least 0.00: Least stable | stability_mean 0.00: Mean stability
    mixture_agreement 0.00: Agrees with mixture | bic 0: BIC of mixture | holds
""")

#: `Reading.rules`
rules = Columns("cluster 0 | rule | customers | purity 0 %: Right")

#: `segment_profiles.side_by_side`
side_by_side = Columns("""
    part | item: What | one_index 0: {one} | one_low..one_high 0: Interval
    other_index 0: {other} | other_low..other_high 0: Interval
""")

#: `areas.by_area`
areas = Columns("""
    area: {label} | customers | penetration 0.0 %: Of customers | net_share
    mean $ 0: Sales per customer, raw | shrunk $ 0 ± low
""")

#: `areas.preferences`
preferences = Columns("""
    area: {label} | department | customers | everywhere 0.00 %: Share everywhere | index 0 ± low
""")

"""Columns of the tables of the profiling report."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `RevenueTree.factors`, labelled.
tree = Columns("""
    label: Factor | before # | now # | growth +0.0 %: Change | contribution +$ 0 ± low
""")

#: `sales_bridge.customer_bridge`
bridge = Columns("""
    group: Who | customers: Customers (guests: orders) | net_now $ 0 | change +$ 0 ± low
    by_chance +$ 0: By variation
""")

#: `Movers.table`, marked, of departments or stores.
groups = Columns("""
    group: {label} | net_now $ 0: Net sales | share_now 0.0 %: Share | change +$ 0
    growth +0.0 % ± | share_change +0.00 points: Of share | sure ✓: Significant
""")

#: `contribution.top_movers`, products named.
movers = Columns("""
    short: Product | group: Number | change +$ 0 | change_low..change_high 0: Interval
    growth +0 % | share_change +0.00 points: Of share
""")

#: `trading_pattern.weekdays`
weekdays = Columns("""
    name: Day | days 0 | orders: Orders a day | net_amount ± low: Net a day | index 0
""")

#: `profile.known_against_unknown`
known = Columns("""
    group: Attributes | customers | share: Of customers | net_share: Of net sales
    net_per_customer $ 0: Net each | ratio ± low
""")

#: `Portrait.attributes`, labelled.
attributes = Columns("""
    label: Attribute | known 0: Customers | coverage 0 %: Known of | levels 0: Groups | withheld 0
    explained 0.0 %: Explains | q
""")

#: `profile.side_by_side`, labelled.
indices = Columns("""
    label: Group | customers | net_per_customer 0: Net | orders_per_customer 0: Orders
    net_per_order 0: Basket | discount_share 0 | departments 0: Breadth
""")

#: `Drift.dimensions`
drift = Columns("""
    dimension: Mix by | values 0 | moved 0.0 % | by_chance 0.0 % | limit 0.0 %: Chance reaches
    jensen_shannon 0.000: Jensen-Shannon | psi 0.000: Stability index | sure ✓: Significant
""")

#: Examples of `extremes.extremes`.
outliers = Columns("""
    measure: What | department | order_id: Order | product_id: Product | value 0.00
    net_amount $ 0.00 | score +0.0: Deviations
""")

#: `store_days.store_gaps`
store_days = Columns("""
    store_id: Store | first_day day | last_day day | expected_orders 0: Orders expected
    expected_net $ 0: Net expected | q
""")

#: `return_rates.return_rates`, products named.
returns = Columns("""
    short: Product | department | sold 0: Orders | rate 0.0 % ± low: Returned
    usual 0.0 %: Usual there | q | faulty ✓: Significant
""")

"""Columns of the tables of deciles, Pareto and fading."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `Deciles.table`: who is in a group and what the group brings.
deciles = Columns("""
    decile 0: {part} | customers | net_amount | share ± | margin_share
    orders_per_customer 0.0: Orders each | basket_value | discount_share
""")

#: `Deciles.table` on growth.
growth = Columns("""
    decile 0: {part} | before $ 0: First half | now $ 0: Second half | growth +0.0 % ±
    contribution +0.00 points ±: Added | stands_out ✓: Significant
""")

#: `Deciles.table` where margin ranks.
margin_deciles = Columns("""
    decile 0: {part} by margin | customers | margin_amount $ 0: Margin | share ± | net_share
""")

#: `Agreement.customers`
disagreement = Columns("""
    customer_id | net_amount | margin_amount $ 0: Margin | margin_rate 0.0 %
    net_decile 0: {part} by sales | margin_decile 0: {part} by margin
""")

#: `concentration.purchase_deciles`
purchase_deciles = Columns("""
    part 0: {part} of sales | customers | customers_share 0.0 % ± share_low: Of all
    cumulative_customers 0: Up to here | cumulative_share 0.0 % ± cumulative_low: Of all
""")

#: `concentration.losses`
losses = Columns("""
    customers: Customers lost | customers_share 0.00 %: Of all | net_amount
    margin_amount $ 0: Margin | share ±: Of sales
""")

#: `concentration.value_groups`, with the groups named.
value_groups = Columns("""
    name: Group | customers | net_share | margin_share | margin_per_customer $ 0: Margin each
    discount_share | fading 0: Declining | loss $ 0: Margin fell by
""")

#: `ContactPlan.customers`
contacts = Columns("""
    customer_id | before $ 0: First half | now $ 0: Second half | at_risk | brings_back $ 0
    gain $ 0 | break_even 0.0 %: Pays from
""")


def part(groups: int) -> str:
    """Return what a part of so many groups is called."""
    return "Tenth" if groups == 10 else "Part"

"""Columns of the tables of visits."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `Clickstream.robots`
bots = Columns("""
    rule: Who | visitors 0 | sessions | views 0 | view_share 0.0 %: Of all views
    ordered 0: Sessions with an order
""")

#: `sessionisation.rule_sensitivity`
rules = Columns("""
    rule: A new session begins after | used ✓ | sessions | change +0.0 %: Against the rule used
    views_a_session 0.00 | bounce 0.0 %: One page
""")

#: `session_summary.bounce_definitions`
bounce = Columns("""
    tool: As in | definition: A session bounces that has | sessions
    bounce 0.0 % ± low: Bounce rate
""")

#: `session_summary.page_attention`
pages = Columns("""
    page | views 0 | view_share 0.0 %: Of all views | entries 0: Entered by | exits 0: Left from
    exit_rate 0.0 %: Left at a view | timed 0: Times known | median_seconds 0
""")

#: `WebOverview.sources`
sources = Columns("""
    source | medium | sessions | bounce 0.0 % ±: One page | conversion 0.0 % ±: With an order
""")

#: `PurchaseFunnel.steps`
funnel = Columns("""
    step | share: Of all | kept 0.0 % ±: Of the step before | sessions: Sessions, in order
    lost 0: Lost before it | loose 0: In any order | seen 0: Step alone
""")

#: `text.orders_by_group`
groups = Columns("""
    grouping: By | group | share ± low: Order, of all | visits 0: Sessions
    basket 0.0 %: Product to basket | checkout 0.0 %: To checkout | kept 0.0 %: To order
""")

#: `PurchaseFunnel.windows`
windows = Columns("""
    days 0: Within days | visitors 0 | basket 0.0 %: Product to basket
    order 0.0 % ±: Product to order
""")

#: `PagePaths.moves`
moves = Columns("""
    page: From | next_page: To | moves 0: Times | share: Of what follows
    share_of_moves 0.0 % ± low: Of moves to a page
""")

#: `PagePaths.signs`
signs = Columns("""
    sign: Before the basket | buyers 0.0 %: With an order | others 0.0 %: Without
    difference +0.0 points ± low: Difference at as many pages | q: False discovery rate
""")

#: `PageFaults.pages`
faults = Columns("""
    page | views 0 | median_ms 0 | p95_ms 0: 95th percentile ms | slow 0.0 % | failing 0.0 %
""")

#: `PageFaults.costs`
costs = Columns("""
    page | fault: Was | difference +0.0 points ± low | with_fault 0.0 %: Ordered
    without 0.0 %: Ordered without it | met 0: Sessions | orders: Orders fewer | amount
    q: False discovery rate
""")

#: `SiteSearch.terms`
terms = Columns("""
    term: Searched for | searches 0 | clicked 0.0 % ± low: Product seen next
    refined 0.0 %: Searched again | left 0.0 % | without_click 0: Without a product
""")

#: `AbandonedBaskets.returns`
returns = Columns("""
    days 0: Within days | baskets 0: Baskets left | bought 0.0 % ± low: Ordered after all
""")

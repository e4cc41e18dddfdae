"""Columns of the tables of loyalty."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `Reconciliation.flows`
flows = Columns("flow: Points | entries 0: Movements | customers | points 0")

#: `Reconciliation.rules`
rules = Columns("""
    what: Rule broken | entries 0: Movements | customers | points 0
    counts ✓: Stands against the liability
""")

#: `Liability.vintages`
vintages = Columns("""
    begins_on day: Month from | earned 0 | redeemed 0 | expired 0 | to_expire 0 | owed 0
    owed_cost $ 0: Cost | breakage 0.0 % ± low | ripe ✓: Come due
""")

#: `text.economics_table`
economics = Columns("what: In the period | amount")

#: `Standing.tiers`
tiers = Columns("""
    tier | customers | buyers 0: Bought | net $ 0: Net sales | share
    net_per_customer $ 0: Per customer | margin $ 0
""")

#: `Standing.moves`
moves = Columns("before: From | after: To | customers | share ± low")

#: `Thresholds.bunching`
bunching = Columns("""
    tier | threshold 0: Points needed | customers: Customers near | above 0: Too many above
    above_error 0: ± (1 s.e.) | missing 0: Missing below | missing_error 0: ± (1 s.e.)
    share 0 %: Of those above
""")

#: `Thresholds.density`
density = Columns("""
    tier | jump +0.00: Jump of log density | error 0.00: s.e. | p | below 0 | above 0
""")

#: `Thresholds.effects`
effects = Columns("tier | outcome | effect +$ 0.00 ± low: Jump | p | below 0 | above 0 | placebo ✓")

#: `FirstCome.offers`
offers = Columns("""
    name: Offer | limit 0: There were | claims 0: Who came | late 0: Too late
    minutes 0: Gone after, minutes | jump +0.00: Jump of log rate | p
    difference +$ 0.00: Served less late, all
""")

#: `FirstCome.effects` of the offers.
offer_effects = Columns("""
    name: Offer | effect +$ 0.00 ± low: Served less late | above 0: Served near
    below 0: Late near | p | q
""")

#: `FirstCome.effects` of their placebo checks.
offer_placebos = Columns("""
    name: Offer | outcome: Placebo check | effect +$ 0.00 ± low: Served less late
    above 0: Served near | below 0: Late near | p
""")

#: `BySegment.shares`
segment_shares = Columns("""
    measure: Customers who | segment | customers: Of | share ± low
    difference +0.0 points: Against all others | q
""")

#: `BySegment.points`
segment_points = Columns("""
    segment | members 0: With points | earned 0: Earned each | redeemed 0: Redeemed each
    open 0: Open each
""")

#: `membership.club_life`
strands = Columns("""
    strand: Take part in | customers | plain +$ 0.00: More than all others
    matched 0: With like others | difference +$ 0.00 ± low: More than like others
""")

#: `Invitation.arms`
invitations = Columns("""
    promotion_id: Invitation | invited 0 | others 0: Not invited
    uptake +0.0 points ±: More took part | effect +$ 0.00 ± low: Sales each
""")

#: `Referrals.quality`
quality = Columns("""
    measure: In the first days | customers: Referred | group_mean 0.00: Mean, referred
    like_mean 0.00: Mean, like others | ratio ±
""")

#: `strategy_scores.scores`
scores = Columns(
    "score: Customers who | value 0.0 % ± low: Share | customers: Of | reason: Why not"
)

#: `strategy_scores.stored_value`
stored = Columns("flow: Money on account | movements 0 | customers | amount")

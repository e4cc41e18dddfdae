"""Columns of the tables of report 06: comparisons, campaigns, placements, returns, the league."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `outcomes.overview`
overview = Columns("""
    name: Promotion | mechanic | starts_on | ends_on day: To | customers: Customers assigned
    arms 0 | randomised ✓
""")

#: `text.marks`
checks = Columns("""
    name: Promotion | Sizes of the arms: Sample ratio | Alike before: Balance
    Assigned before the start | Arms kept apart: No contamination | sees 0 %: Detectable change
""")

#: `estimates.estimate` for one promotion.
measures = Columns("""
    label: Measure | control 0.00 | value 0.00: Treated | difference +0.00 ± low
    lift +0 %: Relative | p_corrected p: p
""")

#: `bandit.view`
bayes = Columns("""
    label: Promotion | mean +0.00 ± low: Posterior mean
    better 0.0 %: Probability of benefit, before costs | loss_using 0.00: Expected loss if used
    loss_not_using 0.00: if not used | verdict: After all costs
""")

#: `robustness.at_quantiles`
quantiles = Columns("""
    quantile 0 %: Quantile of customers | control 0.00 | treated 0.00 | difference +0.00 ± low
""")

#: `text.advised`
advice = Columns("label: Promotion | reason: Why | difference +0.00 ± low")

#: `group_sequential.at_fixed_looks`
looks = Columns("""
    look 0 | day 0 | statistic +0.00: z | once 0.00: Bound of a single look | pocock 0.00
    obrien_fleming 0.00: O'Brien-Fleming | always_valid 0.00
""")

#: `experiment_plan.by_measure`
needed = Columns("""
    label: Measure | mean 0.00: Today | needed 0: Customers needed | explained 0 %: R² of the past
    needed_adjusted 0: Needed, adjusted | smallest 0.0 %: Detectable with all
""")

#: `experiment_plan.by_design`
designs = Columns("""
    design | needed 0: Customers needed | available 0: There are | enough ✓
    smallest 0.0 %: Detectable with all
""")

#: `assignment.balance`
drawn = Columns("""
    arm | customers | before_margin 0.00: Margin before | before_orders 0.00: Orders before
    before_net 0.00: Net sales before | furthest 0.0000: Largest distance from the mean, SD
""")

#: `uplift.judge`
targeting = Columns("""
    learner: Model | qini +0.000 ± | treated 0 %: Would treat
    gain +0.00 ±: Against treating all or nobody | offered ✓: Offered for targeting
""")

#: `bandit.propose`
shares = Columns("""
    arm | mean 0.00: Measured per customer | best 0.0 %: Probability of being best
    share 0 %: Share of the next
""")

#: `Campaigns.table`
campaigns = Columns("""
    name: Campaign | customers: Sent to | naive +$ 0.00: Unadjusted
    estimate +$ 0.00 ± low: Propensity-adjusted | matched +$ 0.00: Matched pairs
    passed ✓: Placebo checks
""")

#: `Campaign.checks`
return_checks = Columns("""
    check: Placebo check | estimate +$ 0.00 ± low: Found per customer | p | passed ✓
""")

#: `Everybody.table`
everybody = Columns("""
    name: Promotion | starts_on | lift +0 % ± low: Sales against control | gain +$ 0: Sales gained
    misfit 0 %: Misfit before
""")

#: `Placements.table`
placements = Columns("""
    term: What | lift +0 % ± low: Units | units 0: Units sold there
    incremental 0 ±: Of these beyond usual | cells 0: Product-store-weeks
""")

#: `Returns.table`
returns = Columns("""
    label: Promotion | spent $ 0 | net +$ 0 ± low: Net return | roi +0.0 ±: Times spent
""")

#: Promotions that were redeemed, against what would pay.
break_even = Columns("""
    label: Promotion | customers | redemption 0.00: Redemptions per customer
    needed: Needed to pay | interval: 95 % interval
""")

#: `goals.against_goals`
goals = Columns("label: Promotion | goal | measure: Measured by | change +0.00 ± low | reached")

#: `league.by_group`
groups = Columns("""
    kind | by | group | promotions 0: Count | lift +0 % ± low: Mean lift
    next_low..next_high 0 %: The next one (prediction)
""")

#: `league.actions`
actions = Columns("label: Promotion | action: Do | why: Because | net +$ 0: Net return")

#: `offer_persistence.stayed_up`
offers = Columns("""
    product | promotion | before 0.0 | after 0.0 | category +0 % | growth +0 % ± low: Gained
""")

#: `text_returns.steps`
funnel = Columns("""
    label: Promotion | chosen 0 | reached 0 % | opened 0 % | clicked 0 % | redeemed 0 %
    bought 0 %: Bought the offer
""")

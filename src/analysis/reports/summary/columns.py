"""Columns of the tables of report 00."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `period_sales.sales_changes`
changes = Columns("""
    period | starts_on | days 0 | net_amount | against | other $ 0: Net sales then | change +0.0 %
    low..high 0.0 %: Usual change | reason: No range because
""")

#: `period_sales.week_drivers`
week_drivers = Columns("""
    factor | before [unit]: Week before | now [unit]: Last week | growth +0.0 %: Change
    contribution +$ 0: Part of the change
""")

#: `brief.priorities`
priorities = Columns("""
    report | number: Figure | sentence: What it says | at_stake $ 0 | weight $ 0: Times evidence
    owner | otherwise: If nothing is done
""")

#: `decisions_log.measured`
measured = Columns("""
    day day: Decided | decision | owner | report | expected [unit]
    value [unit]: Measured | low..high [unit]: Interval | came: What came
""")

#: `strategy_scorecard.scorecard`
scorecard = Columns("""
    aim | what: Measured by | value [unit] | low..high [unit]: Interval | target [unit]
    report | reason: Why not, or no interval
""")

#: `period_sales.like_for_like`
like_for_like = Columns("""
    stores 0: Stores and channels | left_out 0: Left out: opened, closed, few customers
    net_before $ 0: Net sales before | net_now $ 0: Net sales now | growth +0.0 %: Change
    growth_low..growth_high 0.0 %: Interval
""")

#: `decisions_log.planned`
planned = Columns("day day | what | owner | report")

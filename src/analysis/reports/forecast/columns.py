"""Columns of the tables of the forecast report."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `horizon_totals.over_horizon`
totals = Columns("""
    name: Department | recent $ 0: Last {weeks} weeks | mean $ 0 ± low: Next {weeks} weeks
    year_before $ 0: A year before | change +0.0 %
""")

#: `text.moving`
moving = Columns("""
    name: Category | mean $ 0 ± low: Next {weeks} weeks | year_before $ 0: A year before
    change +0 % | remark
""")

#: `accuracy.scoreboard`
scores = Columns("""
    level | label: Forecast | mase 0.00: MASE | rmsse 0.00: RMSSE | bias +0.0 % | gain +0 %: Saved
    gain_low..gain_high 0 %: Interval | verdict
""")

#: `conformal.realised`
coverage = Columns("""
    level | nominal 0 % | realised 0.0 % | low..high 0 %: 95 % interval
    weeks 0: Series-weeks judged
""")

#: `horizon_totals.realised`
sums = Columns("""
    level | nominal 0 % | realised 0.0 % | low..high 0 %: 95 % interval
    horizons 0.0 | verdict
""")

#: `Scored.table`
scored = Columns("""
    level | series 0 | forecast $ 0 | actual $ 0: Happened | bias +0.0 %
    error 0.00: Scaled error | usual 0.00: Usual, at most | covered 0 %: Inside interval
""")

#: `changepoints.outliers` of money.
outliers = Columns("""
    name: Series | period_start day: Week of | value $ 0: Sold | usual $ 0 | ratio 0.0: Times
    holiday
""")

#: `changepoints.outliers` of units.
unit_outliers = Columns("""
    name: Product | period_start day: Week of | value 0: Units | usual 0 | ratio 0.0: Times
    holiday
""")

#: Product shifts, with the change of price.
sudden = Columns("""
    name: Product | earliest day: Not before | latest day: Not after | change +0 % ±
    price_change +0 %: Price
""")

#: `trends.slopes`
slopes = Columns("""
    name: Product | growth +0 %: In {weeks} weeks | growth_low..growth_high 0 %: Interval
    size 0: Units
""")

#: `product_lifecycle.statuses`
lifecycle = Columns("""
    name: Product | status | replaces: In place of | first_sold day: First week
    last_sold day: Last week | size 0: Units
""")

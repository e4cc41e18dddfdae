"""Columns of the tables of value and churn."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `lifetime_value.gates`
gates = Columns("""
    condition: What must hold | value 0: Here | limit | needed 0 | klaviyo 0: Klaviyo asks
    passed ✓: Holds
""")

#: `Scorecard.means`
scores = Columns("""
    model: Forecast | bias 0.0 %: Bias of total | calibration 0.0 %: Calibration error by decile
    better_low..better_high 0.0 points: Less than naive, 95 % | gini 0.000: Ranking (Gini)
    coverage 0 %: 80 % interval holds
""")

#: `text.shown_totals`
totals = Columns("""
    horizon | value $ 0 ± miss_low: Expected margin | model 0.0 %: Model ± | luck 0.0 %: Luck ±
    missed 0.0 %: Past misses ±
""")

#: `valuation.newcomer_value`
newcomer = Columns("""
    months 0 | purchases 0.00: Repeat purchases, by the model | value $ 0.00: Margin, by the model
    low..high 0.00: {interval} of this mean | brought $ 0.00 ±: Margin brought
    followed 0: Newcomers followed so long
""")

#: `forecast_tracking.intervals_held`
intervals_held = Columns("""
    cutoff | group: Customers | customers: Looked at | forecast $ 0.00: Forecast each
    actual $ 0.00: Came | held 0 %: 80 % interval holds | low..high 0 %: 95 % interval of it
    below 0 %: Brought less | above 0 %: Brought more
""")

#: `Estimate.table`
parameters = Columns("parameter | estimate 0.000: Factor | error 0.000 ± low: Standard error")

#: `LifetimeValue.customers`
customers = Columns("""
    customer_id | repeats 0: Repeat purchases | alive 0 %: Active
    order_value $ 0.00: Margin per purchase | value_{months} $ 0: Expected, {months} months
    error_{months} $ 0.00: Model error | low_{months}..high_{months} 0: {interval}, luck
""")

#: `ChurnForecast.labelled`
labelled = Columns("""
    cutoff | customers | labelled 0: Regular | churned 0 | share
    expected 0.0 %: Without any losses
""")

#: `ChurnForecast.scores`
churn_scores = Columns("""
    cutoff | model | auc | auc_low..auc_high 0.00: 95 % interval | pr_auc 0.000: PR AUC
    brier_skill 0.0 % | top_lift 0.0: Lift, top tenth | slope 0.00 | profit $ 0.00
""")

#: `ChurnForecast.effects`
effects = Columns("""
    meaning: What is known of a customer | effect +0.00: Log odds per standard deviation
""")

#: `RetentionValue.groups`
at_risk = Columns("""
    group: By expected value | customers | churn 0.0 %: Mean risk | value $ 0: Expected margin
    at_risk | at_risk_share 0 %: Of all at risk | break_even 0 %: Break-even effect
    shown 0 %: A test would show | can_pay 0: A contact could pay for
""")

#: `RetentionValue.customers` with reasons and dates.
worth_keeping = Columns("""
    customer_id | churn 0 %: Risk | kept_value $ 0: Brings if kept | at_risk
    break_even 0 %: Break-even effect | next_on day: Expected next | next_high day: Overdue after
    main_reason: Speaks for churn
""")

#: `EarlySigns.signs`
early_signs = Columns("""
    days 0: In the first days | sign | with_sign 0: Newcomers with it
    excellent_with 0 % ± low: Excellent | excellent_without 0 %: Without it | ratio 0.0
""")

#: `next_purchase.check`
due = Columns("""
    quantile 0 %: Should have come | came 0.0 % | by_model_alone 0.0 %: By the model alone
    customers: Customers due | undated 0: Without a date
""")

#: `churn_evaluation.by_group`
churn_groups = Columns("""
    attribute | group | customers | forecast 0.0 % | put_right 0.0 %: Put right over all
    happened 0.0 % ± low: Churned | auc 0.00 | auc_low..auc_high 0.00: 95 % interval of AUC
    auc_expected 0.00: Expected | verdict: Worse?
""")

#: `SpendForecast.held`
spend_quantiles = Columns("""
    quantile 0 %: Should spend no more | below 0.0 %: Spent less
    at_or_below 0.0 %: Spent no more | low..high 0.0 %: 95 % interval | holds
""")

#: `SpendForecast.scores`
spend_scores = Columns("""
    model: Forecast | pinball 0.0 %: Pinball loss
    gain_low..gain_high 0.0 points: Less than the rule, 95 % | bias +0.0 %: Bias of total
    calibration 0.0 %: Calibration error by decile | gini 0.000: Ranking (Gini)
    coverage 0 % ±: 90 % interval holds
""")

#: `QuestionForecast.scores`
question_scores = Columns("""
    cutoff | model | auc 0.000 | auc_low..auc_high 0.00: 95 % interval | pr_auc 0.000: PR AUC
    brier_skill 0.0 % | top_lift 0.0: Lift, top tenth | slope 0.00
""")

#: `QuestionForecast.labelled`
question_labels = Columns("cutoff | customers | happened 0: Did it | share")

#: `QuestionForecast.deciles`
question_deciles = Columns("""
    decile 0: Tenth by forecast | customers | probability 0.0 %: Forecast
    happened 0.0 % ± low: Did it | lift | gain 0 %: Of all who did
""")

#: A model card.
card = Columns("item: About this model | says:")

"""Formats of the columns of the tables of value and churn."""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def gates() -> Columns:
    """Return the columns of ``lifetime_value.gates``."""
    return {
        "condition": formats.text("What must hold"),
        "value": formats.integer("Here"),
        "limit": formats.text("Limit"),
        "needed": formats.integer("Needed"),
        "klaviyo": formats.integer("Klaviyo asks"),
        "passed": formats.mark("Holds"),
    }


def scores() -> Columns:
    """Return the columns of ``Scorecard.means``."""
    return {
        "model": formats.text("Forecast"),
        "bias": formats.percent(1, "Bias of total"),
        "calibration": formats.percent(1, "Calibration error by decile"),
        "better_low": formats.interval("better_high", 1, "Less than naive, 95 %", unit="points"),
        "gini": formats.number(3, "Ranking (Gini)"),
        "coverage": formats.percent(0, "80 % interval holds"),
    }


def rounds() -> Columns:
    """Return the columns of ``Scorecard.scores``."""
    return {
        "cutoff": formats.day("Cut-off"),
        "model": formats.text("Forecast"),
        "forecast": formats.money(0, "Forecast"),
        "actual": formats.money(0, "Came"),
        "bias": formats.percent(1, "Bias", signed=True),
        "calibration": formats.percent(1, "Calibration error by decile"),
        "gini": formats.number(3, "Ranking (Gini)"),
        "coverage": formats.percent(0, "80 % interval holds"),
    }


def totals(interval: str) -> Columns:
    """Return the columns of ``text.shown_totals``."""
    return {
        "horizon": formats.text("Horizon"),
        "value": formats.money(0, "Expected margin"),
        "miss_low": formats.interval("miss_high", 0, interval, unit="EUR"),
        "model": formats.percent(1, "Model ±"),
        "luck": formats.percent(1, "Luck ±"),
        "missed": formats.percent(1, "Past misses ±"),
    }


def newcomer(interval: str) -> Columns:
    """Return the columns of ``valuation.newcomer_value``."""
    return {
        "months": formats.integer("Months"),
        "purchases": formats.number(2, "Repeat purchases, by the model"),
        "value": formats.money(2, "Margin, by the model"),
        "low": formats.interval("high", 2, f"{interval} of this mean", unit="EUR"),
        "brought": formats.money(2, "Margin brought"),
        "brought_low": formats.interval("brought_high", 2, interval, unit="EUR"),
        "followed": formats.integer("Newcomers followed so long"),
    }


def intervals_held() -> Columns:
    """Return the columns of ``forecast_tracking.intervals_held``."""
    return {
        "cutoff": formats.day("Cut-off"),
        "group": formats.text("Customers"),
        "customers": formats.integer("Looked at"),
        "forecast": formats.money(2, "Forecast each"),
        "actual": formats.money(2, "Came"),
        "held": formats.percent(0, "80 % interval holds"),
        "low": formats.interval("high", 0, "95 % interval of it"),
        "below": formats.percent(0, "Brought less"),
        "above": formats.percent(0, "Brought more"),
    }


def parameters() -> Columns:
    """Return the columns of ``Estimate.table``."""
    return {
        "parameter": formats.text("Parameter"),
        "estimate": formats.number(3, "Factor"),
        "error": formats.number(3, "Standard error"),
        "low": formats.interval("high", 3, "95 % interval", unit=""),
    }


def customers(interval: str, months: int) -> Columns:
    """Return the columns of ``LifetimeValue.customers``."""
    return {
        "customer_id": formats.text("Customer"),
        "repeats": formats.integer("Repeat purchases"),
        "alive": formats.percent(0, "Active"),
        "order_value": formats.money(2, "Margin per purchase"),
        f"value_{months}": formats.money(0, f"Expected, {months} months"),
        f"error_{months}": formats.money(2, "Model error"),
        f"low_{months}": formats.interval(f"high_{months}", 0, f"{interval}, luck", unit="EUR"),
    }


def labelled() -> Columns:
    """Return the columns of ``ChurnForecast.labelled``."""
    return {
        "cutoff": formats.day("Cut-off"),
        "customers": formats.integer("Customers"),
        "labelled": formats.integer("Regular"),
        "churned": formats.integer("Churned"),
        "share": formats.percent(1, "Share"),
        "expected": formats.percent(1, "Without any losses"),
    }


def churn_scores() -> Columns:
    """Return the columns of ``ChurnForecast.scores``."""
    return {
        "cutoff": formats.day("Cut-off"),
        "model": formats.text("Model"),
        "auc": formats.number(3, "AUC"),
        "auc_low": formats.interval("auc_high", 2, "95 % interval", unit=""),
        "pr_auc": formats.number(3, "PR AUC"),
        "brier_skill": formats.percent(1, "Brier skill"),
        "top_lift": formats.number(1, "Lift, top tenth"),
        "slope": formats.number(2, "Slope"),
        "profit": formats.money(2, "Profit"),
    }


def deciles() -> Columns:
    """Return the columns of ``churn_evaluation.deciles``."""
    return {
        "decile": formats.integer("Tenth by risk"),
        "customers": formats.integer("Customers"),
        "probability": formats.percent(1, "Forecast"),
        "churned": formats.percent(1, "Churned"),
        "low": formats.interval("high", 1, "95 % interval"),
        "lift": formats.number(1, "Lift"),
        "gain": formats.percent(0, "Of all churners"),
    }


def effects() -> Columns:
    """Return the columns of ``ChurnForecast.effects``."""
    return {
        "meaning": formats.text("What is known of a customer"),
        "effect": formats.number(2, "Log odds per standard deviation", signed=True),
    }


def at_risk() -> Columns:
    """Return the columns of ``RetentionValue.groups``."""
    return {
        "group": formats.text("By expected value"),
        "customers": formats.integer("Customers"),
        "churn": formats.percent(1, "Mean risk"),
        "value": formats.money(0, "Expected margin"),
        "at_risk": formats.money(0, "At risk"),
        "at_risk_share": formats.percent(0, "Of all at risk"),
        "break_even": formats.percent(0, "Break-even effect"),
        "shown": formats.percent(0, "A test would show"),
        "can_pay": formats.integer("A contact could pay for"),
    }


def worth_keeping() -> Columns:
    """Return the columns of ``RetentionValue.customers`` with reasons and dates."""
    return {
        "customer_id": formats.text("Customer"),
        "churn": formats.percent(0, "Risk"),
        "kept_value": formats.money(0, "Brings if kept"),
        "at_risk": formats.money(0, "At risk"),
        "break_even": formats.percent(0, "Break-even effect"),
        "next_on": formats.day("Expected next"),
        "next_high": formats.day("Overdue after"),
        "main_reason": formats.text("Speaks for churn"),
    }


def early_signs() -> Columns:
    """Return the columns of ``EarlySigns.signs``."""
    return {
        "days": formats.integer("In the first days"),
        "sign": formats.text("Sign"),
        "with_sign": formats.integer("Newcomers with it"),
        "excellent_with": formats.percent(0, "Excellent"),
        "low": formats.interval("high", 0, "95 % interval"),
        "excellent_without": formats.percent(0, "Without it"),
        "ratio": formats.number(1, "Ratio"),
    }


def due() -> Columns:
    """Return the columns of ``next_purchase.check``."""
    return {
        "quantile": formats.percent(0, "Should have come"),
        "came": formats.percent(1, "Came"),
        "by_model_alone": formats.percent(1, "By the model alone"),
        "customers": formats.integer("Customers due"),
        "undated": formats.integer("Without a date"),
    }


def churn_groups() -> Columns:
    """Return the columns of ``group_performance.by_group``."""
    return {
        "attribute": formats.text("Attribute"),
        "group": formats.text("Group"),
        "customers": formats.integer("Customers"),
        "forecast": formats.percent(1, "Forecast"),
        "put_right": formats.percent(1, "Put right over all"),
        "happened": formats.percent(1, "Churned"),
        "low": formats.interval("high", 1, "95 % interval"),
        "auc": formats.number(2, "AUC"),
        "auc_low": formats.interval("auc_high", 2, "95 % interval of AUC", unit=""),
        "auc_expected": formats.number(2, "Expected"),
        "verdict": formats.text("Worse?"),
    }


def spend_quantiles() -> Columns:
    """Return the columns of ``SpendForecast.held``."""
    return {
        "quantile": formats.percent(0, "Should spend no more"),
        "below": formats.percent(1, "Spent less"),
        "at_or_below": formats.percent(1, "Spent no more"),
        "low": formats.interval("high", 2, "95 % interval"),
        "holds": formats.mark("Holds"),
    }


def spend_scores() -> Columns:
    """Return the columns of ``SpendForecast.scores``."""
    return {
        "model": formats.text("Forecast"),
        "pinball": formats.percent(1, "Pinball loss"),
        "gain_low": formats.interval("gain_high", 1, "Less than the rule, 95 %", unit="points"),
        "bias": formats.percent(1, "Bias of total", signed=True),
        "calibration": formats.percent(1, "Calibration error by decile"),
        "gini": formats.number(3, "Ranking (Gini)"),
        "coverage": formats.percent(0, "90 % interval holds"),
        "coverage_low": formats.interval("coverage_high", 0, "95 % interval"),
    }


def question_scores() -> Columns:
    """Return the columns of ``QuestionForecast.scores``."""
    shown = churn_scores()
    del shown["profit"]
    return shown


def question_labels() -> Columns:
    """Return the columns of ``QuestionForecast.labelled``."""
    return {
        "cutoff": formats.day("Cut-off"),
        "customers": formats.integer("Customers"),
        "happened": formats.integer("Did it"),
        "share": formats.percent(1, "Share"),
    }


def question_deciles() -> Columns:
    """Return the columns of ``QuestionForecast.deciles``."""
    return {
        "decile": formats.integer("Tenth by forecast"),
        "customers": formats.integer("Customers"),
        "probability": formats.percent(1, "Forecast"),
        "happened": formats.percent(1, "Did it"),
        "low": formats.interval("high", 1, "95 % interval"),
        "lift": formats.number(1, "Lift"),
        "gain": formats.percent(0, "Of all who did"),
    }


def card() -> Columns:
    """Return the columns of a model card."""
    return {"item": formats.text("About this model"), "says": formats.text("")}

"""Formats of the columns of the tables of feedback."""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def kinds() -> Columns:
    """Return the columns of ``survey_rows.count_kinds``."""
    return {
        "kind": formats.text("What"),
        "rows": formats.integer("Asked or given"),
        "answers": formats.integer("Given"),
        "texts": formats.integer("With words"),
        "customers": formats.integer("Customers"),
    }


def rates(interval: str) -> Columns:
    """Return the columns of ``Response.rates``."""
    return {
        "kind": formats.text("Survey"),
        "by": formats.text("By"),
        "group": formats.text("Group"),
        "asked": formats.integer("Asked"),
        "answered": formats.integer("Answered"),
        "share": formats.percent(1, "Response rate"),
        "low": formats.interval("high", 1, interval),
        "q": formats.number(3, "q"),
    }


def corrected(interval: str) -> Columns:
    """Return the columns of ``text.shown_corrected``."""
    return {
        "name": formats.text("Score"),
        "asked": formats.integer("Asked"),
        "answers": formats.integer("Answers"),
        "as_answered_shown": formats.text("Those who answered"),
        "as_answered_interval": formats.text(interval),
        "weighted_shown": formats.text("All who were asked, weighted"),
        "weighted_interval": formats.text(f"{interval} "),
        "effective": formats.integer("Worth answers"),
    }


def bounds() -> Columns:
    """Return the columns of ``text.shown_bounds``."""
    return {
        "name": formats.text("Score"),
        "silent": formats.text("If all who were silent were"),
        "shown": formats.text("Score of all"),
    }


def summary(interval: str) -> Columns:
    """Return the columns of ``text.shown_summary``."""
    return {
        "score": formats.text("Score"),
        "shown": formats.text("Value"),
        "interval": formats.text(interval),
        "answers": formats.integer("Answers"),
        "customers": formats.integer("Customers"),
    }


def groups(interval: str) -> Columns:
    """Return the columns of ``text.shown_groups``."""
    return {
        "score": formats.text("Score"),
        "by": formats.text("By"),
        "group": formats.text("Group"),
        "answers": formats.integer("Answers"),
        "shown": formats.text("Value"),
        "interval": formats.text(interval),
        "against": formats.text("Against all others"),
        "q": formats.number(3, "q"),
    }


def withheld() -> Columns:
    """Return the columns of ``Scores.withheld``."""
    return {
        "kind": formats.text("Score"),
        "by": formats.text("By"),
        "groups": formats.integer("Groups withheld"),
        "answers": formats.integer("Answers in them"),
    }


def waits(interval: str) -> Columns:
    """Return the columns of ``Complaints.times``."""
    return {
        "step": formats.text("Until"),
        "complaints": formats.integer("Complaints"),
        "done": formats.integer("Done"),
        "median": formats.number(1, "Median, days"),
        "low": formats.interval("high", 1, interval, unit=""),
        "nine_in_ten": formats.number(1, "Nine in ten by, days"),
        "nine_low": formats.interval("nine_high", 1, f"{interval} ", unit=""),
    }


def marks(interval: str) -> Columns:
    """Return the columns of ``Complaints.marks``."""
    return {
        "step": formats.text("Step"),
        "days": formats.integer("Within days"),
        "share": formats.percent(1, "Done"),
        "low": formats.interval("high", 1, interval),
    }


def wait_channels(interval: str) -> Columns:
    """Return the columns of ``Complaints.channels``."""
    return {
        "channel": formats.text("Channel of the order"),
        "complaints": formats.integer("Complaints"),
        "median": formats.number(1, "Median days to resolve"),
        "low": formats.interval("high", 1, interval, unit=""),
        "week": formats.percent(0, "Resolved within 7 days"),
        "week_low": formats.interval("week_high", 0, f"{interval} "),
    }


def recovery(interval: str) -> Columns:
    """Return the columns of ``Recovery.table``."""
    return {
        "comparison": formats.text("Comparison"),
        "n_resolved": formats.integer("Resolved"),
        "resolved": formats.percent(1, "Ordered again"),
        "n_open": formats.integer("Open"),
        "open": formats.percent(1, "Ordered again "),
        "difference": formats.points(1, "Difference"),
        "low": formats.interval("high", 1, interval, unit="points"),
    }


def effort(interval: str) -> Columns:
    """Return the columns of ``Effort.bands``."""
    return {
        "band": formats.text("Resolved"),
        "answers": formats.integer("Answers"),
        "value": formats.number(2, "Effort score (high is easy)"),
        "low": formats.interval("high", 2, interval, unit=""),
    }


def accuracy(interval: str) -> Columns:
    """Return the columns of ``Sentiment.accuracy``."""
    return {
        "language": formats.text("Language"),
        "texts": formats.integer("Held-out texts"),
        "sorry_found": formats.percent(0, "Negative ones found"),
        "sorry_found_low": formats.interval("sorry_found_high", 0, interval),
        "glad_found": formats.percent(0, "Positive ones found"),
        "glad_found_low": formats.interval("glad_found_high", 0, f"{interval} "),
        "auc": formats.number(3, "AUC"),
        "accuracy": formats.percent(1, "Accuracy"),
        "always": formats.percent(1, "Always the commoner sentiment"),
    }


def moods(interval: str) -> Columns:
    """Return the columns of ``Sentiment.kinds``."""
    return {
        "kind": formats.text("Text"),
        "language": formats.text("Language"),
        "texts": formats.integer("Texts"),
        "sorry": formats.percent(0, "Called negative"),
        "corrected": formats.percent(0, "Negative, corrected"),
        "corrected_low": formats.interval("corrected_high", 0, interval),
    }


def topics(interval: str) -> Columns:
    """Return the columns of ``Topics.shares``."""
    return {
        "kind": formats.text("Text"),
        "topic": formats.text("Topic"),
        "texts": formats.integer("Texts"),
        "share": formats.percent(1, "Share"),
        "low": formats.interval("high", 1, interval),
        "sorry": formats.percent(0, "With low stars"),
        "sorry_low": formats.interval("sorry_high", 0, f"{interval} "),
    }


def words() -> Columns:
    """Return the columns of ``Topics.words``."""
    return {
        "word": formats.text("Word, or pair of characters"),
        "texts": formats.integer("Reviews"),
        "sorry_share": formats.percent(0, "Of them with low stars"),
        "log_odds": formats.number(2, "Log odds, low against high stars", signed=True),
        "q": formats.number(3, "q"),
    }


def quotes() -> Columns:
    """Return the columns of ``Topics.quotes``."""
    return {
        "topic": formats.text("Topic"),
        "text": formats.text("In their words"),
        "customers": formats.integer("Customers who wrote just this"),
    }


def alarms(*, rated: bool) -> Columns:
    """Return the columns of ``Alarms.products``, with report 01's return rates where it has any."""
    returns = {
        "rate": formats.percent(1, "Come back (report 01)"),
        "usual_rate": formats.percent(1, "Usual there"),
    } if rated else {
        "lines": formats.integer("Lines sold"),
        "returned": formats.integer("Returned"),
        "expected": formats.number(1, "Usual"),
        "return_ratio": formats.number(1, "Times the usual"),
    }  # fmt: skip
    return {
        "name": formats.text("Product"),
        "department": formats.text("Department"),
        **returns,
        "reviews": formats.integer("Texts"),
        "bad": formats.integer("Bad ones"),
        "bad_expected": formats.number(1, "Usual "),
        "q": formats.number(3, "q"),
        "signs": formats.text("Signs"),
        "since": formats.day("Alarm since"),
    }


def drivers(interval: str) -> Columns:
    """Return the columns of ``Drivers.effects``."""
    return {
        "driver": formats.text("Goes with"),
        "unit": formats.text("Compared"),
        "effect": formats.number(2, "Score", signed=True),
        "low": formats.interval("high", 2, interval, unit=""),
        "q": formats.number(3, "q"),
        "answers": formats.integer("Answers that have it"),
    }


def late(interval: str) -> Columns:
    """Return the columns of ``Drivers.late``."""
    return {
        "channel": formats.text("Channel"),
        "n_late": formats.integer("Late"),
        "late": formats.number(2, "Score"),
        "n_other": formats.integer("In time"),
        "other": formats.number(2, "Score "),
        "difference": formats.number(2, "Difference", signed=True),
        "low": formats.interval("high", 2, interval, unit=""),
    }


def after(interval: str, currency: str) -> Columns:
    """Return the columns of ``After.groups``."""
    return {
        "kind": formats.text("Survey"),
        "group": formats.text("Score"),
        "customers": formats.integer("Customers"),
        "silent": formats.percent(1, "Did not order again"),
        "silent_low": formats.interval("silent_high", 1, interval),
        "spend": formats.money(0, "Spent, mean"),
        "spend_low": formats.interval("spend_high", 0, f"{interval} ", unit=currency),
    }


def compared(interval: str) -> Columns:
    """Return the columns of ``After.compared``."""
    return {
        "kind": formats.text("Survey"),
        "comparison": formats.text("Comparison"),
        "lowest": formats.percent(1, "Lowest scores: did not order again"),
        "highest": formats.percent(1, "Highest scores"),
        "difference": formats.points(1, "Difference"),
        "low": formats.interval("high", 1, interval, unit="points"),
    }

"""How segments are told: folded, what they are and what practice tries with such customers."""

from __future__ import annotations

import pandas as pd

from analysis.reporting.notebook.report import Report
from analysis.reports.segmentation import text


def describe(report: Report, table: pd.DataFrame, meaning: text.Meaning) -> None:
    """Say who the segments of ``worth.worth`` are; nobody is told here what to do with whom."""
    tried = text.hypotheses(table, meaning)
    with report.detail("Who they are, and what practice tries with such segments"):
        report.say(text.sentences(table, meaning, report.currency))
        if tried:
            report.say(tried)

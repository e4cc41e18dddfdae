"""How segments are told: what they are, and, folded, what practice tries with such customers."""

from __future__ import annotations

import pandas as pd

from analysis.reporting.notebook.report import Report
from analysis.reports.segmentation import text


def describe(report: Report, table: pd.DataFrame, meaning: text.Meaning) -> None:
    """Say who the segments of ``worth.worth`` are; nobody is told here what to do with whom."""
    report.say(text.sentences(table, meaning, report.currency))
    tried = text.hypotheses(table, meaning)
    if tried:
        with report.detail("What practice tries with such segments"):
            report.say(tried)

"""How segments are told: folded, what they are and what practice tries with such customers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from analysis.reporting.notebook.report import Report
from analysis.reports.segmentation import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(
    report: Report, drawing: Callable[[pd.DataFrame], Axes], table: pd.DataFrame, **said: str
) -> None:
    """Draw the segments that are large enough to be shown; nothing where none is."""
    figure = "net_share" if "net_share" in table else "bought"
    shown = text.enough(table).dropna(subset=figure).reset_index(drop=True)
    if len(shown):
        report.chart(drawing(shown), **said)


def describe(report: Report, table: pd.DataFrame, meaning: text.Meaning) -> None:
    """Say who the segments of ``worth.worth`` are; nobody is told here what to do with whom."""
    tried = text.hypotheses(table, meaning)
    table = text.enough(table)
    with report.detail("Who they are, and what practice tries with such segments"):
        report.say(text.sentences(table, meaning, report.currency))
        if tried:
            report.say(tried)

"""The picture of the mail: net sales week by week, small enough to travel inside it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pandas as pd

from analysis.errors import AnalysisError
from analysis.reporting.charts import style
from analysis.reporting.notebook import frames, words
from analysis.reporting.store.layout import RunFolder, stored_table
from analysis.reporting.store.run_record import RunRecord

_WEEKS = "01_profiling/weeks"

#: Weeks shown: a year and the same weeks of the year before.
_SHOWN = 104


@dataclass(frozen=True)
class Picture:
    """A picture and its words."""

    png: bytes
    alt: str


def picture(folder: RunFolder, record: RunRecord) -> Picture | None:
    """Return the net sales of the last weeks as a picture; None where they are not known."""
    path = stored_table(folder.path, _WEEKS)
    try:
        weeks = frames.load(path) if path else None
    except AnalysisError:  # the mail is worth sending without its picture
        return None
    if weeks is None or len(weeks) < 2:
        return None
    shown = weeks.sort_values("week_start").tail(_SHOWN)
    return Picture(_drawn(shown, record), _alt(shown, record))


def _drawn(weeks: pd.DataFrame, record: RunRecord) -> bytes:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    ax = style.new_axes(width=5.0, height=1.7)
    ax.plot(pd.to_datetime(weeks["week_start"]), weeks["net_amount"], color=style.BLUE)
    ax.set_ylim(bottom=0)
    ax.set_ylabel(f"Net sales, {words.currency_sign(record.params['currency'])}")
    ax.locator_params(axis="y", nbins=3)
    ticks = AutoDateLocator(minticks=3, maxticks=8)
    ax.xaxis.set_major_locator(ticks)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(ticks))
    target = io.BytesIO()
    ax.get_figure(root=True).savefig(  # type: ignore[union-attr]
        target, format="png", dpi=110, facecolor="white", metadata={"Software": None}
    )
    return target.getvalue()


def _alt(weeks: pd.DataFrame, record: RunRecord) -> str:
    first, last = weeks.iloc[0], weeks.iloc[-1]
    days = [words.day(pd.Timestamp(row["week_start"]).date()) for row in (first, last)]
    amounts = [
        words.money(row["net_amount"], 0, record.params["currency"]) for row in (first, last)
    ]
    return (
        f"Net sales by week: {amounts[0]} in the week of {days[0]}, {amounts[1]} in that of "
        f"{days[1]}."
    )

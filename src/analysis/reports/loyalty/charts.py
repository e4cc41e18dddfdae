"""Charts of points, thresholds and birthdays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PERCENT = 100.0


def vintages(rows: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what each month's points became: redeemed, expired, to expire, owed.

    Parameters
    ----------
    rows
        ``Liability.vintages``.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=3.4)
    place = -rows["vintage"].to_numpy(float)
    bottom = np.zeros(len(rows))
    parts = (
        ("redeemed", "redeemed", style.QUIET, None), ("owed", "owed", style.BLUE, None),
        ("expired", "expired", style.ORANGE, None), ("to_expire", "to expire", style.ORANGE, "///"),
    )  # fmt: skip
    for name, label, colour, hatch in parts:
        height = rows[name].to_numpy(float)
        ax.bar(
            place, height, bottom=bottom, width=0.85, label=label, hatch=hatch,
            color="none" if hatch else colour, edgecolor=colour, linewidth=0.6,
        )  # fmt: skip
        bottom += height
    ax.set_xlabel("Months before the report's day")
    ax.set_xticks(place[::-1][::6], [f"{-p:.0f}" for p in place[::-1][::6]])
    ax.set_ylabel("Points earned in the month")
    ax.yaxis.set_major_formatter(lambda value, _: words.number(value))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=4, handlelength=1.2,
              columnspacing=1.0)  # fmt: skip
    return ax


def threshold(rows: pd.DataFrame, tier: str, *, ax: Axes | None = None) -> Axes:
    """Draw customers by points of their year around a tier's threshold, with the fit.

    Parameters
    ----------
    rows
        ``Thresholds.counts`` of the tier.
    tier
        Name of the tier.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=3.2)
    middle = rows["amount"] + rows["width"] / 2
    reached = (rows["amount"] >= rows["threshold"]).to_numpy()
    colours = np.where(reached, style.BLUE, style.QUIET)
    ax.bar(middle, rows["customers"], width=0.9 * rows["width"], color=colours)
    ax.plot(middle, rows["expected"], color=style.VERMILLION)
    limit = float(rows["threshold"].iloc[0])
    ax.axvline(limit, color=style.INK, linewidth=0.9, linestyle=(0, (3, 2)))
    ax.annotate(
        f"{tier}: {words.number(limit)}", (limit, 1.0), (5, -2), xycoords=("data", "axes fraction"),
        textcoords="offset points", va="top", color=style.INK,
    )  # fmt: skip
    ax.set_xlabel("Points earned in the year")
    ax.set_ylabel("Customers")
    return ax


def scores(rows: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the scores with their intervals."""
    ax = ax or style.new_axes(height=0.9 + 0.25 * len(rows))
    forest(
        [_short(label) for label in rows["score"]], rows["value"] * _PERCENT,
        rows["low"] * _PERCENT, rows["high"] * _PERCENT,
        written=[words.percent(v, 0) for v in rows["value"]], ax=ax,
    )  # fmt: skip
    ax.set_xlim(0, 100)
    ax.set_xlabel("Share of customers, %")
    return ax


def _short(label: str) -> str:
    """Return a score's name as it fits beside a chart."""
    for long, short in (
        ("bought again within", "again within"),
        ("bought in a year and again in the next", "year to next year"),
        ("bought in a half-year and again in the next", "half-year to next"),
        ("renewed a term that ended, unless the customer says no", "renewed automatically"),
        ("renewed a term that ended, by the customer's act", "renewed by hand"),
        ("renewed a term that ended", "renewed a term"),
    ):
        label = label.replace(long, short)
    return label


def birthday(weeks: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw purchase days in the weeks around birthdays, over what permuted birth dates give.

    Parameters
    ----------
    weeks
        ``Birthdays.weeks``.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=2.8)
    ax.fill_between(
        weeks["week"], (weeks["low"] - 1) * _PERCENT, (weeks["high"] - 1) * _PERCENT,
        color=style.QUIET, alpha=0.5, linewidth=0,
    )  # fmt: skip
    ax.axhline(0, color=style.SOFT, linewidth=0.8)
    ax.plot(weeks["week"], (weeks["ratio"] - 1) * _PERCENT, marker="o", markersize=4)
    ax.set_xlabel("Weeks from the birthday's")
    ax.set_ylabel("Purchase days, % off usual")
    return ax

"""Charts of what rises, what shifted, and the rhythm of the days.

Charts of what moves sales, and of plans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest
from analysis.reporting.notebook import words
from analysis.reports.profiling.charts import show_dates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Formatter, Locator


def trends(table: pd.DataFrame, *, weeks: int) -> Axes:
    """Draw robust growth with intervals.

    Parameters
    ----------
    table
        Rows of `trends.slopes`: name, growth, growth_low, growth_high, size, direction.
    weeks
        Weeks that the growth is stated for.

    Raises
    ------
    NotApplicable
        If no row is given.
    """
    if table.empty:
        raise NotApplicable("no trend is sure enough to be drawn.")
    ax = forest(
        [str(name).rsplit(" / ", 1)[-1] for name in table["name"]],
        table["growth"] * 100,
        table["growth_low"] * 100,
        table["growth_high"] * 100,
        written=[words.percent(value, 0, signed=True) for value in table["growth"]],
        strong=table["direction"] != "steady",
    )
    ax.set_xlabel(f"Change in {weeks} weeks, % of the usual week")
    return ax


def steps(panels: list[tuple[str, pd.DataFrame, pd.Series]], *, unit: str) -> Axes:
    """Draw series that moved to another level, each with its two levels.

    Parameters
    ----------
    panels
        Name, history (period_start, value) and row of `breaks.shifts` of each.
    unit
        Label of the vertical axes.

    Raises
    ------
    NotApplicable
        If no panel is given.
    """
    if not panels:
        raise NotApplicable("no series moved to another level.")
    rows = -(-len(panels) // 2)
    axes = style.new_grid(rows, 2, width=5.0, height=0.3 + 1.45 * rows)
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    for ax, (name, history, row) in zip(axes, panels, strict=False):
        ax.plot(history["period_start"], history["value"], color=style.QUIET, linewidth=1.1)
        first, end = history["period_start"].iloc[[0, -1]]
        ax.hlines(row["before"], first, row["period_start"], color=style.INK, linewidth=1.4)
        ax.hlines(row["after"], row["period_start"], end, color=style.VERMILLION, linewidth=1.8)
        ax.set_ylim(bottom=min(0.0, float(history["value"].min())))
        ax.set_title(_short_name(name), fontsize=9.5, loc="left", color=style.INK)
        ax.xaxis.set_major_locator(_quarters())
        ax.xaxis.set_major_formatter(_month_names())
        ax.tick_params(labelsize=9)
    axes[0].set_ylabel(unit, fontsize=9.5)
    return axes[0]


def _short_name(name: str) -> str:
    last = name.rsplit(" / ", 1)[-1]
    return last if len(last) <= 24 else last[:23].rstrip() + "…"


def _quarters() -> Locator:
    from matplotlib.dates import MonthLocator

    return MonthLocator(bymonth=(1, 7))


def _month_names() -> Formatter:
    from matplotlib.dates import DateFormatter

    return DateFormatter("%b")


def parts(table: pd.DataFrame, *, unit: str, scale: float = 1.0) -> Axes:
    """Draw trend, weekly rhythm and remainder of a daily series below each other.

    Parameters
    ----------
    table
        `decomposition.daily_parts`: day, trend, weekly, remainder.
    unit
        Label of the vertical axes.
    scale
        What values are divided by.
    """
    axes = style.new_grid(3, 1, width=5.0, height=3.6)
    for ax, (name, label, color) in zip(
        axes,
        (
            ("trend", "Trend", style.BLUE),
            ("weekly", "Week", style.GREEN),
            ("remainder", "Rest", style.SOFT),
        ),
        strict=True,
    ):
        ax.plot(table["day"], table[name] / scale, color=color, linewidth=1.0)
        ax.margins(y=0.3)
        ax.annotate(label, (0.01, 0.99), xycoords="axes fraction", va="top", color=style.INK)
        if name != "trend":
            ax.axhline(0, color=style.SOFT, linewidth=0.6)
        show_dates(ax, table["day"])
    for ax in axes[:-1]:
        ax.tick_params(labelbottom=False)
    axes[1].set_ylabel(unit)
    return axes[0]


def influences(table: pd.DataFrame) -> Axes:
    """Draw how many times the usual a product sells, with intervals, on a logarithmic axis.

    Parameters
    ----------
    table
        `readings.products.surest`: label, effect, low, high.

    Raises
    ------
    NotApplicable
        If no row is given.
    """
    if table.empty:
        raise NotApplicable("no effect is sure enough to be drawn.")
    times = [(1 + table[column]).clip(lower=0.02) for column in ("effect", "low", "high")]
    ax = forest(
        list(table["label"]),
        *times,
        written=[f"× {words.number(value, 1 if value >= 1.05 else 2)}" for value in times[0]],
        reference=1.0,
    )
    ax.set_xscale("log")
    ticks = [t for t in (0.25, 0.5, 1, 2, 5, 10, 20) if t <= 1.4 * float(times[2].max())]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    ax.set_xlabel("Times the usual sales")
    return ax


def levers(table: pd.DataFrame) -> Axes:
    """Draw what twice as many displays or mailer places would add, with intervals.

    Parameters
    ----------
    table
        Rows of `levers.search`: name, regressor, effect, low, high, found.

    Raises
    ------
    NotApplicable
        If no row is given.
    """
    if table.empty:
        raise NotApplicable("no effect of a display or mailer could be told.")
    ax = forest(
        [
            f"{str(name).rsplit(' / ', 1)[-1][:15].rstrip()}, {lever}"
            for name, lever in zip(table["name"], table["regressor"], strict=True)
        ],
        table["effect"] * 100,
        table["low"] * 100,
        table["high"] * 100,
        written=[words.percent(value, 0, signed=True) for value in table["effect"]],
        strong=table["found"],
    )
    ax.set_xlabel("Change of sales with twice as many, %")
    return ax


def scenario(table: pd.DataFrame, *, unit: str, frequency: str = "week") -> Axes:
    """Draw the forecast without and with a plan; the shade is the difference's interval.

    Parameters
    ----------
    table
        `scenarios.Scenario.table`: ahead, without, planned, low, high.
    unit
        Label of the vertical axis.
    frequency
        What a period is called.
    """
    ax = style.new_axes(height=2.4)
    without = table["without"]
    ax.fill_between(
        table["ahead"], without + table["low"], without + table["high"],
        color=style.GREEN, alpha=0.2, linewidth=0,
    )  # fmt: skip
    above = table["planned"].iloc[-1] >= without.iloc[-1]
    for name, label, color, up in (
        ("without", "without", style.SOFT, not above),
        ("planned", "plan", style.GREEN, above),
    ):
        ax.plot(table["ahead"], table[name], color=color, marker="o", markersize=3)
        ax.annotate(
            label, (table["ahead"].iloc[-1], table[name].iloc[-1]), xytext=(6, 5 if up else -5),
            textcoords="offset points", va="center", annotation_clip=False,
        )  # fmt: skip
    low = float(np.nanmin(np.r_[without, table["planned"]]))
    high = float(np.nanmax(np.r_[without + table["high"], table["planned"]]))
    ax.set_ylim(max(0.0, low - 1.5 * (high - low)), high + 0.5 * (high - low))
    ax.set_xlabel(f"{frequency.capitalize()}s ahead")
    ax.set_ylabel(unit)
    return ax

"""Charts of what moves sales, and of plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import NotApplicable
from analysis.reporting import words
from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


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

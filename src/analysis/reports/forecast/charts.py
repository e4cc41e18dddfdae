"""Charts of forecasts and their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.models import registry as zoo
from analysis.errors import NotApplicable
from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest
from analysis.reporting.notebook import words
from analysis.reports.profiling.charts import show_dates

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def fan(
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    *,
    unit: str,
    scale: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw what was sold, and the forecast with its two intervals.

    Parameters
    ----------
    history
        period_start, value of one series.
    forecast
        Its rows of `forecast.Outlook.table`: period_start, mean, low_80, high_80, low_95, high_95.
    unit
        Label of the vertical axis.
    scale
        What values are divided by.
    """
    ax = ax or style.new_axes(height=2.9)
    ax.plot(history["period_start"], history["value"] / scale, color=style.INK, linewidth=1.4)
    last = history.dropna(subset="value").tail(1)
    start = [last["period_start"].iloc[0], *forecast["period_start"]]
    anchor = float(last["value"].iloc[0]) / scale
    for coverage, shade in (("95", 0.18), ("80", 0.30)):
        low, high = forecast[f"low_{coverage}"] / scale, forecast[f"high_{coverage}"] / scale
        ax.fill_between(
            start, [anchor, *low], [anchor, *high], color=style.BLUE, alpha=shade, linewidth=0
        )
    ax.plot(start, [anchor, *(forecast["mean"] / scale)], color=style.BLUE)
    _give_room(ax, np.r_[history["value"], forecast["low_95"], forecast["high_95"]] / scale)
    ax.set_ylabel(unit)
    end = forecast.iloc[-1]
    for name, label in (("high_95", "95 %"), ("mean", "forecast"), ("low_95", "")):
        _end_label(ax, end["period_start"], end[name] / scale, label)
    show_dates(ax, history["period_start"])
    return ax


def _give_room(ax: Axes, values: np.ndarray) -> None:
    """Start the axis at zero, unless the lines would then lie flat at the top of the chart.

    What lies below zero is shown; a line that never varies stands above an axis from zero.
    """
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low < 0:
        ax.set_ylim(bottom=low - 0.05 * max(high - low, -low))
    else:
        ax.set_ylim(bottom=0 if low < 0.6 * high or low == high else low - (high - low))
    if low == high:
        ax.set_ylim(top=2 * high if high > 0 else 1)


def _end_label(ax: Axes, moment: object, height: float, label: str) -> None:
    ax.annotate(
        label, (moment, height), xytext=(5, 0), textcoords="offset points", va="center",
        fontsize=9.5, color=style.BLUE, annotation_clip=False,
    )  # fmt: skip


def replayed(detail: pd.DataFrame, history: pd.DataFrame, *, unit: str, scale: float = 1.0) -> Axes:
    """Draw one series' earlier forecast with its interval over what happened.

    Parameters
    ----------
    detail
        Its rows of `kept.Scored.detail`: period_start, mean, low, high, actual.
    history
        period_start, value of the same series.
    unit, scale
        Label of the vertical axis, and what values are divided by.
    """
    ax = style.new_axes(height=2.6)
    recent = history.tail(3 * len(detail))
    ax.fill_between(
        detail["period_start"], detail["low"] / scale, detail["high"] / scale,
        color=style.BLUE, alpha=0.2, linewidth=0,
    )  # fmt: skip
    ax.plot(detail["period_start"], detail["mean"] / scale, color=style.BLUE)
    ax.plot(
        recent["period_start"], recent["value"] / scale, color=style.INK, marker="o", markersize=3
    )
    _give_room(ax, np.r_[recent["value"], detail["low"], detail["high"]] / scale)
    ax.set_ylabel(unit)
    _end_label(ax, detail["period_start"].iloc[-1], detail["mean"].iloc[-1] / scale, "said")
    show_dates(ax, recent["period_start"])
    return ax


def gains(scores: pd.DataFrame) -> Axes:
    """Draw how much less each model errs than the best simple forecast, with intervals.

    Parameters
    ----------
    scores
        Rows of `judgement.scoreboard` at one level: label, gain, gain_low, gain_high, mase,
        verdict.

    Raises
    ------
    NotApplicable
        If no model but the benchmark has a score.
    """
    shown = scores[scores["verdict"] != "benchmark"].sort_values("gain", ascending=False)
    if shown.empty:
        raise NotApplicable("no past forecast could be scored.")
    ax = forest(
        list(shown["label"]),
        shown["gain"] * 100,
        shown["gain_low"] * 100,
        shown["gain_high"] * 100,
        written=[words.number(value, 2) for value in shown["mase"]],
        strong=shown["verdict"] == "better",
    )
    ax.set_xlabel("Error saved against the best simple forecast, %")
    ax.annotate(
        "MASE", (1.02, -0.55), xycoords=("axes fraction", "data"), fontsize=9.5, color=style.SOFT,
        va="bottom", annotation_clip=False,
    )  # fmt: skip
    return ax


def by_horizon(table: pd.DataFrame, *, own: str, benchmark: str, frequency: str = "week") -> Axes:
    """Draw the error by periods ahead, of what is published and of the best simple forecast.

    Parameters
    ----------
    table
        `judgement.by_horizon`: model, ahead, mase.
    own, benchmark
        The two models drawn.
    frequency
        What a period is called.

    Raises
    ------
    NotApplicable
        If neither has an error.
    """
    if table["mase"].isna().all():
        raise NotApplicable("no past forecast could be scored, so no error grows.")
    ax = style.new_axes(height=2.4)
    for model, color, label in (
        (benchmark, style.SOFT, zoo.label(benchmark)), (own, style.BLUE, "published"),
    ):  # fmt: skip
        part = table[table["model"] == model]
        ax.plot(part["ahead"], part["mase"], color=color, marker="o", markersize=3)
        ax.annotate(
            label, (part["ahead"].iloc[-1], part["mase"].iloc[-1]), xytext=(6, 0),
            textcoords="offset points", va="center", annotation_clip=False,
        )  # fmt: skip
    ax.set_ylim(bottom=0)
    ax.set_xlabel(f"{frequency.capitalize()}s ahead")
    ax.set_ylabel("Mean scaled error")
    return ax

"""Charts of randomised promotions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.reporting.charts import style
from analysis.reporting.charts.forest import LONGEST, forest, shortened
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def effects(table: pd.DataFrame, *, unit: str) -> Axes:
    """Draw what each arm brought per customer, with its interval.

    Parameters
    ----------
    table
        label, difference, low, high; in the order to draw.
    unit
        Label of the horizontal axis.
    """
    beyond = (table["low"] > 0) | (table["high"] < 0)
    ax = forest(
        [_short(row) for row in table.to_dict("records")], table["difference"], table["low"],
        table["high"], written=[words.number(v, 2, signed=True) for v in table["difference"]],
        strong=beyond,
    )  # fmt: skip
    ax.set_xlabel(unit)
    return ax


def _short(row: dict[str, Any]) -> str:
    """Return promotion and arm, the promotion's name cut so that the arm stays legible."""
    name, arm = str(row["name"]), str(row["arm"])
    if str(row["label"]) == name:
        return name
    return f"{shortened(name, LONGEST - len(arm) - 2)}: {arm}"


def ways(table: pd.DataFrame, *, unit: str) -> Axes:
    """Draw the effect by every method that gives one, with its interval."""
    shown = table[table["difference"].notna()]
    ax = forest(
        list(shown["method"]), shown["difference"], shown["low"], shown["high"],
        written=[words.number(v, 2, signed=True) for v in shown["difference"]],
    )  # fmt: skip
    ax.set_xlabel(unit)
    return ax


def monitor(days: pd.DataFrame, *, unit: str) -> Axes:
    """Draw the difference so far with the interval for all days and that for one look.

    Parameters
    ----------
    days
        ``followed.of_arm``: day, difference, low, high, naive_low, naive_high, advice, first.
    unit
        Label of the vertical axis.
    """
    ax = style.new_axes(height=2.8)
    known = days[np.isfinite(days["low"])]
    top, bottom = _limits(days)
    ax.axhline(0, color=style.SOFT, linewidth=0.8)
    ax.fill_between(
        known["day"], known["low"], known["high"], color=style.BLUE, alpha=0.18, linewidth=0
    )
    for side in ("naive_low", "naive_high"):
        ax.plot(days["day"], days[side], color=style.SOFT, linewidth=1, linestyle=":")
    ax.plot(days["day"], days["difference"], color=style.BLUE)
    last = days.iloc[-1]
    if str(last["advice"]).startswith("stop"):
        ax.axvline(last["first"], color=style.INK, linewidth=1)
        ax.annotate(
            f"clear on day {int(last['first'])}", (last["first"], top),
            xytext=(4, -2), textcoords="offset points", va="top", fontsize=9.5,
        )  # fmt: skip
    ax.set_ylim(bottom, top)
    ax.set_xlim(1, max(int(last["day"]), 2))
    ax.set_xlabel("Day of the promotion")
    ax.set_ylabel(unit)
    return ax


def segments(table: pd.DataFrame, *, everybody: float, fdr: float, unit: str) -> Axes:
    """Draw the shrunk effect by segment, a line at everybody's.

    Parameters
    ----------
    table
        ``segments.effects`` with label.
    everybody
        Effect on all customers.
    fdr
        Segments that differ at this false discovery rate are in full colour.
    unit
        Label of the horizontal axis.
    """
    ax = forest(
        list(table["label"]), table["shrunk"], table["low"], table["high"],
        written=[words.number(v, 2, signed=True) for v in table["shrunk"]],
        strong=table["q"] <= fdr, reference=everybody,
    )  # fmt: skip
    ax.set_xlabel(f"{unit} (line: all customers)")
    return ax


def _limits(days: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the vertical axis; the first days' band may be wider than it."""
    later = days[days["day"] >= min(3, len(days))]
    high = float(np.nanmax(later[["naive_high", "high"]].replace(np.inf, np.nan)))
    low = float(np.nanmin(later[["naive_low", "low"]].replace(-np.inf, np.nan)))
    room = 0.15 * (high - low)
    return max(high, 0.0) + room, min(low, 0.0) - room


def smallest_seen(table: pd.DataFrame, *, available: int) -> Axes:
    """Draw the smallest relative change that is seen, by customers taking part.

    Parameters
    ----------
    table
        customers, plain and adjusted (relative changes).
    available
        Customers there are, marked.
    """
    ax = style.new_axes(height=2.6)
    for column, color, label, away in (
        ("plain", style.SOFT, "past not used", 7),
        ("adjusted", style.BLUE, "past used", -7),
    ):
        ax.plot(table["customers"], table[column] * 100, color=color)
        ax.annotate(
            label, (table["customers"].iloc[-1], table[column].iloc[-1] * 100), xytext=(5, away),
            textcoords="offset points", va="center", fontsize=9.5, annotation_clip=False,
        )  # fmt: skip
    ax.axvline(available, color=style.INK, linewidth=0.8, linestyle=":")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("Customers taking part (dotted: all there are)")
    ax.set_ylabel("Detectable change, %")
    return ax

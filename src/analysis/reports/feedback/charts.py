"""Charts of scores, waits and products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting.charts import forest, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PERCENT = 100.0


def over_time(groups: pd.DataFrame, measure: str, *, factor: float, ax: Axes | None = None) -> Axes:
    """Draw a score by wave or month with its intervals.

    Parameters
    ----------
    groups
        Rows of ``Scores.groups`` by time, in order.
    measure
        What the axis is called.
    factor
        100 for an NPS, 1 for a mean.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=2.9)
    place = np.arange(len(groups))
    value, low, high = (groups[c].to_numpy("float64") * factor for c in ("value", "low", "high"))
    ax.fill_between(place, low, high, color=style.QUIET, alpha=0.5, linewidth=0)
    ax.plot(place, value, marker="o", markersize=4, color=style.BLUE)
    step = max(1, -(-len(groups) // 6))
    ax.set_xticks(place[::step], list(groups["group"])[::step])
    if factor > 1 and low.min() < 0 < high.max():
        ax.axhline(0, color=style.SOFT, linewidth=0.8)
    ax.set_ylabel(measure)
    return ax


def waits(curves: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of complaints that still wait, by step.

    Parameters
    ----------
    curves
        ``Complaints.curves``.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=3.0)
    colours = {"first answer": style.ORANGE, "resolved": style.BLUE}
    for step, rows in curves.groupby("step", sort=False):
        days = np.concatenate([[0.0], rows["days"]])
        still = np.concatenate([[1.0], rows["still"]]) * _PERCENT
        low, high = (np.concatenate([[1.0], rows[c].fillna(0)]) * _PERCENT for c in ("low", "high"))
        ax.fill_between(
            days, low, high, step="post", color=colours[str(step)], alpha=0.15, linewidth=0
        )
        words = "no first answer yet" if step == "first answer" else "not resolved yet"
        ax.step(days, still, where="post", color=colours[str(step)], label=words)
    ax.legend(frameon=False, loc="upper right")
    ax.set_xlim(0, min(30.0, float(curves["days"].max())))
    ax.set_ylim(0, 100)
    ax.set_xlabel("Days since the complaint")
    ax.set_ylabel("Complaints, %")
    return ax


def signs(products: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each product's returns against the usual, those called in colour.

    Parameters
    ----------
    products
        ``Alarms.products``.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=3.2)
    back = products[products["returned"] > 0]  # what is never returned has no usual
    calm, loud = back[~back["alarm"]], products[products["alarm"]]
    top = float(back[["expected", "returned"]].to_numpy().max()) or 1.0
    ax.plot([0, top], [0, top], color=style.SOFT, linestyle=(0, (2, 2)), linewidth=1)
    ax.plot(calm["expected"], calm["returned"], "o", markersize=3, color=style.QUIET)
    ax.plot(loud["expected"], loud["returned"], "o", markersize=6, color=style.ORANGE)
    for _, row in loud.head(3).iterrows():
        ax.annotate(
            forest.shortened(str(row["name"])), (row["expected"], row["returned"]), (8, -4),
            textcoords="offset points", color=style.INK,
        )  # fmt: skip
    ax.set_xlabel("Returns that would be usual")
    ax.set_ylabel("Lines returned")
    return ax


def dots(
    rows: pd.DataFrame,
    axis: str,
    *,
    label: str,
    value: str = "value",
    written: str,
    factor: float = 1.0,
    strong: pd.Series | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw estimates with their intervals, a row each.

    Parameters
    ----------
    rows
        One row a dot: its label, value, low and high (NaN without an interval).
    axis
        What the axis is called.
    label, value
        Columns.
    written
        Format of the value as it is written beside the dot.
    factor
        100 where shares are drawn in per cent.
    strong
        Rows in full colour; by default all.
    ax
        Axes to draw on.
    """
    middle, low, high = (factor * rows[c] for c in (value, "low", "high"))
    said = [written.format(v).replace("-", "−") for v in middle]
    drawn = forest.forest(list(rows[label]), middle, low, high, written=said, strong=strong, ax=ax)
    drawn.set_xlabel(axis)
    return drawn

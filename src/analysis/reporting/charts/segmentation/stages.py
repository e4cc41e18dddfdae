"""Rhythm, moves between stages and the way to the second order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting import words
from analysis.reporting.charts import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PERCENT = 100.0


def shape_histogram(judged: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how regular customers are against a shopper by lot.

    Parameters
    ----------
    judged
        ``rhythm.shapes``: shrunk and by_lot.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=2.8)
    known = judged.dropna(subset=["shrunk"])
    ratio = np.log2((known["shrunk"] / known["by_lot"]).clip(0.25, 8))
    steady = (known["low"] > known["by_lot"]).to_numpy()
    edges = np.linspace(-2, 3, 31)
    for chosen, colour in ((np.ones(len(ratio), bool), style.QUIET), (steady, style.BLUE)):
        counts, _ = np.histogram(ratio[chosen], edges)
        ax.bar(edges[:-1], counts, width=np.diff(edges) * 0.92, align="edge", color=colour)
    ax.axvline(0, color=style.SOFT, linewidth=1)
    ax.set_xticks([-2, -1, 0, 1, 2, 3], ["¼", "½", "by lot", "2", "4", "8"])
    ax.set_xlabel("Regularity, times that of a shopper who decides by lot")
    ax.set_ylabel("Customers")
    ax.yaxis.set_major_formatter(lambda value, _: words.number(value))
    return ax


def heat_map(shares: pd.DataFrame, *, across: str, down: str, ax: Axes | None = None) -> Axes:
    """Draw shares as a heat map with their numbers, in per cent.

    Parameters
    ----------
    shares
        Rows and columns as they are read; fractions, missing where there is nothing.
    across, down
        What the columns and the rows are.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=1.3 + 0.33 * len(shares))
    values = shares.to_numpy("float64") * _PERCENT
    image = ax.imshow(np.ma.masked_invalid(values), cmap=style.HEAT, vmin=0, aspect="auto")
    for (row, column), share in np.ndenumerate(values):
        if np.isfinite(share) and share >= 0.5:
            ax.text(
                column, row, words.number(share), ha="center", va="center", fontsize=9,
                color=style.text_on(tuple(image.to_rgba(share))),
            )  # fmt: skip
    slanted = max(len(str(name)) for name in shares.columns) > 3
    ax.set_xticks(range(shares.shape[1]), shares.columns)
    if slanted:
        for label in ax.set_xticklabels(shares.columns, rotation=35, ha="right"):
            label.set_rotation_mode("anchor")
    ax.set_yticks(range(len(shares)), shares.index)
    ax.set_xlabel(across)
    ax.set_ylabel(down)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def return_curve(curve: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of newcomers that has come back by each day.

    Parameters
    ----------
    curve
        ``second_order.return_curve``.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes()
    days = np.concatenate([[0], curve["days"]])
    middle, low, high = (
        np.concatenate([[0.0], curve[c]]) * _PERCENT for c in ("returned", "low", "high")
    )
    ax.fill_between(days, low, high, step="post", color=style.SKY, alpha=0.3, linewidth=0)
    ax.step(days, middle, where="post", color=style.BLUE)
    ax.set_ylim(0, 100)
    ax.set_xlim(0, None)
    ax.set_xlabel("Days since the first order")
    ax.set_ylabel("Came back, per cent of newcomers")
    return ax

"""What value segments bring, did next, and how they moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting import words
from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest, shortened

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PERCENT = 100.0


def worth_bars(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each segment's share of customers beside its share of sales.

    Parameters
    ----------
    table
        ``worth.worth``: group, share, net_share with its ends.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=0.8 + 0.42 * len(table))
    rows = np.arange(len(table))
    people, sales = (table[c].to_numpy() * _PERCENT for c in ("share", "net_share"))
    ax.barh(rows + 0.2, people, height=0.36, color=style.QUIET)
    ax.barh(rows - 0.2, sales, height=0.36, color=style.BLUE)
    ends = [table[c].to_numpy() * _PERCENT for c in ("net_share_low", "net_share_high")]
    whiskers = np.nan_to_num([np.clip(sales - ends[0], 0, None), np.clip(ends[1] - sales, 0, None)])
    ax.errorbar(sales, rows - 0.2, xerr=whiskers, fmt="none", ecolor=style.INK, elinewidth=1)
    tops = sales + whiskers[1]
    for row, value, top, share in zip(rows, sales, tops, people, strict=True):
        for shift, end, text in ((-0.2, top, value), (0.2, share, share)):
            ax.annotate(
                words.number(text, 1), (end, row + shift), (3, 0), textcoords="offset points",
                va="center", fontsize=9.5,
            )  # fmt: skip
    ax.set_yticks(rows, [shortened(str(name)) for name in table["group"]])
    ax.invert_yaxis()
    ax.set_xlabel("Per cent of sales (blue), of customers (grey)")
    ax.set_xlim(0, 1.16 * float(np.nanmax([*tops, *people, 1.0])))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def bought_again(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of each segment that bought afterwards.

    Parameters
    ----------
    table
        ``worth.what_next``.
    ax
        Axes to draw on.
    """
    share = table["bought"].to_numpy() * _PERCENT
    everybody = np.average(share, weights=table["customers"])
    ax = forest(
        [str(name) for name in table["group"]],
        share,
        table["bought_low"].to_numpy() * _PERCENT,
        table["bought_high"].to_numpy() * _PERCENT,
        written=[words.percent(value, 0) for value in table["bought"]],
        reference=everybody,
        ax=ax,
    )
    ax.set_xlim(min(np.nanmin(table["bought_low"]) * _PERCENT - 3, everybody - 5), 102)
    ax.set_xlabel("Bought afterwards, per cent (line: everybody)")
    return ax


def movement_dots(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many keep their score: seen, if nobody had changed, and by chance.

    Parameters
    ----------
    table
        ``movement.movement`` with ``label``.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=0.9 + 0.36 * len(table))
    rows = np.arange(len(table))
    low, high = table["noise_low"] * _PERCENT, table["noise_high"] * _PERCENT
    ax.hlines(rows, table["stayed"] * _PERCENT, table["noise"] * _PERCENT, color=style.GRID, lw=5)
    ax.errorbar(
        table["noise"] * _PERCENT, rows, xerr=[table["noise"] * _PERCENT - low,
        high - table["noise"] * _PERCENT], fmt="o", color=style.ORANGE, markersize=5,
    )  # fmt: skip
    ax.plot(table["stayed"] * _PERCENT, rows, "o", color=style.BLUE, markersize=6)
    ax.plot(table["chance"] * _PERCENT, rows, "|", color=style.SOFT, markersize=10)
    handles = [ax.plot([], [], mark, color=colour, markersize=6)[0] for mark, colour in (
        ("|", style.SOFT), ("o", style.BLUE), ("o", style.ORANGE),
    )]  # fmt: skip
    ax.legend(
        handles, ["by chance", "seen", "if nobody had changed"], loc="lower center",
        bbox_to_anchor=(0.4, 1.0), ncols=3, fontsize=9.5, handletextpad=0.2, columnspacing=1.0,
    )  # fmt: skip
    ax.set_yticks(rows, [shortened(label) for label in table["label"]])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0, 100)
    ax.set_xlabel("Same group in both halves, per cent of customers")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax

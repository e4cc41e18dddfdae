"""What value segments bring, did next, and how they moved.

Rhythm, moves between stages and the way to the second order.

Price buyers and relationship customers by margin and discount share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest, shortened
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PERCENT = 100.0


def worth_bars(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each segment's share of customers beside its share of sales.

    ``table``: ``worth.worth``: group, share, net_share with its ends.
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

    ``table``: ``worth.what_next``.
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

    ``table``: ``movement.movement`` with ``label``.
    """
    ax = ax or style.new_axes(height=0.9 + 0.36 * len(table))
    rows = np.arange(len(table))
    noise = table["noise"] * _PERCENT
    ends = (table["noise_low"] * _PERCENT, table["noise_high"] * _PERCENT)
    ax.hlines(rows, table["stayed"] * _PERCENT, noise, color=style.GRID, lw=5)
    ax.errorbar(
        noise, rows, xerr=style.whiskers(noise, *ends), fmt="o", color=style.ORANGE, markersize=5
    )
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


def shape_histogram(judged: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how regular customers are against a shopper by lot.

    ``judged``: ``rhythm.shapes``: shrunk and by_lot.
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
    ax.set_xticks([-2, -1, 0, 1, 2, 3], ["¼", "½", "random", "2", "4", "8"])
    ax.set_xlabel("Regularity, times that of a random shopper")
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

    ``curve``: ``second_order.return_curve``.
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


#: More dots than this make no clearer picture, only a heavier page.
_MOST_DOTS = 700


def buyers_map(table: pd.DataFrame, threshold: float, *, ax: Axes | None = None) -> Axes:
    """Draw discount share against the place in margin, in the colours of the classes.

    Parameters
    ----------
    table
        ``Buyers.table``; at most 700 customers, evenly spread, are drawn.
    threshold
        ``Buyers.threshold``.
    """
    ax = ax or style.new_axes(height=3.8)
    shown = table.sort_values("margin_rank").iloc[:: max(1, len(table) // _MOST_DOTS)]
    colours = dict(zip(table["buyer"].cat.categories, style.PALETTE, strict=False))
    colours["Uncertain"] = style.QUIET
    for name, part in shown.groupby("buyer", observed=True, sort=True):
        ax.plot(
            part["margin_rank"] * _PERCENT, part["share"] * _PERCENT, "o", markersize=3,
            alpha=0.75, color=colours[name], label=str(name), linestyle="none",
        )  # fmt: skip
    ax.axhline(threshold * _PERCENT, color=style.SOFT, linewidth=1)
    ax.set_xlabel("Margin brought by customers who bring more, per cent")
    ax.set_ylabel("Lines bought on offer, per cent")
    ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=9.5, markerscale=2,
        handletextpad=0.2, columnspacing=1.0,
    )  # fmt: skip
    return ax

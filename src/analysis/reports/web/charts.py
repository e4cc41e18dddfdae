"""Charts of visits: conversion by week, the funnel, groups, paths, faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest, shortened
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.ticker import Formatter, Locator

_PERCENT = 100.0
#: Moves drawn in the graph of paths, and letters of a page that are written there.
_MOVES, _LETTERS = 14, 16


def weekly(weeks: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of sessions with an order, week by week, with its band.

    Parameters
    ----------
    weeks
        ``WebOverview.weeks``.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=2.6)
    when = weeks["week"]
    low, high, share = (weeks[n] * _PERCENT for n in ("low", "high", "conversion"))
    ax.fill_between(when, low, high, color=style.QUIET, alpha=0.5, linewidth=0)
    ax.plot(when, share, color=style.BLUE)
    ax.set_ylim(0)
    ax.set_ylabel("Sessions with an order, %")
    ax.xaxis.set_major_locator(_months(len(weeks)))
    ax.xaxis.set_major_formatter(_month_names())
    return ax


def _months(weeks: int) -> Locator:
    from matplotlib.dates import MonthLocator

    return MonthLocator(interval=max(1, round(weeks / 26)))


def _month_names() -> Formatter:
    from matplotlib.dates import DateFormatter

    return DateFormatter("%b")


def funnel(steps: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many sessions reach each step, with what was kept of the step before.

    Parameters
    ----------
    steps
        ``PurchaseFunnel.steps``.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=0.6 + 0.42 * len(steps))
    place, share = range(len(steps)), steps["share"].to_numpy() * _PERCENT
    ax.barh(place, share, color=style.BLUE, height=0.62)
    whole = zip(place, share, steps["kept"], strict=True)
    for row, width, kept in whole:
        more = "" if np.isnan(kept) else f" ({words.percent(kept, 0)} of the step before)"
        inside = width > 60
        ax.text(
            width - 1.5 if inside else width + 1.5, row, f"{width:.1f} %{more}", va="center",
            ha="right" if inside else "left",
            color=style.text_on(style.BLUE) if inside else style.INK,
        )  # fmt: skip
    ax.set_yticks(place, steps["step"])
    ax.set_ylim(len(steps) - 0.5, -0.5)
    ax.set_xlim(0, 100)
    ax.set_xlabel("Of all sessions, %")
    ax.tick_params(axis="y", length=0)
    return ax


def groups(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of sessions with an order by device and source.

    Parameters
    ----------
    table
        ``text.orders_by_group``.
    ax
        Axes to draw on.
    """
    return forest(
        [str(group) for group in table["group"]], table["share"] * _PERCENT,
        table["low"] * _PERCENT, table["high"] * _PERCENT,
        written=[words.percent(share) for share in table["share"]], reference=float("nan"), ax=ax,
    )  # fmt: skip


def graph(moves: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the pages below each other and the commonest moves as arcs between them.

    Pages stand in the order in which sessions usually meet them; moves down the page run on the
    right, moves back up on the left, as thick as they are common.

    Parameters
    ----------
    moves
        Moves of all sessions, ``PagePaths.moves``.
    ax
        Axes to draw on.
    """
    from matplotlib.patches import FancyArrowPatch

    shown = _commonest(moves)
    order = _by_flow(moves, sorted({*shown["page"], *shown["next_page"]}))
    place = {page: n for n, page in enumerate(order)}
    ax = ax or style.new_axes(height=0.7 + 0.52 * len(order))
    most = float(shown["moves"].max())
    for row in shown.itertuples():
        a, b = place[row.page], place[row.next_page]
        down = b > a
        side = 0.5 if down else -0.5
        ax.add_patch(
            FancyArrowPatch(
                (side, a + 0.1), (side, b - 0.1 if down else b + 0.1),
                connectionstyle=f"arc3,rad={-0.55 if abs(b - a) < 4 else -0.4}",
                arrowstyle="-|>", mutation_scale=9, linewidth=0.8 + 6 * row.moves / most,
                color=style.BLUE if down else style.ORANGE, alpha=0.75, shrinkA=0, shrinkB=0,
            )
        )  # fmt: skip
    for page, row in place.items():
        ax.text(0, row, shortened(page, _LETTERS), ha="center", va="center", color=style.INK)
    ax.set_xlim(-2.6, 2.6)
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.axis("off")
    return ax


def _commonest(moves: pd.DataFrame) -> pd.DataFrame:
    """Return the commonest moves from one page to another."""
    between = moves[moves["page"] != moves["next_page"]]
    return between.nlargest(_MOVES, "moves")


def _by_flow(moves: pd.DataFrame, pages: list[str]) -> list[str]:
    """Return pages in an order in which few moves lead back, entry first and exit last.

    Each page in turn is put where it saves most moves back, until none can be put better.
    """
    wide = moves.pivot(index="page", columns="next_page", values="moves")
    wide = wide.reindex(index=pages, columns=pages).fillna(0.0)

    def back(order: list[str]) -> float:
        return float(np.tril(wide.loc[order, order].to_numpy(), -1).sum())

    order = sorted(pages, key=lambda page: ({"(entry)": 0, "(exit)": 2}.get(page, 1), page))
    better = True
    while better:
        better = False
        for page in pages:
            rest = [other for other in order if other != page]
            tried = [[*rest[:n], page, *rest[n:]] for n in range(len(order))]
            best = min(tried, key=back)
            if back(best) < back(order):
                order, better = best, True
    return order


def matrix(moves: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what follows each page as a table of shares.

    Parameters
    ----------
    moves
        Moves of all sessions, ``PagePaths.moves``.
    ax
        Axes to draw on.
    """
    from matplotlib import colormaps

    size = moves.groupby("page")["moves"].sum().drop("(entry)").nlargest(8)
    shown = moves[moves["page"].isin(size.index)]
    wide = shown.pivot(index="page", columns="next_page", values="share").fillna(0.0)
    columns = [*size.index, "(exit)"]
    wide = wide.reindex(index=size.index, columns=columns).fillna(0.0) * _PERCENT
    ax = ax or style.new_axes(height=1.6 + 0.33 * len(wide))
    ax.imshow(wide, cmap=style.HEAT, vmin=0, vmax=100, aspect="auto")
    colours = colormaps[style.HEAT]
    for (row, column), value in np.ndenumerate(wide.to_numpy()):
        if value >= 0.5:
            red, green, blue, _ = colours(value / _PERCENT)
            colour = style.text_on((red, green, blue))
            ax.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour)
    ax.set_yticks(range(len(wide)), [shortened(str(p), _LETTERS) for p in wide.index])
    ax.set_xticks(
        range(len(columns)), [shortened(str(p), _LETTERS) for p in columns], rotation=40, ha="left"
    )
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    return ax


def costs(table: pd.DataFrame, strong: pd.Series, *, ax: Axes | None = None) -> Axes:
    """Draw how far fewer sessions ordered that met a slow or failing page.

    Parameters
    ----------
    table
        ``PageFaults.costs``.
    strong
        Rows that stand out significantly.
    ax
        Axes to draw on.
    """
    ax = forest(
        [f"{row.page} {row.fault}" for row in table.itertuples()], table["difference"] * _PERCENT,
        table["low"] * _PERCENT, table["high"] * _PERCENT,
        written=[words.points(value) for value in table["difference"]], strong=strong, ax=ax,
    )  # fmt: skip
    ax.set_xlabel("Orders against the same page without it, points")
    return ax

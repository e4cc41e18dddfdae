"""Two segments side by side, and areas.

Structure of clusters, and their map.
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


def side_by_side(
    table: pd.DataFrame, one: str, other: str, *, most: int = 14, ax: Axes | None = None
) -> Axes:
    """Draw two segments' indices on one line each, 100 the average.

    Parameters
    ----------
    table
        ``segment_portrait.side_by_side``.
    one, other
        Names of the two.
    most
        Rows drawn, from the top.
    """
    shown = table.head(most)
    ax = ax or style.new_axes(height=1.0 + 0.27 * len(shown))
    rows = np.arange(len(shown))
    ax.axvline(100, color=style.SOFT, linewidth=0.8)
    for side, name, colour, shift in (
        ("one", one, style.BLUE, -0.14), ("other", other, style.ORANGE, 0.14),
    ):  # fmt: skip
        middle = shown[f"{side}_index"].clip(lower=5)
        ends = [shown[f"{side}_{end}"].clip(lower=5) for end in ("low", "high")]
        whiskers = np.nan_to_num([middle - ends[0], ends[1] - middle])
        ax.errorbar(
            middle, rows + shift, xerr=np.clip(whiskers, 0, None), fmt="o", markersize=4,
            color=colour, label=name, linewidth=1.2,
        )  # fmt: skip
    ax.set_xscale("log")
    ticks = [t for t in (10, 25, 50, 100, 200, 400) if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.minorticks_off()
    ax.set_yticks(rows, [shortened(str(item), 32) for item in shown["item"]])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel("Index, 100 is everybody")
    ax.legend(loc="lower center", bbox_to_anchor=(0.35, 1.0), ncols=2, fontsize=9.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def areas_forest(
    table: pd.DataFrame, *, currency: str, most: int = 8, ax: Axes | None = None
) -> Axes:
    """Draw the areas with the highest and the lowest shrunk means.

    Parameters
    ----------
    table
        ``geography.by_area``, ordered.
    currency
        Currency of the values.
    most
        Areas drawn from either end.
    """
    own = table[table["shrunk"].notna()]
    shown = own if len(own) <= 2 * most else pd.concat([own.head(most), own.tail(most)])
    everybody = np.average(table["mean"], weights=table["customers"])
    ax = forest(
        [f"{area} ({words.number(n)})" for area, n in zip(shown["area"], shown["customers"],
                                                          strict=True)],
        shown["shrunk"],
        shown["low"],
        shown["high"],
        written=[words.money(value, 0, currency) for value in shown["shrunk"]],
        strong=(shown["low"] > everybody) | (shown["high"] < everybody),
        reference=everybody,
        ax=ax,
    )  # fmt: skip
    ax.set_xlabel("Sales per customer, shrunk (line: everybody)")
    ax.xaxis.set_major_formatter(lambda value, _: words.number(value))
    return ax


#: More dots than this make no clearer picture, only a heavier page.
_MOST_DOTS = 700


def structure_lines(
    criteria: pd.DataFrame, *, substantial: float = 0.25, ax: Axes | None = None
) -> Axes:
    """Draw the silhouette by number of clusters against that of one single cloud.

    Parameters
    ----------
    criteria
        ``Clusters.criteria``.
    substantial
        Silhouette from which on there is structure to speak of.
    """
    ax = ax or style.new_axes()
    k = criteria["clusters"]
    ax.fill_between(k, 0, criteria["cloud_high"], color=style.QUIET, alpha=0.4, linewidth=0)
    ax.plot(k, criteria["silhouette"], "o-", color=style.BLUE, markersize=4)
    ax.axhline(substantial, color=style.SOFT, linewidth=1, linestyle=(0, (3, 2)))
    last = criteria.iloc[-1]
    ax.annotate("these customers", (last["clusters"], last["silhouette"]), (0, 6),
                textcoords="offset points", ha="right")  # fmt: skip
    ax.annotate("without clusters", (last["clusters"], last["cloud_high"] / 2), (0, 0),
                textcoords="offset points", ha="right", va="center")  # fmt: skip
    ax.annotate("substantial structure from here on", (last["clusters"], substantial), (0, 4),
                textcoords="offset points", ha="right")  # fmt: skip
    ax.set_ylim(0, max(substantial * 1.35, criteria["silhouette"].max() * 1.15))
    ax.set_xticks(k)
    ax.set_xlabel("Number of clusters")
    ax.set_ylabel("Silhouette")
    return ax


def cluster_map(table: pd.DataFrame, explained: float, *, ax: Axes | None = None) -> Axes:
    """Draw customers on the first two principal components, in the colours of their clusters.

    Parameters
    ----------
    table
        ``Reading.map``; at most 700 customers, evenly spread, are drawn.
    explained
        Share of the variance that the map shows.
    """
    ax = ax or style.new_axes(height=3.4)
    shown = table.iloc[:: max(1, len(table) // _MOST_DOTS)]
    for number, part in shown.groupby("cluster"):
        colour = style.PALETTE[(int(number) - 1) % len(style.PALETTE)]
        ax.plot(part["x"], part["y"], "o", markersize=3, alpha=0.7, color=colour)
        ax.annotate(
            str(number), (part["x"].mean(), part["y"].mean()), ha="center", va="center",
            fontsize=14,
        )  # fmt: skip
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_xlabel(f"First component (both show {words.percent(explained, 0)} of the differences)")
    ax.set_ylabel("Second component")
    return ax

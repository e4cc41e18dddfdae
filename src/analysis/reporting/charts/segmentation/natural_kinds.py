"""Structure of clusters, and their map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting import words
from analysis.reporting.charts import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


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
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes()
    k = criteria["clusters"]
    ax.fill_between(k, 0, criteria["cloud_high"], color=style.QUIET, alpha=0.4, linewidth=0)
    ax.plot(k, criteria["silhouette"], "o-", color=style.BLUE, markersize=4)
    ax.axhline(substantial, color=style.SOFT, linewidth=1, linestyle=(0, (3, 2)))
    last = criteria.iloc[-1]
    ax.annotate("these customers", (last["clusters"], last["silhouette"]), (0, 6),
                textcoords="offset points", ha="right")  # fmt: skip
    ax.annotate("one single cloud", (last["clusters"], last["cloud_high"] / 2), (0, 0),
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
    ax
        Axes to draw on.
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

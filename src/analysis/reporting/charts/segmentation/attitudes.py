"""Price buyers and relationship customers by margin and discount share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting.charts import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PERCENT = 100.0

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
    ax
        Axes to draw on.
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

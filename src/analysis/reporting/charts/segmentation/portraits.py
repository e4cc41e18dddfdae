"""Two segments side by side, and areas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting import words
from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest, shortened

if TYPE_CHECKING:
    import pandas as pd
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
    ax
        Axes to draw on.
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
    ax
        Axes to draw on.
    """
    import pandas as pd

    shown = table if len(table) <= 2 * most else pd.concat([table.head(most), table.tail(most)])
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
    ax.set_xlabel("Sales a customer, shrunk (line: everybody)")
    ax.xaxis.set_major_formatter(lambda value, _: words.number(value))
    return ax

"""Charts of when customers buy."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting import words
from analysis.reporting.charts import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: So few that each is written.
_FEW_DAYS = 6

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def weeks(table: pd.DataFrame, *, split: date, currency: str, ax: Axes | None = None) -> Axes:
    """Draw net amount by week, the two periods apart.

    Parameters
    ----------
    table
        `demand.rhythm.weekly_sales`: week_start, days, net_amount.
    split
        First day of the current period.
    currency
        Currency code of the amounts.
    ax
        Axes to draw on.
    """
    import pandas as pd

    ax = ax or style.new_axes(height=2.6)
    now = table["week_start"] >= pd.Timestamp(split)
    for chosen, color in ((~now, style.QUIET), (now, style.BLUE)):
        week, amount = table.loc[chosen, "week_start"], table.loc[chosen, "net_amount"] / 1_000
        ax.plot(week, amount, color=color, marker="o", markersize=2.5)
        ends = (week.min(), week.max())
        ax.hlines(amount.mean(), *ends, color=color, linewidth=0.9, linestyle="--")
    ax.set_ylim(bottom=ax.get_ylim()[0] if (table["net_amount"] < 0).any() else 0.0)
    show_dates(ax, table["week_start"])
    ax.set_ylabel(f"Net sales a week, {words.currency_sign(currency)} thousand")
    return ax


def heat(hours: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw orders by weekday and hour of the day, for each hour open.

    Parameters
    ----------
    hours
        `demand.rhythm.weekday_hours`: weekday, hour, orders_an_hour.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=2.5)
    grid = hours.pivot(index="weekday", columns="hour", values="orders_an_hour")
    grid = grid.reindex(index=range(1, 8), columns=range(24))
    mesh = ax.pcolormesh(np.arange(25), np.arange(8), grid.to_numpy(), cmap=style.HEAT)
    ax.set_ylim(7, 0)
    ax.set_yticks(np.arange(7) + 0.5, _DAYS)
    ax.set_xticks(range(0, 25, 4))
    ax.tick_params(length=0)
    ax.set_xlabel("Hour of the day")
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, aspect=14)
    bar.set_label("Orders an hour")
    bar.outline.set_visible(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def show_dates(ax: Axes, days: pd.Series) -> None:
    """Write the horizontal axis, on which ``days`` are drawn, as few and short dates."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if len(days) < _FEW_DAYS:
        ax.set_xticks(list(days), [f"{day.day} {day:%b}" for day in days])
        return
    locator = AutoDateLocator(maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))

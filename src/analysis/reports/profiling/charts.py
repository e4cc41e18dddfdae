"""Charts of the profiling report: growth, customers won and lost, movers, portrait.

Charts of when customers buy.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest, shortened, write_right
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: How the factors of the revenue tree are called.
FACTOR_WORDS = {
    "customers": "Customers",
    "orders_per_customer": "Orders per customer",
    "items_per_order": "Items per order",
    "net_per_item": "Net per item",
    "guests": "Sales to guests",
}


def contributions(factors: pd.DataFrame, *, currency: str, ax: Axes | None = None) -> Axes:
    """Draw what each factor contributed to the change of net amount.

    Parameters
    ----------
    factors
        `demand.growth.RevenueTree.factors`: factor, contribution, low, high.
    currency
        Currency code of the amounts.
    """
    ax = ax or style.new_axes(height=0.75 + 0.36 * len(factors))
    _signed_bars(ax, factors["contribution"], factors["low"], factors["high"])
    ax.set_yticks(range(len(factors)), [FACTOR_WORDS[name] for name in factors["factor"]])
    write_right(
        ax,
        range(len(factors)),
        [words.money(value, 0, currency, signed=True) for value in factors["contribution"]],
    )
    _money_axis(ax, currency, "Contribution to the change of net sales")
    return ax


def bridge(steps: pd.DataFrame, *, currency: str, ax: Axes | None = None) -> Axes:
    """Draw the steps from one period's net amount to the next, adding up to the change.

    Parameters
    ----------
    steps
        `customers.kept.customer_bridge`: group, customers, change, low, high, by_chance.
    currency
        Currency code of the amounts.
    """
    ax = ax or style.new_axes(height=0.9 + 0.42 * (len(steps) + 1))
    ends = steps["change"].cumsum().to_numpy()
    starts = np.concatenate([[0.0], ends[:-1]]) if len(ends) else ends
    rows = np.arange(len(steps))
    colors = [style.BLUE if change >= 0 else style.VERMILLION for change in steps["change"]]
    ax.barh(rows, steps["change"], left=starts, color=colors, height=0.55)
    spread = np.vstack([steps["change"] - steps["low"], steps["high"] - steps["change"]])
    ax.errorbar(
        ends, rows, xerr=np.clip(spread, 0, None), fmt="none", ecolor=style.INK, linewidth=1
    )
    ax.scatter(starts + steps["by_chance"], rows, marker="|", s=170, color=style.INK, zorder=3)
    total = ends[-1] if len(ends) else 0.0
    ax.barh(len(rows), total, color=style.SOFT, height=0.55)
    ax.axvline(0, color=style.SOFT, linewidth=0.8)
    counted = zip(steps["group"], steps["customers"], strict=True)
    labels = [f"{str(group).capitalize()} ({customers:,})" for group, customers in counted]
    ax.set_yticks(range(len(rows) + 1), [*labels, "Change"])
    ax.set_ylim(len(rows) + 0.6, -0.6)
    changes = [*steps["change"], total]
    write_right(
        ax, range(len(changes)), [words.money(v, 0, currency, signed=True) for v in changes]
    )
    _money_axis(ax, currency, "Change of net sales")
    return ax


def growth(table: pd.DataFrame, *, names: pd.Series, top: int, ax: Axes | None = None) -> Axes:
    """Draw the growth of the ``top`` groups with the largest net amount.

    Parameters
    ----------
    table
        `demand.movers.Movers.table`: growth, growth_low, growth_high, share_now, sure.
    names
        What each row is called.
    top
        Rows drawn.

    Raises
    ------
    NotApplicable
        If no group sold something in both periods.
    """
    drawn = table.head(top)
    if drawn["growth"].isna().all():
        raise NotApplicable("no group sold something in both periods, so none has a growth.")
    ax = forest(
        names.head(top).astype("str").tolist(),
        100 * drawn["growth"],
        100 * drawn["growth_low"],
        100 * drawn["growth_high"],
        written=[words.percent(share) for share in drawn["share_now"]],
        strong=drawn["sure"],
        ax=ax,
    )
    ax.set_xlabel("Growth of net sales, %")
    ax.annotate(
        "Share",
        (1.02, -0.9),
        xycoords=("axes fraction", "data"),
        fontsize=style.TEXT,
        color=style.SOFT,
        annotation_clip=False,
    )
    return ax


def movers(table: pd.DataFrame, *, names: pd.Series, currency: str, ax: Axes | None = None) -> Axes:
    """Draw the change of net amount of the largest rises and falls.

    Parameters
    ----------
    table
        `demand.movers.top_movers`: change, change_low, change_high, status.
    names
        What each row is called.
    currency
        Currency code of the amounts.

    Raises
    ------
    NotApplicable
        If no row is given.
    """
    if table.empty:
        raise NotApplicable("nothing moved significantly.")
    ax = ax or style.new_axes(height=0.75 + 0.25 * len(table))
    _signed_bars(ax, table["change"], table["change_low"], table["change_high"])
    ax.set_yticks(range(len(table)), [shortened(str(name)) for name in names])
    marks = {"launched": "new", "delisted": "gone"}
    notes = [
        marks.get(status) or words.percent(change, 0, signed=True)
        for status, change in zip(table["status"], table["growth"], strict=True)
    ]
    write_right(ax, range(len(table)), notes)
    _money_axis(ax, currency, "Change of net sales")
    return ax


def portrait(indices: pd.DataFrame, *, fdr: float, ax: Axes | None = None) -> Axes:
    """Draw the index of one measure for every level of every attribute, attribute by attribute.

    Parameters
    ----------
    indices
        Rows of one measure of `customers.portrait.Portrait.indices`, in the order to draw.
    fdr
        False discovery rate up to which a level stands in full colour.

    Raises
    ------
    NotApplicable
        If no row is given.
    """
    if indices.empty:
        raise NotApplicable("no group of customers is large enough to be drawn.")
    opens = indices["attribute"] != indices["attribute"].shift()
    headings = indices.loc[opens, ["attribute"]].assign(level=indices["attribute"].map(words_of))
    # A heading row, without a dot, opens every attribute: it takes the index of its first level.
    rows = pd.concat([headings, indices]).sort_index(kind="stable")
    heading = rows["index"].isna().to_numpy()
    ax = forest(
        rows["level"].tolist(),
        rows["index"],
        rows["low"],
        rows["high"],
        written=[words.number(index) if index == index else "" for index in rows["index"]],
        strong=heading | (rows["q"] <= fdr).to_numpy(),
        reference=100.0,
        ax=ax,
    )
    for label, is_heading in zip(ax.get_yticklabels(), heading, strict=True):
        label.set_color(style.INK if is_heading else style.SOFT)
    ax.set_xlabel("Index (100 = average)")
    return ax


def words_of(name: str) -> str:
    """Return a column name as it is read: ``household_size`` is Household size."""
    return name.replace("_", " ").capitalize()


def _signed_bars(ax: Axes, values: pd.Series, low: pd.Series, high: pd.Series) -> None:
    """Draw horizontal bars from zero, the first on top, pale where the interval holds zero."""
    amounts = values.to_numpy(dtype=float)
    clear = ((low > 0) | (high < 0)).to_numpy()
    full = np.where(amounts >= 0, style.BLUE, style.VERMILLION)
    ax.barh(range(len(amounts)), amounts, color=np.where(clear, full, style.QUIET), height=0.6)
    spread = np.nan_to_num(np.vstack([amounts - low, high - amounts]))
    ax.errorbar(
        amounts,
        range(len(amounts)),
        xerr=np.clip(spread, 0, None),
        fmt="none",
        ecolor=style.INK,
        linewidth=1,
    )
    ax.axvline(0, color=style.SOFT, linewidth=0.8)
    ax.set_ylim(len(amounts) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _money_axis(ax: Axes, currency: str, label: str) -> None:
    """Write the horizontal axis in thousands where amounts are that large."""
    from matplotlib.ticker import MaxNLocator

    sign = words.currency_sign(currency)
    thousand = max(abs(end) for end in ax.get_xlim()) >= 10_000
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(
        lambda value, _: words.number(value / 1_000 if thousand else value)
    )
    ax.set_xlabel(f"{label}, {sign} thousand" if thousand else f"{label}, {sign}")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)


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
    """
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

    ``hours``: `demand.rhythm.weekday_hours`: weekday, hour, orders_an_hour.
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
    locator = AutoDateLocator(minticks=3, maxticks=7)  # four years have no seven half-years
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))

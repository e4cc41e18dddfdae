"""Charts of segments: what each brings, what it did next, where it stands."""

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

#: More dots than this make no clearer picture, only a heavier page.
_MOST_DOTS = 700


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
    ax.set_xlim(0, 1.16 * max(np.nanmax(tops), np.nanmax(people), 1.0))
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

"""Charts of targeted campaigns, placements, returns and the league of promotions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reporting.charts import style
from analysis.reporting.charts.forest import LONGEST, forest, shortened, write_right
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.promotions.observational.matched_did import Difference
    from analysis.promotions.observational.synthetic_control import Synthetic


def misled(campaigns: pd.DataFrame, *, currency: str) -> Axes:
    """Draw the plain difference of each campaign beside the one of like with like.

    Parameters
    ----------
    campaigns
        Rows of `promotions.campaigns.Campaigns.table` that have an estimate.
    """
    ax = forest(
        list(campaigns["name"]), campaigns["estimate"], campaigns["low"], campaigns["high"],
        written=[words.money(v, 2, currency, signed=True) for v in campaigns["estimate"]],
        strong=(campaigns["low"] > 0) | (campaigns["high"] < 0),
    )  # fmt: skip
    rows = np.arange(len(campaigns))
    ax.plot(campaigns["naive"], rows, "x", color=style.VERMILLION, markersize=6)
    ax.annotate(
        "unadjusted", (campaigns["naive"].iloc[0], 0), (0, 8), textcoords="offset points",
        ha="right" if len(campaigns) == 1 else "center", annotation_clip=False,
    )  # fmt: skip
    ax.margins(x=0.08)
    ax.set_ylim(len(campaigns) - 0.4, -1.1)
    ax.set_xlabel(f"Margin per targeted customer, {words.currency_sign(currency)}")
    return ax


def balance(table: pd.DataFrame) -> Axes:
    """Draw how unlike the two sides are in every covariate, before and after weighting.

    Parameters
    ----------
    table
        `promotions.overlap.balance`.
    """
    ax = style.new_axes(height=0.7 + 0.26 * len(table))
    rows = np.arange(len(table))
    ax.axvspan(-0.1, 0.1, color=style.GRID, linewidth=0)
    ax.hlines(rows, table["after"], table["before"], color=style.QUIET, linewidth=1)
    ax.plot(table["before"], rows, "o", color=style.ORANGE, markersize=5)
    ax.plot(table["after"], rows, "o", color=style.BLUE, markersize=5)
    # Named where the two dots are farthest apart, so that the names do not meet.
    widest = int((table["before"] - table["after"]).abs().to_numpy().argmax())
    for name, side in (("unadjusted", "before"), ("weighted", "after")):
        ax.annotate(
            name, (table[side].iloc[widest], -0.75), ha="center", va="center",
            annotation_clip=False,
        )  # fmt: skip
    ax.set_yticks(rows, [shortened(name) for name in table["covariate"]])
    ax.set_ylim(len(table) - 0.5, -1.2)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("Targeted less others, standard deviations")
    return ax


def weeks(difference: Difference, *, currency: str) -> Axes:
    """Draw the gap between matched pairs week by week, before and during a campaign.

    Parameters
    ----------
    difference
        The difference in differences.
    """
    ax = style.new_axes(height=2.7)
    table = difference.leads
    ax.axhline(0, color=style.SOFT, linewidth=0.8)
    ax.axvline(-0.5, color=style.SOFT, linewidth=0.8, linestyle=":")
    for before, color in ((True, style.QUIET), (False, style.BLUE)):
        part = table[table["before"] == before]
        reach = style.whiskers(part["gap"], part["low"], part["high"])
        ax.errorbar(part["week"], part["gap"], yerr=reach, fmt="o", color=color, markersize=3.5)
    ax.annotate(
        "campaign", (-0.3, 1.0), xycoords=("data", "axes fraction"), va="top", color=style.BLUE
    )
    ax.set_xlabel("Weeks from the campaign's first day")
    ax.set_ylabel(f"Targeted less matched, {words.currency_sign(currency)}")
    return ax


def blend(found: Synthetic, *, currency: str) -> Axes:
    """Draw the sales of promoted products and of their blend, week by week.

    Parameters
    ----------
    found
        The comparison.
    """
    ax = style.new_axes(height=2.6)
    week = np.arange(len(found.actual)) - len(found.actual) + found.weeks
    ax.axvspan(-0.5, week[-1] + 0.5, color=style.GRID, linewidth=0)
    ax.plot(week, found.blend, color=style.QUIET)
    ax.plot(week, found.actual, color=style.BLUE, marker="o", markersize=3)
    for series, name, color in (
        (found.actual, "promoted", style.BLUE),
        (found.blend, "control", style.SOFT),
    ):
        ax.annotate(
            name, (week[-1], series[-1]), (7, 0), textcoords="offset points", va="center",
            color=color, annotation_clip=False,
        )  # fmt: skip
    ax.set_ylim(bottom=0)
    ax.set_xlabel("Weeks from the promotion (weeks promoted before are left out)")
    ax.set_ylabel(f"Net sales, {words.currency_sign(currency)} a week")
    return ax


def kinds(table: pd.DataFrame) -> Axes:
    """Draw the lift of every kind of display, mailer and depth of discount.

    Parameters
    ----------
    table
        `promotions.placements.Placements.kinds`, with a column label.
    """
    ax = forest(
        list(table["label"]), table["lift"] * 100, table["low"] * 100, table["high"] * 100,
        written=[words.percent(value, 0, signed=True) for value in table["lift"]],
        strong=(table["low"] > 0) | (table["high"] < 0),
    )  # fmt: skip
    ax.set_xlabel("Units more than without, %")
    return ax


def waterfall(parts: pd.DataFrame, *, currency: str) -> Axes:
    """Draw what a return is made of, part after part, down to the net return.

    Parameters
    ----------
    parts
        `promotions.roi.Return.waterfall`.
    """
    ax = style.new_axes(height=0.7 + 0.34 * len(parts))
    amount = parts["amount"].to_numpy()
    end = np.r_[np.cumsum(amount[:-1]), amount[-1]]
    start = np.r_[0.0, end[:-2], 0.0]
    rows = np.arange(len(parts))
    color = np.where(amount >= 0, style.GREEN, style.VERMILLION).tolist()
    color[-1] = style.BLUE
    ax.barh(rows, end - start, left=start, color=color, height=0.6)
    ax.vlines(end[:-2], rows[:-2] + 0.3, rows[1:-1] - 0.3, color=style.QUIET, linewidth=0.8)
    reach = style.whiskers(amount, parts["low"], parts["high"])
    ax.errorbar(end, rows, xerr=reach, fmt="none", ecolor=style.INK, elinewidth=1)
    ax.axvline(0, color=style.SOFT, linewidth=0.8)
    ax.set_yticks(rows, [_wrapped(part) for part in parts["part"]])
    ax.set_ylim(len(parts) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    write_right(ax, rows, [words.money(v, 0, currency, signed=True) for v in amount])
    ax.set_xlabel(f"{words.currency_sign(currency)}, all customers treated")
    ax.xaxis.set_major_formatter(lambda value, _: words.number(value))
    ax.locator_params(axis="x", nbins=5)
    return ax


def _short(label: str) -> str:
    """Shorten the name of a promotion so that its arm can still be read."""
    name, colon, arm = label.rpartition(": ")
    return f"{shortened(name, LONGEST - len(arm) - 2)}: {arm}" if colon else label


def _wrapped(part: str) -> str:
    """Break a long label in two lines."""
    import textwrap

    return "\n".join(textwrap.wrap(part, 26))


def league(table: pd.DataFrame) -> Axes:
    """Draw each promotion's lift, drawn towards the others, with its own estimate behind.

    Parameters
    ----------
    table
        Rows of one kind of `promotions.league.shrunk`.
    """
    ax = forest(
        [_short(label) for label in table["label"]], table["shrunk"] * 100,
        table["shrunk_low"] * 100, table["shrunk_high"] * 100,
        written=[words.percent(value, 0, signed=True) for value in table["shrunk"]],
        strong=((table["shrunk_low"] > 0) & (table["low"] > 0))
        | ((table["shrunk_high"] < 0) & (table["high"] < 0)),
    )  # fmt: skip
    rows = np.arange(len(table))
    left, right = ax.get_xlim()
    own = table["lift"].to_numpy() * 100
    seen = (own >= left) & (own <= right)
    ax.plot(own[seen], rows[seen], "x", color=style.ORANGE, markersize=5)
    ax.set_xlim(left, right)
    ax.set_xlabel("Change against what would have come anyway, %")
    return ax

"""Charts of expected value and churn against what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting.charts import style
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PERCENT = 100.0


def calibration(
    deciles: pd.DataFrame, model: str, naive: str, *, currency: str, ax: Axes | None = None
) -> Axes:
    """Draw forecast and outcome by decile of the forecast, for a model and the naive one.

    Parameters
    ----------
    deciles
        ``Scorecard.deciles``.
    model, naive
        Which two to draw; one where they are the same.
    currency
        Of the amounts.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=3.3)
    top = 0.0
    for name, colour, marker in ((naive, style.ORANGE, "s"), (model, style.BLUE, "o")):
        rows = deciles[deciles["model"] == name]
        ax.plot(
            rows["forecast"], rows["actual"], marker=marker, markersize=5, color=colour,
            linewidth=1.2,
        )  # fmt: skip
        second = rows.sort_values("forecast").iloc[-2]
        above = name == model
        ax.annotate(
            name, (second["forecast"], second["actual"]), (-8, 8) if above else (10, -12),
            textcoords="offset points", ha="right" if above else "left", color=style.INK,
        )  # fmt: skip
        top = max(top, float(rows[["forecast", "actual"]].to_numpy().max()))
    ax.plot([0, top], [0, top], color=style.SOFT, linestyle=(0, (2, 2)), linewidth=1)
    sign = words.currency_sign(currency)
    ax.set_xlabel(f"Forecast margin per customer, {sign}")
    ax.set_ylabel(f"What came, {sign}")
    return ax


def churn_deciles(
    deciles: pd.DataFrame,
    expected: float | None = None,
    *,
    did: str = "Churned, %",
    ax: Axes | None = None,
) -> Axes:
    """Draw the share that churned, or did what was asked, by tenth of the forecast.

    Parameters
    ----------
    deciles
        ``ChurnForecast.deciles``.
    expected
        Share that a shop without losses would show, if that is known.
    did
        What the share did.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=3.3)
    place, seen = deciles["decile"].to_numpy(), deciles["churned"].to_numpy() * _PERCENT
    low, high = (deciles[name].to_numpy() * _PERCENT for name in ("low", "high"))
    ax.bar(place, seen, color=style.QUIET, width=0.7)
    reach = style.whiskers(seen, low, high)
    ax.errorbar(place, seen, yerr=reach, fmt="none", ecolor=style.INK)
    ax.plot(place, deciles["probability"] * _PERCENT, "o", color=style.BLUE, markersize=5)
    first = float(deciles["probability"].iloc[0]) * _PERCENT
    ax.annotate("forecast", (place[0], first), (12, 4), textcoords="offset points", color=style.INK)
    if expected is not None:
        ax.axhline(expected * _PERCENT, color=style.SOFT, linestyle=(0, (2, 2)), linewidth=1)
        ax.text(
            0.98, 0.95, "dashed: in a shop without losses", transform=ax.transAxes, ha="right",
            va="top", color=style.SOFT,
        )  # fmt: skip
    ax.set_xticks(place)
    ax.set_xlabel("Tenth by forecast, highest first")
    ax.set_ylabel(did)
    return ax


def value_bands(
    customers: pd.DataFrame, months: int, *, currency: str, ax: Axes | None = None
) -> Axes:
    """Draw the expected margin of customers by rank, with the band that luck leaves.

    Parameters
    ----------
    customers
        ``LifetimeValue.customers``.
    months
        Horizon.
    currency
        Of the amounts.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=3.3)
    ranked = customers.sort_values(f"value_{months}", ascending=False, kind="stable")
    share = (np.arange(len(ranked)) + 0.5) / len(ranked) * _PERCENT
    groups = np.minimum((share // 2).astype(int), 49)
    rows = ranked.assign(group=groups, share=share).groupby("group")
    middle = rows[["share", f"value_{months}", f"low_{months}", f"high_{months}"]].mean()
    ax.fill_between(
        middle["share"], middle[f"low_{months}"], middle[f"high_{months}"], color=style.QUIET,
        alpha=0.5, linewidth=0,
    )  # fmt: skip
    ax.plot(middle["share"], middle[f"value_{months}"], color=style.BLUE)
    ax.set_xlim(0, 100)
    ax.set_xlabel("Customers by expected value, best first, %")
    ax.set_ylabel(f"Margin in {months} months, {words.currency_sign(currency)}")
    return ax


def tracking(weeks: pd.DataFrame, expected: str, made: str, label: str) -> Axes:
    """Draw purchases expected and made by week; grey where the model saw them.

    Parameters
    ----------
    weeks
        ``Tracking.weeks``.
    expected, made
        Columns to draw.
    label
        Of the vertical axis.
    """
    ax = style.new_axes(height=2.8)
    week = np.arange(1, len(weeks) + 1)
    fitted = int(weeks["fitted"].sum())
    ax.axvspan(0.5, fitted + 0.5, color=style.GRID, linewidth=0)
    ax.plot(week, weeks[made], color=style.INK, linewidth=1.2, label="came")
    ax.plot(week, weeks[expected], color=style.ORANGE, label="expected")
    top = float(weeks[[expected, made]].to_numpy().max())
    ax.set_ylim(0, top * 1.15)
    ax.text(fitted, top * 1.12, "fitted", ha="right", va="top", color=style.SOFT)
    ax.legend(loc="lower right")
    ax.yaxis.set_major_formatter(lambda value, _: words.number(value))
    ax.set_xlabel("Week of the history")
    ax.set_ylabel(label)
    return ax


def profit(curve: pd.DataFrame, *, currency: str, ax: Axes | None = None) -> Axes:
    """Draw the profit of contacting by risk against the share contacted, with its interval.

    Parameters
    ----------
    curve
        ``retention_value.profit_curve``.
    currency
        Of the amounts.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=2.8)
    share = curve["share"] * _PERCENT
    ax.fill_between(share, curve["low"], curve["high"], color=style.QUIET, alpha=0.5, linewidth=0)
    ax.plot(share, curve["profit"], color=style.BLUE, marker="o", markersize=4)
    ax.axhline(0, color=style.SOFT, linewidth=1)
    ax.set_xlim(0, 100)
    ax.set_xlabel("Regular customers contacted, highest risk first, %")
    ax.set_ylabel(f"Profit per regular customer, {words.currency_sign(currency)}")
    return ax

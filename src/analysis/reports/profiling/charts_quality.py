"""Charts of what the data are like: rows, fill, days, drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.quality.reconciliation import gathered
from analysis.reporting.charts import style
from analysis.reporting.charts.forest import shortened, write_right
from analysis.reporting.notebook import words
from analysis.reports.profiling.charts import show_dates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OUTCOMES = {"accepted": style.QUIET, "dropped": style.ORANGE, "rejected": style.VERMILLION}


def reconciliation(ledger: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what became of the rows of every source, step by step from read to kept.

    Parameters
    ----------
    ledger
        `tables.quality.reconciliation.reconcile`: table, source, outcome, rule, rows, share.
    """
    steps = _steps(ledger)
    ax = ax or style.new_axes(height=0.7 + 0.27 * len(steps))
    places = np.arange(len(steps))
    colors = [_OUTCOMES.get(outcome, style.BLUE) for outcome in steps["outcome"]]
    # Rows range over many powers of ten: a place on a logarithmic axis, not a length.
    ax.set_xscale("log")
    ax.hlines(places, 1, steps["rows"].clip(lower=1), color=style.GRID, linewidth=1)
    ax.scatter(steps["rows"].clip(lower=1), places, color=colors, s=36, zorder=3)
    ax.set_yticks(places, [shortened(label, 32) for label in steps["label"]])
    ax.set_ylim(len(steps) - 0.4, -0.6)
    write_right(ax, places, [f"{rows:,}" for rows in steps["rows"]])
    ax.set_xlim(left=1)
    powers = range(0, len(str(steps["rows"].max())) + 1, 3)
    ax.set_xticks([10**p for p in powers], [f"{10**p:,}" for p in powers])
    ax.minorticks_off()
    ax.set_xlabel("Rows (logarithmic)")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def _steps(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return the bars: each source with what was read, then what was left out, if anything."""
    ledger = ledger[~gathered(ledger)]
    rejected = ledger["outcome"].isin(["rejected", "dropped"])
    lossy = ledger.loc[rejected, "source"].unique()
    whole = (ledger["outcome"] == "read") & ~ledger["source"].isin(lossy)
    shown = ledger[whole | ledger["source"].isin(lossy)].copy()
    first = shown["outcome"].eq("read")
    kept = shown["outcome"].eq("accepted")
    name = shown["source"].str.replace(".parquet", "", regex=False)
    label = name.where(first, "   " + shown["outcome"] + ": " + shown["rule"])
    return shown.assign(label=label.mask(kept, "   kept"))


def completeness(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how full the columns are that are there but not full.

    Parameters
    ----------
    table
        `tables.quality.completeness.completeness`: table, column, present, share_filled.

    Raises
    ------
    NotApplicable
        If every column is full.
    """
    gaps = table[table["present"] & (table["share_filled"] < 1)].sort_values("share_filled")
    if gaps.empty:
        raise NotApplicable("every column is full.")
    ax = ax or style.new_axes(height=0.7 + 0.26 * len(gaps))
    places = np.arange(len(gaps))
    ax.barh(places, 100 * gaps["share_filled"], color=style.QUIET, height=0.6)
    ax.set_yticks(places, [shortened(name, 32) for name in gaps["table"] + "." + gaps["column"]])
    ax.set_ylim(len(gaps) - 0.4, -0.6)
    ax.set_xlim(0, 100)
    write_right(ax, places, [words.percent(share) for share in gaps["share_filled"]])
    ax.set_xlabel("Rows with a value, %")
    ax.tick_params(axis="y", length=0)
    return ax


def days(calendar: pd.DataFrame, *, limit: float, currency: str, ax: Axes | None = None) -> Axes:
    """Draw net amount by day, with the missing days and those far from usual marked.

    Parameters
    ----------
    calendar
        `tables.quality.calendar.calendar`: day, net_amount, missing, score.
    limit
        Score beyond which a day is far from usual.
    currency
        Currency code of the amounts.
    """
    ax = ax or style.new_axes(height=2.7)
    ax.plot(calendar["day"], calendar["net_amount"] / 1_000, color=style.QUIET, linewidth=1)
    odd = calendar[calendar["score"].abs() > limit]
    missing = calendar[calendar["missing"]]
    for marked, color, marker in ((odd, style.BLUE, "o"), (missing, style.VERMILLION, "x")):
        ax.scatter(
            marked["day"], marked["net_amount"] / 1_000, color=color, marker=marker, s=22, zorder=3
        )
    _name_days(ax, odd.reindex(odd["score"].abs().sort_values(ascending=False).index).head(4))
    _name_days(ax, missing.head(3), suffix=" (none)")
    ax.set_ylim(bottom=ax.get_ylim()[0] if (calendar["net_amount"] < 0).any() else 0.0)
    show_dates(ax, calendar["day"])
    ax.set_ylabel(f"Net sales a day, {words.currency_sign(currency)} thousand")
    return ax


def _name_days(ax: Axes, marked: pd.DataFrame, *, suffix: str = "") -> None:
    from matplotlib.dates import date2num

    left, right = ax.get_xlim()
    for day, amount in zip(marked["day"], marked["net_amount"], strict=True):
        late = date2num(day) > (left + right) / 2
        ax.annotate(
            f"{day.day} {day:%b}{suffix}",
            (day, amount / 1_000),
            xytext=(-6 if late else 6, 0),
            textcoords="offset points",
            ha="right" if late else "left",
            va="center",
            fontsize=style.TEXT,
        )


def drift(dimensions: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how much of each mix moved, against what weeks dealt by chance show.

    ``dimensions``: `tables.drift.Drift.dimensions`: dimension, moved, limit, sure.
    """
    ax = ax or style.new_axes(height=0.8 + 0.32 * len(dimensions))
    places = np.arange(len(dimensions))
    ax.barh(places, 100 * dimensions["limit"], color=style.GRID, height=0.55)
    colors = np.where(dimensions["sure"], style.BLUE, style.QUIET)
    ax.scatter(100 * dimensions["moved"], places, color=list(colors), s=40, zorder=3)
    ax.set_yticks(places, list(dimensions["dimension"]))
    ax.set_ylim(len(dimensions) - 0.4, -0.6)
    ax.set_xlim(left=0)
    write_right(ax, places, [words.percent(moved) for moved in dimensions["moved"]])
    ax.set_xlabel("Moved, % of orders (bar: what chance reaches)")
    ax.tick_params(axis="y", length=0)
    return ax

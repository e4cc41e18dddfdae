"""Charts of channels: rates, effects after cost, credit against the holdout, fatigue, payback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.engagement.channels.attribution import HOLDOUT, MODELS
from analysis.reporting.charts import forest, style
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PERCENT = 100.0
_SHOWN = 6


def rates(table: pd.DataFrame, measure: str, label: str) -> Axes:
    """Draw one rate of every channel with its interval.

    Parameters
    ----------
    table
        Rows of ``ContactRates.rates`` of one breakdown.
    measure, label
        Which, and what the axis is called.
    """
    rows = table[table["measure"] == measure].sort_values("share", ascending=False)
    values = [rows[name].to_numpy(float) * _PERCENT for name in ("share", "low", "high")]
    written = [words.percent(v, 1) for v in rows["share"]]
    ax = forest.forest(list(rows["group"]), *values, written=written)
    ax.set_xlim(left=0)
    ax.set_xlabel(label)
    return ax


def ranking(table: pd.DataFrame, *, currency: str) -> Axes:
    """Draw the margin of each channel before and after the cost of its messages.

    Parameters
    ----------
    table
        ``HoldoutLift.ranking``.
    currency
        Of the amounts.
    """
    labels = list(table["channel"])
    if table["promotion_id"].nunique() > 1:
        labels = [f"{c}: {n}" for c, n in zip(table["channel"], table["name"], strict=True)]
    written = [words.money(v, 2, currency, signed=True) for v in table["net"]]
    values = [table[name].to_numpy(float) for name in ("net", "net_low", "net_high")]
    ax = forest.forest(labels, *values, written=written)
    ax.plot(table["margin"], np.arange(len(table)), "o", color=style.ORANGE, markersize=5,
            markerfacecolor="none")  # fmt: skip
    ax.set_xlabel(f"Margin per customer, {words.currency_sign(currency)}")
    return ax


def against_holdout(tested: pd.DataFrame) -> Axes:
    """Draw the orders that models credit to tested messages beside those that the holdout shows.

    Parameters
    ----------
    tested
        ``Attribution.tested``.
    """
    channels = list(tested[tested["model"] == HOLDOUT]["channel"])
    ax = style.new_axes(height=0.9 + 0.45 * len(channels))
    place = {name: n for n, name in enumerate(channels)}
    for model, colour, marker, size in (
        *((m, style.QUIET, "o", 5) for m in MODELS if m != "last"),
        ("last", style.ORANGE, "s", 6),
        (HOLDOUT, style.BLUE, "o", 6),
    ):
        rows = tested[tested["model"] == model]
        at = rows["channel"].map(place)
        if model == HOLDOUT:
            reach = np.vstack([rows["orders"] - rows["low"], rows["high"] - rows["orders"]])
            ax.errorbar(rows["orders"], at, xerr=reach, fmt="none", ecolor=colour)
        ax.plot(rows["orders"], at, marker, color=colour, markersize=size, linestyle="none")
    last = tested[(tested["model"] == "last")]
    top = last.loc[last["orders"].idxmax()]
    ax.annotate("last touch", (top["orders"], place[top["channel"]]), (0, 9), ha="right",
                textcoords="offset points", color=style.INK)  # fmt: skip
    held = tested[tested["model"] == HOLDOUT].set_index("channel").loc[top["channel"]]
    ax.annotate("holdout", (held["orders"], place[top["channel"]]), (0, 9), ha="center",
                textcoords="offset points", color=style.INK)  # fmt: skip
    ax.set_yticks(range(len(channels)), channels)
    ax.set_ylim(len(channels) - 0.4, -0.75)
    ax.axvline(0, color=style.SOFT, linewidth=0.8)
    ax.set_xlabel("Orders")
    return ax


def fatigue(curve: pd.DataFrame, measure: str, label: str) -> Axes:
    """Draw a rate against the messages just before, a line a channel.

    Parameters
    ----------
    curve
        ``Fatigue.curve``.
    measure, label
        Which, and what the axis is called.
    """
    rows = curve[(curve["measure"] == measure) & (curve["of"] >= 100)]
    order = rows.groupby("channel")["of"].sum().sort_values(ascending=False).index[:_SHOWN]
    ax = style.new_axes(height=3.2)
    for colour, channel in zip(style.PALETTE, order, strict=False):
        part = rows[rows["channel"] == channel]
        share = part["share"].to_numpy() * _PERCENT
        low, high = (part[name].to_numpy() * _PERCENT for name in ("low", "high"))
        reach = np.clip([share - low, high - share], 0, None)
        ax.errorbar(part["before"], share, yerr=reach, fmt="o-", markersize=4, color=colour)
        ax.annotate(channel, (part["before"].iloc[0], share[0]), (6, 5),
                    textcoords="offset points", color=style.INK)  # fmt: skip
    ax.set_ylim(bottom=0)
    ax.set_xlabel("Messages in the days before")
    ax.set_ylabel(label)
    return ax


def payback(curves: pd.DataFrame, *, currency: str) -> Axes:
    """Draw the margin of newcomers less what winning them cost, month by month.

    Parameters
    ----------
    curves
        ``Acquisition.payback``.
    currency
        Of the amounts.
    """
    ax = style.new_axes(height=3.3)
    ax.axhline(0, color=style.SOFT, linewidth=0.8)
    ends = {}
    for colour, (channel, part) in zip(style.PALETTE, curves.groupby("channel"), strict=False):
        net = part["margin"] - part["cost"]
        ends[str(channel)] = (float(part["month"].iloc[-1]), float(net.iloc[-1]))
        ax.plot(part["month"], net, color=colour)
        ax.fill_between(part["month"], part["low"] - part["cost"], part["high"] - part["cost"],
                        color=colour, alpha=0.12, linewidth=0)  # fmt: skip
    for channel, month, height in _apart(ends, 0.07 * float(np.ptp(ax.get_ylim()))):
        ax.annotate(channel, (month, height), (4, 0), textcoords="offset points", va="center",
                    color=style.INK)  # fmt: skip
    ax.set_xticks(range(0, int(curves["month"].max()) + 1, 3))
    ax.set_xlim(right=float(curves["month"].max()) * 1.18)
    ax.set_xlabel("Months since joining")
    ax.set_ylabel(f"Margin less cost, {words.currency_sign(currency)}")
    return ax


def _apart(ends: dict[str, tuple[float, float]], gap: float) -> list[tuple[str, float, float]]:
    """Return labels with their places, moved up where the one below would touch them."""
    found: list[tuple[str, float, float]] = []
    for name, (month, height) in sorted(ends.items(), key=lambda item: item[1][1]):
        least = found[-1][2] + gap if found else height
        found.append((name, month, max(height, least)))
    return found

"""Charts of what customers buy next: follow-ups, what is due, what to recommend."""

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


def differences(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many more buyers of A go on to B than matched customers, in points.

    Parameters
    ----------
    table
        label, difference, difference_low, difference_high, share, control.
    ax
        Axes to draw on.
    """
    written = [
        f"{words.number(s * _PERCENT)} against {words.number(c * _PERCENT)} %"
        for s, c in zip(table["share"], table["control"], strict=True)
    ]
    ends = [table[n] * _PERCENT for n in ("difference", "difference_low", "difference_high")]
    ax = ax or style.new_axes(height=0.7 + 0.4 * len(table))
    labels = [f"{shortened(a)}\n→ {shortened(b)}" for a, b in table["label"].str.split(" → ")]
    ax = forest(
        labels, *ends, written=written, strong=table["difference_low"] > 0, ax=ax
    )  # fmt: skip
    ax.set_yticks(range(len(table)), labels)
    ax.set_xlabel("More than matched customers, points")
    return ax


def incidence(curve: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw who bought B by day, buyers of A beside matched customers.

    Parameters
    ----------
    curve
        day, share, share_low, share_high, control, control_low, control_high.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes()
    kinds = (("share", style.BLUE, "bought A"), ("control", style.SOFT, "matched, did not"))
    for name, color, label in kinds:
        line = curve[name] * _PERCENT
        low, high = curve[f"{name}_low"] * _PERCENT, curve[f"{name}_high"] * _PERCENT
        ax.fill_between(curve["day"], low, high, color=color, alpha=0.18, linewidth=0, step="post")
        ax.step(curve["day"], line, where="post", color=color)
        ax.annotate(label, (curve["day"].iloc[-1], line.iloc[-1]), (4, 0), color=color,
                    textcoords="offset points", va="center", annotation_clip=False)  # fmt: skip
    ax.set_xlabel("Days after the first purchase of A")
    ax.set_ylabel("Bought B since, %")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=1)
    return ax


def due_bars(table: pd.DataFrame, *, days: int, ax: Axes | None = None) -> Axes:
    """Draw how many bought in the next days, by how overdue they were.

    Parameters
    ----------
    table
        overdue_from, overdue_to, share, low, high.
    days
        The next days, for the axis.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes()
    rows = np.arange(len(table))
    share = table["share"].to_numpy() * _PERCENT
    ends = [share - table["low"] * _PERCENT, table["high"] * _PERCENT - share]
    ax.bar(rows, share, color=style.BLUE, width=0.75)
    ax.errorbar(rows, share, yerr=np.clip(ends, 0, None), fmt="none", ecolor=style.INK)
    bounds = zip(table["overdue_from"], table["overdue_to"], strict=True)
    ax.set_xticks(rows, [_overdue(low, high) for low, high in bounds])
    ax.set_xlabel("Days overdue (negative: due later)")
    ax.set_ylabel(f"Bought in the next {days} days, %")
    ax.tick_params(length=0)
    return ax


def _overdue(low: float, high: float) -> str:
    if not np.isfinite(low):
        return f"< {words.number(high)}"
    return (
        f"≥ {words.number(low)}"
        if not np.isfinite(high)
        else f"{words.number(low)}…{words.number(high - 1)}"
    )


def recommenders(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how much of what was bought next each recommender had on its list.

    Parameters
    ----------
    table
        recommender, recall, recall_low, recall_high, chosen.
    ax
        Axes to draw on.
    """
    ends = [table[n] * _PERCENT for n in ("recall", "recall_low", "recall_high")]
    ax = forest(
        list(table["recommender"]), *ends, strong=table["chosen"],
        written=[f"{words.number(v, 1)} %" for v in ends[0]], ax=ax,
    )  # fmt: skip
    ax.set_xlabel("Of what was bought, on the list, %")
    ax.set_xlim(left=0)
    return ax

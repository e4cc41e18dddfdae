"""Charts of what budgets and past lists bring, and of the way from all customers to the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.promotions.planning.targeting.cost_curve import ALL_OFFERS, BY_VALUE
from analysis.reporting.charts import style
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_COLOURS = (style.BLUE, style.ORANGE, style.SOFT)

#: Where the label of each line stands: share of its length, offset in points, side.
_LABELS = ((1.0, (-4, 5), "right"), (1.0, (-4, -13), "right"), (0.5, (7, -9), "left"))


def cost_curves(
    curves: pd.DataFrame, budget: float, *, currency: str, ax: Axes | None = None
) -> Axes:
    """Draw what every budget brings, for the best offers and for simpler ways.

    Parameters
    ----------
    curves
        ``Spending.curves``.
    budget
        The budget planned.
    currency
        Of the amounts.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=3.4)
    best = curves[curves["variant"] == ALL_OFFERS]
    end = max(float(best["spend"].max()), 1e-9)
    ax.fill_between(
        best["spend"], best["low"], best["high"], color=style.QUIET, alpha=0.5, linewidth=0
    )
    for place, (name, rows) in enumerate(curves.groupby("variant", sort=False)):
        shown = rows[rows["spend"] <= 1.25 * end]
        place = 2 if name == BY_VALUE else place
        colour = _COLOURS[min(place, 2)]
        ax.plot(shown["spend"], shown["gain"], color=colour)
        at, shift, side = _LABELS[min(place, 2)]
        row = shown.iloc[int(at * (len(shown) - 1))]
        ax.annotate(
            str(name), (row["spend"], row["gain"]), shift, textcoords="offset points", ha=side,
            color=style.INK,
        )  # fmt: skip
    if budget < 1.25 * end:
        ax.axvline(budget, color=style.SOFT, linestyle=(0, (2, 2)), linewidth=1)
    ax.axhline(0, color=style.SOFT, linewidth=0.8)
    sign = words.currency_sign(currency)
    ax.set_xlabel(f"Spent on contacts and offers, {sign}")
    ax.set_ylabel(f"Expected margin, net, {sign}")
    return ax


def steps(waterfall: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many customers are left after each rule.

    Parameters
    ----------
    waterfall
        ``Eligible.waterfall``.
    ax
        Axes to draw on.
    """
    rows = waterfall[waterfall["stopped"] > 0]
    names = ["all candidates", *rows["rule"]]
    left = [int(waterfall["before"].iloc[0]), *rows["left"]]
    ax = ax or style.new_axes(height=0.6 + 0.32 * len(names))
    place = np.arange(len(names))
    ax.barh(place, left, color=[style.QUIET] * (len(names) - 1) + [style.BLUE], height=0.7)
    for y, n in zip(place, left, strict=True):
        ax.annotate(
            words.number(n), (n, y), (3, 0), textcoords="offset points", va="center",
            color=style.INK,
        )  # fmt: skip
    ax.set_yticks(place, names)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.15 * max(left))
    ax.set_xlabel("Customers left after each rule")
    return ax


def promises(known: pd.DataFrame, *, currency: str, ax: Axes | None = None) -> Axes:
    """Draw each list's promise beside what was measured, with its interval.

    Parameters
    ----------
    known
        ``PastLists.known``.
    currency
        Currency of the margin.
    ax
        Where to draw; None makes a figure.
    """
    rows = known.tail(12).reset_index(drop=True)
    ax = ax if ax is not None else style.new_axes(height=1.4 + 0.42 * len(rows))
    place = np.arange(len(rows))[::-1]
    reach = [rows["measured"] - rows["low"], rows["high"] - rows["measured"]]
    ax.errorbar(
        rows["measured"], place, xerr=reach, fmt="o", color=style.BLUE, capsize=3, label="measured"
    )
    ax.plot(rows["promised"], place, "D", color=style.ORANGE, label="promised")
    ax.axvline(0, color=style.SOFT, linewidth=0.8)
    ax.set_yticks(place, rows["name"])
    ax.set_ylim(-0.7, len(rows) - 0.3)
    ax.set_xlabel(f"Margin per customer, net of the contact, {words.currency_sign(currency)}")
    ax.legend(frameon=False, loc="best")
    return ax

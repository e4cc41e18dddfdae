"""Chart of what past lists promised and brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reporting.charts import style
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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

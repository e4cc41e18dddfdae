"""Estimates one below the other, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.reporting.charts import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Longest label that leaves room for the chart.
LONGEST = 26

#: Inches a row takes.
_ROW = 0.25


def forest(
    labels: Sequence[str],
    estimates: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    *,
    written: Sequence[str],
    strong: npt.ArrayLike | None = None,
    reference: float = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw dots with whiskers, the first row on top.

    Parameters
    ----------
    labels
        What each row is; long ones are cut.
    estimates, low, high
        Dots and the ends of their whiskers; a missing end leaves the whisker out.
    written
        What is written at the right of each row.
    strong
        Rows in full colour; by default all.
    reference
        Value marked by a vertical line.
    ax
        Axes to draw on; by default new ones, as high as the rows need.
    """
    middle, left, right = (np.asarray(v, dtype=float) for v in (estimates, low, high))
    full = np.ones(len(middle), bool) if strong is None else np.asarray(strong, dtype=bool)
    ax = ax or style.new_axes(height=0.7 + _ROW * len(middle))
    rows = np.arange(len(middle))
    ax.axvline(reference, color=style.SOFT, linewidth=0.8)
    whiskers = np.nan_to_num(np.vstack([middle - left, right - middle]))
    for chosen, color in ((full, style.BLUE), (~full, style.QUIET)):
        ax.errorbar(
            middle[chosen],
            rows[chosen],
            xerr=np.clip(whiskers[:, chosen], 0, None),
            fmt="o",
            markersize=4,
            linewidth=1.3,
            color=color,
        )
    ax.set_yticks(rows, [shortened(label) for label in labels])
    ax.set_ylim(len(middle) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    write_right(ax, rows, written)
    return ax


def write_right(ax: Axes, rows: npt.ArrayLike, written: Sequence[str]) -> None:
    """Write ``written`` in a column at the right of the axes, level with ``rows``."""
    for row, text in zip(np.asarray(rows), written, strict=True):
        ax.annotate(
            text,
            (1.02, row),
            xycoords=("axes fraction", "data"),
            va="center",
            ha="left",
            fontsize=style.TEXT,
            annotation_clip=False,
        )


def shortened(label: str, longest: int = LONGEST) -> str:
    """Return ``label``, cut with an ellipsis where it is too long."""
    return label if len(label) <= longest else label[: longest - 1].rstrip() + "…"

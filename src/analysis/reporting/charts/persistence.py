"""Charts of persistence: do customers stay in their group, against chance and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting import words
from analysis.reporting.charts import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PERCENT = 100.0


def stay_lines(stayed: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many stay in each group: seen, by noise alone, and by chance.

    Parameters
    ----------
    stayed
        ``Persistence.stayed``.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=3.3)
    groups = stayed["decile"].to_numpy()
    series = (
        ("noise", style.ORANGE, -0.12, "if nobody had changed"),
        ("stayed", style.BLUE, 0.12, "seen"),
    )
    for name, colour, shift, label in series:
        middle = stayed[name].to_numpy() * _PERCENT
        low = np.fmin(stayed[f"{name}_low"].fillna(stayed[name]) * _PERCENT, middle)
        high = np.fmax(stayed[f"{name}_high"].fillna(stayed[name]) * _PERCENT, middle)
        ax.errorbar(
            groups + shift, middle, yerr=[middle - low, high - middle], fmt="o-", color=colour,
            markersize=4, linewidth=1.2, ecolor=colour,
        )  # fmt: skip
        ax.annotate(
            label, (groups[0] + shift, middle[0]), (14, 0), textcoords="offset points",
            va="center",
        )  # fmt: skip
    ax.plot(groups, stayed["chance"] * _PERCENT, color=style.SOFT, linestyle=(0, (2, 2)))
    ax.annotate(
        "by chance", (groups[0], stayed["chance"].iloc[0] * _PERCENT), (0, -12),
        textcoords="offset points", color=style.SOFT,
    )  # fmt: skip
    ax.set_xticks(groups)
    ax.set_ylim(0, 100)
    ax.set_xlabel("Tenth in the first half, best first")
    ax.set_ylabel("Same tenth in the second half, %")
    return ax


def transition_map(matrix: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw where each group of the first half is in the second, in per cent of the group.

    Parameters
    ----------
    matrix
        ``Persistence.matrix``: first, second, share.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=4.2)
    shares = matrix.pivot(index="first", columns="second", values="share").to_numpy() * _PERCENT
    image = ax.imshow(np.nan_to_num(shares), cmap=style.HEAT, vmin=0, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if np.isfinite(share) and share >= 0.5:
            ax.text(
                column, row, words.number(share), ha="center", va="center",
                color=style.text_on(tuple(image.to_rgba(share))),
            )  # fmt: skip
    names = [*(str(place) for place in range(1, len(shares))), "none"]
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("Tenth in the second half (none: did not buy)")
    ax.set_ylabel("Tenth in the first half")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax

"""Text of a chart that can be read on a phone, ticks and labels that do not run into each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from analysis.reporting.charts import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

#: A tick of a scale, a figure, an amount or a date: one left out can be told from those that stay.
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_FIGURE = re.compile(
    rf"[-+\u2212]?\W{{0,2}}\d[\d,.]*\s?\D{{0,2}}|(?:\d+ )?{_MONTH}(?: \d+)?|{_MONTH}-\d+"
)

#: Shares of a figure's width: beyond the first a label is moved, to end at the second.
_EDGE, _RIGHT = 0.94, 0.99

#: Rounds in which labels are pushed apart.
_TURNS = 12

#: Pixels of a screen that lie between two labels at least, at 72 an inch.
_APART = 4.0


def make_legible(figure: Figure) -> None:
    """Enlarge text that would be too small on a phone, and thin out ticks that collide.

    Names of categories are never left out; the ticks of a scale are.
    """
    from matplotlib.text import Text

    least = style.least_size(figure)
    for text in figure.findobj(Text):
        if float(text.get_fontsize()) < least:
            text.set_fontsize(least)
    figure.draw_without_rendering()
    crowded = [axis for ax in figure.axes for axis in _scales(ax) if _collides(axis)]
    for axis in crowded:
        _thin(axis)
    for ax in figure.axes:
        _keep_inside(ax, figure)
        _push_apart(ax)


def _push_apart(ax: Axes) -> None:
    """Move labels that lie on each other up and down, half the way each, until none do."""
    from matplotlib.text import Annotation

    scale = 72 / ax.figure.dpi
    notes = [
        note for note in ax.texts
        if isinstance(note, Annotation) and note.get_text() and note.anncoords == "offset points"
    ]  # fmt: skip
    notes.sort(key=lambda note: -note.get_window_extent().y0)
    for _ in range(_TURNS):
        moved = False
        for upper, lower in combinations(notes, 2):
            a, b = upper.get_window_extent(), lower.get_window_extent()
            if a.overlaps(b):
                step = (b.y1 - a.y0 + 1) / 2 * scale
                for note, way in ((upper, step), (lower, -step)):
                    note.xyann = (note.xyann[0], note.xyann[1] + way)
                moved = True
        if not moved:
            return


def _keep_inside(ax: Axes, figure: Figure) -> None:
    """End the label of a narrow chart's axis at the right edge where it would run over it.

    The reader's own font may be wider than the one that is measured here: hence the margin, and a
    label that is anchored where it ends.
    """
    label, edge = ax.xaxis.label, float(figure.bbox.width)
    box = label.get_window_extent()
    if label.get_text() and box.x1 > _EDGE * edge:
        ax.xaxis.label.set_horizontalalignment("right")
        ax.xaxis.label.set_x((_RIGHT * edge - ax.bbox.x0) / ax.bbox.width)
    up = ax.yaxis.label
    if up.get_text() and up.get_window_extent().height > _EDGE * figure.bbox.height:
        up.set_text(up.get_text().replace(", ", ",\n", 1))


def overlapping(boxes: Sequence[Bbox], *, apart: float = 0.0) -> bool:
    """Return whether any two of the boxes meet, or come nearer than ``apart``."""
    padded = [box.padded(apart / 2) for box in boxes]
    return any(one.overlaps(two) for n, one in enumerate(padded) for two in padded[n + 1 :])


def _scales(ax: Axes) -> list[Axis]:
    """Return the axes whose ticks are figures."""
    every = (ax.xaxis, ax.yaxis)
    return [axis for axis in every if _labels(axis) and all(map(_is_figure, _labels(axis)))]


def _labels(axis: Axis) -> list[str]:
    low, high = sorted(axis.get_view_interval())
    shown = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
    return [text.get_text() for at, text in shown if low <= at <= high and text.get_text().strip()]


def _is_figure(label: str) -> bool:
    return _FIGURE.fullmatch(label.strip()) is not None


def _boxes(axis: Axis) -> list[Bbox]:
    low, high = sorted(axis.get_view_interval())
    shown = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
    return [
        text.get_window_extent()
        for at, text in shown
        if low <= at <= high and text.get_visible() and text.get_text().strip()
    ]


def _collides(axis: Axis) -> bool:
    return overlapping(_boxes(axis), apart=_APART * axis.axes.figure.dpi / 72)


def _thin(axis: Axis) -> None:
    """Keep every second, third ... tick, counted so that zero stays, until none meet."""
    ticks = [float(at) for at in axis.get_majorticklocs()]
    labels = [text.get_text() for text in axis.get_majorticklabels()]
    start = ticks.index(0.0) if 0.0 in ticks else 0
    for step in range(2, len(ticks) + 1):
        kept = [n for n in range(len(ticks)) if (n - start) % step == 0]
        axis.set_ticks([ticks[n] for n in kept], [labels[n] for n in kept])
        if not _collides(axis):
            return

"""One hand for every chart.

Colours are Okabe and Ito's (jfly.uni-koeln.de/color), which stay apart under every common
colour-blindness; heat maps use cividis. `INK`, `SOFT`, `GRID`, `QUIET` and `BLUE` are recoloured
by the page when it is dark, so that nothing may be written in white.

Text of a chart that can be read on a phone, and ticks that do not run into each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox
    from matplotlib.typing import ColorType

BLUE = "#0072b2"
ORANGE = "#e69f00"
GREEN = "#009e73"
VERMILLION = "#d55e00"
PURPLE = "#cc79a7"
SKY = "#56b4e9"

#: Colours of series, in the order to take them; the first is for what the chart is about.
PALETTE = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY)

#: What is only there to compare with.
QUIET = "#9fb8cc"

#: Text, whiskers and lines that must be seen.
INK = "#1d2129"

#: Axes and secondary text.
SOFT = "#5b616b"

#: Grid lines, if any.
GRID = "#e3e6ea"

#: Colour map of heat maps.
HEAT = "cividis"

#: Text that stands on a filled cell keeps its colour whatever the page's; see `text_on`.
ON_LIGHT, ON_DARK = "#101214", "#f7f8f9"

#: Fonts that write Chinese, Japanese and Korean, the first one installed is taken.
CJK_FONTS = ("WenQuanYi Micro Hei", "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei")

#: Points of every text on a chart 5 inches wide: 11 pixels on a phone 390 wide.
TEXT = 11.1

_RC: dict[str, object] = {
    "axes.edgecolor": "#8a8f98",
    "axes.facecolor": "none",
    "axes.labelcolor": SOFT,
    "axes.labelsize": TEXT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "errorbar.capsize": 2,
    "errorbar.elinewidth": 1.2,
    "figure.facecolor": "none",
    "font.size": TEXT,
    "grid.color": GRID,
    "image.cmap": HEAT,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "none",
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "xtick.color": "#8a8f98",
    "xtick.labelcolor": SOFT,
    "xtick.labelsize": TEXT,
    "ytick.color": "#8a8f98",
    "ytick.labelcolor": SOFT,
    "ytick.labelsize": TEXT,
}


def new_axes(width: float = 5.0, height: float = 3.0) -> Axes:
    """Return empty axes in the house style, on a figure of their own.

    Parameters
    ----------
    width, height
        Size in inches. At 5 inches a text of `TEXT` points is 11 pixels high on a phone.
    """
    return new_grid(1, 1, width=width, height=height)[0]


def new_grid(rows: int, columns: int, *, width: float = 5.0, height: float = 3.0) -> list[Axes]:
    """Return ``rows`` x ``columns`` empty axes on one figure, row by row.

    Parameters
    ----------
    rows, columns
        Number of axes in each direction.
    width, height
        Size of the whole figure in inches.
    """
    from matplotlib.figure import Figure

    use()
    figure = Figure(figsize=(width, height), layout="constrained")
    return list(figure.subplots(rows, columns, squeeze=False).flat)


def use() -> None:
    """Make the house style the style of every chart drawn from here on."""
    import matplotlib
    from cycler import cycler

    matplotlib.rcParams.update(_RC)  # type: ignore[arg-type]
    matplotlib.rcParams["axes.prop_cycle"] = cycler(color=PALETTE)
    matplotlib.rcParams["font.family"] = ["DejaVu Sans", *cjk_fonts()]


@cache
def cjk_fonts() -> tuple[str, ...]:
    """Return the font for Chinese, Japanese and Korean text, if one is installed.

    The list of fonts that matplotlib keeps may be older than the font, so that the fonts of the
    system are looked through before giving up.
    """
    from matplotlib import font_manager

    known = set(font_manager.fontManager.get_font_names())
    if not known.intersection(CJK_FONTS):
        for path in font_manager.findSystemFonts():
            if "wqy" in path.lower() or "cjk" in path.lower():
                font_manager.fontManager.addfont(path)
        known = set(font_manager.fontManager.get_font_names())
    return tuple(name for name in CJK_FONTS if name in known)[:1]


def whiskers(
    middle: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return how far intervals reach to either side of ``middle``, as error bars want it: (2, n).

    An end on the wrong side of the middle reaches not at all: the mean of skewed draws may lie
    outside the central part of them.
    """
    at, ends = np.asarray(middle, dtype=float), (np.asarray(low), np.asarray(high))
    return np.clip(np.atleast_2d(np.stack([at - ends[0], ends[1] - at])), 0, None)


def text_on(colour: ColorType) -> str:
    """Return the colour of a text that stands on ``colour``: the more legible of dark and light.

    The contrast is that of WCAG 2.1 (relative luminance).
    """
    from matplotlib.colors import to_rgb

    light, dark = _luminance(to_rgb(ON_DARK)), _luminance(to_rgb(ON_LIGHT))
    ground = _luminance(to_rgb(colour))
    return ON_DARK if (light + 0.05) * (dark + 0.05) > (ground + 0.05) ** 2 else ON_LIGHT


def _luminance(rgb: tuple[float, float, float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def least_size(figure: Figure) -> float:
    """Return the points below which a text of the chart is too small on a phone."""
    return TEXT * float(figure.get_figwidth()) / 5.0


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

    Names of categories are never left out; the ticks of a scale are. What stands between two
    dollars of a name or an amount is not read as a formula.
    """
    _mend_texts(figure)
    figure.draw_without_rendering()
    while _mend_texts(figure):  # a tick has its text only when it was drawn
        figure.draw_without_rendering()
    crowded = [axis for ax in figure.axes for axis in _scales(ax) if _collides(axis)]
    for axis in crowded:
        _thin(axis)
    for ax in figure.axes:
        _keep_inside(ax, figure)
        _push_apart(ax)


#: How the labels that matplotlib makes for the powers of a logarithmic axis begin.
_OWN_FORMULA = r"$\mathdefault{"


def _mend_texts(figure: Figure) -> bool:
    """Make texts as large as a phone needs, plain but for formulas; say whether any was not."""
    from matplotlib.text import Text

    least, mended = least_size(figure), False
    for text in figure.findobj(Text):
        formula = text.get_text().startswith(_OWN_FORMULA)
        if float(text.get_fontsize()) < least or text.get_parse_math() != formula:
            text.set_fontsize(max(least, float(text.get_fontsize())))
            text.set_parse_math(formula)
            mended = mended or bool(text.get_text())
    return mended


def _push_apart(ax: Axes) -> None:
    """Move labels that lie on each other up and down, half the way each, until none do."""
    from matplotlib.text import Annotation

    scale = 72 / ax.figure.dpi
    notes = [
        note for note in ax.texts
        if isinstance(note, Annotation) and note.get_text() and note.anncoords == "offset points"
    ]  # fmt: skip
    boxes = {note: note.get_window_extent() for note in notes}  # each is dear: anew only if moved
    notes.sort(key=lambda note: -boxes[note].y0)
    for _ in range(_TURNS):
        moved = False
        for upper, lower in combinations(notes, 2):
            a, b = boxes[upper], boxes[lower]
            if a.overlaps(b):
                step = (b.y1 - a.y0 + 1) / 2 * scale
                for note, way in ((upper, step), (lower, -step)):
                    note.xyann = (note.xyann[0], note.xyann[1] + way)
                    boxes[note] = note.get_window_extent()
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

"""One hand for every chart.

Colours are Okabe and Ito's (jfly.uni-koeln.de/color), which stay apart under every common
colour-blindness; heat maps use cividis. `INK`, `SOFT`, `GRID`, `QUIET` and `BLUE` are recoloured
by the page when it is dark, so that nothing may be written in white.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
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


def smallest_text(figure: Figure) -> float:
    """Return the size in pixels of the smallest visible text when the chart is 360 px wide."""
    from matplotlib.text import Text

    sizes = [
        float(artist.get_fontsize())
        for artist in figure.findobj(Text)
        if artist.get_visible() and artist.get_text().strip()
    ]
    return min(sizes, default=float("inf")) * 360 / (72 * figure.get_figwidth())

"""Charts as SVG that stands inside a page.

The text stays text, in the reader's own font; nothing depends on the day or the process; the
ids cannot meet those of another chart; and the neutral colours follow the page's theme.
"""

from __future__ import annotations

import io
import re
import sys
import warnings
from html import escape
from typing import TYPE_CHECKING, Any

from analysis.errors import AnalysisError
from analysis.reporting.charts import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Fonts of the reader's system, for the text of charts and pages.
FONTS = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', "
    "'WenQuanYi Micro Hei', sans-serif"
)

#: Colours that would be hard to see on a dark page, and the page's variables that replace them.
_THEMED = {
    style.INK: "--ink",
    style.SOFT: "--soft",
    style.GRID: "--line",
    style.QUIET: "--quiet",
    style.BLUE: "--blue",
    "#000000": "--ink",
}

#: Pixels a point of the chart takes on a wide screen; 5 inches are then 504 pixels.
_SCALE = 1.4

_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def render(drawn: Axes | Figure, *, name: str, alt: str) -> str:
    """Return the chart as one ``<svg>`` element and close its figure.

    Parameters
    ----------
    drawn
        The axes or the figure.
    name
        Name no other chart of the page has; the ids inside are made of it.
    alt
        What the chart shows.
    """
    figure = _figure(drawn)
    picture = _inlined(_save(figure, name), alt)
    _close(figure)
    return picture


def _figure(drawn: Axes | Figure) -> Figure:
    from matplotlib.axes import Axes

    figure = drawn.get_figure(root=True) if isinstance(drawn, Axes) else drawn
    if figure is None:
        raise AnalysisError("These axes stand on no figure")
    return figure


def _save(figure: Figure, name: str) -> str:
    import matplotlib

    target = io.StringIO()
    settings: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": name}
    settings |= {"text.parse_math": False}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*missing from (current )?font.*")
        try:
            style.make_legible(figure)
            figure.savefig(target, format="svg", metadata=_NO_METADATA, transparent=True)
        except UserWarning as missing:
            if "font" not in str(missing):
                raise
            raise AnalysisError(
                f"No installed font can write a text of the chart ({missing}); "
                "install one that can, for Chinese Debian's fonts-wqy-microhei"
            ) from None
    return target.getvalue()


def _inlined(document: str, alt: str) -> str:
    """Return the ``<svg>`` of a document without prolog, metadata, styles and unused ids."""
    svg = document[document.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", svg, flags=re.S)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", svg, flags=re.S)
    used = set(re.findall(r'(?:xlink:href="|url\()#([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: m.group() if m.group(1) in used else "", svg)
    svg = re.sub(r"font-family: [^;\"]*; ?", "", svg)
    svg = svg.replace("xlink:href", "href").replace(
        ' xmlns:xlink="http://www.w3.org/1999/xlink"', ""
    )
    for colour, variable in _THEMED.items():
        svg = svg.replace(f": {colour}", f": var({variable}, {colour})")
    head = re.match(r'<svg[^>]*viewBox="([^"]*)"[^>]*>', svg)
    if head is None:
        raise AnalysisError("The chart has no size")
    width = head.group(1).split()[2]
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{head.group(1)}" role="img" '
        f'aria-label="{escape(alt)}" style="max-width:100%;width:{float(width) * _SCALE:.0f}px;'
        f'font-family:{FONTS};fill:var(--ink, #000000);stroke-linejoin:round;stroke-linecap:butt">'
    )
    return opening + re.sub(r"\s*\n\s*", "\n", svg[head.end() :])


def _close(figure: Figure) -> None:
    """Forget the figure where pyplot keeps it, or it would be shown a second time."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)

"""How small the text of a chart is where people read it on a phone."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.text import Text


def smallest_text(figure: Figure) -> float:
    """Return the size in pixels of the smallest visible text when the chart is 360 px wide."""
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    smallest = min((float(text.get_fontsize()) for text in texts), default=float("inf"))
    return smallest * 360 / (72 * figure.get_figwidth())

"""Tables of a page: an estimate and its interval share a cell, and long words may break.

A wide screen draws them as two columns, a phone the interval below its estimate (`style.css`), so
that what is scrolled out of sight is never how sure a figure is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ROW = re.compile(r"<tr\b[^>]*>.*?</tr>", re.S)
_CELL = re.compile(r"<(t[hd])\b([^>]*)>(.*?)</\1>", re.S)

#: What great-tables adds for its own title and for Quarto.
_FOREIGN = re.compile(r'\s(?:data-quarto-[a-z-]+|aria-labelledby)="[^"]*"')
_TITLE = re.compile(r'\s*<tr class="gt_heading">.*?</tr>', re.S)

#: A cell of more characters is a sentence: it breaks before the table must be scrolled.
_SENTENCE = re.compile(r'(<td\b[^>]*\bgt_left)("[^>]*>[^<]{41,}</td>)')

#: Widths of characters, in digits; all others are about as wide as one.
_WIDTHS = {" ": 0.5, "\u00a0": 0.5, ".": 0.5, ",": 0.5, "%": 1.5}


def on_page(drawing: str, intervals: Sequence[int] = ()) -> str:
    """Return a table drawn by great-tables as the page has it: without styles and title.

    Parameters
    ----------
    drawing
        What great-tables drew.
    intervals
        Places of the columns that are the interval of the column before them.
    """
    found = re.search(r"<table.*</table>", drawing, flags=re.S)
    bare = _FOREIGN.sub("", _TITLE.sub("", found.group() if found else drawing))
    rows = [_CELL.findall(row) for row in _ROW.findall(bare)]
    widths = {n: max(_width(row[n][2]) for row in rows if n < len(row)) for n in intervals}
    paired = _ROW.sub(lambda row: _with_pairs(row.group(), widths), bare)
    return _SENTENCE.sub(r"\1 long\2", paired)


def _with_pairs(row: str, widths: dict[int, float]) -> str:
    """Return a row with each interval moved into the cell of the estimate before it."""
    cells = list(_CELL.finditer(row))
    for place in sorted(widths, reverse=True):
        if place >= len(cells):
            continue
        estimate, interval = cells[place - 1], cells[place]
        tag, attributes, value = estimate.groups()
        pair = (
            f'<{tag}{attributes}><span class="pair"><span>{value}</span> '
            f'<span class="ends" style="min-width:{widths[place]:g}ch">{interval[3]}</span>'
            f"</span></{tag}>"
        )
        row = row[: estimate.start()] + pair + row[interval.end() :]
    return row


def _width(text: str) -> float:
    plain = re.sub(r"&[a-z0-9#]+;", "x", text)
    return sum(_WIDTHS.get(character, 1.0) for character in plain)

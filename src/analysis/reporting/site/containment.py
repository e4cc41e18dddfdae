"""Proof that a page is whole: it loads nothing, runs nothing and is light enough."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from analysis.errors import AnalysisError

#: A published page may weigh this many bytes; a phone on a train should still get it.
LARGEST_PAGE = 1_500_000

_ACTIVE = frozenset(
    {"script", "iframe", "frame", "object", "embed", "audio", "video", "source", "form", "base"}
)
_ADDRESSES = frozenset({"src", "srcset", "poster", "action", "formaction", "background", "data"})
_REFERRING = frozenset({"link", "use", "image", "feimage"})
_STYLE = re.compile(r"@import|url\(\s*[\"']?(?!#|data:)", re.IGNORECASE)


def checked(html: str, *, name: str) -> str:
    """Return a page that is whole.

    The content policy of a page would keep a browser from loading and running; that it has nothing
    to keep from is checked here, so that no reader finds a hole where something was forbidden.

    Raises
    ------
    AnalysisError
        If the page would load or run something, or is too heavy.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    if reader.found:
        raise AnalysisError(f"{name} would load or run something: {reader.found[0]}")
    size = len(html.encode())
    if size > LARGEST_PAGE:
        raise AnalysisError(
            f"{name} weighs {size / 1e6:.1f} MB; a page may weigh {LARGEST_PAGE / 1e6:.1f} MB, so "
            "show fewer rows or points"
        )
    return html


class _Reader(HTMLParser):
    """Collects the tags that would load or run something."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        if tag in _ACTIVE or any(_loads(tag, key, value or "") for key, value in attrs):
            self.found.append(self.get_starttag_text() or tag)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style and (match := _STYLE.search(data)):
            self.found.append(data[match.start() :][:80])


def _loads(tag: str, key: str, value: str) -> bool:
    if key in _ADDRESSES:
        return not value.startswith("data:")
    if key in ("href", "xlink:href"):
        inside = value.startswith(("#", "data:"))
        scripted = value.strip().lower().startswith("javascript:")
        return scripted or (tag in _REFERRING and not inside)
    if key == "style":
        return bool(_STYLE.search(value))
    refreshes = tag == "meta" and key == "http-equiv" and value.lower() == "refresh"
    return key.startswith("on") or refreshes

"""A page that is watched while it is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page


@dataclass
class Watched:
    """An open page, and all that it asked for and complained about."""

    page: Page
    root: Path
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: Path) -> None:
        """Open a file of the site."""
        self.page.goto(path.as_uri())

    @property
    def left(self) -> list[str]:
        """Requests for anything but pages of the site."""
        home = self.root.as_uri()
        return [u for u in self.requests if not (u.startswith(home) and u.endswith(".html"))]


@contextmanager
def watching(browser: Browser, root: Path, **options: Any) -> Iterator[Watched]:
    """Open an offline page for the site below ``root``; on leaving, it must have been quiet.

    Options are those of a Playwright context: viewport, color_scheme and so on.
    """
    context = browser.new_context(offline=True, **options)
    watched = Watched(context.new_page(), root)
    page = watched.page
    page.on("request", lambda request: watched.requests.append(request.url.partition("#")[0]))
    page.on("console", lambda said: watched.complaints.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    page.on("requestfailed", lambda request: watched.complaints.append(f"failed: {request.url}"))
    try:
        yield watched
        assert not watched.complaints, watched.complaints
        assert not watched.left, watched.left
        assert watched.requests
    finally:
        context.close()

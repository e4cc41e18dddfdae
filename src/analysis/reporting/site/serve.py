"""Show the published reports to this machine alone."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from analysis.errors import AnalysisError

LOOPBACK = "127.0.0.1"


class _Handler(SimpleHTTPRequestHandler):
    """Files below the reports directory, dot files and other sites' requests excepted."""

    def send_head(self) -> Any:
        """Answer GET and HEAD; refuse what a browser was tricked into, and what is hidden."""
        if not self._asked_by_this_machine():
            self.send_error(421, "This server answers to localhost only")
            return None
        if any(part.startswith(".") for part in unquote(urlsplit(self.path).path).split("/")):
            self.send_error(404)
            return None
        return super().send_head()

    def _asked_by_this_machine(self) -> bool:
        """Tell whether the request names this host: another name is DNS rebinding."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        return host in (LOOPBACK, "localhost")

    def list_directory(self, path: Any) -> None:  # noqa: ARG002
        """Show no directory listings: the index pages list what there is."""
        self.send_error(404)

    def end_headers(self) -> None:
        """Send every file fresh, and as the type it is."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet."""


def make_server(directory: Path, *, port: int) -> ThreadingHTTPServer:
    """Return a server of the files below ``directory``, on the loopback address.

    Parameters
    ----------
    directory
        The reports directory.
    port
        Port to listen on; 0 takes a free one.

    Raises
    ------
    AnalysisError
        If there is nothing to show yet, or the port is taken.
    """
    if not (directory / "index.html").is_file():
        raise AnalysisError(f"There is no report in {directory} yet; run `analysis run STUDY`")
    try:
        return ThreadingHTTPServer((LOOPBACK, port), partial(_Handler, directory=str(directory)))
    except OSError as error:
        raise AnalysisError(
            f"Cannot listen on port {port}: {error.strerror}; choose another with --port"
        ) from None

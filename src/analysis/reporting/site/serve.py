"""Show the published reports to this machine alone."""

from __future__ import annotations

import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from analysis.errors import AnalysisError

LOOPBACK = "127.0.0.1"

#: Connections at a time, and seconds that one may say nothing.
MOST_CONNECTIONS, IDLE_SECONDS = 64, 10

#: Folder of a run, below study and run, that names whom to contact.
_LISTS = "lists"


class _Server(ThreadingHTTPServer):
    """A server of few connections that keeps the terminal quiet."""

    def __init__(self, *arguments: Any) -> None:
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, or hang up where there are too many already."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for another connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Say in one line what went wrong; nothing did where a client hung up."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            print(f"analysis: a request failed: {error!r}", file=sys.stderr, flush=True)


class _Handler(SimpleHTTPRequestHandler):
    """Files below the reports directory, dot files, lists and other sites' requests excepted."""

    timeout = IDLE_SECONDS

    def send_head(self) -> Any:
        """Answer GET and HEAD; refuse what a browser was tricked into, and what is hidden."""
        if not self._asked_by_this_machine():
            self.send_error(421, "This server answers to localhost only")
            return None
        if not self._is_shown():
            self.send_error(404)
            return None
        return super().send_head()

    def _is_shown(self) -> bool:
        """Tell whether what is asked for is below the directory, and meant to be read.

        A link that leads out of the directory is not followed, and lists of customers to contact
        are not shown under any name.
        """
        path = unquote(urlsplit(self.path).path)
        if not path.isprintable() or any(part.startswith(".") for part in path.split("/")):
            return False
        root = Path(self.directory).resolve()
        found = Path(self.translate_path(self.path)).resolve()
        if not found.is_relative_to(root):
            return False
        parts = found.relative_to(root).parts
        return _LISTS not in parts[2:3] and not any(part.startswith(".") for part in parts)

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
        return _Server((LOOPBACK, port), partial(_Handler, directory=str(directory)))
    except OSError as error:
        raise AnalysisError(
            f"Cannot listen on port {port}: {error.strerror}; choose another with --port"
        ) from None

"""What a run says on the terminal, and in the scheduler's mail.

End in good order when asked to.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import IO, TYPE_CHECKING, NoReturn

from analysis.reporting.store.status import Status

if TYPE_CHECKING:
    from analysis.ingest.request import IngestResult


_WORDS = {
    "done": "done",
    "cached": "cached",
    "incomplete": "PARTLY",
    "failed": "FAILED",
    "not_applicable": "no data",
    "left_out": "left out",
}


class Terminal:
    """Lines of progress on a stream; on a real terminal also the cells of what is running.

    Parameters
    ----------
    stream
        Where to write.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._shown = ""

    def line(self, text: str) -> None:
        """Write a line."""
        self._clear()
        print(text, file=self._stream, flush=True)

    def ingested(self, result: IngestResult) -> None:
        """Say whether the data are new, and how much there are."""
        how = "as before" if result.skipped else f"read in {result.seconds:.1f} s"
        rows = f"{sum(result.manifest.rows.values()):,} rows in {len(result.manifest.rows)} tables"
        for sentence in result.mended:
            self.line(f"  {'mended':<9} {sentence}")
        self.line(f"  {'data':<9} {rows}, {how}")

    def starts(self, report: str) -> None:
        """Say that a report starts."""
        self.line(f"  {'start':<9} {report}")

    def goes_on(self, cells: Mapping[str, tuple[int, int]]) -> None:
        """Show the cell that each running report has come to, over the last such line."""
        text = "   ".join(f"{report} {cell}/{of}" for report, (cell, of) in cells.items())
        if self._live and text and text != self._shown:
            self._clear()
            self._stream.write(f"  {text}")
            self._stream.flush()
            self._shown = text

    def ends(self, status: Status) -> None:
        """Say how a report ended."""
        self.line(
            f"  {_WORDS[status.status]:<9} {status.report:<24} {self._facts(status)}".rstrip()
        )

    def notes(self, sentence: str) -> None:
        """Say what was found and worked around."""
        self.line(f"  {'note':<9} {sentence}")

    def _facts(self, status: Status) -> str:
        took = f"{status.seconds:6.1f} s  {status.peak_memory_mb:6.0f} MB"
        if status.status == "done":
            return took
        if status.status in ("failed", "incomplete") and status.seconds:
            return f"{took}  {status.reason}"
        return status.reason

    def _clear(self) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._shown = ""


_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked this process to end; no handler of mere errors may catch it."""

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(signal.Signals(signum).name)

    @property
    def exit_code(self) -> int:
        """The exit code that a shell expects."""
        return 128 + self.signum


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` at the first signal to end, and ignore others while it cleans up.

    A library that is interrupted may report an error of its own, as DuckDB does; that is
    `Stopped` all the same. A signal that was ignored before, as hang-ups are below nohup, stays
    ignored.
    """
    received: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        received.append(signum)
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signum)

    handlers = {each: signal.getsignal(each) for each in _STOPS}
    before = {each: kept for each, kept in handlers.items() if kept is not signal.SIG_IGN}
    for each in before:
        signal.signal(each, stop)
    try:
        yield
    except Exception as error:
        if received:
            raise Stopped(received[0]) from error
        raise
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def unstoppable() -> Iterator[None]:
    """Ignore signals to end: what is inside is short, and the end of the work.

    Blocking them for this thread would not do; a library's thread would take them.
    """
    before = {each: signal.signal(each, signal.SIG_IGN) for each in _STOPS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

"""What a run says on the terminal and in the scheduler's mail, and how it ends when asked to.

``analysis run x | head`` closes the pipe after ten lines, a log's disk fills, a terminal knows no
Chinese: none of it may end a run before it is published. What cannot be written is left out and
remembered; what an encoding lacks is written as an escape.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, NoReturn, TextIO

from analysis.reporting.store.run_record import Status

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


class _Sink(io.RawIOBase):
    """Writes to a file descriptor until that fails, and from then on to nowhere."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.error is None:
            try:
                return os.write(self._descriptor, data)
            except OSError as error:
                self.error = error
        return len(data)


class Lost:
    """Why some of what was said on standard output could not be written, if so."""

    def __init__(self, sink: _Sink | None) -> None:
        self._sink = sink

    @property
    def reason(self) -> str:
        """What the system said; empty if all was written, or nobody wanted to read on."""
        error = self._sink.error if self._sink else None
        if error is None or error.errno == errno.EPIPE:
            return ""
        return error.strerror or str(error)


@contextmanager
def lasting_output() -> Iterator[Lost]:
    """Give the process a standard output and error that no closed pipe or full disk breaks."""
    before = sys.stdout, sys.stderr
    sys.stdout, sink = _lasting(sys.stdout, sys.__stdout__)
    sys.stderr, _ = _lasting(sys.stderr, sys.__stderr__)
    try:
        yield Lost(sink)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if before[0] is not None and before[1] is not None:
            sys.stdout, sys.stderr = before


def _lasting(stream: TextIO | None, original: TextIO | None) -> tuple[TextIO, _Sink | None]:
    """Return a lasting stream in the place of ``stream``, unless somebody has put another there."""
    if stream is None:  # closed before the process began, as by >&-
        return Path(os.devnull).open("w", encoding="utf-8"), None
    if stream is not original:
        return stream, None
    stream.flush()
    sink = _Sink(stream.fileno())
    lasting = io.TextIOWrapper(
        io.BufferedWriter(sink),  # type: ignore[type-var]  # the raw stream that it asks for
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )
    return lasting, sink


#: Longest part of the error's own words in the sentence.
_MOST_WORDS = 300


def sentence(error: BaseException) -> str:
    """Return what went wrong in one sentence that names the file with the traceback.

    The file lies in the temporary directory, readable by its owner alone, for a traceback may
    quote data. Where it cannot be written, the traceback follows the sentence.
    """
    said = " ".join(str(error).split())[:_MOST_WORDS]
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    trace = "".join(traceback.format_exception(error))
    try:
        where = f"its traceback is in {_written(trace)}"
    except OSError as refusal:
        where = f"its traceback could not be written ({refusal.strerror}):\n{trace.rstrip()}"
    return f"unforeseen error, {what}. Please report it as a defect; {where}"


def _written(trace: str) -> str:
    descriptor, path = tempfile.mkstemp(prefix="analysis-error-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(trace)
    return path

"""Standard output and error that may vanish without ending the work.

``analysis run x | head`` closes the pipe after ten lines, a log's disk fills, a terminal knows no
Chinese: none of it may end a run before it is published. What cannot be written is left out and
remembered; what an encoding lacks is written as an escape.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


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

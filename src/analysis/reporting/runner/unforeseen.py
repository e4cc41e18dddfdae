"""An error that nobody foresaw: one sentence for the reader, the traceback in a file."""

from __future__ import annotations

import os
import tempfile
import traceback

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

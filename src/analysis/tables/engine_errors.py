"""What the engine says of a file that it cannot read to its end, as a sentence about that file."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from analysis.errors import AnalysisError, DataError

#: How DuckDB and Spark say that there is no room.
_NO_ROOM = ("No space left", "File too large", "not enough disk space", "Out of disk space")


def is_no_room(error: BaseException) -> bool:
    """Tell whether an error means that the disk is full, whichever layer noticed it."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG)
    return full or any(words in str(error) for words in _NO_ROOM)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what the engine raises while ``name`` is read into one sentence.

    Raises
    ------
    DataError
        If the file cannot be read, such as for a damaged page.
    AnalysisError
        If the engine may not have the memory that it needs.
    """
    import duckdb
    from ibis.common.exceptions import IbisError

    try:
        yield
    except (duckdb.Error, IbisError) as error:
        if is_no_room(error):
            raise
        if isinstance(error, duckdb.OutOfMemoryException):
            raise AnalysisError(
                f"{name} needs more memory than the engine may use; raise engine: memory: in the "
                "params"
            ) from error
        said = " ".join(str(error).strip().partition("\n")[0].split())
        raise DataError(f"{name} cannot be read: {said}") from error

"""Arrow columns from the simulator's arrays: exact money, times, dates and names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.stats.types import Flags, Integers


def money(cents: Integers) -> pa.Array:
    """Return cents as DECIMAL(18, 2)."""
    words = np.empty((len(cents), 2), np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(words)])


def times(stamps: Integers, missing: Flags | None = None) -> pa.Array:
    """Return microseconds since 1970 as timestamps without a zone."""
    return pa.array(stamps, pa.timestamp("us"), mask=missing)


def dates(days: Integers, missing: Flags | None = None) -> pa.Array:
    """Return days since 1970 as dates."""
    return pa.array(days.astype(np.int32), pa.date32(), mask=missing)


def whole(numbers: Integers, missing: Flags | None = None) -> pa.Array:
    """Return whole numbers."""
    return pa.array(numbers, pa.int64(), mask=missing)


def names(positions: Integers, words: Sequence[str], missing: Flags | None = None) -> pa.Array:
    """Return ``words`` at ``positions`` as text."""
    indices = pa.array(positions.astype(np.int32), pa.int32(), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))


def only(values: pa.Array, where: Flags) -> pa.Array:
    """Return ``values``, missing elsewhere."""
    return pc.if_else(pa.array(where, pa.bool_()), values, None)


def constant(word: str, count: int) -> pa.Array:
    """Return the same text ``count`` times."""
    return names(np.zeros(count, np.int64), [word])

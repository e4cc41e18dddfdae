"""The simulator's aligned arrays, and Arrow columns of them: exact money, times, dates, names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.stats.types import Flags, Integers


@dataclass(frozen=True)
class Aligned:
    """Rows as arrays of one length, one a field."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, rows: NDArray[np.generic]) -> Self:
        """Return some of the rows."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of all parts, one after the other."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


def sums(group: Integers, amounts: NDArray[np.generic], count: int) -> Integers:
    """Return the sum of whole numbers by group; exact, for doubles hold them up to 2 ** 53."""
    return np.bincount(group, weights=amounts, minlength=count).astype(np.int64)


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

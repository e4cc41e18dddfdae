"""Lines gathered by order or by customer, as integers that a compiled kernel can walk along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa


@dataclass(frozen=True)
class Gathered:
    """The distinct values of every owner, one owner after the other.

    Parameters
    ----------
    starts
        Where each owner's values begin, and the end after the last.
    values
        Ascending and distinct within an owner.
    """

    starts: npt.NDArray[np.int64]
    values: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.starts) - 1


def coded(lines: ibis.Table, items: Sequence[str] | npt.NDArray[np.object_]) -> ibis.Table:
    """Return the lines of ``items`` with their ``code``: the place in ``items``."""
    import ibis
    import pandas as pd

    names = pd.Series(list(items), dtype="str")
    codes = ibis.memtable(pd.DataFrame({"item": names, "code": np.arange(len(names))}))
    return lines.join(codes.mutate(code=codes.code.cast("int32")), "item")


def share_of(lines: ibis.Table, key: str, number: int, part: int) -> ibis.Table:
    """Return the lines of one of ``number`` disjoint sets of owners."""
    return lines if number == 1 else lines.filter(lines[key].hash().abs() % number == part)


def gathered_from(lists: pa.ChunkedArray) -> Gathered:
    """Return lists of integers, one an owner, sorted and without repetitions.

    The engine brings together what belongs to one owner; sorting a handful of integers is left to
    the kernel, which is many times faster than distinct rows of text.
    """
    from analysis.products.basket_kernel import compact

    # The kernel sorts in place, which what the engine lends does not allow.
    batches = [
        compact(part.value_lengths().to_numpy(), part.flatten().to_numpy().copy())
        for part in lists.chunks
    ]
    if not batches:
        return Gathered(np.zeros(1, np.int64), np.zeros(0, np.int64))
    sizes = np.concatenate([sizes for sizes, _ in batches])
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Gathered(starts, np.concatenate([values for _, values in batches]))


def joined(parts: Sequence[Gathered]) -> Gathered:
    """Return several sets of owners as one."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([0, *(len(part.values) for part in parts)])
    starts = [part.starts[:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
    values = np.concatenate([part.values for part in parts])
    return Gathered(np.concatenate([*starts, ends[-1:]]).astype(np.int64), values)

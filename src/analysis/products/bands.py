"""How many items an order holds, in bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import ibis

#: Upper ends of the bands.
BANDS = (0, 1, 3, 7, 15, 31)

#: Band by number of items; the last is that of all larger ones, too.
BAND_OF = np.searchsorted(BANDS, np.arange(BANDS[-1] + 2)).astype(np.int32)


def band_of(n: ibis.Value) -> ibis.Value:
    """Return the band that a number of items falls in."""
    import ibis

    cases = [(n <= end, i) for i, end in enumerate(BANDS)]
    return ibis.cases(*cases, else_=len(BANDS)).cast("int8")

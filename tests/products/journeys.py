"""Small histories of customers, as the kernels take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from analysis.products.sequences.purchase_events import Events
from analysis.tables.periods import Period

START = date(2024, 1, 1)


def events_of(histories: Sequence[Mapping[int, str]], days: int = 400) -> Events:
    """Return events from one mapping a customer: day to items, a letter each."""
    rows = sorted(
        {
            (c, day, item)
            for c, h in enumerate(histories)
            for day, items in h.items()
            for item in items
        }
    )
    names = sorted({item for _, _, item in rows})
    customer, day, item = zip(*rows, strict=True)
    return Events(
        np.array(customer, np.int32),
        np.array(day, np.int32),
        np.array([names.index(i) for i in item], np.int32),
        np.array(names, dtype=object),
        np.array([f"c{i:05}" for i in range(len(histories))], dtype=object),
        Period(START, START + timedelta(days=days)),
    )

"""Which articles are still sold: what is gone is in no call for action."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from datetime import date


#: Days at the end in which an article must still sell, and days before that tell how it did.
RECENT, BEFORE = 28, 182

#: An article that sells less than this share of its usual orders, beyond chance, is on its way out.
_LEFT = 0.25

#: Chance at which an article that is still sold would be taken for gone.
_ALARM = 0.001


def live(lines: ibis.Table, until: date) -> pd.DataFrame:
    """Return for each item whether it is still sold.

    Parameters
    ----------
    lines
        `baskets.bought`: order_id, item, ordered_at.
    until
        The day after the last one known. Where the lines end earlier, their last day counts.

    Returns
    -------
    pandas.DataFrame
        item, recent (orders in the last `RECENT` days), expected (as many as its rate in the
        `BEFORE` days before them gives), live. An article is gone if it was not sold in all these
        days, or if so few recent orders as a quarter of those expected, or fewer, would be no
        accident (Poisson, one in a thousand). One out of season is gone for now, too.
    """
    from scipy.special import pdtr

    last = lines.ordered_at.max().to_pandas()
    if last != last:
        return pd.DataFrame({"item": [], "recent": [], "expected": [], "live": []})
    until = min(until, last.date() + timedelta(days=1))
    recent, before = (until - timedelta(days=d) for d in (RECENT, RECENT + BEFORE))
    first = lines.ordered_at.min().to_pandas().date()
    days = max((recent - max(before, first)).days, 0)
    start, middle = (ibis.timestamp(d.isoformat()) for d in (before, recent))
    late = lines.ordered_at >= middle
    nobody = ibis.null(lines.order_id.type())
    counted = lines.group_by("item").agg(
        recent=ibis.ifelse(late, lines.order_id, nobody).nunique(),
        earlier=ibis.ifelse((lines.ordered_at >= start) & ~late, lines.order_id, nobody).nunique(),
    )
    table = counted.order_by("item").to_pandas()
    expected = table["earlier"] * RECENT / days if days else table["recent"].astype("float64")
    few = table["recent"] <= _LEFT * expected
    unlikely = pdtr(table["recent"].to_numpy(float), expected.to_numpy(float)) < _ALARM
    never = (table["recent"] == 0) & (table["earlier"] == 0)
    gone = np.asarray(few & unlikely | never)
    return table.assign(expected=expected, live=~gone)[["item", "recent", "expected", "live"]]


def gone_items(lines: ibis.Table, until: date) -> frozenset[str]:
    """Return the items that are no longer sold."""
    table = live(lines, until)
    return frozenset(table.loc[~table["live"].astype(bool), "item"].astype(str))

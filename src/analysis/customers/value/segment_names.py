"""Whether the names of RFM segments are borne out, and what to call those that are not.

"Lost" says that a customer will not come back, "Champions" that one buys often. Quintiles cannot
know: where people come every other day, the last fifth by recency was there last week. A name
stands only where what followed, or the number of orders, bears it out; else the segment is called
by its place in the scores, which is true by construction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.stats.sizes import FEWEST_CUSTOMERS

#: Names that say that customers stay away, and what they are called where most came back.
STAY_AWAY = {
    "About to sleep": "Low value, middling recency",
    "Cannot lose": "Top value, not recent",
    "At risk": "Good value, not recent",
    "Hibernating": "Low value, not recent",
    "Lost": "Low value, least recent",
}

#: Names that say that customers buy often, and what they are called where they do not.
BUY_OFTEN = {
    "Champions": "High value, most recent",
    "Loyal": "High value, less recent",
}

#: Names that promise that customers come again, and what they are called where fewer of them did.
COME_BACK = {
    "Potential loyalist": "Middle value, recent",
    "Promising": "Low value, recent",
}

#: What every name is called that is not borne out.
NEUTRAL = {**STAY_AWAY, **BUY_OFTEN, **COME_BACK}

#: A segment stays away if surely fewer than this share of it bought in the next period.
MOST_RETURN = 0.5


@without("followed")
def borne_out(
    features: pd.DataFrame, groups: pd.Series, *, followed: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return what each segment may be called, with the evidence.

    Parameters
    ----------
    features
        One row a customer: orders.
    groups
        ``rfm_segments.segment`` by row of ``features``.
    followed
        ``group_summary.what_next`` of the same rules, formed before the last weeks; None where
        nobody could be followed.

    Returns
    -------
    pandas.DataFrame
        name (of the rules), shown (the same, or the neutral name), stands, followed (customers),
        bought, bought_high (share that bought in the next period, upper end of its interval),
        orders (median, of the segment). A name that says that customers stay away stands where
        the interval ends below one half and thirty customers were followed; one that promises
        that they come again where thirty were and not significantly fewer of them did than of all;
        one that says that they buy often where at least half of them ordered more than the median
        customer.
    """
    next_of = {} if followed is None else followed.set_index("group").to_dict("index")
    usual = features.loc[groups.notna(), "orders"].median()
    orders = features["orders"].groupby(groups, observed=False).median()
    everybody = np.nan
    if followed is not None and followed["customers"].sum():
        everybody = float(np.average(followed["bought"], weights=followed["customers"]))
    rows = [
        _evidence(
            str(name), next_of.get(str(name), {}), float(orders.get(name, np.nan)), usual, everybody
        )
        for name in groups.cat.categories
    ]
    columns = ["name", "shown", "stands", "followed", "bought", "bought_high", "orders"]
    return pd.DataFrame(rows, columns=columns)


def _evidence(
    name: str, after: Mapping[str, Any], orders: float, usual: float, everybody: float
) -> tuple[Any, ...]:
    known = int(after.get("customers", 0))
    high = float(after.get("bought_high", np.nan))
    stands = True
    if name in STAY_AWAY:
        stands = known >= FEWEST_CUSTOMERS and high < MOST_RETURN
    if name in COME_BACK:
        stands = known >= FEWEST_CUSTOMERS and high >= everybody
    if name in BUY_OFTEN:
        stands = orders > usual
    shown = name if stands else NEUTRAL[name]
    return name, shown, stands, known, float(after.get("bought", np.nan)), high, orders


def renamed(groups: pd.Series, names: pd.DataFrame) -> pd.Series:
    """Return segments under the names of ``borne_out``."""
    shown = names.set_index("name")["shown"].to_dict()
    return groups.cat.rename_categories(shown)


def renamed_table(table: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Return a table of segments with its ``group`` under the names of ``borne_out``."""
    shown = names.set_index("name")["shown"].to_dict()
    return table.assign(group=table["group"].replace(shown))

"""Who is new, as far as the data reach back far enough to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def is_new(tenure_days: pd.Series, *, new_days: int) -> pd.Series:
    """Tell customer by customer whether the first purchase was lately.

    In the first days of the data everybody is seen for the first time. Only who came ``new_days``
    or more after the first of all customers is called new; where the data are shorter than that,
    nobody is.

    Parameters
    ----------
    tenure_days
        Days since each customer's first purchase; missing without one.
    new_days
        Days for which a customer is new.

    Returns
    -------
    pandas.Series
        Flags by row of ``tenure_days``.
    """
    began = tenure_days.max()
    return (tenure_days <= new_days) & (tenure_days <= began - new_days)

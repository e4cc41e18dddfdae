"""Whether there are customers enough, and sales enough, to tell them apart at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.errors import NotApplicable

if TYPE_CHECKING:
    import pandas as pd

    from analysis.tables.periods import Period


def require(features: pd.DataFrame, period: Period, *, fewest: int, what: str) -> None:
    """Raise NotApplicable where a report would speak of customers who are not there.

    Parameters
    ----------
    features
        One row a customer of ``period``: orders (purchases), net_amount.
    period
        The days the customers bought in.
    fewest
        With fewer customers, groups of them are single persons.
    what
        What they are too few for, as it ends the sentence: ``10 groups``.

    Raises
    ------
    NotApplicable
        If nobody known bought, if fewer than ``fewest`` did, or if all of them together brought
        nothing that could be shared out.
    """
    buyers = int((features["orders"] > 0).sum())
    if buyers == 0:
        raise NotApplicable(f"No known customer bought anything from {period}.")
    if buyers < fewest:
        who = "Only 1 customer" if buyers == 1 else f"Only {buyers} customers"
        raise NotApplicable(f"{who} bought from {period}: too few for {what}.")
    if not round(float(features["net_amount"].sum()), 2) > 0:
        raise NotApplicable(
            f"The net sales of all customers from {period} add up to zero or less, so nobody has "
            "a share of them."
        )

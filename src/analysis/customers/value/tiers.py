"""High, medium and low value: by a rule that anybody can check, or where the values break.

The treatments are those of CRM practice: an exclusive benefit to the best, a coupon or gift to
raise the frequency of the middle, a cheap reminder to the rest. How much a treatment may cost
follows from what a customer brings: a treatment that raises margin by a hundredth pays for itself
up to a hundredth of the margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.customers.segments.group_summary import worth
from analysis.errors import NotApplicable
from analysis.stats.types import Floats

TIERS = ("High", "Medium", "Low")
Method = Literal["share", "breaks"]

#: Who is in each tier, and what CRM practice gives them.
MEANING = {
    "High": (
        "First in margin, down to the share at which the high tier ends.",
        "An exclusive benefit: early access, a named contact, an event.",
    ),
    "Medium": (
        "Next in margin, down to the share at which the medium tier ends.",
        "A coupon or a gift that asks for one visit more a month.",
    ),
    "Low": ("All others.", "A cheap reminder by e-mail or app."),
}

#: Share of the customers whom a forecast must know for tiers to rest on it.
_KNOWN = 0.99


@dataclass(frozen=True)
class TierValues:
    """What tiers rest on: expected margin where there is a forecast, else past margin.

    Parameters
    ----------
    values
        Currency, by row of the customers judged.
    months
        Months ahead of the expected margin; None where it is past margin.
    reason
        Why tiers rest on past margin; empty where they do not.
    """

    values: pd.Series
    months: int | None
    reason: str = ""


@without("forecast")
def tier_values(
    features: pd.DataFrame, *, forecast: pd.DataFrame | None, months: int
) -> TierValues:
    """Return what customers are worth: expected margin, so that past luck makes nobody high.

    Parameters
    ----------
    features
        One row a customer: customer_id, margin_amount.
    forecast
        Report 07's ``lifetime_values``: customer_id and ``value_<months>``; None where there is
        none.
    months
        Which horizon.
    """
    past, column = features["margin_amount"], f"value_{months}"
    if forecast is None:
        return TierValues(past, None, "report 07 has forecast nobody's value")
    if column not in forecast:
        return TierValues(past, None, f"report 07 does not look {months} months ahead")
    found = forecast.set_index("customer_id")[column].reindex(features["customer_id"])
    if found.notna().mean() < _KNOWN:
        return TierValues(past, None, "report 07 knows other customers than these")
    return TierValues(pd.Series(found.fillna(0.0).to_numpy("float64"), features.index), months)


#: Values are sorted into at most so many steps before the best breaks are looked for.
_MOST_STEPS = 1_500


def assign(
    values: pd.Series, *, method: Method = "share", shares: tuple[float, float] = (0.5, 0.8)
) -> pd.Series:
    """Return each customer's tier, an ordered categorical.

    Parameters
    ----------
    values
        What a customer is worth (currency).
    method
        ``share``: the best customers who together bring ``shares[0]`` of the value are high,
        those up to ``shares[1]`` medium; customers of equal value are in one tier. ``breaks``:
        Fisher's natural breaks of the logarithm of the value.
    shares
        Cumulative shares where high and medium end.
    """
    amounts = values.to_numpy("float64")
    if method == "share":
        from analysis.customers.deals.deal_proneness import margin_rank

        reached = margin_rank(amounts)
        codes = np.searchsorted(np.asarray(shares), reached, side="right")
    else:
        edges = natural_breaks(np.log1p(np.maximum(amounts, 0.0)), classes=len(TIERS))
        codes = len(TIERS) - 1 - np.searchsorted(edges, np.log1p(np.maximum(amounts, 0.0)), "left")
    return pd.Series(pd.Categorical.from_codes(codes, TIERS, ordered=True), values.index)


def natural_breaks(values: Floats, *, classes: int = 3) -> Floats:
    """Return the upper ends of all classes but the last that leave least variance inside.

    Fisher (1958), On grouping for maximum homogeneity, Journal of the American Statistical
    Association 53, 789-798: exact by dynamic programming, over at most 1,500 quantile steps.
    """
    steps = np.unique(values)
    if len(steps) > _MOST_STEPS:
        steps = np.unique(np.quantile(values, np.linspace(0, 1, _MOST_STEPS), method="higher"))
    place = np.searchsorted(steps, values, side="left")
    weight = np.bincount(place, minlength=len(steps)).astype("float64")
    total = np.bincount(place, weights=values, minlength=len(steps))
    squares = np.bincount(place, weights=values**2, minlength=len(steps))
    cost = _within(*(np.concatenate([[0.0], np.cumsum(s)]) for s in (weight, total, squares)))
    best, cuts = cost[0, 1:], []
    for _ in range(classes - 1):
        through = np.concatenate([[np.inf], best[:-1]])[:, None] + cost[: len(best), 1:]
        cuts.append(through.argmin(axis=0))
        best = through.min(axis=0)
    end, edges = len(steps) - 1, []
    for chosen in reversed(cuts):
        start = int(chosen[end])
        edges.append(steps[start - 1])
        end = start - 1
    return np.array(edges[::-1])


def _within(weight: Floats, total: Floats, squares: Floats) -> Floats:
    """Return the sum of squares inside steps i to j - 1; infinite where there are none."""
    n = weight[None, :] - weight[:, None]
    s = total[None, :] - total[:, None]
    q = squares[None, :] - squares[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = q - s**2 / n
    return np.where(n > 0, np.maximum(inside, 0.0), np.inf)


def require(tiers: pd.Series) -> None:
    """Raise NotApplicable where all customers are in one tier, and none is high or low."""
    if tiers.nunique() < 2:
        raise NotApplicable(
            "Value tiers cannot be told apart: all customers bring the same margin, or none."
        )


def treatment_bounds(
    features: pd.DataFrame,
    tiers: pd.Series,
    *,
    expected: TierValues,
    uplift: float,
    period_days: int,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return what each tier brings, and what a treatment of one may cost: ``spending_bounds``.

    Where tiers rest on expected margin, so does the bound, and the table says expected_share (of
    all that is expected) and expected_per_customer (a year, currency).

    Raises
    ------
    NotApplicable
        If all customers are in one tier.
    """
    require(tiers)
    brought = worth(features, tiers, confidence=confidence, seed=seed)
    bounds = spending_bounds(brought, uplift=uplift, period_days=period_days)
    if expected.months is None:
        return bounds
    each = expected.values.groupby(tiers, observed=True).agg(["mean", "sum"])
    each = each.reindex(bounds["group"])
    year = each["mean"].to_numpy("float64") * 12 / expected.months
    return bounds.assign(
        expected_share=each["sum"].to_numpy("float64") / expected.values.sum(),
        expected_per_customer=year,
        bound=np.maximum(year, 0.0) * uplift,
    )


def spending_bounds(table: pd.DataFrame, *, uplift: float, period_days: int) -> pd.DataFrame:
    """Add what a treatment may cost a customer and year before it loses money.

    Parameters
    ----------
    table
        ``worth.worth`` by tier.
    uplift
        Rise of the margin that the treatment is hoped to bring, as a share; an assumption.
    period_days
        Days behind ``table``.

    Returns
    -------
    pandas.DataFrame
        The table with treatment and bound: margin per customer and year times ``uplift``
        (currency); 0 where there is no margin to raise. It has no interval: the rise is assumed,
        and the sampling error of the margin is the smallest part of what is not known.
    """
    year = 365 / period_days * uplift
    return table.assign(
        treatment=[MEANING[group][1] for group in table["group"]],
        bound=table["margin_per_customer"].clip(lower=0) * year,
    )

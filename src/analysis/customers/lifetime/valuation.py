"""Lifetime value as a report gives it: the best models fitted, past misses in the interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.customers.lifetime import gamma_gamma, purchase_counts
from analysis.customers.lifetime.early_signs import newcomers
from analysis.customers.lifetime.gamma_gamma import Credibility, GammaGamma, Independence
from analysis.customers.lifetime.lifetime_value import (
    STEP,
    WEEKS_A_MONTH,
    LifetimeValue,
    PurchaseModel,
    ValueSettings,
    covariance,
    discounted,
    expected_values,
    lifetime_value,
    mean_slopes,
    misses,
    with_past_misses,
)
from analysis.customers.lifetime.pareto_nbd import WITH_TRAITS
from analysis.customers.lifetime.purchase_counts import PurchaseCounts, trait_names
from analysis.customers.lifetime.value_scorecard import REGULAR, Scorecard, fit_named
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile, student_quantile
from analysis.stats.sizes import FEWEST_NEWCOMERS
from analysis.stats.types import Floats
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Customers scored at once where they are streamed.
_BATCH = 100_000
#: Share of customers who must have come after the first quarter of the history.
_SHARE_NEW = 0.25


@dataclass(frozen=True)
class Valuation:
    """What today's customers are expected to bring.

    Parameters
    ----------
    purchases, order_value
        Fitted models of how often customers come and what a purchase is worth.
    values
        Expected margin of every customer.
    totals
        ``values.totals`` with the interval that also holds past misses.
    related
        Rank correlation of worth and number of purchases.
    brought
        Margin that the same customers brought over the history (currency).
    biases
        Relative misses of the totals of ``purchases`` at past cut-offs.
    summary, history, settings
        What all rests on.
    """

    purchases: PurchaseModel
    order_value: GammaGamma | Credibility
    values: LifetimeValue
    totals: pd.DataFrame
    related: Independence
    brought: float
    biases: list[float]
    summary: pd.DataFrame
    history: Period
    settings: ValueSettings


def value_customers(
    card: Scorecard, summary: pd.DataFrame, *, history: Period, settings: ValueSettings
) -> Valuation:
    """Return the expected margin of every customer by the models that did best.

    Parameters
    ----------
    card
        How forecasts did at past cut-offs.
    summary
        One row a customer, as from ``purchase_counts.fetch`` over ``history``.
    history
        The days behind ``summary``.
    settings
        Horizons, discount and draws.
    """
    summary = purchase_counts.encode(summary)
    purchases = fit_best(card, summary)
    order_value = gamma_gamma.fit_value(summary)
    values = lifetime_value(summary, purchases, order_value, history=history, settings=settings)
    biases = past_biases(card, purchases.name)
    return Valuation(
        purchases,
        order_value,
        values,
        with_past_misses(values.totals, biases, settings.confidence),
        gamma_gamma.independence_of(summary),
        float(summary["margin_amount"].sum()),
        biases,
        summary,
        history,
        settings,
    )


def fit_best(card: Scorecard, summary: pd.DataFrame) -> PurchaseModel:
    """Return the best calibrated purchase model that today's customers tell the parameters of.

    A model whose likelihood has no maximum in these data has no standard errors; then the next in
    the ranking is taken, and the best one only where none has any.

    Parameters
    ----------
    card
        How forecasts did at past cut-offs.
    summary
        One row a customer, with traits where attributes are stated.
    """
    fitted = []
    for name in card.best_purchase_models():
        if name == WITH_TRAITS and not trait_names(summary):
            continue
        model = fit_named(name, summary)
        if model.estimate.identified:
            return model
        fitted.append(model)
    return fitted[0]


def past_biases(card: Scorecard, model: str) -> list[float]:
    """Return by how much the totals of a purchase model missed at past cut-offs, as shares."""
    return card.scores.loc[card.scores["model"] == contestant(model), "bias"].tolist()


def contestant(model: str) -> str:
    """Return the name under which a fitted purchase model took part in the contest."""
    return REGULAR if model.startswith("MBG/CNBD") else model


def what_newcomers_bring(tables: Tables, valuation: Valuation) -> pd.DataFrame:
    """Return ``newcomer_value`` by the models of a valuation, beside ``newcomers_brought``."""
    modelled = newcomer_value(
        valuation.summary,
        valuation.purchases,
        valuation.order_value,
        history=valuation.history,
        settings=valuation.settings,
        biases=valuation.biases,
    )
    return modelled.merge(newcomers_brought(tables, valuation), on="months")


def newcomers_brought(tables: Tables, valuation: Valuation) -> pd.DataFrame:
    """Return what newcomers brought by horizon, the first purchase included: no model in it.

    Returns
    -------
    pandas.DataFrame
        One horizon a row: months, followed (newcomers whose whole time lies in the history),
        brought (mean margin, undiscounted), brought_low, brought_high (Student, at the settings'
        confidence). NaN where fewer than a hundred can be followed so long.
    """
    history, settings = valuation.history, valuation.settings
    rows = []
    for months in settings.months:
        try:
            days = round(7 * WEEKS_A_MONTH * months)
            margin = newcomers(tables, history, days=days, follow_days=0)["margin"].to_numpy()
        except NotApplicable:
            margin = np.empty(0)
        n = len(margin)
        mean = reach = np.nan
        if n >= FEWEST_NEWCOMERS:
            mean = float(margin.mean())
            quantile = student_quantile(settings.confidence, n - 1).item()
            reach = quantile * float(margin.std(ddof=1)) / np.sqrt(n)
        rows.append((months, n, mean, mean - reach, mean + reach))
    names = ["months", "followed", "brought", "brought_low", "brought_high"]
    return pd.DataFrame(rows, columns=names)


def newcomer_value(
    summary: pd.DataFrame,
    purchases: PurchaseModel,
    value: GammaGamma | Credibility,
    *,
    history: Period,
    settings: ValueSettings,
    biases: Sequence[float] = (),
) -> pd.DataFrame:
    """Return what a new customer is expected to bring: the most that winning one may cost.

    Parameters
    ----------
    biases
        Relative misses of totals at past cut-offs, which the repeats of newcomers share.

    Returns
    -------
    pandas.DataFrame
        One horizon a row: months, customers (first seen after the first quarter of the history),
        purchases (repeat purchases expected), value (first purchase and discounted repeats), low,
        high (of this mean, by the errors of the parameters and ``biases``; not of one newcomer).

    Raises
    ------
    NotApplicable
        If fewer than a quarter of the customers, or a hundred, came after the history's first
        quarter: those seen from the start are old customers, not new ones.
    """
    recent = summary[summary["observed"] < 0.75 * history.days / 7]
    if len(recent) < max(FEWEST_NEWCOMERS, _SHARE_NEW * len(summary)):
        raise NotApplicable(
            f"What a new customer brings cannot be told: only {len(recent):,} of {len(summary):,} "
            "customers were first seen after the first quarter of the history; the others were "
            "customers before it."
        )
    fresh, share = newcomers_like(recent)
    repeats = share @ discounted(purchases, fresh, settings)
    worth, error = (1 + repeats) * value.mean, _newcomer_error(purchases, value, recent, settings)
    down, up = (
        normal_quantile(settings.confidence) * np.hypot(error, missed * repeats * value.mean)
        for missed in misses(biases)
    )
    counted = [share @ purchases.expected(fresh, m * WEEKS_A_MONTH) for m in settings.months]
    return pd.DataFrame(
        {
            "months": settings.months,
            "customers": len(recent),
            "purchases": counted,
            "value": worth,
            "low": worth - down,
            "high": worth + up,
        }
    )


def newcomers_like(summary: pd.DataFrame) -> tuple[PurchaseCounts, Floats]:
    """Return customers just won, of the traits of those in ``summary``, and their shares."""
    fresh = summary.assign(repeats=0.0, recency=0.0, observed=0.0, log_gaps=0.0)
    counts = PurchaseCounts.of(fresh, trait_names(summary))
    return counts, counts.customers / counts.customers.sum()


def _newcomer_error(
    purchases: PurchaseModel,
    value: GammaGamma | Credibility,
    recent: pd.DataFrame,
    settings: ValueSettings,
) -> Floats:
    """Return the standard error of a newcomer's value by horizon, by the delta method."""
    fresh, share = newcomers_like(recent)
    own, slopes = purchases.estimate.values, []
    for place in range(len(own)):
        step = np.exp(STEP * (np.arange(len(own)) == place))
        up, down = (
            share @ discounted(purchases.at(values), fresh, settings)
            for values in (own * step, own / step)
        )
        slopes.append((up - down) / (2 * STEP) * value.mean)
    repeats = 1 + share @ discounted(purchases, fresh, settings)
    slopes += [slope * repeats for slope in mean_slopes(value)]
    along = np.column_stack(slopes)
    return np.sqrt(np.einsum("ij,jk,ik->i", along, covariance(purchases, value), along))


def values_in_batches(
    tables: Tables,
    period: Period,
    purchases: PurchaseModel,
    order_value: GammaGamma | Credibility,
    *,
    settings: ValueSettings | None = None,
    size: int = _BATCH,
) -> Iterator[pd.DataFrame]:
    """Yield the expected margin of all customers, some at a time: for millions of them.

    Order lines stay in the engine and no more than ``size`` customers are held at once. A model
    fitted to ``purchase_counts.summed_up`` or to a sample serves; one with attributes does not.

    Yields
    ------
    pandas.DataFrame
        customer_id and the columns of ``lifetime_value.expected_values``.
    """
    settings = settings or ValueSettings()
    for batch in purchase_counts.in_batches(tables, period, size=size):
        values = expected_values(batch, purchases, order_value, settings)
        yield pd.concat([batch[["customer_id"]], values], axis=1)

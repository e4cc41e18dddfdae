"""Lifetime value as a report gives it: the best models fitted, past misses in the interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.customers.lifetime import gamma_gamma, purchase_counts, stated_attributes
from analysis.customers.lifetime.gamma_gamma import Credibility, GammaGamma, Independence
from analysis.customers.lifetime.lifetime_value import (
    LifetimeValue,
    PurchaseModel,
    ValueSettings,
    expected_values,
    lifetime_value,
    newcomer_value,
    with_past_misses,
)
from analysis.customers.lifetime.pareto_nbd import WITH_TRAITS
from analysis.customers.lifetime.purchase_counts import PurchaseCounts, trait_names
from analysis.customers.lifetime.value_scorecard import (
    PURCHASE_MODELS,
    REGULAR,
    Scorecard,
    fit_described,
)
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Customers scored at once where they are streamed.
_BATCH = 100_000


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
    summary, history, settings
        What all rests on.
    """

    purchases: PurchaseModel
    order_value: GammaGamma | Credibility
    values: LifetimeValue
    totals: pd.DataFrame
    related: Independence
    brought: float
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
    summary = stated_attributes.encode(summary)
    purchases = fit_best(card, summary)
    order_value = gamma_gamma.fit_value(summary)
    values = lifetime_value(summary, purchases, order_value, history=history, settings=settings)
    return Valuation(
        purchases,
        order_value,
        values,
        with_past_misses(values.totals, past_biases(card, purchases.name), settings.confidence),
        gamma_gamma.independence_of(summary),
        float(summary["margin_amount"].sum()),
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
    fitted, counts = [], PurchaseCounts.of(summary)
    for name in card.best_purchase_models():
        if name == WITH_TRAITS and not trait_names(summary):
            continue
        model = fit_described(summary) if name == WITH_TRAITS else PURCHASE_MODELS[name](counts)
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


def newcomers(valuation: Valuation) -> pd.DataFrame:
    """Return ``newcomer_value`` by the models of a valuation."""
    return newcomer_value(
        valuation.summary,
        valuation.purchases,
        valuation.order_value,
        history=valuation.history,
        settings=valuation.settings,
    )


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
    fitted to ``purchase_counts.fetch_counts`` or to a sample serves; one with attributes does not.

    Yields
    ------
    pandas.DataFrame
        customer_id and the columns of ``lifetime_value.expected_values``.
    """
    settings = settings or ValueSettings()
    for batch in purchase_counts.in_batches(tables, period, size=size):
        values = expected_values(batch, purchases, order_value, settings)
        yield pd.concat([batch[["customer_id"]], values], axis=1)

"""Lifetime value as a report gives it: the best models fitted, past misses in the interval."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.customers.lifetime import gamma_gamma
from analysis.customers.lifetime.gamma_gamma import Credibility, GammaGamma, Independence
from analysis.customers.lifetime.lifetime_value import (
    LifetimeValue,
    PurchaseModel,
    ValueSettings,
    lifetime_value,
    newcomer_value,
    with_past_misses,
)
from analysis.customers.lifetime.purchase_counts import PurchaseCounts
from analysis.customers.lifetime.value_scorecard import PURCHASE_MODELS, REGULAR, Scorecard
from analysis.tables.periods import Period


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
    purchases = fit_best(card, PurchaseCounts.of(summary))
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


def fit_best(card: Scorecard, counts: PurchaseCounts) -> PurchaseModel:
    """Return the best calibrated purchase model that today's customers tell the parameters of.

    A model whose likelihood has no maximum in these data has no standard errors; then the next in
    the ranking is taken, and the best one only where none has any.
    """
    fitted = []
    for name in card.best_purchase_models():
        model = PURCHASE_MODELS[name](counts)
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

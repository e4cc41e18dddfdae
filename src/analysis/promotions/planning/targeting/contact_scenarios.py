"""What the next unit of money brings, and what other terms would: scenarios side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.planning.targeting import cost_curve
from analysis.promotions.planning.targeting.contact_knapsack import NONE, Choices
from analysis.promotions.planning.targeting.incremental_ranking import RANDOMISED
from analysis.promotions.planning.targeting.target_list import (
    HOLDOUT,
    TARGET,
    ListTerms,
    Priced,
    nobody_left,
    power_of,
    priced,
    strata_of,
    total,
    with_holdout,
)
from analysis.stats.types import Flags, Integers

if TYPE_CHECKING:
    from analysis.promotions.planning.targeting.channel_choice import Channels
    from analysis.promotions.planning.targeting.eligibility import Eligible
    from analysis.promotions.planning.targeting.incremental_ranking import Expected
    from analysis.promotions.planning.targeting.offer_choice import Offers

ALL_OFFERS, NO_DISCOUNT, BY_VALUE = "best offer each", "no discount", "by past margin"


@dataclass(frozen=True)
class Spending:
    """What a budget can bring.

    Parameters
    ----------
    curves
        variant (the best offer for each; without discounts; in the order of past margin, each with
        the offer that brings most a unit of money), spend, gain, low, high, next_unit, contacts.
    most
        Gain at which nothing more is worth spending, and that spending.
    supposed
        Consent is not recorded: it is what could be chosen if it were.
    assumed_effect
        Share of the margin at risk that contacts are assumed to save, where nothing was measured
        for any customer who may be chosen; None where something was.
    """

    curves: pd.DataFrame
    most: tuple[float, float]
    supposed: bool
    assumed_effect: float | None = None


def spending(
    left: Eligible, expected: Expected, offers: Offers, channels: Channels, terms: ListTerms
) -> Spending:
    """Return the cost curve: what every budget would bring, with its interval.

    Raises
    ------
    NotApplicable
        If nobody is eligible, or no contact is expected to bring more than it costs.
    """
    if not left.open.any():
        raise NotApplicable(nobody_left(left))
    options = priced(left, expected, offers, channels, redemption=terms.redemption)
    if not (options.choices.gain > 0).any():
        raise NotApplicable("No contact is expected to bring more than it costs.")
    plain = np.array(offers.depths) == 0
    items = np.repeat(plain, len(channels.names))
    found = {ALL_OFFERS: _curve(options, terms)}
    if items.any() and not items.all():
        found[NO_DISCOUNT] = _curve(_only(options, items), terms)
    found[BY_VALUE] = _by_value(options, left.customers["margin"])
    curves = pd.concat([t.assign(variant=name) for name, t in found.items() if len(t)])
    best = found[ALL_OFFERS].iloc[-1]
    curves = curves[["variant", *[c for c in curves.columns if c != "variant"]]]
    measured = (expected.counts["basis"] == RANDOMISED).any()
    return Spending(
        curves.reset_index(drop=True),
        (float(best["gain"]), float(best["spend"])),
        left.supposed,
        None if measured else expected.assumed_effect,
    )


def _only(options: Priced, items: Flags) -> Priced:
    gain = np.where(items[None, :], options.choices.gain, -np.inf)
    return replace(options, choices=replace(options.choices, gain=gain))


def _curve(options: Priced, terms: ListTerms) -> pd.DataFrame:
    found = cost_curve.path(options.choices.gain, options.choices.cost)
    if not len(found.spend):
        return pd.DataFrame()
    return cost_curve.curve(
        found,
        len(options.choices.gain),
        at=terms.budget,
        basis=basis_of(found, options),
        confidence=terms.confidence,
        seed=terms.seed,
    )


def basis_of(found: cost_curve.CostPath, options: Priced) -> cost_curve.Basis:
    """Return the measured effects behind each step: the new item's, less the one's before."""
    step = np.arange(len(found.customer))
    order = np.lexsort((step, found.customer))
    same = np.append(False, found.customer[order][1:] == found.customer[order][:-1])
    later, before = order[same], order[np.flatnonzero(same) - 1]
    own = (found.customer, found.item)
    left = (found.customer[before], found.item[before])
    return cost_curve.Basis(
        np.append(step, later),
        np.append(options.cell[own], options.cell[left]),
        np.append(options.units[own], -options.units[left]),
        options.loadings,
    )


def _by_value(options: Priced, margin: pd.Series, points: int = 25) -> pd.DataFrame:
    """Return what a list in the order of past margin brings, each with the offer that pays best."""
    found = cost_curve.path(options.choices.gain, options.choices.cost)
    rows = np.unique(found.customer, return_index=True)[1]
    order = np.argsort(-margin.to_numpy(float)[found.customer[rows]], kind="stable")
    rows = rows[order]
    spend = np.append(0.0, np.cumsum(found.step_cost[rows]))
    brought = np.append(0.0, np.cumsum(found.step_gain[rows]))
    grid = spend[-1] * np.linspace(0, 1, points) ** 2
    nothing = dict.fromkeys(("low", "high", "next_unit"), np.nan)
    many = np.interp(grid, spend, np.arange(len(spend)))
    values = {"spend": grid, "gain": np.interp(grid, spend, brought), "contacts": many}
    return pd.DataFrame(values | nothing)


def what_if(
    left: Eligible,
    expected: Expected,
    offers: Offers,
    channels: Channels,
    terms: ListTerms,
    scenarios: Mapping[str, Mapping[str, float]],
) -> pd.DataFrame:
    """Return what the list would be on other terms, beside those planned.

    Parameters
    ----------
    scenarios
        Name to changes: ``budget`` and ``contact_cost`` (factors), ``depth`` (the deepest
        discount), ``holdout`` (share).

    Returns
    -------
    pandas.DataFrame
        scenario, budget, deepest, holdout, contact_cost (factor), contacts (customers contacted),
        spend, gain, low, high, smallest (difference the list would show; NaN without a holdout).

    Raises
    ------
    NotApplicable
        If nobody is eligible.
    """
    if not left.open.any():
        raise NotApplicable(nobody_left(left))
    every = {"as planned": {}, **scenarios}
    given = (left, expected, offers, channels, terms)
    return pd.DataFrame([{"scenario": name} | _one(*given, every[name]) for name in every])


def _one(
    left: Eligible,
    expected: Expected,
    offers: Offers,
    channels: Channels,
    terms: ListTerms,
    change: Mapping[str, float],
) -> dict[str, Any]:
    factor = change.get("contact_cost", 1.0)
    deepest = change.get("depth", max(offers.depths))
    changed = replace(
        terms,
        budget=terms.budget * change.get("budget", 1.0),
        holdout=change.get("holdout", terms.holdout),
    )
    dearer = replace(channels, costs=channels.costs * factor)
    allowed = offers.allowed & (np.array(offers.depths) <= deepest + 1e-9)[None, :]
    options = priced(
        left, expected, replace(offers, allowed=allowed), dearer, redemption=terms.redemption
    )
    limits = changed.limits(channels.names, offers.depths)
    strata = strata_of(left, expected)
    solution, held = with_holdout(options.choices, left, strata, limits, changed)
    found = total(options, np.where(held, NONE, solution.item), terms.confidence)
    head = {"budget": changed.budget, "deepest": deepest, "holdout": changed.holdout}
    smallest = power_of(_listed(left, options.choices, solution.item, held), changed)["smallest"]
    return head | {"contact_cost": factor} | found | {"smallest": smallest}


def _listed(left: Eligible, choices: Choices, item: Integers, held: Flags) -> pd.DataFrame:
    rows = np.flatnonzero(item != NONE)
    return pd.DataFrame(
        {
            "arm": np.where(held[rows], HOLDOUT, TARGET),
            "margin": left.customers["margin"].to_numpy(float)[rows],
            "recent_margin": left.customers["recent_margin"].to_numpy(float)[rows],
            "expected_margin": choices.gain[rows, item[rows]],
            "cost": choices.cost[rows, item[rows]],
        }
    )

"""The truth about a simulated shop, written beside its source files."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth import (
    about_customers,
    about_demand,
    about_engagement,
    about_files,
    about_loyalty,
    about_products,
    about_promotions,
)
from analysis.simulator.truth.about_demand import series_table
from analysis.simulator.truth.planted import Counts, Planted

__all__ = ["Planted", "series_table", "truths", "write_down"]

DIGITS = 8


def truths(plan: Plan, counts: Counts, spend: NDArray[np.int64]) -> dict[str, Planted]:
    """Return every truth planted in a shop.

    Parameters
    ----------
    plan
        The shop's plan.
    counts
        Whole numbers summed over its chunks.
    spend
        Cents that each customer spent in the last 364 days.
    """
    return {
        **about_files.truths(plan, counts, spend),
        **about_customers.truths(plan, counts),
        **about_products.truths(plan, counts),
        **about_demand.truths(plan),
        **about_promotions.truths(plan, counts),
        **about_engagement.truths(plan, counts),
        **about_loyalty.truths(plan, counts),
    }


def write_down(plan: Plan, counts: Counts, spend: NDArray[np.int64]) -> str:
    """Return ``truth.json``: the shop's settings and each truth by its key."""
    shop = {k: v for k, v in asdict(plan.shop).items() if k != "start"}
    planted = {key: asdict(truth) for key, truth in truths(plan, counts, spend).items()}
    document = {
        "shop": {**shop, "start": plan.shop.start.isoformat(), "end": plan.shop.end.isoformat()},
        "planted": planted,
    }
    return json.dumps(_rounded(document), indent=1, ensure_ascii=False) + "\n"


def _rounded(value: Any) -> Any:
    """Round floats, so that the last bits of a sum do not show."""
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), DIGITS)
    return int(value) if isinstance(value, np.integer) else value

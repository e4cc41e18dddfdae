"""The truth about demand series and placements."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.goods import demand_series
from analysis.simulator.goods.demand_plan import BASE_CUSTOMERS, DEMANDS, Demand
from analysis.simulator.people.store_network import store_ids
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import EPOCH
from analysis.simulator.truth.planted import Planted

FORECAST, PROMOTIONS = "04_forecast", "06_promotions"


def truths(plan: Plan) -> dict[str, Planted]:
    """Return one truth a demand series, and that about placements."""
    scale = plan.shop.orders * plan.shop.customers / BASE_CUSTOMERS
    found = {
        key.replace("_", ".", 1): Planted(
            _words(demand),
            FORECAST,
            "Weekly units (Monday to Sunday, all stores and channels): Poisson about the "
            "expectation in the table, apart from week factors of variation `noise`.",
            {
                "product_id": plan.catalogue.product_id(plan.catalogue.number(key)),
                "level": _level(demand, scale),
                **_said(demand),
            },
            tables=("series",),
        )
        for key, demand in DEMANDS.items()
    }
    placed = [plan.catalogue.product_id(int(n)) for n in plan.series.placed]
    found["placements"] = Planted(
        "Displays, mailers and discounts given at random by product, store and week.",
        PROMOTIONS,
        "Factor on a product's weekly units in a store; elasticity of units in price.",
        {"products": placed},
        {
            "display": demand_series.DISPLAY_LIFT,
            "mailer": demand_series.MAILER_LIFT,
            "price_elasticity": demand_series.PRICE_ELASTICITY,
        },
        tables=("series",),
    )
    return found


def _level(demand: Demand, scale: float) -> float:
    """Return the expected units of a week; of a week with demand, where it is intermittent."""
    level = demand.level * scale
    return level if demand.occurs == 1 or not level else max(level, 1.0)


def _said(demand: Demand) -> dict[str, Any]:
    """Return the parameters of a series that differ from a flat one."""
    plain = asdict(Demand(level=0))
    return {k: v for k, v in asdict(demand).items() if k != "level" and v != plain[k]}


def _words(demand: Demand) -> str:
    parts = {
        "trend": f"trend of {demand.trend:+.2f} in logs a year",
        "season": f"yearly wave of {demand.season:.0%}",
        "lift": f"promotion lift of {demand.lift:g} in {len(demand.promotions)} weeks",
        "holiday": f"{demand.holiday} lift of {demand.holiday_lift:g}",
        "shift": f"level shift by {demand.shift:g}",
        "launched": "launched late",
        "delisted": "delisted",
        "occurs": f"intermittent, asked for in {demand.occurs:.0%} of weeks",
        "price_week": f"price change by {demand.price_factor:g}, elasticity {demand.elasticity:g}",
        "out_of_stock": f"out of stock in {len(demand.out_of_stock)} weeks",
        "freak": f"one freak week of {demand.freak:g} times the level",
        "noise": f"noise of {demand.noise:.0%} a week",
    }
    said = _said(demand)
    words = [text for name, text in parts.items() if name in said]
    return f"A weekly series: {', '.join(words) or 'flat'}."


def series_table(plan: Plan) -> pa.Table:
    """Return expected units by product, store and week: the truth behind the demand series.

    Returns
    -------
    pyarrow.Table
        product_id, store_id, week_start, expected_units, list_price, price.
    """
    shown = plan.series
    product, store, week = (axis.ravel() for axis in np.indices(shown.expected.shape))
    expected = shown.expected.copy()
    np.add.at(expected, tuple(shown.first.T), 1.0)
    start = (plan.calendar.start - EPOCH).days
    return pa.table(
        {
            "product_id": arrow.names(shown.products[product], plan.catalogue.product_ids),
            "store_id": arrow.names(store, store_ids(plan.shop.stores)),
            "week_start": arrow.dates(start + 7 * week),
            "expected_units": pa.array(expected.ravel()),
            "list_price": arrow.money(np.ascontiguousarray(shown.listed).ravel()),
            "price": arrow.money(np.ascontiguousarray(shown.price).ravel()),
        }
    )

"""Everything about a shop that its chunks share, built once and read by all."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.simulator.goods import catalogue, demand_series
from analysis.simulator.goods.catalogue import Catalogue
from analysis.simulator.goods.demand_series import Series
from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import Calendar


@dataclass(frozen=True)
class Plan:
    """The settings, the clock, the catalogue and the demand series of one shop."""

    shop: Shop
    calendar: Calendar
    catalogue: Catalogue
    series: Series

    @classmethod
    def of(cls, shop: Shop) -> Plan:
        """Return the plan of ``shop``."""
        calendar = Calendar.of(shop)
        goods = catalogue.build(shop)
        return cls(shop, calendar, goods, demand_series.build(shop, calendar, goods))

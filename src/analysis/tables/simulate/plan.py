"""Everything about a shop that its chunks share, built once and read by all."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.tables.simulate import catalogue, series
from analysis.tables.simulate.calendar import Calendar
from analysis.tables.simulate.catalogue import Catalogue
from analysis.tables.simulate.series import Series
from analysis.tables.simulate.shop import Shop


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
        return cls(shop, calendar, goods, series.build(shop, calendar, goods))

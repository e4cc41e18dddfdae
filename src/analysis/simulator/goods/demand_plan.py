"""Products whose weekly demand is written down: level, trend, season, promotion, holiday, shift.

Expected units of product j in week w, for a shop of 20,000 customers::

    level * exp(trend * years) * (1 + season * cos(2 pi (w - peak) / year)) * lifts * shift

drawn as Poisson around it (with a common gamma factor where ``noise`` is given), split over
stores and channels by ``STORE_SPLIT``.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.simulator.goods.assortment import Item

#: Customers that the levels are written for.
BASE_CUSTOMERS = 20_000


@dataclass(frozen=True)
class Demand:
    """Expected weekly demand of one product.

    Parameters
    ----------
    level
        Units a week at the start, without season and lifts, for ``BASE_CUSTOMERS``.
    trend
        Growth of the logarithm a year.
    season, peak
        Amplitude of the yearly wave, and the week of the year where it is highest.
    promotions, lift, depth
        Weeks on promotion, factor on demand there, discount there.
    holiday, holiday_lift
        ``christmas`` or ``easter``, and the factor on demand in its weeks.
    shift_week, shift
        Week from which demand is multiplied, and by what.
    launched, delisted
        First week on sale; first week no longer on sale.
    occurs
        Probability that anything is asked for in a week; 1 for regular demand.
    price_week, price_factor, elasticity
        Week from which the price is multiplied, by what, and how demand follows: price_factor
        ** elasticity.
    out_of_stock
        Weeks without stock.
    freak_week, freak
        One week of freak demand and its factor.
    noise
        Coefficient of variation of the week's gamma factor beyond Poisson.
    """

    level: float
    trend: float = 0.0
    season: float = 0.0
    peak: int = 26
    promotions: tuple[int, ...] = ()
    lift: float = 1.0
    depth: float = 0.0
    holiday: str = ""
    holiday_lift: float = 1.0
    shift_week: int | None = None
    shift: float = 1.0
    launched: int = 0
    delisted: int | None = None
    occurs: float = 1.0
    price_week: int | None = None
    price_factor: float = 1.0
    elasticity: float = 0.0
    out_of_stock: tuple[int, ...] = ()
    freak_week: int | None = None
    freak: float = 1.0
    noise: float = 0.0


#: Key of the effect, product name, price, demand. Garden & seasonal, then Toys & gifts.
GARDEN: dict[str, tuple[str, float, Demand]] = {
    "flat": ("Garden gloves", 6.9, Demand(60)),
    "rising": ("Raised bed", 12.9, Demand(40, trend=0.35)),
    "falling": ("Garden gnome", 9.9, Demand(60, trend=-0.35)),
    "summer": ("Watering can", 7.9, Demand(50, season=0.6, peak=26)),
    "winter": ("Bird food", 4.9, Demand(50, season=0.5, peak=2)),
    "rising_summer": ("Potting soil", 5.9, Demand(50, trend=0.25, season=0.5, peak=20)),
    "promoted": (
        "Plant feed",
        8.9,
        Demand(45, promotions=(9, 22, 35, 48, 61, 74, 87, 100), lift=2.0, depth=0.2),
    ),
    "easter": ("Easter candles", 3.9, Demand(45, holiday="easter", holiday_lift=2.5)),
    "shift_up": ("Solar lamp", 9.9, Demand(40, shift_week=60, shift=1.6)),
    "new": ("Insect hotel", 11.9, Demand(45, launched=80)),
    "delisted": ("Weed killer", 6.9, Demand(45, delisted=75)),
    "intermittent": ("Hand pump", 14.9, Demand(3, occurs=0.25)),
}

TOYS: dict[str, tuple[str, float, Demand]] = {
    "flat_noisy": ("Playing cards", 4.9, Demand(60, noise=0.15)),
    "promoted_deep": (
        "Building blocks",
        14.9,
        Demand(40, promotions=(14, 31, 45, 66, 83, 96), lift=2.8, depth=0.3),
    ),
    "christmas": ("Board game", 16.9, Demand(40, holiday="christmas", holiday_lift=3.0)),
    "rising_christmas": (
        "Jigsaw puzzle",
        9.9,
        Demand(35, trend=0.2, holiday="christmas", holiday_lift=2.2),
    ),
    "shift_down": ("Trading cards", 3.9, Demand(70, shift_week=70, shift=0.5)),
    "very_new": ("Robot kit", 24.9, Demand(40, launched=92)),
    "rare": ("Chess clock", 19.9, Demand(5, occurs=0.10)),
    "dearer": ("Gift wrap", 3.0, Demand(90, price_week=52, price_factor=1.2, elasticity=-1.8)),
    "out_of_stock": ("Kite", 8.9, Demand(60, out_of_stock=(40, 41, 42, 66))),
    "freak": ("Balloons", 2.9, Demand(60, freak_week=57, freak=6.0)),
    "steady": ("Greeting card", 2.5, Demand(120)),
    "slow": ("Model car", 12.9, Demand(12)),
}

#: Shown or mailed at random by store and week, at a random depth of discount.
PLACED = ("Iced tea", "Crisps", "Cookies", "Lemonade", "Frozen pizza", "Ice cream")
PLACED_LEVELS = (70.0, 60.0, 50.0, 45.0, 40.0, 35.0)
PLACED_PRICES = (2.5, 2.0, 2.0, 1.5, 3.5, 4.0)


def _item(key: str, name: str, price: float, department: str, category: str, cost: float) -> Item:
    return Item(key, name, department, category, price, round(price * cost, 2))


SERIES_ITEMS: tuple[Item, ...] = (
    *(
        _item(f"series_{k}", n, p, "Garden & seasonal", "Garden" if i % 2 else "Seasonal", 0.60)
        for i, (k, (n, p, _)) in enumerate(GARDEN.items())
    ),
    *(
        _item(f"series_{k}", n, p, "Toys & gifts", "Toys" if i % 2 else "Gifts", 0.55)
        for i, (k, (n, p, _)) in enumerate(TOYS.items())
    ),
    *(
        _item(
            f"placed_{i}",
            name,
            PLACED_PRICES[i],
            "Drinks" if i in (0, 3) else "Grocery",
            "Impulse",
            0.60,
        )
        for i, name in enumerate(PLACED)
    ),
)

DEMANDS: dict[str, Demand] = {
    f"series_{key}": demand for key, (_, _, demand) in {**GARDEN, **TOYS}.items()
}

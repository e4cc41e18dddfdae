"""Stores and channels: where an order is made, and how the app grows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.shop import Shop
from analysis.stats.types import Floats, Integers

#: Share of orders made on the web, and in the app at the start and at the end of two years.
WEB_SHARE, APP_FIRST, APP_LAST = 0.12, 0.06, 0.22
APP_WEEKS = 104
#: Customers at home in digital channels, and the factor on both shares for them and the others.
DIGITAL, DIGITAL_FACTOR = 0.3, 7 / 3
HOME_LOYALTY = 0.85
#: Share of demand series sold through web and app.
SERIES_WEB, SERIES_APP = 0.12, 0.08


def store_ids(stores: int) -> tuple[str, ...]:
    """Return the store_id of each physical store, then ``web`` and ``app``."""
    return (*(f"S{i + 1}" for i in range(stores)), "web", "app")


def physical(stores: int) -> Floats:
    """Return the share of each physical store in what is sold in stores."""
    weights = 0.75 ** np.arange(stores)
    return weights / weights.sum()


def split(stores: int) -> Floats:
    """Return the share of each store and channel in the demand series."""
    inside = (1 - SERIES_WEB - SERIES_APP) * physical(stores)
    return np.concatenate([inside, [SERIES_WEB, SERIES_APP]])


def app_share(moments: Floats) -> Floats:
    """Return the expected share of orders made in the app at operational times in weeks."""
    return APP_FIRST + (APP_LAST - APP_FIRST) * np.minimum(moments / APP_WEEKS, 1.0)


def choose(
    shop: Shop,
    moments: Floats,
    digital: NDArray[np.bool_],
    home: Integers,
    rng: np.random.Generator,
) -> Integers:
    """Return the store number of each order of known customers.

    Parameters
    ----------
    shop
        Settings.
    moments
        Times in weeks.
    digital, home
        Whether the customer is at home in digital channels; the home store's number.
    rng
        Random numbers.
    """
    rest = (1 - DIGITAL * DIGITAL_FACTOR) / (1 - DIGITAL)
    factor = np.where(digital, DIGITAL_FACTOR, rest)
    draw = rng.random(len(moments))
    app = factor * app_share(moments)
    web = app + factor * WEB_SHARE
    away = rng.choice(shop.stores, len(moments), p=physical(shop.stores))
    inside = np.where(rng.random(len(moments)) < HOME_LOYALTY, home, away)
    return np.where(draw < app, shop.stores + 1, np.where(draw < web, shop.stores, inside))


def choose_for_guests(shop: Shop, count: int, rng: np.random.Generator) -> Integers:
    """Return the store number of guest orders: any store, or the web; the app needs a login."""
    shares = np.append((1 - WEB_SHARE) * physical(shop.stores), WEB_SHARE)
    return rng.choice(shop.stores + 1, count, p=shares)

"""What the customers of a list do: every contact answered as the planted truth says.

A shop is simulated whole before any list is made, so the orders that come anyway are there. A
contact adds an order, sometimes, to what is there; nobody's own orders change. Who can be moved is
a trait of the customer, drawn once for the shop; how much a contact moves depends on the channel
and on whether the customer bought of late: those who did come anyway, those who fell silent do not.
The numbers come from a stream of their own, so that no other table of a shop changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.simulator.shop import Shop
from analysis.stats.types import Flags, Floats

#: First word of the streams of lists; those of the shop's own topics are small numbers.
STREAM = 0x4C495354

#: Share of customers whom a contact can move at all; the others never answer.
MOVABLE = 0.6

#: Chance of one more order of a contacted customer without a discount, over all customers of the
#: state, by channel. Other channels move nobody.
CHANCE = {
    "active": {"email": 0.010, "sms": 0.015, "app": 0.010, "phone": 0.030},
    "silent": {"email": 0.250, "sms": 0.450, "app": 0.100, "phone": 0.500},
}
#: Each point of discount adds so much to the chance, relative; and takes itself off the price.
DISCOUNT_ADDS = 2.0

#: The order that a contact adds: list price (lognormal, mean and sigma) and share of cost in it.
PRICE, SIGMA, COST_SHARE = 40.0, 0.5, 0.6
#: It comes within so many days of the contact.
WITHIN_DAYS = 14


@dataclass(frozen=True)
class Answers:
    """What a list brought.

    Parameters
    ----------
    lines
        Canonical order lines that came on top: one an order.
    truth
        One row a customer of the list: customer_id, movable, effect (expected margin that the
        contact adds, before its cost; of those held out, that it would have added).
    """

    lines: pd.DataFrame
    truth: pd.DataFrame


def movable(shop: Shop, customers: pd.Series) -> Flags:
    """Tell which customers a contact can move; ``customers`` are numbers as the shop gives them."""
    rng = np.random.default_rng(np.random.SeedSequence(shop.seed, spawn_key=(STREAM,)))
    marks = rng.random(shop.customers + 1) < MOVABLE
    found: Flags = marks[customers.astype("int64").to_numpy()]
    return found


def expected_margin(active: Flags, channel: pd.Series, depth: Floats) -> Floats:
    """Return the margin that a contact adds on average to customers of a state, before its cost."""
    chance = _chance(active, channel, depth)
    worth: Floats = chance * PRICE * (1 - depth - COST_SHARE)
    return worth


def _chance(active: Flags, channel: pd.Series, depth: Floats) -> Floats:
    late = channel.map(CHANCE["active"]).fillna(0.0).to_numpy(float)
    gone = channel.map(CHANCE["silent"]).fillna(0.0).to_numpy(float)
    chance: Floats = np.where(active, late, gone) * (1 + DISCOUNT_ADDS * depth)
    return chance


def answer(
    shop: Shop,
    listed: pd.DataFrame,
    *,
    active: Flags,
    starts_on: date,
    product_id: str,
    number: int,
) -> Answers:
    """Return what the customers of a list do.

    Parameters
    ----------
    shop
        The shop they belong to.
    listed
        customer_id, arm (``target`` is contacted), channel, depth.
    active
        Who of them bought of late.
    starts_on
        Day of the contact.
    product_id
        What the orders on top are of.
    number
        Of the list; each draws by itself.
    """
    key = (STREAM, 1 + number)
    rng = np.random.default_rng(np.random.SeedSequence(shop.seed, spawn_key=key))
    depth = listed["depth"].fillna(0.0).to_numpy(float)
    can = movable(shop, listed["customer_id"])
    chance = np.minimum(_chance(active, listed["channel"], depth) / MOVABLE, 1.0)
    comes = (rng.random(len(listed)) < chance) & can & listed["arm"].eq("target").to_numpy()
    price = np.round(rng.lognormal(np.log(PRICE) - SIGMA**2 / 2, SIGMA, len(listed)), 2)
    seconds = (86_400 * WITHIN_DAYS * rng.random(len(listed))).astype(np.int64)
    off = np.round(price * depth, 2)
    lines = pd.DataFrame(
        {
            "order_id": [f"L{number}-{c}" for c in listed["customer_id"]],
            "customer_id": listed["customer_id"].to_numpy(),
            "product_id": product_id,
            "ordered_at": pd.Timestamp(starts_on) + pd.to_timedelta(seconds, unit="s"),
            "quantity": 1.0,
            "net_amount": np.round(price - off, 2),
            "list_amount": price,
            "discount_amount": off,
            "cost_amount": np.round(price * COST_SHARE, 2),
        }
    )[comes]
    worth = expected_margin(active, listed["channel"], depth)
    truth = pd.DataFrame(
        {"customer_id": listed["customer_id"].to_numpy(), "movable": can, "effect": worth}
    )
    return Answers(lines.reset_index(drop=True), truth)

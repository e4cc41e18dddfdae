"""What a page view tells beside page and time: visitor, device, source, product, load, faults.

Drawn after the visits and given how far each of them went, from random numbers of their own: the
visits stay as they are. What a visit met (a slow checkout, a failing basket) is drawn given where
it ended, so that conversion with and without it is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.goods.basket_filling import pick
from analysis.simulator.people.population import People
from analysis.simulator.people.visits import GUEST
from analysis.simulator.selling.order_ledger import Ledger
from analysis.simulator.shop_plan import Plan
from analysis.stats.types import Flags, Floats, Integers

#: Devices; the app's sessions are those of the app's orders.
DEVICES = ("desktop", "phone", "tablet", "app")
#: Share of the first three in web visits, by where the visit ended: before the checkout, at it,
#: with an order. Phones lose more at the checkout.
DEVICE_SHARES = ((0.33, 0.60, 0.07), (0.24, 0.70, 0.06), (0.43, 0.50, 0.07))
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0",
    "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile",
    "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Safari/604.1",
    "DemoShop/5.2 (Android 15)",
)
#: By referrer: source, medium, campaign.
SOURCES = ("search", "social", "email", "direct")
MEDIA = ("organic", "paid", "newsletter", "none")
CAMPAIGNS = ("", "autumn-ads", "weekly-letter", "")
#: A known person's visit carries the browser's own number with this chance, else a new one.
COOKIE_KEPT = 0.8
#: Chance that a visit in the days before an order is about a product of it, and that a product
#: page of a visit shows the product the visit is about.
FORESIGHT, ABOUT = 0.35, 0.5
#: Milliseconds a page takes: median and spread; at most so many unless it is slow, and then.
LOAD, LOAD_SPREAD, LOAD_MOST, SLOW = 650.0, 0.45, 2_900.0, (4_000.0, 9_000.0)
#: Chance of a slow checkout of those who gave up at it and of those who ordered; of other pages.
SLOW_GAVE_UP, SLOW_ORDERED, SLOW_ELSEWHERE = 0.30, 0.10, 0.02
#: Chance that the basket page fails of those who gave up at it and of those who went on; that a
#: product is not found.
FAILED_GAVE_UP, FAILED_WENT_ON, NOT_FOUND = 0.15, 0.03, 0.01
#: Words searched for; the first is asked for by those who then see no product.
TERMS = ("gift card", "coffee", "milk", "cable", "bread", "shampoo", "toys", "cheese")
POOR_NO_PRODUCT, POOR_PRODUCT = 0.40, 0.05
#: Visitor numbers of a chunk begin at its index times this; new browsers and programs after.
VISITORS_A_CHUNK, NEW_VISITORS = 100_000_000, 50_000_000
PRODUCT, SEARCH, CART, CHECKOUT, THANKS = 2, 3, 4, 5, 6


@dataclass(frozen=True)
class Seen:
    """Visits and the pages they saw.

    Parameters
    ----------
    plan, people, ledger
        The shop, its customers, its orders.
    referrer, stage, stamp, order
        Of each visit: referrer, stage reached (-1 one page), time, order it made or is near to.
    session, page, last
        Of each page seen: visit, page, whether it is the visit's last.
    """

    plan: Plan
    people: People
    ledger: Ledger
    referrer: Integers
    stage: Integers
    stamp: Integers
    order: Integers
    session: Integers
    page: Integers
    last: Flags

    @property
    def next_page(self) -> Integers:
        """The next page of the visit, -1 where there is none."""
        following = np.append(self.page[1:], -1) if len(self.page) else self.page
        return np.where(self.last, -1, following)


def columns(seen: Seen, index: int) -> Iterator[tuple[str, pa.Array]]:
    """Yield the further columns of page_views with their names."""
    rng = seen.plan.shop.generator("web", seen.plan.shop.chunks + index)
    session, page = seen.session, seen.page
    device = _devices(seen, rng)
    visitor = _visitors(seen, device, index, rng)
    yield "visitor_id", arrow.whole(visitor[session])
    yield "device", arrow.names(device[session], DEVICES)
    referrer = seen.referrer[session]
    yield "source", arrow.names(referrer, SOURCES)
    yield "medium", arrow.names(referrer, MEDIA)
    yield "campaign", arrow.names(referrer, CAMPAIGNS, np.isin(referrer, (0, 3)))
    yield "user_agent", arrow.names(device[session], AGENTS)
    yield "is_bot", pa.array(np.zeros(len(page), np.bool_))
    yield "load_ms", pa.array(loads(seen, rng))
    yield "status", arrow.whole(statuses(seen, rng))
    yield "search_terms", arrow.names(terms(seen, rng), TERMS, page != SEARCH)
    product = _products(seen, rng)
    shown = np.isin(page, (PRODUCT, CART))
    yield "product_id", arrow.names(product, seen.plan.catalogue.product_ids, ~shown)
    number = seen.ledger.number[seen.order[session]]
    yield "order_id", arrow.whole(number, page != THANKS)


def _devices(seen: Seen, rng: np.random.Generator) -> Integers:
    ended = np.maximum(seen.stage - 1, 0)
    web = pick(np.array(DEVICE_SHARES), ended, rng)
    in_app = seen.ledger.store[seen.order] == seen.plan.shop.stores + 1
    return np.where(in_app, DEVICES.index("app"), web)


def _visitors(seen: Seen, device: Integers, index: int, rng: np.random.Generator) -> Integers:
    """Return a number a browser: one a person and device where it was kept, else a new one."""
    person = seen.ledger.customer[seen.order]
    kept = (person != GUEST) & (rng.random(len(person)) < COOKIE_KEPT)
    own = len(DEVICES) * np.maximum(person, 0) + device
    new = NEW_VISITORS + np.arange(len(person))
    return index * VISITORS_A_CHUNK + 1 + np.where(kept, own, new)


def loads(seen: Seen, rng: np.random.Generator) -> Floats:
    """Return milliseconds, whole ones, that each page took."""
    count, stage = len(seen.page), seen.stage[seen.session]
    usual = np.minimum(rng.lognormal(np.log(LOAD), LOAD_SPREAD, count), LOAD_MOST)
    chance = np.where(
        seen.page == CHECKOUT, np.where(stage == 2, SLOW_GAVE_UP, SLOW_ORDERED), SLOW_ELSEWHERE
    )
    slow = rng.random(count) < chance
    return np.rint(np.where(slow, rng.uniform(*SLOW, count), usual))


def statuses(seen: Seen, rng: np.random.Generator) -> Integers:
    """Return the status of each page."""
    stage, draw = seen.stage[seen.session], rng.random(len(seen.page))
    failed = draw < np.where(stage == 1, FAILED_GAVE_UP, FAILED_WENT_ON)
    status = np.where((seen.page == CART) & failed, 500, 200)
    return np.where((seen.page == PRODUCT) & (draw < NOT_FOUND), 404, status)


def terms(seen: Seen, rng: np.random.Generator) -> Integers:
    """Return the words searched for, by page; they count on search pages alone."""
    count = len(seen.page)
    poor = np.where(seen.next_page == PRODUCT, POOR_PRODUCT, POOR_NO_PRODUCT)
    return np.where(rng.random(count) < poor, 0, rng.integers(1, len(TERMS), count))


def _products(seen: Seen, rng: np.random.Generator) -> Integers:
    """Return the product of each page: what the visit is about, or any by popularity."""
    catalogue, people = seen.plan.catalogue, seen.people
    person = seen.ledger.customer[seen.order]
    stage = np.where(person == GUEST, 0, people.stage[np.maximum(person, 0)])
    bought = _one_of_order(seen, rng)
    buys = seen.stage == 3
    before = (seen.stamp < seen.ledger.stamp[seen.order]) & ~buys
    foresees = before & (rng.random(len(person)) < FORESIGHT)
    main = np.where(buys | foresees, bought, pick(catalogue.weight, stage, rng))
    any_ = pick(catalogue.weight, stage[seen.session], rng)
    about = rng.random(len(seen.page)) < ABOUT
    about |= (seen.page == CART) | (seen.next_page == CART)
    return np.where(about, main[seen.session], any_)


def _one_of_order(seen: Seen, rng: np.random.Generator) -> Integers:
    """Return a product of each visit's order."""
    lines = seen.ledger.lines
    by_order = np.argsort(lines.visit, kind="stable")
    count = np.bincount(lines.visit, minlength=len(seen.ledger.stamp))
    begins = np.cumsum(count) - count
    place = (rng.random(len(seen.order)) * count[seen.order]).astype(np.int64)
    return lines.product[by_order[begins[seen.order] + place]]

"""Baskets, prices and books: values to the cent, every price a price of the catalogue."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.simulator import chunk_facts
from analysis.simulator.arrow_columns import money
from analysis.simulator.chunk_facts import Facts
from analysis.simulator.goods.assortment import DEPARTMENTS
from analysis.simulator.goods.simulated_lines import DEPTHS, discounted, totals
from analysis.simulator.people.visits import KIND
from analysis.simulator.shop import FEWEST_PRODUCTS, Shop
from analysis.simulator.shop_plan import Plan


@pytest.fixture(scope="module")
def shop() -> Facts:
    return chunk_facts.gather(Plan.of(Shop(customers=1_000, chunk=1_000, seed=11)), 0)


def test_orders_of_the_main_body_are_worth_their_budget(shop: Facts) -> None:
    visits = shop.trade.visits
    main = (visits.customer >= 0) & shop.people.of("main")[visits.customer]
    worth, budget = totals(shop.trade.lines, len(visits))[main], visits.budget[main]
    assert len(worth) > 1_500
    assert (worth >= budget).all()
    # Patterns alone are dearer than the smallest budgets.
    assert (worth == budget).mean() > 0.95
    assert (worth - budget).sum() < 0.005 * budget.sum()


def test_unit_prices_are_those_of_the_catalogue(shop: Facts) -> None:
    goods, lines = shop.plan.catalogue, shop.trade.lines
    general = np.isin(goods.keys, ["general", "defective", "unlisted"])[lines.product]
    listed = lines.listed[general] / lines.quantity[general]
    assert (listed == goods.price[lines.product[general]]).all()
    depth = np.round(1 - lines.net[general] / lines.listed[general], 1)
    assert set(np.unique(depth)) == {0.0, *DEPTHS}


def test_a_product_stands_once_in_an_order(shop: Facts) -> None:
    lines = shop.ledger.lines
    keys = lines.visit * len(shop.plan.catalogue.keys) + lines.product
    assert len(np.unique(keys)) == len(keys)


def test_weighed_goods_cost_their_price_by_weight(shop: Facts) -> None:
    goods, lines = shop.plan.catalogue, shop.trade.lines
    weighed = goods.weighed[lines.product]
    assert weighed.mean() > 0.05
    gap = lines.quantity[weighed] * goods.price[lines.product[weighed]] - lines.listed[weighed]
    assert np.abs(gap).max() <= 0.0006 * goods.price[goods.weighed].max()


def test_books_balance(shop: Facts) -> None:
    book = shop.ledger
    bought = book.purchases[book.lines.visit]
    assert (book.lines.listed >= book.lines.net)[bought].all()
    assert (book.lines.net > 0)[bought].all()
    assert (book.lines.net < 0)[~bought].all()
    assert (book.lines.quantity < 0)[~bought].all()
    assert (book.cost[~bought] <= 0).all()
    assert (book.coupon <= np.maximum(book.lines.net, 0)).all()
    assert len(np.unique(book.number)) == len(book.number)


def test_returns_follow_the_order_they_name(shop: Facts) -> None:
    book = shop.ledger
    named = np.flatnonzero(book.returns > 0)
    by_number = {int(n): i for i, n in enumerate(book.number)}
    original = np.array([by_number[int(n)] for n in book.returns[named]])
    assert len(named) > 50
    assert (book.stamp[named] > book.stamp[original]).all()
    assert (book.customer[named] == book.customer[original]).all()
    assert not shop.people.of("main")[book.customer[named]].any()


def test_every_department_has_products_and_no_shop_is_too_small() -> None:
    for products in (FEWEST_PRODUCTS, 400, 2_000):
        goods = Plan.of(Shop(products=products)).catalogue
        assert len(goods.keys) == products
        assert set(goods.departments) == {d.name for d in DEPARTMENTS}
        assert len(set(goods.product_ids)) == products
        assert (goods.cost < goods.price).all()
        assert (goods.cost > 0).all()
        assert np.allclose(goods.weight.sum(axis=1), 1)


def test_top_ups_reach_gold(shop: Facts) -> None:
    visits = shop.trade.visits
    added = visits.take(np.flatnonzero(visits.kind == KIND["tier"]))
    assert len(added) > 0
    earned = shop.earned
    for who, year in zip(added.customer, (added.moment // 52).astype(int), strict=True):
        mine = shop.ledger.customer[earned.order] == who
        week = shop.plan.calendar.days_since_start(shop.ledger.stamp[earned.order]) // 7
        assert earned.points[mine & (week // 52 == year)].sum() >= 400


@given(cents=st.lists(st.integers(-(10**15), 10**15), max_size=20))
@settings(max_examples=60, deadline=None)
def test_money_is_exact(cents: list[int]) -> None:
    found = money(np.array(cents, np.int64)).to_pylist()
    assert [int(amount * 100) for amount in found] == cents


@given(price=st.integers(1, 10**7), depth=st.sampled_from((0.0, *DEPTHS)))
@settings(max_examples=60, deadline=None)
def test_discounts_are_whole_cents_between_nothing_and_the_price(price: int, depth: float) -> None:
    net = int(discounted(np.array([price]), np.array([depth]))[0])
    assert 0 <= net <= price
    assert abs(price * (1 - depth) - net) < 0.500_001

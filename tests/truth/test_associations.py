"""Patterns within orders and sequences between them: as planted, straight from the tills."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from tests.truth.calibration import assert_calibrated, assert_centred
from tests.truth.shops import Shops

#: One row an order that patterns are drawn for: it holds a line sold by weight.
ORDERS = """
    create or replace temp table patterned as
    select seed, order_id, any_value(customer_id) as customer_id, min(ordered_at) as moment,
           any_value(store_id) as store_id,
           date_diff('week', date '2024-01-01', min(ordered_at)) as week,
           list_distinct(list(key)) as keys
    from order_lines join keys using (seed, product_id)
    where quantity > 0
    group by all
    having bool_or(key = 'weighed')
"""


@pytest.fixture(scope="module")
def orders(shops: Shops) -> Shops:
    """Return the shops, with the table of orders."""
    shops.sql(ORDERS)
    return shops


def together(shops: Shops, first: str, second: str, where: str = "true") -> dict[str, Any]:
    """Return orders with each of two products and with both, by seed."""
    return shops.sql(
        f"""
        select seed, count(*)::double as n,
               sum(list_contains(keys, $first)::int)::double as a,
               sum(list_contains(keys, $second)::int)::double as b,
               sum(list_has_all(keys, [$first, $second])::int)::double as ab
        from patterned where {where} group by seed order by seed
        """,
        first=first,
        second=second,
    )


def log_odds(found: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the log odds ratio of two products (with half a case added) and its error."""
    ab, a, b, n = (found[k] for k in ("ab", "a", "b", "n"))
    cells = np.stack([ab, a - ab, b - ab, n - a - b + ab]) + 0.5
    sign = np.array([1, -1, -1, 1])[:, None]
    return (sign * np.log(cells)).sum(axis=0), np.sqrt((1 / cells).sum(axis=0))


def test_independent_products_have_no_association(orders: Shops) -> None:
    keys = [f"independent_{i}" for i in range(12)]
    ratios, errors = zip(
        *(log_odds(together(orders, a, b)) for a, b in itertools.combinations(keys[6:], 2)),
        strict=True,
    )
    assert_calibrated(np.concatenate(ratios), np.concatenate(errors), 0.0)


@pytest.mark.parametrize("number", range(3))
def test_pairs_have_their_support_and_confidence(orders: Shops, number: int) -> None:
    found = together(orders, f"pair_{number}_a", f"pair_{number}_b")
    planted = orders.planted(f"pair_{number}")[0]["superpopulation"]
    first, confidence = planted["support_a"], planted["confidence"]
    assert_calibrated(found["a"] / found["n"], np.sqrt(first * (1 - first) / found["n"]), first)
    error = np.sqrt(confidence * (1 - confidence) / found["a"])
    assert_calibrated(found["ab"] / found["a"], error, confidence)
    lift = found["ab"] * found["n"] / found["a"] / found["b"]
    assert_centred(lift, planted["lift"], within=0.01 * planted["lift"])


def test_a_bundle_is_bought_as_a_whole(orders: Shops) -> None:
    planted = orders.planted("bundle")[0]["superpopulation"]
    found = orders.sql(
        """
        select count(*)::double as n,
               avg((list_has_all(keys, ['bundle_0', 'bundle_1', 'bundle_2']))::int) as three
        from patterned group by seed
        """
    )
    three = planted["support"][2]
    assert_calibrated(found["three"], np.sqrt(three * (1 - three) / found["n"]), three)
    pair = together(orders, "bundle_0", "bundle_2")
    two = planted["support"][1]
    assert_calibrated(pair["ab"] / pair["n"], np.sqrt(two * (1 - two) / pair["n"]), two)


def test_brands_replace_each_other(orders: Shops) -> None:
    planted = orders.planted("brands")[0]["superpopulation"]
    for a, b in itertools.combinations(range(3), 2):
        assert together(orders, f"cola_{a}", f"cola_{b}")["ab"].sum() == 0
    steps = orders.frame(
        """
        with bought as (
            select seed, customer_id, moment, order_id,
                   list_filter(keys, k -> k like 'cola_%')[1] as brand
            from patterned where customer_id is not null
        ), pairs as (
            select lag(brand) over w as last, brand from bought where brand is not null
            window w as (partition by seed, customer_id order by moment, order_id)
        )
        select last, brand, count(*) as n from pairs where last is not null group by all
        """
    ).pivot(index="last", columns="brand", values="n")
    shares = steps.div(steps.sum(axis=1), axis=0).to_numpy()
    truth = np.array(planted["switching"])
    error = np.sqrt(truth * (1 - truth) / steps.sum(axis=1).to_numpy()[:, None])
    assert (np.abs(shares - truth) < 4 * error).all()


def test_a_leaflet_fakes_an_association(orders: Shops) -> None:
    planted = orders.planted("leaflet")[0]
    weeks = ", ".join(map(str, planted["parameters"]["weeks"]))
    for where in (f"week in ({weeks})", f"week not in ({weeks})"):
        assert_calibrated(*log_odds(together(orders, "leaflet_0", "leaflet_1", where)), 0.0)
    overall = together(orders, "leaflet_0", "leaflet_1")
    lift = overall["ab"] * overall["n"] / overall["a"] / overall["b"]
    assert lift.min() > 2
    assert_centred(lift, planted["superpopulation"]["lift_overall"], within=0.4)


def test_a_store_and_a_season_fake_associations(orders: Shops) -> None:
    planted = orders.planted("local")[0]["parameters"]
    there = f"store_id = '{planted['store']}'"
    assert_calibrated(*log_odds(together(orders, "local_0", "local_1", there)), 0.0)
    assert together(orders, "local_0", "local_1", f"not {there}")["a"].sum() == 0
    everywhere = together(orders, "local_0", "local_1")
    assert (everywhere["ab"] * everywhere["n"] / everywhere["a"] / everywhere["b"]).min() > 1.5
    season = together(orders, "summer_0", "summer_1")
    lift = season["ab"] * season["n"] / season["a"] / season["b"]
    assert_centred(lift, orders.planted("summer")[0]["superpopulation"]["lift_overall"], within=0.1)


def test_audio_follows_televisions_at_the_planted_rate(shops: Shops) -> None:
    planted = shops.planted("tv_audio")[0]["superpopulation"]
    found = shops.sql(
        """
        with tv as (
            select seed, customer_id, min(ordered_at) as bought
            from order_lines join keys using (seed, product_id)
            where key like 'tv_%' and customer_id is not null group by all
        ), audio as (
            select seed, customer_id, ordered_at
            from order_lines join keys using (seed, product_id) where key like 'audio_%'
        ), first as (
            select tv.seed, tv.customer_id,
                   min(date_diff('second', bought, ordered_at) / 86400.0) as days
            from tv left join audio on audio.seed = tv.seed
                and audio.customer_id = tv.customer_id and ordered_at > bought
            where bought < timestamp '2025-09-29' group by all
        )
        select seed, count(*)::double as n, sum((days <= 90)::int)::double as followed,
               sum((days < 0.5)::int) as same_day,
               median(days) filter (days <= 90) as median_days
        from first group by seed
        """
    )
    after = planted["after_tv"]
    error = np.sqrt(after * (1 - after) / found["n"])
    assert_calibrated(found["followed"] / found["n"], error, after)
    # The base rate alone brings a few per thousand on any one day.
    assert found["same_day"].sum() <= 3
    assert_centred(found["median_days"], planted["median_days"], within=1.0)


def test_audio_without_a_television_keeps_the_base_rate(shops: Shops) -> None:
    base = shops.parameter("tv_audio", "superpopulation", "base_rate")
    found = shops.sql(
        """
        with tv as (
            select distinct seed, customer_id from order_lines join keys using (seed, product_id)
            where key like 'tv_%'
        ), others as (
            select seed, customer_id from truth_customers anti join tv using (seed, customer_id)
            where "group" = 'big_ticket'
        ), audio as (
            select distinct seed, customer_id from order_lines join keys using (seed, product_id)
            where key like 'audio_%'
              and ordered_at between timestamp '2024-06-01' and timestamp '2024-08-30'
        )
        select seed, count(*)::double as n, count(audio.customer_id)::double as bought
        from others left join audio using (seed, customer_id) group by seed
        """
    )
    assert_calibrated(found["bought"] / found["n"], np.sqrt(base * (1 - base) / found["n"]), base)


def test_cables_come_with_the_television_or_not_at_all(shops: Shops) -> None:
    same = shops.parameter("tv_cable", "superpopulation", "same_order")
    found = shops.sql(
        """
        with orders as (
            select seed, order_id, bool_or(key like 'tv_%') as tv, bool_or(key = 'cable') as cable
            from order_lines join keys using (seed, product_id)
            where customer_id is not null and quantity > 0 group by all
        )
        select sum(tv::int)::double as n, sum((tv and cable)::int) as both,
               sum((cable and not tv)::int) as alone
        from orders group by seed
        """
    )
    assert found["alone"].sum() == 0
    assert_calibrated(found["both"] / found["n"], np.sqrt(same * (1 - same) / found["n"]), same)

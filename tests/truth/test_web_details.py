"""What visits met on their way, and the programs among them: as planted."""

from __future__ import annotations

import numpy as np

from tests.truth.shops import Shops


def assert_share(successes: float, trials: float, truth: float) -> None:
    """Assert that a share is what it should be.

    Orders make the sessions, so shares vary with the number of orders as well.
    """
    error = np.sqrt(truth * (1 - truth) / trials)
    assert abs(successes / trials - truth) < 4.5 * error, (successes / trials, truth, error)


#: Visits of people with what they reached and met.
VISITS = """
    select seed, session_id, any_value(device) as device,
           max((event = 'cart')::int) as basket, max((event = 'checkout')::int) as checkout,
           max((event = 'purchase')::int) as bought,
           max((event = 'checkout' and load_ms >= 3000)::int) as slow,
           max((event = 'cart' and status = 500)::int) as failed
    from people_views group by seed, session_id
"""


def test_phones_give_up_at_the_checkout_as_planted(shops: Shops) -> None:
    planted = shops.parameter("phone_checkout", "superpopulation")
    found = shops.frame(f"from ({VISITS}) where checkout = 1")
    for device, truth in planted.items():
        mine = found[found["device"] == device]
        assert_share(mine["bought"].sum(), len(mine), truth)


def test_faults_go_with_orders_as_planted(shops: Shops) -> None:
    found = shops.frame(VISITS)
    for key, flag, at, names in (
        ("slow_checkout", "slow", "checkout", ("slow", "fast")),
        ("failing_basket", "failed", "basket", ("failed", "well")),
    ):
        planted = shops.parameter(key, "superpopulation")
        there = found[found[at] == 1]
        for met, name in ((1, names[0]), (0, names[1])):
            mine = there[there[flag] == met]
            assert_share(mine["bought"].sum(), len(mine), planted[name])


def test_one_search_leads_nowhere(shops: Shops) -> None:
    planted = shops.planted("poor_search")[0]
    found = shops.frame(
        """
        select search_terms = $term as poor, next is not null and next = '/product' as click,
               count(*) as n
        from (
            select search_terms,
                   lead(page) over (partition by seed, session_id order by viewed_at) as next
            from people_views
        ) where search_terms is not null group by all
        """,
        term=planted["parameters"]["terms"],
    )
    for click, name in ((True, "click"), (False, "no_click")):
        mine = found[found["click"] == click]
        truth = planted["superpopulation"][name]
        assert_share(mine.loc[mine["poor"], "n"].sum(), mine["n"].sum(), truth)


def test_programs_come_as_often_and_as_fast_as_planted(shops: Shops) -> None:
    shares = shops.parameter("robots", "superpopulation")
    people = shops.sql("select count(distinct (seed, session_id)) as n from people_views")["n"][0]
    found = shops.frame(
        """
        select kind, count(*) as n, sum(views) as views, sum(seen) as seen, max(pace) as slowest,
               min(pace) as fastest
        from truth_robots join (
            select seed, visitor_id, count(*) as seen,
                   date_diff('millisecond', min(viewed_at), max(viewed_at)) / 1000.0
                   / (count(*) - 1) as pace
            from page_views group by all
        ) using (seed, visitor_id) group by kind
        """
    ).set_index("kind")
    for kind, share in shares.items():
        expected = people * share
        assert abs(found.loc[kind, "n"] - expected) < 4 * np.sqrt(expected)
    assert (found["views"] == found["seen"]).all()
    assert found.loc["hidden", "slowest"] < 1 < 2 < found.loc["declared", "fastest"]


def test_orders_are_named_by_the_visit_that_made_them(shops: Shops) -> None:
    found = shops.sql(
        """
        select count(*) as n, count(o.order_id) as known,
               sum((v.customer_id is not distinct from o.customer_id)::int) as same
        from people_views v left join (
            select distinct seed, order_id, customer_id from order_lines
        ) o on o.seed = v.seed and o.order_id = v.order_id
        where v.event = 'purchase'
        """
    )
    assert found["n"][0] == found["known"][0] == found["same"][0] > 10_000

"""Traits of customers: attitudes to price, tastes, value, big tickets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.simulator.goods import basket_filling
from analysis.simulator.goods.simulated_lines import Lines
from analysis.simulator.people import population
from analysis.simulator.people.visits import Visits
from analysis.simulator.shop import Shop
from analysis.simulator.shop_plan import Plan
from tests.truth.calibration import assert_centred
from tests.truth.shops import Shops

GENERAL = "key in ('general', 'weighed', 'defective', 'unlisted')"


def test_attitudes_show_in_discount_shares(shops: Shops) -> None:
    pause = shops.parameter("discount_pause", "parameters")
    found = shops.frame(
        f"""
        select seed, attitude, avg(share) as share from (
            select seed, customer_id, attitude,
                   avg((net_amount < list_amount)::int) as share
            from order_lines join keys using (seed, product_id)
            join truth_customers using (seed, customer_id)
            where {GENERAL} and quantity > 0
              and (ordered_at < $first::date or ordered_at >= $last::date)
            group by all
        ) group by all
        """,
        first=pause["from"],
        last=pause["to"],
    )
    for attitude, truth in shops.planted("price_attitudes")[0]["superpopulation"].items():
        assert_centred(found.loc[found["attitude"] == attitude, "share"], truth, within=0.003)


def test_discount_customers_take_more() -> None:
    """With a budget that never ends, units a line follow the depth of the discount."""
    plan = Plan.of(Shop(customers=2_000, chunk=2_000, seed=1))
    crowd = population.draw(plan.shop, plan.calendar, 0)
    for group, response in (("discount", 3.0), ("club", 0.0)):
        who = np.flatnonzero(crowd.of(group))
        count = len(who)
        endless = np.full(count, 10_000_000)
        orders = Visits(
            who, np.full(count, 5.0), np.zeros(count, int), np.zeros(count, int), endless
        )
        nothing = Lines(*(np.empty(0, int) for _ in range(5)))
        rng = np.random.default_rng(2)
        lines = basket_filling.fill(plan.catalogue, crowd, orders, nothing, rng)
        units = lines.take(~plan.catalogue.weighed[lines.product])
        depth = np.round(1 - units.net / units.listed, 1)
        for cut in (0.1, 0.2, 0.3, 0.5):
            mine = units.quantity[depth == cut]
            expected = 1 + 0.12 * np.exp(response * cut)
            assert abs(mine.mean() - expected) < 3.9 * mine.std() / np.sqrt(len(mine))


def test_life_stages_have_their_tastes(shops: Shops) -> None:
    """A department's share of lines, one life stage over another, is the ratio of their tastes."""
    found = shops.frame(
        f"""
        select life_stage, department, count(*)::double as n
        from order_lines join keys using (seed, product_id) join products using (seed, product_id)
        join truth_customers using (seed, customer_id)
        where {GENERAL} and quantity > 0 group by all
        """
    ).pivot(index="department", columns="life_stage", values="n")
    shares = found / found.sum()
    weight = shops.plans[0].catalogue.weight + 0.2 * shops.plans[0].catalogue.weighed_weight
    names = np.array(shops.plans[0].catalogue.departments)
    for name in ("Baby & kids", "Health & beauty", "Drinks"):
        planted = weight[:, names == name].sum(axis=1)
        for number, stage in enumerate(population.STAGES):
            ratio = shares.loc[name, stage] / shares.loc[name, "established family"]
            assert abs(ratio / (planted[number] / planted[2]) - 1) < 0.08, (name, stage)


def test_the_north_and_the_rich_buy_more(shops: Shops) -> None:
    found = shops.frame(
        """
        select seed, avg(ln(order_value)) filter (region = 'North')
               - avg(ln(order_value)) filter (region <> 'North') as north,
               avg(ln(order_value)) filter (income = 'high')
               - avg(ln(order_value)) filter (income = 'low') as rich
        from customers join truth_customers using (seed, customer_id)
        where "group" = 'main' group by seed
        """
    )
    spread = np.sqrt(1 / population.GAMMA_GAMMA["q"])
    assert 0.25 * spread < found["north"].mean() < 0.5 * spread
    assert found["rich"].mean() > spread
    assert found["north"].mean() > 5 * found["north"].std() / np.sqrt(len(found))


def test_value_groups_order_customers(shops: Shops) -> None:
    found = shops.frame(
        """
        select t.seed, value_group, count(distinct customer_id) as customers,
               sum(net_amount)::double / count(distinct customer_id) as net
        from truth_customers t join order_lines using (seed, customer_id)
        where t.group = 'club' group by all
        """
    )
    net = found.groupby("value_group")["net"].mean()
    assert net["low"] < net["middle"] < net["high"]
    shares = shops.frame(
        "select seed, value_group, count(*) / 1500.0 as share from truth_customers group by all"
    )
    for name, truth in (("low", 0.5), ("middle", 0.4), ("high", 0.1)):
        assert_centred(shares.loc[shares["value_group"] == name, "share"], truth, within=0.004)


def test_big_tickets_are_rare_and_large(shops: Shops) -> None:
    found = shops.frame(
        """
        select t.group = 'big_ticket' as big, count(distinct (seed, order_id)) as orders,
               count(distinct (seed, customer_id)) as customers, sum(net_amount)::double as net
        from order_lines join truth_customers t using (seed, customer_id)
        where quantity > 0 and t.group in ('big_ticket', 'club') group by all
        """
    ).set_index("big")
    often = found["orders"] / found["customers"]
    value = found["net"] / found["orders"]
    assert often[True] < 0.4 * often[False]
    assert value[True] > 3 * value[False]


def test_a_shop_without_orders_knows_its_customers_all_the_same() -> None:
    plan = Plan.of(replace(Shop(customers=500, seed=3), orders=0.0))
    crowd = population.draw(plan.shop, plan.calendar, 0)
    assert len(crowd) == 500
    assert (crowd.rate == 0).all()

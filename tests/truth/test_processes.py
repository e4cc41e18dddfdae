"""Order processes: the data follow the processes that the truth names."""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, gammaln
from scipy.stats import chi2

from tests.truth.calibration import UNLIKELY, assert_calibrated, assert_centred
from tests.truth.shops import Floats, Shops

#: Main customers: repeat orders, weeks from the first to the last, weeks from the first to the end,
#: mean value of an order; by the time at which tills saw them.
MAIN = """
    with orders as (
        select seed, customer_id, order_id, min(ordered_at) as moment, sum(net_amount) as net
        from order_lines where quantity > 0 group by all
    )
    select o.seed, count(*) - 1 as repeats,
           date_diff('second', min(moment), max(moment)) / 604800.0 as recency,
           date_diff('second', min(moment), timestamp '2025-12-29') / 604800.0 as weeks,
           avg(net)::double as value, count(*) as orders
    from orders o join truth_customers t using (seed, customer_id)
    where t.group = 'main' group by o.seed, customer_id
"""


def bgnbd_log_likelihood(parameters: Floats, data: dict[str, Floats]) -> Floats:
    """Return each customer's log-likelihood: Fader, Hardie and Lee (2005), equation 6."""
    r, alpha, a, b = parameters
    x, recency, weeks = data["repeats"], data["recency"], data["weeks"]
    shared = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    alive = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + weeks)
    left = betaln(a + 1, b + x - 1 + (x == 0)) - betaln(a, b) - (r + x) * np.log(alpha + recency)
    return shared + np.where(x > 0, np.logaddexp(alive, left), alive)


def gamma_gamma_log_likelihood(parameters: Floats, data: dict[str, Floats]) -> Floats:
    """Return each customer's log-likelihood: Fader and Hardie (2013), equation 1a."""
    p, q, gamma = parameters
    x, z = data["orders"], data["value"]
    return (
        -betaln(p * x, q)
        + q * np.log(gamma)
        + (p * x - 1) * np.log(z)
        + p * x * np.log(x)
        - (p * x + q) * np.log(gamma + x * z)
    )


def assert_scores_vanish(log_likelihood: object, truth: Floats, data: dict[str, Floats]) -> None:
    """Assert that the gradient at the truth has mean zero: the score test, on every parameter."""
    step = 1e-4 * truth
    scores = np.stack(
        [
            (log_likelihood(truth + d, data) - log_likelihood(truth - d, data)) / (2 * d[i])  # type: ignore[operator]
            for i, d in enumerate(np.diag(step))
        ],
        axis=1,
    )
    total = scores.sum(axis=0)
    statistic = float(total @ np.linalg.solve(scores.T @ scores, total))
    assert statistic < chi2.ppf(1 - UNLIKELY, len(truth)), scores.mean(axis=0)


def test_main_customers_buy_by_bgnbd(shops: Shops) -> None:
    data = shops.sql(MAIN)
    known = shops.parameter("bgnbd", "superpopulation")
    truth = np.array([known[k] for k in ("r", "alpha", "a", "b")])
    assert_scores_vanish(bgnbd_log_likelihood, truth, data)


def test_the_likelihood_would_notice_other_parameters(shops: Shops) -> None:
    data = shops.sql(MAIN)
    known = shops.parameter("bgnbd", "superpopulation")
    truth = np.array([known[k] for k in ("r", "alpha", "a", "b")])
    at_truth = bgnbd_log_likelihood(truth, data).sum()
    for factor in np.vstack([np.eye(4) * 0.15 + 1 - np.eye(4) * 0, np.eye(4) * -0.15 + 1]):
        assert bgnbd_log_likelihood(truth * factor, data).sum() < at_truth - 3


def test_order_values_are_gamma_gamma(shops: Shops) -> None:
    data = shops.sql(MAIN)
    known = shops.parameter("gamma_gamma", "superpopulation")
    truth = np.array([known[k] for k in ("p", "q", "gamma")])
    assert_scores_vanish(gamma_gamma_log_likelihood, truth, data)
    assert_centred(
        [data["value"][data["seed"] == seed].mean() for seed in shops.truth],
        known["mean_order_value"],
    )


def test_order_value_is_independent_of_order_rate(shops: Shops) -> None:
    found = shops.sql(
        "select seed, corr(ln(orders_a_week), ln(order_value)) as r, count(*) as n "
        "from truth_customers where \"group\" = 'main' group by seed"
    )
    assert_calibrated(np.arctanh(found["r"]), 1 / np.sqrt(found["n"] - 3), 0.0)


def test_who_left_never_comes_back(shops: Shops) -> None:
    found = shops.sql(
        """
        select count(*) as orders, max(date_diff('day', left_on, ordered_at::date)) as late
        from order_lines join truth_customers using (seed, customer_id) where left_on is not null
        """
    )
    assert found["orders"][0] > 1_000
    assert found["late"][0] == 0


def test_fixed_rhythms_have_their_erlang_shape(shops: Shops) -> None:
    gaps = shops.frame(
        """
        with orders as (
            select seed, customer_id, order_id, min(ordered_at) as moment
            from order_lines where quantity > 0 group by all
        ), gaps as (
            select seed, customer_id,
                   date_diff('second', lag(moment) over w, moment) / 604800.0 as gap
            from orders window w as (partition by seed, customer_id order by moment)
        )
        select t.group as name, gap from gaps join truth_customers t using (seed, customer_id)
        where t.erlang_k is not null and gap is not null
        """
    )
    for name, by_name in gaps.groupby("name"):
        planted = shops.parameter(f"rhythm_{name}", "parameters")
        k = shops.parameter(f"rhythm_{name}", "superpopulation", "k")
        gap = by_name["gap"].to_numpy()
        assert abs(gap.mean() / planted["mean_gap_weeks"] - 1) < 0.02
        assert abs(gap.mean() ** 2 / gap.var() / k - 1) < 0.10


def test_growing_and_declining_customers_turn_on_their_day(shops: Shops) -> None:
    for name in ("growing", "declining"):
        planted = shops.parameter(name, "parameters")
        found = shops.sql(
            """
            with orders as (
                select seed, customer_id, order_id, min(ordered_at) as moment
                from order_lines where quantity > 0 group by all
            )
            select sum((moment >= $since::date)::int) as after,
                   sum((moment < $since::date)::int) as before
            from orders join truth_customers t using (seed, customer_id)
            where t.group = $name group by seed
            """,
            since=planted["since"],
            name=name,
        )
        ratio = np.log(found["after"] / 26) - np.log(found["before"] / 78)
        errors = np.sqrt(1 / found["after"] + 1 / found["before"])
        assert_calibrated(ratio, errors, np.log(planted["factor"]))


def test_discount_customers_stay_away_in_the_pause(shops: Shops) -> None:
    pause = shops.parameter("discount_pause", "parameters")
    found = shops.sql(
        """
        select t.attitude, count(*) as lines,
               sum((net_amount < list_amount)::int) as discounted
        from order_lines join truth_customers t using (seed, customer_id)
        join keys using (seed, product_id)
        where ordered_at >= $first::date and ordered_at < $last::date and quantity > 0
          and key in ('general', 'weighed', 'defective', 'unlisted')
        group by all order by all
        """,
        first=pause["from"],
        last=pause["to"],
    )
    assert list(found["attitude"]) == ["mixed", "relationship"]
    assert (found["lines"] > 1_000).all()
    assert (found["discounted"] == 0).all()


def test_won_back_customers_come_at_their_rates(shops: Shops) -> None:
    found = shops.sql(
        """
        select a.seed, arm, count(distinct a.customer_id) as customers,
               count(distinct l.customer_id) as came
        from assignments a left join order_lines l on l.seed = a.seed
            and l.customer_id = a.customer_id and quantity > 0 and ordered_at >= date '2025-08-11'
        where promotion_id = 'W1' group by all order by all
        """
    )
    chance = shops.parameter("win_back", "parameters", "comes_back")
    for arm in ("control", "treatment"):
        mine = found["arm"] == arm
        customers, came = found["customers"][mine].sum(), found["came"][mine].sum()
        error = np.sqrt(chance[arm] * (1 - chance[arm]) / customers)
        assert abs(came / customers - chance[arm]) < 3.9 * error

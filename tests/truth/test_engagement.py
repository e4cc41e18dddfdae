"""Messages, page views, voices and the loyalty scheme: as planted."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from analysis.simulator.voices import survey_answers, voice_texts
from tests.truth.calibration import assert_calibrated, assert_centred
from tests.truth.shops import Shops


def assert_share(successes: float, trials: float, truth: float) -> None:
    """Assert that a share is what it should be."""
    error = np.sqrt(truth * (1 - truth) / trials)
    assert abs(successes / trials - truth) < 3.9 * error, (successes / trials, truth, error)


def test_channels_respond_and_tire_as_planted(shops: Shops) -> None:
    found = shops.frame(
        """
        select channel, (delivered_at is not null) as delivered, (opened_at is not null) as opened,
               (clicked_at is not null) as clicked, (unsubscribed_at is not null) as gone,
               promotion_id is null as news, count(*) over (
                   partition by seed, customer_id order by sent_at
                   range between interval 28 day preceding and current row exclude group
               ) as before
        from contacts
        """
    )
    planted = shops.planted("channel_response")[0]["superpopulation"]
    fatigue = shops.planted("fatigue")[0]["superpopulation"]
    arrived = found[found["delivered"]]
    assert_share(len(arrived), len(found), 0.97)
    for channel, share in planted["opened"].items():
        mine = arrived[arrived["channel"] == channel]
        odds = share / (1 - share) * np.exp(fatigue["log_odds"] * mine["before"])
        chance = odds / (1 + odds)
        error = np.sqrt((chance * (1 - chance)).sum())
        assert abs(mine["opened"].sum() - chance.sum()) < 3.9 * error
        tired = mine["before"] >= 3
        if tired.sum() > 500:
            error = np.sqrt((chance * (1 - chance))[tired].sum())
            assert abs(mine["opened"][tired].sum() - chance[tired].sum()) < 3.9 * error
        opened = mine[mine["opened"]]
        assert_share(opened["clicked"].sum(), len(opened), planted["clicked"][channel])
    news = arrived[arrived["news"]]
    leaves = fatigue["unsubscribed"] * (1 + news["before"])
    assert abs(news["gone"].sum() - leaves.sum()) < 3.9 * np.sqrt(leaves.sum())


def test_nobody_gets_a_newsletter_after_opting_out(shops: Shops) -> None:
    found = shops.sql(
        """
        with gone as (
            select seed, customer_id, min(sent_at) as left_at from contacts
            where unsubscribed_at is not null group by all
        )
        select count(*) as n, sum((sent_at > left_at and promotion_id is null)::int) as later
        from contacts join gone using (seed, customer_id)
        """
    )
    assert found["n"][0] > 500
    assert found["later"][0] == 0


def test_sessions_bounce_and_convert_as_planted(shops: Shops) -> None:
    found = shops.frame(
        """
        select referrer, count(*) as pages, max((event = 'cart')::int) as cart,
               max((event = 'checkout')::int) as checkout, max((event = 'purchase')::int) as bought
        from people_views group by seed, session_id, referrer
        """
    )
    # Orders make the sessions, so shares vary with the number of orders as well: a factor of two
    # on the error of a share covers it.
    bounces = shops.planted("bounce")[0]["superpopulation"]
    for referrer, mine in found.groupby("referrer"):
        truth = bounces[str(referrer)]
        error = 2 * np.sqrt(truth * (1 - truth) / len(mine))
        assert abs((mine["pages"] == 1).mean() - truth) < 3 * error
    funnel = shops.planted("funnel")[0]["superpopulation"]
    stayed = found[found["pages"] > 1]
    for stage, column in (("cart", "cart"), ("checkout", "checkout"), ("purchase", "bought")):
        truth = funnel[stage]
        error = 2 * np.sqrt(truth * (1 - truth) / len(stayed))
        assert abs(stayed[column].mean() - truth) < 3 * error
    assert abs(found["bought"].mean() - funnel["conversion"]) < 0.004


def test_every_session_that_buys_has_its_order(shops: Shops) -> None:
    sessions = shops.sql("select count(*) as n from people_views where event = 'purchase'")
    orders = shops.sql(
        """
        select count(distinct (seed, order_id)) as n from order_lines
        where channel <> 'store' and quantity > 0 and ordered_at >= timestamp '2025-06-30'
        """
    )
    assert sessions["n"][0] == orders["n"][0]


def test_pages_follow_their_chain(shops: Shops) -> None:
    planted = shops.planted("page_paths")[0]
    pages = planted["parameters"]["pages"]
    steps = shops.frame(
        """
        with browsing as (
            select seed, session_id from people_views group by all having bool_and(event = 'view')
        ), pairs as (
            select page, lead(page) over (partition by seed, session_id order by viewed_at) as next
            from people_views semi join browsing using (seed, session_id)
        )
        select page, next, count(*) as n from pairs where next is not null group by all
        """
    ).pivot(index="page", columns="next", values="n")
    steps = steps.loc[pages, pages].fillna(0)
    trials = steps.sum(axis=1).to_numpy()[:, None]
    truth = np.array(planted["superpopulation"]["next"])
    error = np.sqrt(truth * (1 - truth) / trials)
    assert (np.abs(steps.to_numpy() / trials - truth) < 4 * error).all()


#: Answers and silences with x, the log of purchases in the half-year before the invitation.
INVITED = """
    with orders as (
        select seed, customer_id, order_id, min(ordered_at) as moment
        from order_lines where quantity > 0 and customer_id is not null group by all
    )
    select f.seed, f.feedback_id, any_value(score) as score,
           any_value(submitted_at) is not null as answered, any_value(true_score) as true_score,
           any_value(chance_to_answer) as chance, ln(1 + count(o.order_id)) as x,
           any_value(left_on) as left_on, any_value(invited_at) as invited_at
    from feedback f join truth_surveys using (seed, feedback_id)
    join truth_customers using (seed, customer_id)
    left join orders o on o.seed = f.seed and o.customer_id = f.customer_id
        and moment < invited_at and moment >= invited_at - interval 182 day
    where f.kind = $kind and invited_at < timestamp '2025-12-20'
    group by all
"""


def test_answers_are_scores_of_those_who_answer(shops: Shops) -> None:
    for kind in ("nps", "csat"):
        found = shops.frame(INVITED, kind=kind)
        assert (found["score"].notna() == found["answered"]).all()
        said = found[found["answered"]]
        assert (said["score"] == said["true_score"]).all()
        error = np.sqrt((found["chance"] * (1 - found["chance"])).sum())
        assert abs(found["answered"].sum() - found["chance"].sum()) < 4.5 * error + 5


def test_nps_of_those_who_answer_misleads_and_weighting_by_orders_repairs_it(shops: Shops) -> None:
    found = shops.frame(INVITED, kind="nps")
    base, slope = shops.parameter("nps_nonresponse", "parameters", "log_odds_of_answering")
    centre = shops.parameter("nps_nonresponse", "parameters", "x_centre")
    chance = 1 / (1 + np.exp(-(base + slope * (found["x"] - centre))))
    assert np.allclose(chance, found["chance"])
    said = found[found["answered"]]
    by_seed = said.groupby("seed")
    everybody = found.groupby("seed")["true_score"].mean()
    naive = by_seed["score"].mean() - everybody
    repaired = by_seed.apply(
        lambda rows: np.average(rows["score"], weights=1 / rows["chance"]), include_groups=False
    )
    assert naive.mean() > 4 * naive.std() / np.sqrt(len(naive))
    assert_centred(repaired - everybody, 0.0)


def test_csat_of_those_who_answer_is_too_low(shops: Shops) -> None:
    for truth in shops.planted("csat_nonresponse"):
        realised = truth["realised"]
        assert realised["answered"]["mean_score"] < realised["asked"]["mean_score"]


def test_scores_fall_before_customers_leave(shops: Shops) -> None:
    """Rounded and cut scores have the mean that the latent model gives them."""
    found = shops.frame(INVITED, kind="nps")
    planted = shops.planted("score_foretells")[0]
    said, fall = planted["parameters"], planted["superpopulation"]["fall"]
    days = (found["left_on"] - found["invited_at"].dt.normalize()).dt.days
    leaves = days < said["days"]
    near = (days - said["days"]).abs() <= 1
    centre = shops.parameter("nps_nonresponse", "parameters", "x_centre")
    for flags, shift in ((leaves & ~near, fall), (~leaves & ~near, 0.0)):
        mine = found[flags]
        latent = 7.2 + said["slope_in_x"] * (mine["x"] - centre) - shift
        cuts = (np.arange(10) + 0.5)[:, None]
        mean = (1 - norm.cdf((cuts - latent.to_numpy()) / said["noise"])).sum(axis=0)
        off = mine["true_score"] - mean
        assert abs(off.mean()) < 3.9 * off.std() / np.sqrt(len(off))


def test_points_break_as_planted_and_never_fall_below_zero(shops: Shops) -> None:
    truth = shops.parameter("breakage", "superpopulation", "breakage")
    found = shops.sql(
        """
        with ripe as (
            select seed, sum(points) as earned, sum(points * points) as squares from points
            where kind = 'earn' and expires_on < date '2025-12-29' group by seed
        ), gone as (
            select seed, -sum(points) as expired from points where kind = 'expire' group by seed
        )
        select seed, earned::double as earned, squares::double as squares,
               expired::double as expired from ripe join gone using (seed) order by seed
        """
    )
    error = np.sqrt(truth * (1 - truth) * found["squares"]) / found["earned"]
    assert_calibrated(found["expired"] / found["earned"], error, truth)
    said = [t["realised"]["breakage"] for t in shops.planted("breakage")]
    assert np.allclose(found["expired"] / found["earned"], said, atol=1e-8)
    balance = shops.sql(
        """
        select min(balance) as lowest from (
            select sum(points) over (
                partition by seed, customer_id order by posted_at, kind, entry_id
            ) as balance from points
        )
        """
    )
    assert balance["lowest"][0] >= 0


def test_members_bunch_above_gold(shops: Shops) -> None:
    planted = shops.planted("tier_bunching")[0]["parameters"]
    found = shops.sql(
        """
        with years as (
            select seed, customer_id, sum(points) as points,
                   date_diff('day', date '2024-01-01', posted_at) // 364 as year
            from points where kind = 'earn' group by all
        )
        select sum((points between $gold - 20 and $gold - 1)::int) as below,
               sum((points between $gold and $gold + 19)::int) as above
        from years join truth_customers t using (seed, customer_id)
        where t.group = 'club' and year < 2
        """,
        gold=planted["threshold"],
    )
    assert found["above"][0] > 2 * found["below"][0]


def test_gold_is_held_by_who_earned_it(shops: Shops) -> None:
    found = shops.sql(
        """
        with earned as (
            select seed, customer_id, sum(points) as points from points
            where kind = 'earn' and posted_at < timestamp '2024-12-30' group by all
        ), held as (
            select seed, customer_id, tier from tiers
            where valid_from <= date '2024-12-30'
              and (valid_to is null or valid_to > date '2024-12-30')
        )
        select tier, min(coalesce(points, 0)) as fewest, max(coalesce(points, 0)) as most,
               count(*) as n
        from held left join earned using (seed, customer_id) group by tier order by fewest
        """
    )
    assert list(found["tier"]) == ["basic", "silver", "gold"]
    assert found["most"][0] < 150 <= found["fewest"][1]
    assert found["most"][1] < 400 <= found["fewest"][2]


def test_referred_customers_order_more_often(shops: Shops) -> None:
    truth = shops.parameter("referrals", "superpopulation", "ratio")
    found = shops.sql(
        """
        select avg(orders_a_week) filter (referred) / avg(orders_a_week) filter (not referred)
               as ratio, avg(referred::int) as share
        from truth_customers where "group" = 'main' group by seed
        """
    )
    assert_centred(found["ratio"], truth, within=0.01)
    assert_centred(found["share"], 0.1)
    listed = shops.sql(
        """
        select count(*) as n, count(t.customer_id) as marked, sum((q.group = 'club')::int) as club
        from referrals r left join truth_customers t
            on t.seed = r.seed and t.customer_id = r.referred_id and t.referred
        join truth_customers q on q.seed = r.seed and q.customer_id = r.referrer_id
        """
    )
    assert listed["n"][0] == listed["marked"][0] == listed["club"][0]


def test_the_defective_product_is_returned_and_reviewed_badly(shops: Shops) -> None:
    found = shops.frame(
        """
        select key, -sum(least(quantity, 0)) / sum(greatest(quantity, 0)) as returned
        from order_lines join keys using (seed, product_id)
        join truth_customers t using (seed, customer_id)
        where key in ('general', 'defective') and t.group <> 'main' group by key
        """
    ).set_index("key")["returned"]
    said = shops.planted("defective_product")[0]["parameters"]
    assert abs(found["general"] / said["return_rate_of_others"] - 1) < 0.06
    ratio = found["defective"] / found["general"]
    assert abs(ratio / said["factor_on_return_rate"] - 1) < 0.15
    stars = shops.frame(
        """
        select key = 'defective' as bad, avg(score) as stars, count(*) as n
        from feedback join keys using (seed, product_id) where kind = 'review' group by all
        """
    ).set_index("bad")["stars"]
    truth = shops.planted("reviews")[0]["superpopulation"]
    noise = shops.planted("reviews")[0]["parameters"]["noise"]
    cuts = np.arange(4) + 1.5
    expected = {
        bad: 1 + (1 - norm.cdf((cuts - truth[name]) / noise)).sum()
        for bad, name in ((True, "defective"), (False, "others"))
    }
    assert abs(stars[True] - expected[True]) < 0.35
    assert abs(stars[False] - expected[False]) < 0.05


def test_complaints_have_their_topics_and_times(shops: Shops) -> None:
    """Topics by the truth about each text: the texts themselves are worded in many ways."""
    found = shops.frame(
        """
        select topic, count(*) as n, sum((resolved_at is null)::int) as open,
               median(date_diff('second', submitted_at, resolved_at) / 86400.0) as days,
               sum((first_response_at > resolved_at)::int) as late, count(personal) as personal
        from feedback f join truth_voices using (seed, feedback_id)
        where f.kind = 'complaint' and submitted_at < timestamp '2025-09-01'
        group by topic
        """
    ).set_index("topic")
    planted = shops.planted("complaints")[0]["superpopulation"]
    shares = dict(zip(voice_texts.COMPLAINT_TOPICS, survey_answers.TOPICS.values(), strict=True))
    for topic, share in shares.items():
        assert_share(found.loc[topic, "n"], found["n"].sum(), share)
    assert sorted(shares.values()) == sorted(planted["topics"].values())
    assert_share(found["open"].sum(), found["n"].sum(), planted["never"])
    assert abs(np.log(found["days"] / planted["median_days"]).mean()) < 0.15
    assert found["late"].sum() == 0
    words = shops.planted("review_words")[0]["superpopulation"]
    assert_share(found["personal"].sum(), found["n"].sum(), words["personal_complaints"])


def test_reviews_say_what_their_stars_do_but_for_the_planted_share(shops: Shops) -> None:
    found = shops.frame(
        """
        select score, topic, mood, language, personal is not null as personal,
               key = 'defective' as bad
        from feedback join truth_voices using (seed, feedback_id)
        join keys using (seed, product_id) where feedback.kind = 'review'
        """
    )
    planted = shops.planted("review_words")[0]["superpopulation"]
    worded = found[found["topic"] != "none"]
    clear = worded[worded["score"] != 3]
    right = (clear["mood"] == "glad") == (clear["score"] > 3)
    assert_share((~right).sum(), len(clear), planted["wrong_mood"])
    usual = worded[~worded["bad"]]
    for topic, share in planted["topics"].items():
        assert_share((usual["topic"] == topic).sum(), len(usual), share)
    sorry = worded[worded["bad"] & (worded["mood"] == "sorry")]
    assert_share((sorry["topic"] == "defect").sum(), len(sorry), planted["defect"])
    one = worded[worded["language"] != "both"]
    assert_share(one["personal"].sum(), len(one), planted["personal_reviews"])


def test_late_deliveries_have_lower_scores(shops: Shops) -> None:
    found = shops.frame(
        """
        select f.channel, score, delivered_at::date > promised_on as late
        from feedback f join orders o using (seed, order_id)
        where kind = 'csat' and score is not null and delivered_at is not null
        """
    )
    planted = shops.planted("late_scores")[0]["superpopulation"]
    for channel, mine in found.groupby("channel"):
        late, other = (mine[mine["late"] == flag]["score"] for flag in (True, False))
        error = np.sqrt(late.var() / len(late) + other.var() / len(other))
        assert abs(late.mean() - other.mean() - planted[str(channel)]) < 3.9 * error


def test_complaints_change_nothing_about_purchases(shops: Shops) -> None:
    """Orders of club members in the four weeks after a complaint, against those before its order.

    They order at a steady rate; the order that is complained about belongs to neither side.
    """
    found = shops.sql(
        """
        with said as (
            select f.seed, f.customer_id, f.order_id, min(l.ordered_at) as moment
            from feedback f join truth_customers t using (seed, customer_id)
            join order_lines l using (seed, order_id)
            where f.kind = 'complaint' and t.group = 'club' group by all
        ), orders as (
            select seed, customer_id, order_id, min(ordered_at) as ordered
            from order_lines where quantity > 0 and customer_id is not null group by all
        )
        select sum((ordered > moment)::int) as after, sum((ordered < moment)::int) as before
        from said s join orders o using (seed, customer_id)
        where o.order_id <> s.order_id
          and ordered between moment - interval 28 day and moment + interval 28 day
          and moment between timestamp '2024-03-01' and timestamp '2025-11-15'
        """
    )
    after, before = float(found["after"][0]), float(found["before"][0])
    assert abs(after - before) < 5 * np.sqrt(after + before)


def test_effort_falls_with_the_time_to_settlement(shops: Shops) -> None:
    found = shops.frame(
        """
        select e.score, date_diff('second', c.submitted_at, c.resolved_at) / 86400.0 as days
        from feedback e join feedback c using (seed, order_id)
        where e.kind = 'ces' and e.score is not null and c.kind = 'complaint'
          and c.resolved_at is not null
        """
    )
    planted = shops.planted("effort")[0]
    latent = planted["parameters"]["base"] + planted["superpopulation"]["slope"] * np.log(
        np.maximum(found["days"], 0.05)
    )
    cuts = (np.arange(1, 7) + 0.5)[:, None]
    noise = planted["parameters"]["noise"]
    mean = 1 + (1 - norm.cdf((cuts - latent.to_numpy()) / noise)).sum(axis=0)
    off = found["score"] - mean
    assert len(off) > 200
    assert abs(off.mean()) < 3.9 * off.std() / np.sqrt(len(off))


def test_newsletters_change_nothing_about_purchases(shops: Shops) -> None:
    """Orders in the three days after a newsletter, against the three days before it."""
    found = shops.sql(
        """
        with news as (
            select seed, customer_id, sent_at from contacts c
            join truth_customers t using (seed, customer_id)
            where promotion_id is null and t.group = 'club'
        ), orders as (
            select seed, customer_id, order_id, min(ordered_at) as moment
            from order_lines where quantity > 0 and customer_id is not null group by all
        )
        select sum((moment >= sent_at)::int) as after, sum((moment < sent_at)::int) as before
        from news join orders using (seed, customer_id)
        where moment between sent_at - interval 3 day and sent_at + interval 3 day
        """
    )
    after, before = found["after"][0], found["before"][0]
    assert before > 1_000
    assert abs(after - before) < 3.9 * np.sqrt(2 * (after + before))


def test_programs_open_and_messages_come_back_as_planted(shops: Shops) -> None:
    found = shops.sql(
        """
        select count(*) as n, count(bounced_at) as bounced,
               sum((bounced_at is not null and delivered_at is not null)::int) as both,
               sum((channel = 'email' and delivered_at is not null)::int) as emails,
               count(complained_at) as complained,
               sum((channel = 'email' and opened_by_machine is not null)::int) as told,
               sum((channel = 'email' and opened_by_machine = false)::int) as persons,
               sum((channel = 'email' and opened_at is not null)::int) as opened,
               sum((opened_by_machine and clicked_at is not null)::int) as odd
        from contacts
        """
    )
    n = {name: float(values[0]) for name, values in found.items()}
    planted = shops.planted("bounces")[0]["superpopulation"]
    machine = shops.planted("machine_opens")[0]
    assert_share(n["bounced"], n["n"], planted["bounced"])
    assert_share(n["complained"], n["emails"], planted["complained"])
    assert_share(n["persons"], n["told"], machine["superpopulation"]["persons"])
    silent = 1 - n["told"] / n["opened"]
    assert abs(silent - machine["parameters"]["programs_that_do_not_say"]) < 0.02
    assert n["both"] == n["odd"] == 0


def test_frequencies_are_drawn_as_planted(shops: Shops) -> None:
    found = shops.frame(
        """
        select variant, count(*) as n, count(distinct seed || '/' || customer_id) as customers
        from contacts c join truth_customers t using (seed, customer_id)
        where variant is not null and t.group = 'club' group by variant
        """
    ).set_index("variant")
    paces = shops.parameter("newsletter_frequency", "parameters", "messages_a_week")
    for variant, week in paces.items():
        sent = found.loc[variant, "n"] / found.loc[variant, "customers"] / 26
        # Who opts out gets no more; that is what the highest frequency loses by.
        assert 0.75 * week < sent < 1.05 * week
    ordered = shops.frame(
        """
        with drawn as (select distinct seed, customer_id, variant from contacts
                       where variant is not null)
        select variant, avg(orders_a_week) as rate, stddev(orders_a_week) / sqrt(count(*)) as error
        from drawn join truth_customers using (seed, customer_id) group by variant
        """
    )
    gaps = ordered["rate"] - ordered["rate"].mean()
    assert (gaps.abs() < 4 * ordered["error"]).all()


def test_consents_end_where_customers_opt_out(shops: Shops) -> None:
    found = shops.sql(
        """
        with gone as (select seed, customer_id, channel, min(unsubscribed_at) as left_at
                      from contacts where unsubscribed_at is not null group by all)
        select count(*) as n, sum((c.withdrawn_at = left_at)::int) as same
        from gone join consents c using (seed, customer_id, channel)
        """
    )
    assert found["n"][0] > 500
    assert found["n"][0] == found["same"][0]
    sent = shops.sql(
        """
        select count(*) as n from contacts m join consents c using (seed, customer_id, channel)
        where m.promotion_id is null and not (m.sent_at >= c.given_at
              and (c.withdrawn_at is null or m.sent_at < c.withdrawn_at))
        """
    )
    assert sent["n"][0] == 0


def test_newcomers_are_won_as_planted(shops: Shops) -> None:
    found = shops.frame(
        """
        select acquisition_channel as channel, count(*) as n, avg(acquisition_cost) as cost
        from customers where acquisition_channel is not null group by 1
        """
    ).set_index("channel")
    planted = shops.planted("acquisition")[0]
    for channel, share in planted["parameters"]["share"].items():
        assert_share(found.loc[channel, "n"], found["n"].sum(), share)
    for channel, cost in planted["superpopulation"].items():
        assert abs(float(found.loc[channel, "cost"]) / cost - 1) < 0.03

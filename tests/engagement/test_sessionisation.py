"""Sessions by the stated rule: gaps, edges, days, campaigns, odd deliveries; on both engines."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.engagement.web.clickstream import page_events, session_table
from analysis.engagement.web.purchase_funnel import reached
from analysis.engagement.web.sessionisation import SessionRule, rule_sensitivity, sessionise
from analysis.errors import NotApplicable
from analysis.tables.engine import EngineSettings, in_memory
from tests.engagement.clicks import PERIOD, walk, web


def counts(rule: SessionRule | None = None, *views: pd.DataFrame) -> list[int]:
    """Return the views of each session, in the order of time."""
    found = web(*views, rule=rule).sessions.order_by("who", "session_no").execute()
    return found["views"].tolist()


@pytest.mark.parametrize(
    ("gap", "inclusive", "expected"),
    [
        (1_799.999, True, [2]),
        (1_800, True, [1, 1]),
        (1_800, False, [2]),
        (1_800.001, False, [1, 1]),
    ],
)
def test_a_gap_of_exactly_the_limit_is_told_from_one_beyond_it(
    gap: float, inclusive: bool, expected: list[int]
) -> None:
    views = walk("a", "2025-04-02 10:00", "hp", gap=gap)
    assert counts(SessionRule(inclusive=inclusive), views) == expected


def test_midnight_parts_a_session_only_by_that_rule() -> None:
    views = walk("a", "2025-04-02 23:58", "hpph", gap=60)
    assert counts(SessionRule(), views) == [4]
    assert counts(SessionRule(midnight=True), views) == [2, 2]


def test_another_campaign_parts_a_session_only_by_that_rule() -> None:
    first = walk("a", "2025-04-02 10:00", "hp", campaign="spring")
    no_campaign = walk("a", "2025-04-02 10:02", "h", campaign=None)
    second = walk("a", "2025-04-02 10:03", "hp", campaign="may")
    assert counts(SessionRule(), first, no_campaign, second) == [5]
    assert counts(SessionRule(campaign=True), first, no_campaign, second) == [3, 2]


def test_views_delivered_out_of_order_make_the_same_sessions() -> None:
    views = walk("a", "2025-04-02 10:00", "hpckohp", gap=700)
    mixed = views.sample(frac=1, random_state=1)
    ours = web(mixed).sessions.execute()
    assert ours[["entry", "exit", "views"]].values.tolist() == [["/home", "/product", 7]]
    assert ours["step_5"].all()


def test_of_two_views_of_one_page_at_one_moment_the_same_begins_the_session() -> None:
    """Whichever was delivered first: both ways give the same source and the same sessions."""
    moment = "2025-04-02 10:00"
    told = {"source": "mail", "campaign": "spring"}, {"source": "search", "campaign": "may"}
    both = [walk("a", moment, "h", **each) for each in told]
    after = walk("a", "2025-04-02 10:05", "p", source="direct", campaign="spring")
    rule = SessionRule(campaign=True)
    ways = [web(*order, rule=rule).sessions for order in ([*both, after], [after, *both[::-1]])]
    one, other = (
        rows.order_by("session_no").select("source", "campaign", "views").execute().values.tolist()
        for rows in ways
    )
    assert one == other


def test_without_a_visitor_the_customer_stands_and_without_both_the_source_s_session() -> None:
    views = pd.concat(
        [
            walk("x", "2025-04-02 10:00", "h", customer_id="c1"),
            walk("y", "2025-04-02 10:05", "p", customer_id="c1"),
            walk("z", "2025-04-02 10:06", "h", customer_id=None),
            walk("u", "2025-04-02 10:07", "h", customer_id=None),
        ]
    ).drop(columns="visitor_id")
    assert sorted(counts(None, views)) == [1, 1, 2]


def test_the_clock_change_is_counted_and_said() -> None:
    """In Berlin the clocks of 30 March 2025 go from 2:00 to 3:00."""
    from analysis.engagement.web.session_summary import overview

    views = [walk("a", "2025-03-30 01:50", "hp", gap=4_200), walk("b", "2025-03-30 02:10", "h")]
    found = overview(web(*views, timezone="Europe/Berlin"))
    assert found.clock["odd"] == 1
    assert overview(web(*views, timezone="UTC")).clock["odd"] == 0


def test_a_site_of_one_page_has_sessions_and_nothing_else() -> None:
    views = [walk(f"v{n}", f"2025-04-{n:02d} 10:00", "h") for n in range(1, 20)]
    found = web(*views)
    table = rule_sensitivity(found.views, found.rule)
    assert table["sessions"].eq(19).all()
    assert table["bounce"].eq(1).all()


def test_no_view_in_the_period_is_said() -> None:
    with pytest.raises(NotApplicable, match=r"No page was seen from 1 Mar 2025 to 30 Apr 2025\."):
        web(walk("a", "2024-04-02 10:00", "hp"))


def plain(moments: list[int], limit: int, *, inclusive: bool) -> int:
    """Return the number of sessions, counted gap by gap."""
    gaps = np.diff(np.sort(moments))
    return 1 + int((gaps >= limit).sum() if inclusive else (gaps > limit).sum())


@settings(max_examples=8, deadline=None)
@given(st.lists(st.lists(st.integers(0, 600), min_size=1, max_size=12), min_size=1, max_size=5))
def test_sessions_are_gaps_and_one_and_every_view_is_in_one(visitors: list[list[int]]) -> None:
    """Minutes of each visitor's views; the sensitivity table against plain counting."""
    begin = pd.Timestamp("2025-04-02")
    views = pd.concat(
        [
            walk(f"v{n}", "2025-04-02", "h" * len(minutes)).assign(
                viewed_at=begin + pd.to_timedelta(minutes, unit="min")
            )
            for n, minutes in enumerate(visitors)
        ]
    )
    found = web(views)
    table = rule_sensitivity(found.views, found.rule).set_index("rule")
    for limit in (15, 30, 60):
        for sign, inclusive in (("≥", True), (">", False)):
            expected = sum(plain(m, limit, inclusive=inclusive) for m in visitors)
            assert table.loc[f"silence {sign} {limit} minutes", "sessions"] == expected
    assert found.sessions.views.sum().execute() == len(views)


def test_a_program_of_many_views_is_left_out_and_counted() -> None:
    """One that reads slowly but without end, a million views, goes by its views in a day."""
    people = [walk(f"v{n}", f"2025-04-{n:02d} 10:00", "hpc") for n in range(1, 20)]
    endless = walk("endless", "2025-04-02 00:00", "h" * 1_000_000, gap=2.1)
    named = walk("named", "2025-04-02 00:00", "hp", user_agent="Googlebot/2.1 (+http://x.example)")
    known = walk("known", "2025-04-02 00:00", "hp", is_bot=True)
    fast = walk("fast", "2025-04-02 00:00", "p" * 40, gap=0.5)
    found = web(*people, endless, named, known, fast, pace=2.0)
    assert found.robots["visitors"].tolist() == [19, 2, 1, 1, 23]
    assert found.robots["views"].tolist() == [57, 4, 40, 1_000_000, 1_000_101]
    assert found.sessions.count().execute() == 19


def test_only_programs_is_said() -> None:
    with pytest.raises(NotApplicable, match="Every page view of the period is a bot's"):
        web(walk("named", "2025-04-02 00:00", "hp", user_agent="curl/8"))


@pytest.mark.spark
def test_spark_finds_the_same_sessions_and_depths(spark: EngineSettings) -> None:
    rng = np.random.default_rng(1)
    views = pd.concat(
        walk(
            f"v{m % 7}",
            f"2025-04-{1 + m % 5:02d} 23:{m:02d}",
            "hpcko"[: 1 + m % 5],
            gap=float(rng.integers(10, 1_900)),
            campaign="a" if m % 3 else None,
        )
        for m in range(60)
    )
    twice = views.iloc[::9].assign(campaign="b")  # of the same page at the same moment
    rule, found = SessionRule(midnight=True, campaign=True), []
    for engine, delivered in (
        (EngineSettings(threads=1), [views, twice]),
        (spark, [twice, views]),
    ):
        tables = in_memory({"page_views": pd.concat(delivered)}, settings=engine)
        seen = sessionise(page_events(tables, PERIOD), rule)
        far = reached(seen, (2, 3, 4, 5), within=timedelta(hours=1))
        ever = reached(seen, (2, 3, 4, 5)).rename(ever="strict")
        sessions = session_table(seen)
        names = [
            "who",
            "session_no",
            "views",
            "entry",
            "exit",
            "step_3",
            "step_5",
            "strict",
            "ever",
        ]
        joined = sessions.left_join(far, ["who", "session_no"])
        joined = joined.drop("who_right", "session_no_right")
        joined = joined.left_join(ever, ["who", "session_no"]).select(names)
        found.append(joined.order_by("who", "session_no").execute())
    assert len(found[0]) > 30
    assert found[0]["strict"].max() == found[0]["ever"].max() == 5
    pd.testing.assert_frame_equal(*found, check_dtype=False)

"""The funnel on ways walked by hand, and what must hold of any."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.engagement.web.purchase_funnel import purchase_funnel, reached, with_depth
from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from tests.engagement.clicks import ORDER_LINES, walk, web

#: Letters of a visit, and how far it comes in order, in any order.
WAYS = {
    "h": (1, 1),
    "p": (2, 2),
    "hpc": (3, 3),
    "hpcko": (5, 5),
    "phchkho": (5, 5),  # other pages between
    "c": (1, 1),  # no product before it
    "cp": (2, 3),  # the product after the basket
    "pkco": (3, 5),  # the checkout before the basket
    "pcokpc": (4, 5),  # the order before the checkout
    "pko": (2, 2),  # no basket
    "kpcko": (5, 5),
}


@pytest.mark.parametrize("letters", WAYS)
def test_a_way_walked_by_hand(letters: str) -> None:
    found = with_depth(web(walk("a", "2025-04-02 10:00", letters))).execute().iloc[0]
    assert (found["strict"], found["loose"]) == WAYS[letters]


def test_a_window_counts_from_the_latest_start() -> None:
    """As ClickHouse's windowFunnel: an early start that fails does not spoil a later one."""
    views = web(
        walk("late", "2025-04-01 10:00", "p"),
        walk("late", "2025-04-09 10:00", "p"),
        walk("late", "2025-04-10 09:00", "cko"),
        walk("slow", "2025-04-01 10:00", "p"),
        walk("slow", "2025-04-02 10:01", "cko"),
        walk("broken", "2025-04-01 10:00", "pc"),
        walk("broken", "2025-04-05 10:00", "ko"),
    ).views

    def within(days: int | None) -> dict[str, int]:
        limit = None if days is None else timedelta(days=days)
        found = reached(views, (2, 3, 4, 5), scope=("who",), within=limit).execute()
        return dict(zip(found["who"], found["strict"], strict=True))

    assert within(1) == {"late": 5, "broken": 3}
    assert within(2) == {"late": 5, "slow": 5, "broken": 3}
    assert within(None) == {"late": 5, "slow": 5, "broken": 5}


def by_hand(letters: str) -> tuple[int, int]:
    """Return how far a visit comes in order and in any order, walked letter by letter."""
    steps = ["hs".find(c) >= 0 or "pcko".index(c) + 2 for c in letters]
    strict = 1
    for step in steps:
        strict = max(strict, step) if step == strict + 1 else strict
    loose = 1
    while loose < 5 and loose + 1 in steps:
        loose += 1
    return strict, loose


@settings(max_examples=6, deadline=None)
@given(st.lists(st.text("hspcko", min_size=1, max_size=9), min_size=1, max_size=25))
def test_any_way_comes_as_far_as_walked_letter_by_letter(visits: list[str]) -> None:
    views = [walk(f"v{n:02d}", "2025-04-02 10:00", letters) for n, letters in enumerate(visits)]
    seen = web(*views)
    found = with_depth(seen).order_by("who").execute()
    ours = list(zip(found["strict"], found["loose"], strict=True))
    assert ours == [by_hand(letters) for letters in visits]
    assert (found["strict"] <= found["loose"]).all()
    ways = [reached(seen.views, (2, 3, 4, 5), within=w) for w in (None, timedelta(days=1))]
    alike = [way.order_by("who").execute() for way in ways]  # a day holds every visit
    pd.testing.assert_frame_equal(alike[0], alike[1])


@pytest.fixture(scope="module")
def made() -> object:
    """The funnel of visits of two devices and two sources."""
    ways = ["h", "hp", "hpc", "hpck", "hpcko", "cp", "o"]
    views = [
        walk(f"v{n}", f"2025-04-{1 + n % 25:02d} 10:00", ways[n % 7],
             device=("phone", "desktop")[n % 3 == 0], source=("search", "email")[n % 2])
        for n in range(210)
    ]  # fmt: skip
    return purchase_funnel(web(*views), days=(1, 7))


def test_steps_fall_and_lose_what_they_do_not_keep(made: object) -> None:
    steps = made.steps.set_index("step")
    assert steps["sessions"].tolist() == [210, 150, 90, 60, 30]
    assert steps["seen"].tolist() == [210, 150, 120, 60, 60]
    assert steps["loose"].tolist() == [210, 150, 120, 60, 30]
    assert steps["lost"].tolist() == [0, 60, 60, 30, 30]
    assert steps["kept"].tolist()[1:] == pytest.approx([150 / 210, 90 / 150, 60 / 90, 0.5])
    inside = steps.dropna()
    assert ((inside["kept_low"] < inside["kept"]) & (inside["kept"] < inside["kept_high"])).all()
    assert (steps["share"].iloc[1:] == steps["sessions"].iloc[1:] / 210).all()


def test_groups_add_up_to_all(made: object) -> None:
    for grouping in ("device", "source"):
        mine = made.groups[made.groups["grouping"] == grouping]
        whole = mine.groupby("step", sort=False)[["sessions", "loose", "seen", "lost"]].sum()
        everybody = made.steps.set_index("step")[["sessions", "loose", "seen", "lost"]]
        pd.testing.assert_frame_equal(whole, everybody)


def test_more_days_never_lose_an_order(made: object) -> None:
    windows = made.windows
    assert windows["days"].tolist() == [1, 7]
    assert (windows["order"] <= windows["basket"]).all()


def test_a_group_is_never_taken_from_a_later_step() -> None:
    """Who logs in at the checkout is not known at the first view, and so in no group of history."""
    views = []
    for n in range(60):
        visit = walk(f"v{n}", f"2025-04-{1 + n % 25:02d} 10:00", "hpcko")
        views.append(visit.assign(customer_id=[None, None, None, f"c{n}", f"c{n}"]))
    for n in range(60, 120):
        visit = walk(f"v{n}", f"2025-04-{1 + n % 25:02d} 10:00", "hp")
        views.append(visit.assign(customer_id=f"c{n}"))
    past = ORDER_LINES.assign(customer_id="c60")
    named = {f"c{n}": ("Loyal", "New")[n % 3 == 0] for n in range(120)}
    segments = pd.DataFrame(named.items(), columns=["customer_id", "rfm"])
    groups = purchase_funnel(web(*views, orders=past), segments=segments).groups
    history = groups[groups["grouping"] == "history"].set_index(["group", "step"])
    assert history.loc[("no order before", "visit"), "sessions"] == 59
    assert history.loc[("no order before", "order"), "sessions"] == 0
    assert "one order before" not in history.index  # one customer alone is no group
    told = groups[(groups["grouping"] == "segment") & (groups["step"] == "product")]
    assert told.set_index("group")["sessions"].to_dict() == {"Loyal": 40, "New": 20}
    low, high = told[["low", "high"]].to_numpy().T  # two at once, each at 97.5 %
    assert low == pytest.approx(wilson_interval([40, 20], [40, 20], confidence=0.975)[0])
    assert high == pytest.approx([1, 1])


def test_many_visits_of_one_customer_are_no_segment() -> None:
    views = [
        walk(f"v{n}", f"2025-04-{1 + n % 25:02d} {10 + n // 25}:00", "hp").assign(
            customer_id=f"c{min(n, 25)}"
        )
        for n in range(50)
    ]
    named = {f"c{n}": "Loyal" for n in range(25)} | {"c25": "Lone"}
    segments = pd.DataFrame(named.items(), columns=["customer_id", "rfm"])
    groups = purchase_funnel(web(*views), segments=segments).groups
    assert set(groups.loc[groups["grouping"] == "segment", "group"]) == {"Loyal"}


def test_without_events_there_is_no_funnel() -> None:
    views = walk("a", "2025-04-02 10:00", "hpcko").drop(columns="event")
    with pytest.raises(NotApplicable, match="page_views has no column event"):
        purchase_funnel(web(views))


def test_without_products_the_way_begins_with_the_basket() -> None:
    views = [
        walk(f"v{n}", "2025-04-02 10:00", way).drop(columns="product_id")
        for n, way in enumerate(["hp", "hpc", "hpck", "hpcko", "ok"])
    ]
    found = purchase_funnel(web(*views))
    assert found.steps["step"].tolist() == ["visit", "basket", "checkout", "order"]
    assert found.steps["sessions"].tolist() == [5, 3, 2, 1]
    assert found.steps["seen"].tolist() == [5, 3, 3, 2]
    assert found.windows.empty

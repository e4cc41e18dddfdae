"""Life stages by hand and by planted change; newcomers, cohorts and win-back by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.customers.features import features
from analysis.customers.retention import lifecycle, repeat_purchase, win_back
from analysis.customers.segments import group_summary
from analysis.errors import NotApplicable
from analysis.tables.engine import Tables, in_memory
from analysis.tables.periods import Period
from tests.customers.populations import weekly_of

AS_OF = date(2018, 1, 1)


def shop(days: dict[str, list[int]], **tables: pd.DataFrame) -> Tables:
    """Orders of 10 by customer, on so many days before ``AS_OF``."""
    rows = [(who, AS_OF - timedelta(days=ago)) for who, agos in days.items() for ago in agos]
    lines = pd.DataFrame(rows, columns=["customer_id", "day"])
    lines["ordered_at"] = pd.to_datetime(lines.pop("day")) + pd.Timedelta(hours=12)
    lines = lines.assign(
        order_id=[f"o{i}" for i in range(len(lines))], product_id="p", quantity=1.0, net_amount=10.0
    )
    products = pd.DataFrame({"product_id": ["p"], "department": ["d"], "category": ["c"]})
    return in_memory({"order_lines": lines, "products": products, **tables})


def crowd() -> dict[str, list[int]]:
    """Eighty ordinary customers at paces from days to weeks, all here lately."""
    rng = np.random.default_rng(1)
    people = {}
    for i in range(80):
        pace = 3 + i % 20
        gaps = np.maximum(1, np.rint(rng.gamma(3.0, pace / 3, 400 // pace + 4)))
        ago = 1 + int(pace * rng.random()) + np.concatenate([[0], np.cumsum(gaps)])
        people[f"crowd{i:02d}"] = [int(a) for a in ago if a <= 364]
    return people


@pytest.fixture(scope="module")
def stages() -> lifecycle.Stages:
    planted = {
        "daily, silent three weeks": list(range(21, 360, 2)),
        "monthly, silent three weeks": list(range(21, 364, 30)),
        "first seen last month": [30, 24, 19, 12, 5],
        "back after long silence": [*range(2, 84, 2), *range(180, 364, 4)],
        "back after long silence, for less": [*range(2, 30, 4), *range(180, 364, 4)],
        "usual": list(range(3, 364, 7)),
    }
    return lifecycle.stages(shop({**crowd(), **planted}), AS_OF)


@pytest.mark.parametrize(
    ("customer", "stage"),
    [
        ("daily, silent three weeks", "Lapsed"),
        ("monthly, silent three weeks", "Active"),
        ("first seen last month", "New"),
        ("back after long silence", "Won back"),
        ("back after long silence, for less", "Declining"),
        ("usual", "Active"),
    ],
)
def test_the_same_silence_is_judged_by_each_customer_s_own_rhythm(
    stages: lifecycle.Stages, customer: str, stage: str
) -> None:
    assert stages.table.set_index("customer_id").loc[customer, "stage"] == stage


def test_the_day_from_which_a_silence_counts_follows_the_pace(stages: lifecycle.Stages) -> None:
    table = stages.table.set_index("customer_id")
    daily, monthly = (
        table.loc[f"{p}, silent three weeks", "risk_after"] for p in ("daily", "monthly")
    )
    assert daily < 21 < monthly
    assert (table["risk_after"] < table["lapsed_after"]).all()


def test_nothing_after_the_day_is_known() -> None:
    later = {name: [-1, -5, *agos] for name, agos in crowd().items()}
    one, two = (lifecycle.stages(shop(people), AS_OF).table for people in (crowd(), later))
    pd.testing.assert_frame_equal(one, two)


def test_growth_that_the_data_do_not_cover_is_called_by_nobody() -> None:
    short = {name: [a for a in agos if a < 200] for name, agos in crowd().items()}
    found = lifecycle.stages(shop(short), AS_OF)
    assert found.gap
    assert not found.table["stage"].isin(["Growing", "Declining"]).any()


def test_transitions_add_up_and_nobody_is_lost(stages: lifecycle.Stages) -> None:
    tables = shop(crowd())
    earlier = lifecycle.stages(tables, date(2017, 10, 1))
    later = lifecycle.stages(tables, AS_OF)
    moves = lifecycle.transitions(earlier, later)
    assert moves["customers"].sum() == len(earlier.table)
    np.testing.assert_allclose(moves.groupby("was")["share"].sum(), 1)


# Change by one's own weeks ---------------------------------------------------------------------


def seen(customers: pd.Index) -> pd.Series:
    return pd.Series(pd.Timestamp("2016-01-01"), customers)


def test_planted_rise_and_fall_are_called_and_noise_is_not() -> None:
    rng = np.random.default_rng(2)
    base = rng.gamma(2.0, 10.0, (600, 52)).round(2)
    base[:60, 26:] *= 2.5
    base[60:120, :26] *= 2.5
    amounts = weekly_of(base.round(2))
    found = lifecycle.judge(amounts, seen(amounts.customers), fdr=0.10)
    assert found["rising"][:60].mean() > 0.9
    assert found["falling"][60:120].mean() > 0.9
    called = found["rising"] | found["falling"]
    assert called[120:].sum() <= 0.15 * called.sum()


def test_p_values_are_uniform_where_nothing_changed() -> None:
    amounts = weekly_of(np.random.default_rng(3).gamma(2.0, 10.0, (1_000, 26)).round(2))
    found = lifecycle.judge(amounts, seen(amounts.customers))
    for name in ("p_rise", "p_fall"):
        assert 0.08 < (found[name] < 0.10).mean() < 0.12


def test_newcomers_and_rare_buyers_are_not_tested() -> None:
    weeks = np.zeros((3, 52))
    weeks[0, ::2] = 10
    weeks[1, ::2] = 10
    weeks[2, :5] = 10
    amounts = weekly_of(weeks)
    first = seen(amounts.customers)
    first.iloc[1] = pd.Timestamp(amounts.weeks[0].start) + pd.Timedelta(days=29)
    found = lifecycle.judge(amounts, first)
    assert found["p_fall"].notna().tolist() == [True, False, False]


# Newcomers -------------------------------------------------------------------------------------


def test_the_return_curve_is_kaplan_and_meier_s_by_hand() -> None:
    found = pd.DataFrame({"days": [2, 3, 3, 5, 8], "came_back": [True, True, False, True, False]})
    curve = repeat_purchase.return_curve(found).set_index("days")
    assert curve.loc[2, "returned"] == pytest.approx(1 / 5)
    assert curve.loc[3, "returned"] == pytest.approx(1 - 4 / 5 * 3 / 4)
    assert curve.loc[5, "returned"] == pytest.approx(1 - 4 / 5 * 3 / 4 * 1 / 2)
    assert ((curve["low"] <= curve["returned"]) & (curve["returned"] <= curve["high"])).all()
    assert repeat_purchase.returned_by(curve.reset_index(), 4)["returned"] == pytest.approx(0.4)
    assert repeat_purchase.returned_by(curve.reset_index(), 1)["returned"] == 0


def test_newcomers_are_those_first_seen_after_the_quiet_days() -> None:
    people = {f"old{i}": [360, 10] for i in range(5)}
    people |= {f"new{i:02d}": [100, 60] for i in range(15)}
    people |= {f"once{i}": [50] for i in range(5)}
    found = repeat_purchase.newcomers(shop(people), as_of=AS_OF, quiet_days=90)
    assert len(found) == 20
    once = found[~found["came_back"]]
    assert once["days"].tolist() == [50] * 5
    assert found.loc[found["came_back"], "days"].unique().tolist() == [40]


def test_too_few_newcomers_are_said() -> None:
    with pytest.raises(NotApplicable, match=r"fewer than 20 customers \(0\)"):
        repeat_purchase.newcomers(shop({"a": [360, 1]}), as_of=AS_OF)


def test_retention_by_hand() -> None:
    people = {f"j{i:02d}": [350, 320] if i < 4 else [350] for i in range(12)}  # January, February
    people |= {f"m{i:02d}": [280, 260] for i in range(10)}  # March, April
    got = repeat_purchase.retention(shop(people), as_of=AS_OF)
    row = got[(got["cohort"] == "2017-01-01") & (got["months_later"] == 1)].iloc[0]
    assert row[["customers", "bought", "share", "known"]].tolist() == [12, 4, 4 / 12, False]
    later = got[(got["cohort"] == "2017-03-01") & (got["months_later"] == 1)].iloc[0]
    assert later[["share", "known"]].tolist() == [1.0, True]
    assert later["low"] == pytest.approx(0.7225, abs=1e-3)


def test_nobody_is_won_back_before_being_contacted() -> None:
    """Who returns in the days of the contacts is left out, so that a contact comes first."""
    base = crowd()
    days = {f"s{i}": [*range(130, 360, 3)] for i in range(12)}
    for i in range(4):
        days[f"s{i}"] += [40]  # comes back after the landmark
    days["s4"] += [85]  # comes back before
    contacts = pd.DataFrame(
        {
            "contact_id": ["1", "2"],
            "customer_id": ["s0", "s4"],
            "channel": "mail",
            "sent_at": pd.Timestamp(AS_OF - timedelta(days=80)),
        }
    )
    tables = shop({**base, **days}, contacts=contacts)
    at = lifecycle.stages(tables, AS_OF - timedelta(days=91))
    got = win_back.brought_back(tables, at).set_index("stage").loc["Lapsed"]
    assert got[["contacted", "returned_contacted"]].tolist() == [1, 1.0]
    assert got["not_contacted"] == 10
    assert got["returned_not"] == pytest.approx(0.3)


def test_newcombe_s_interval_as_published() -> None:
    """Newcombe (1998), Statistics in Medicine 17, 873-890, table II, 56/70 - 48/80, method 10."""
    got = win_back.difference_of_shares(56, 70, 48, 80, 0.95)
    assert got == (pytest.approx(0.2), pytest.approx(0.0524, abs=1e-4),
                   pytest.approx(0.3339, abs=1e-4))  # fmt: skip


# Worth and what came next ----------------------------------------------------------------------


def test_worth_adds_up_to_the_total() -> None:
    tables = shop(crowd())
    people = features.fetch_detailed(tables, Period.before(AS_OF, days=365))
    groups = pd.Series(np.where(people["orders"] > 30, "often", "seldom"))
    got = group_summary.worth(people, groups)
    assert got["customers"].sum() == len(people)
    assert got["net_amount"].sum() == pytest.approx(people["net_amount"].sum())
    assert got["net_share"].sum() == pytest.approx(1)
    inside = (got["net_share_low"] <= got["net_share"]) & (
        got["net_share"] <= got["net_share_high"]
    )
    assert inside.all()


def test_small_groups_get_no_interval_but_a_reason() -> None:
    people = features.fetch(shop(crowd()), Period.before(AS_OF, days=365))
    groups = pd.Series(["few"] * 29 + ["many"] * (len(people) - 29))
    got = group_summary.worth(people, groups).set_index("group")
    assert np.isnan(got.loc["few", "net_per_customer_low"])
    # Thirty, as for the groups of value: an interval of ten customers held 80 of 95 promised.
    assert "fewer than 30" in got.loc["few", "reason"]
    assert got.loc["many", "reason"] == ""


def test_what_came_next_counts_only_what_came_next() -> None:
    days = {f"a{i:02d}": [100, 10] for i in range(12)} | {f"b{i:02d}": [190] for i in range(12)}
    tables = shop(days)
    periods = (Period(date(2017, 6, 25), date(2017, 10, 3)), Period(date(2017, 10, 3), AS_OF))
    before, after = (features.fetch_detailed(tables, period) for period in periods)
    groups = before["customer_id"].str[0]
    got = group_summary.what_next(before, groups, after, periods=periods).set_index("group")
    assert got["bought"].tolist() == [1.0, 0.0]
    assert got.loc["a", "net_after"] == pytest.approx(10 * 30 / 90)
    # First seen ten days before the cut: ten days to spend in, not a hundred.
    assert got.loc["a", "net_before"] == pytest.approx(10 * 30 / 10, rel=0.15)

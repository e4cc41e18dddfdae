"""Customers won, lost and kept: every cent of the change is somebody's."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.customers.retention.sales_bridge import GROUPS, customer_bridge
from analysis.tables.comparison import Comparison
from analysis.tables.periods import Period

CURRENT = Period.before("2018-01-01", days=182)
NOBODY = pd.Series(
    {"orders_before": 0.0, "orders_now": 0.0, "net_before": 0.0, "net_now": 0.0, "variance": 0.0}
)


def compared(first_day: date = date(2017, 1, 2)) -> Comparison:
    return Comparison(CURRENT, CURRENT.previous(), first_day, CURRENT.last_day, None)


def paired_of(*rows: tuple[float, float, float, float]) -> pd.DataFrame:
    """Return customers from orders before and now, and net before and now."""
    columns = ["orders_before", "orders_now", "net_before", "net_now"]
    frame = pd.DataFrame(rows, columns=columns, dtype="float64")
    both = frame["net_before"] + frame["net_now"]
    first = pd.Timestamp("2017-02-01")
    return frame.assign(first_on=first, net_odd=both / 2, net_even=both / 2)


def bridge_of(paired: pd.DataFrame, *, seen: date = date(2017, 1, 2)) -> pd.DataFrame:
    return customer_bridge(paired, NOBODY, compared(seen), confidence=0.95, seed=1)


def test_everyone_is_in_the_group_a_retailer_would_say() -> None:
    paired = paired_of(
        (1, 0, 10.0, 0.0),
        (1, 1, 10.0, 4.0),
        (1, 1, 10.1, 10.1),
        (1, 1, 10.0, 30.0),
        (0, 2, 0.0, 7.0),
        (0, 0, 0.0, -5.0),
        (1, 0, 20.0, -2.0),
    )
    bridge = bridge_of(paired).set_index("group")
    assert bridge["customers"].to_dict() == {
        "lost": 2,
        "buying less": 1,
        "unchanged": 1,
        "buying more": 1,
        "new": 1,
        "returns only": 1,
    }
    assert bridge["change"].to_dict() == {
        "lost": -32.0,
        "buying less": -6.0,
        "unchanged": 0.0,
        "buying more": 20.0,
        "new": 7.0,
        "returns only": -5.0,
    }


def test_who_came_back_is_told_from_the_new_only_where_the_data_reach_back() -> None:
    paired = paired_of((0, 1, 0.0, 5.0), (0, 1, 0.0, 9.0), (1, 1, 1.0, 2.0))
    paired.loc[0, "first_on"] = pd.Timestamp("2016-03-01")
    paired.loc[1, "first_on"] = pd.Timestamp("2017-08-01")
    long = bridge_of(paired, seen=date(2016, 1, 1)).set_index("group")["change"]
    assert (long["back"], long["new"]) == (5.0, 9.0)
    short = bridge_of(paired, seen=date(2016, 12, 1)).set_index("group")["change"]
    assert short["new"] == 14.0
    assert "back" not in short


CENTS = st.integers(-100_000, 1_000_000)
CUSTOMER = st.tuples(st.integers(0, 3), st.integers(0, 3), CENTS, CENTS)


@given(st.lists(CUSTOMER, min_size=1, max_size=30))
def test_the_groups_add_up_to_the_change_to_the_cent(rows: list[tuple[int, ...]]) -> None:
    paired = paired_of(*((a, b, x / 100, y / 100) for a, b, x, y in rows))
    bridge = customer_bridge(paired, NOBODY, compared(), confidence=0.95, seed=1)
    change = sum(y - x for *_, x, y in rows)
    assert round(100 * bridge["change"].sum()) == change
    assert bridge["customers"].sum() == len(rows)
    assert set(bridge["group"]) <= set(GROUPS)
    if len(rows) > 1:
        assert (bridge["low"] <= bridge["high"]).all()
    else:
        assert bridge[["low", "high"]].isna().all(axis=None)


def test_guests_are_a_step_of_their_own() -> None:
    guests = NOBODY.copy()
    guests[:] = [4.0, 5.0, 40.0, 55.5, 100.0]
    bridge = customer_bridge(
        paired_of((1, 1, 5.0, 5.5)), guests, compared(), confidence=0.95, seed=1
    )
    row = bridge.iloc[-1]
    assert (row["group"], row["customers"], row["change"]) == ("guests", 5, 15.5)
    assert (row["low"], row["high"]) == pytest.approx((15.5 - 19.6, 15.5 + 19.6), abs=0.01)


def test_intervals_are_those_of_drawing_customers_again() -> None:
    rng = np.random.default_rng(3)
    change = rng.normal(5, 20, 400).round(2)
    bridge = bridge_of(paired_of(*((1, 1, 100.0, 100 + d) for d in change)))
    more = bridge.set_index("group").loc["buying more"]
    expected = 1.96 * np.sqrt(400) * np.where(change > 0, change, 0).std()
    assert (more["high"] - more["low"]) / 2 == pytest.approx(expected, rel=0.08)


def test_ups_and_downs_of_weeks_are_what_chance_makes_of_customers_who_never_change() -> None:
    """Two halves of weeks dealt at random differ as odd and even weeks do."""
    rng = np.random.default_rng(5)
    weeks = rng.lognormal(2, 1, (400, 52)) * (rng.random((400, 52)) < 0.5)
    halves = np.column_stack([weeks[:, :26].sum(axis=1), weeks[:, 26:].sum(axis=1)]).round(2)
    paired = paired_of(*((1, 1, before, now) for before, now in halves))
    paired["net_odd"], paired["net_even"] = weeks[:, ::2].sum(axis=1), weeks[:, 1::2].sum(axis=1)
    kept = bridge_of(paired).set_index("group")
    real, chance = kept["change"].abs().sum(), kept["by_chance"].abs().sum()
    assert chance == pytest.approx(real, rel=0.12)


def test_nobody_at_all_gives_an_empty_bridge() -> None:
    assert bridge_of(paired_of()).empty

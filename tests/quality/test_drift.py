"""Drift: distances as published, and a null that holds when nothing drifts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from analysis.errors import NotApplicable
from analysis.quality import drift
from analysis.tables.comparison import compare
from tests.sales import AS_OF, lines_of, shop, tables_of

COUNTS = st.lists(st.integers(0, 1000), min_size=4, max_size=4).filter(lambda c: sum(c) > 0)


def shares(counts: list[int]) -> np.ndarray:
    return np.array(counts) / sum(counts)


@given(COUNTS, COUNTS)
def test_the_distance_is_scipys_symmetric_and_at_most_one(a: list[int], b: list[int]) -> None:
    p, q = shares(a), shares(b)
    distance = drift.jensen_shannon(p, q)
    assert distance == pytest.approx(np.nan_to_num(jensenshannon(p, q, base=2)), abs=1e-7)
    assert distance == pytest.approx(drift.jensen_shannon(q, p))
    assert 0 <= distance <= 1


def test_nothing_in_common_is_one_and_equal_is_zero() -> None:
    assert drift.jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1.0)
    assert drift.jensen_shannon(np.array([0.3, 0.7]), np.array([0.3, 0.7])) == 0.0


def test_the_stability_index_by_hand() -> None:
    """(.6 - .5) ln(.6/.5) + (.4 - .5) ln(.4/.5) = .1 ln 1.5."""
    index = drift.stability_index(np.array([0.5, 0.5]), np.array([0.6, 0.4]))
    assert index == pytest.approx(0.1 * np.log(1.5))
    assert np.isfinite(drift.stability_index(np.array([1.0, 0.0]), np.array([0.5, 0.5])))


def week_counts(rng: np.random.Generator, *, moved: float = 0.0) -> np.ndarray:
    """Return orders of 24 weeks in five kinds; weeks differ by more than counting noise."""
    mix = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    mixes_of = np.array([mix] * 12 + [mix + moved * np.array([1, -1, 0, 0, 0])] * 12)
    weekly = np.array([rng.dirichlet(300 * m) for m in mixes_of])
    return np.array([rng.multinomial(400, m) for m in weekly]).astype(float)


def p_of(weekly: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    now = np.arange(24) >= 12
    return drift.tested(weekly, now, shuffles=99, fdr=0.1, rng=rng)


def test_weeks_that_only_vary_are_called_drift_as_often_as_the_p_value_says() -> None:
    rng = np.random.default_rng(1)
    p = np.array([p_of(week_counts(rng), rng)["p"] for _ in range(400)])
    for level in (0.05, 0.10, 0.5):
        allowed = 3 * np.sqrt(level * (1 - level) / len(p))
        assert (p <= level).mean() == pytest.approx(level, abs=allowed)


def test_a_mix_that_moved_is_found_and_its_size_told() -> None:
    rng = np.random.default_rng(2)
    found = [p_of(week_counts(rng, moved=0.08), rng) for _ in range(60)]
    assert np.mean([row["p"] <= 0.05 for row in found]) > 0.9
    moved, chance = (np.mean([row[name] for row in found]) for name in ("moved", "by_chance"))
    assert 0.08 < moved < 0.08 + chance
    assert all(row["by_chance"] <= row["limit"] for row in found)


def test_weekly_mixes_count_every_order_once() -> None:
    frames = shop(3)
    tables = tables_of(frames["order_lines"], frames["products"])
    counted = drift.weekly_mixes(tables, compare(tables, AS_OF, days=28))
    bought, lines = frames["order_lines"].query("quantity >= 0"), len(frames["order_lines"])
    orders = bought["order_id"].nunique()
    departments = counted.pop("Department (lines)")
    assert departments.to_numpy().sum() == lines
    assert set(departments.columns) == {"FOOD", "DRINKS", "FUEL", "(unknown product)"}
    assert set(counted) == {"Store", "Basket value", "Weekday", "Hour of the day", "Discount share"}
    for table in counted.values():
        assert table.to_numpy().sum() == orders
        assert list(table.index) == list(range(-4, 4))


def test_values_land_in_the_bucket_that_names_them() -> None:
    nets = {"a": -3.0, "b": 0.0, "c": 0.99, "d": 5.0, "e": 19.99, "f": 5_000_000.0}
    rows = [{"order_id": k, "net_amount": v} for k, v in nets.items()]
    ends = [
        {"order_id": t, "ordered_at": f"{t} 09:00:00", "net_amount": 7.0}
        for t in ("2017-11-06", "2017-12-31")
    ]
    tables = tables_of(lines_of(*rows, *ends).assign(discount_amount=0.0))
    counted = drift.weekly_mixes(tables, compare(tables, AS_OF, days=28))["Basket value"]
    assert counted.sum().to_dict() == {
        "below 0": 1,
        "0 to 1": 2,
        "5 to 10": 3,
        "10 to 20": 1,
        "500,000 and more": 1,
    }


def test_the_whole_of_a_shop_that_never_changed() -> None:
    frames = shop(4, days=84)
    tables = tables_of(frames["order_lines"], frames["products"])
    compared = compare(tables, AS_OF, days=42)
    found = drift.mix_drift(tables, compared, seed=1, shuffles=199)
    again = drift.mix_drift(tables, compared, seed=1, shuffles=199)
    pd.testing.assert_frame_equal(found.dimensions, again.dimensions)
    assert (found.dimensions["q"] > 0.05).all()
    totals = found.values.groupby("dimension")[["share_before", "share_now"]].sum()
    np.testing.assert_allclose(totals, 1.0)


def test_a_new_store_is_drift() -> None:
    frames = shop(4, days=84)
    lines = frames["order_lines"]
    late = lines["ordered_at"] >= pd.Timestamp("2017-11-20")
    lines.loc[late & (lines["store_id"] == "s2"), "store_id"] = "s3"
    tables = tables_of(lines, frames["products"])
    found = drift.mix_drift(tables, compare(tables, AS_OF, days=42), seed=1, shuffles=199)
    first = found.dimensions.iloc[0]
    assert first["dimension"] == "Store"
    assert first["sure"]
    assert first["moved"] == pytest.approx(0.4, abs=0.1)


def test_few_weeks_are_too_few() -> None:
    rows = [
        {"order_id": str(day), "ordered_at": f"{day.date()} 09:00:00"}
        for day in pd.date_range("2017-10-23", "2017-12-31")
    ]
    tables = tables_of(lines_of(*rows))
    with pytest.raises(NotApplicable, match="fewer than 6 whole weeks"):
        drift.mix_drift(tables, compare(tables, AS_OF, days=35), seed=1)

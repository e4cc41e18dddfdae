"""Portraits, areas, movement and the table of all segments."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.customers.features import features
from analysis.customers.segments import areas, segment_profiles
from analysis.customers.value import rfm_migration, tiers
from analysis.errors import AnalysisError, NotApplicable
from analysis.stats import random_effects
from analysis.tables.engine import in_memory
from analysis.tables.periods import Period
from tests.customers.populations import weekly_of


def test_tastes_and_proxies_by_hand() -> None:
    products = pd.DataFrame(
        {
            "product_id": ["1", "2", "3"],
            "department": ["Food", "Food", "Home"],
            "category": ["Organic milk", "Bread", "Greeting cards"],
        }
    )
    lines = pd.DataFrame(
        {
            "order_id": ["a", "a", "b"],
            "customer_id": ["x", "x", "y"],
            "product_id": ["1", "2", "3"],
            "ordered_at": pd.to_datetime(["2017-12-01", "2017-12-01", "2017-12-02"]),
            "quantity": 1.0,
            "net_amount": [2.0, 3.0, 4.0],
        }
    )
    tables = in_memory({"products": products, "order_lines": lines})
    got = features.spending_mix(tables, Period.before("2018-01-01", days=60), departments=1)
    assert got.columns.tolist() == [
        "customer_id", "total", "Food", "(other departments)", "organic (proxy)", "gifts (proxy)",
    ]  # fmt: skip
    assert got.iloc[:, 1:].to_numpy().tolist() == [[5, 5, 0, 2, 0], [4, 0, 4, 0, 4]]


def crowd(n: int = 400) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(1)
    names = [f"c{i:03d}" for i in range(n)]
    member = np.arange(n) < n // 4
    total = rng.gamma(3.0, 100.0, n)
    wine = total * np.where(member, 0.4, 0.1) * rng.uniform(0.8, 1.2, n)
    spending = pd.DataFrame(
        {"customer_id": names, "total": total, "Wine": wine, "Rest": total - wine}
    )
    people = pd.DataFrame({"customer_id": names, "orders": rng.integers(5, 50, n)})
    groups = pd.Series(pd.Categorical(np.where(member, "connoisseurs", "others")))
    return people, spending, groups


def test_a_planted_taste_stands_out_and_nothing_else_does() -> None:
    people, spending, groups = crowd()
    found = segment_profiles.portrait(people, spending, None, groups)
    mine = found[(found["segment"] == "connoisseurs") & (found["part"] == "tastes")]
    top = mine[(mine["q"] <= 0.05) & (mine["index"] > 100)]
    assert top["item"].tolist() == ["Wine"]
    assert top["low"].iloc[0] > 180
    row = found[(found["segment"] == "connoisseurs") & (found["item"] == "Orders a customer")]
    assert row["q"].iloc[0] > 0.05


def test_two_segments_side_by_side() -> None:
    people, spending, groups = crowd()
    found = segment_profiles.portrait(people, spending, None, groups)
    pair = segment_profiles.side_by_side(found, "connoisseurs", "others")
    assert set(pair["item"]) == {"Wine", "Rest"}
    wine = pair.set_index("item").loc["Wine"]
    assert wine["one_index"] > 180 > 100 > wine["other_index"]


def test_demography_is_compared_among_those_who_are_known() -> None:
    people, spending, groups = crowd()
    ages = np.where(np.arange(400) < 50, "old", "young").astype("object")
    ages[200:] = None
    known = pd.DataFrame({"customer_id": people["customer_id"], "age": pd.Categorical(ages)})
    found = segment_profiles.portrait(people, spending, known, groups)
    row = found[(found["segment"] == "connoisseurs") & (found["item"] == "age: old")].iloc[0]
    assert row["value"] == pytest.approx(0.5)
    assert row["everybody"] == pytest.approx(0.25)
    assert row["index"] == pytest.approx(200)


def test_no_segment_large_enough_is_not_applicable() -> None:
    people, spending, groups = crowd(40)
    with pytest.raises(NotApplicable, match="30 customers"):
        segment_profiles.portrait(people.iloc[:20], spending.iloc[:20], None, groups.iloc[:20])


# Areas -----------------------------------------------------------------------------------------


def test_shrinking_beats_raw_means() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(100, 10, 300)
    error = rng.uniform(5, 40, 300)
    raw = truth + error * rng.normal(size=300)
    shrunk, spread, weight = random_effects.shrink(raw, error)
    assert ((shrunk - truth) ** 2).mean() < 0.35 * ((raw - truth) ** 2).mean()
    inside = np.abs(shrunk - truth) < 1.96 * spread
    assert 0.91 < inside.mean() < 0.98
    assert (np.argsort(error) == np.argsort(-weight)).all()


def test_areas_that_do_not_differ_are_drawn_together() -> None:
    raw = np.array([90.0, 100.0, 110.0])
    shrunk, _, weight = random_effects.shrink(raw, np.array([50.0, 50.0, 50.0]))
    np.testing.assert_allclose(shrunk, 100)
    assert (weight == 0).all()


def test_a_tiny_area_is_drawn_further_than_a_large_one() -> None:
    rng = np.random.default_rng(3)
    sizes = {"large": 400, "other": 400, "third": 400, "tiny": 2}
    level = {"large": 150.0, "other": 90.0, "third": 60.0, "tiny": 150.0}
    area = pd.Series(np.repeat(list(sizes), list(sizes.values())))
    people = pd.DataFrame({"net_amount": area.map(level) + rng.normal(0, 40, len(area))})
    got = areas.by_area(people, area, fewest=1).set_index("area")
    assert got.loc["large", "weight"] > 0.95 > got.loc["tiny", "weight"]
    assert got["customers"].sum() == len(area)
    assert got["net_share"].sum() == pytest.approx(1)


def test_small_areas_are_one_row_and_totals_stay() -> None:
    """A single small area could be had from the total: the smallest shown one goes with it."""
    rng = np.random.default_rng(3)
    for sizes, shown in (
        ({"a": 90, "b": 60, "c": 50, "d": 45, "e": 1}, ["a", "b", "c", "2 others, small"]),
        ({"a": 90, "b": 60, "c": 50, "d": 20, "e": 25}, ["a", "b", "c", "2 others, small"]),
        ({"a": 90, "b": 60, "c": 50}, ["a", "b", "c"]),
    ):
        area = pd.Series(np.repeat(list(sizes), list(sizes.values())))
        people = pd.DataFrame({"net_amount": rng.gamma(2, 50, len(area))})
        got = areas.by_area(people, area)
        assert sorted(got["area"]) == sorted(shown)
        assert got["customers"].sum() == len(area)
        assert got["net_share"].sum() == pytest.approx(1)
        assert (got["customers"] * got["mean"]).sum() == pytest.approx(people["net_amount"].sum())
        assert got["shrunk"].isna().sum() == (len(got) > 3)
    with pytest.raises(NotApplicable, match="fewer than three have 30 customers"):
        areas.by_area(people, pd.Series(np.arange(len(area)) % 8))


def test_a_store_s_planted_preference_is_found() -> None:
    people, spending, _ = crowd()
    store = pd.Series(np.where(np.arange(400) < 100, "a", np.where(np.arange(400) < 250, "b", "c")))
    liked = areas.clear_preferences(areas.preferences(people, spending, store))
    assert liked["area"].iloc[0] == "a"
    assert liked["department"].iloc[0] == "Wine"


def test_two_areas_cannot_be_compared() -> None:
    with pytest.raises(NotApplicable, match=r"fewer than three are known \(2\)"):
        areas.by_area(pd.DataFrame({"net_amount": [1.0, 2.0]}), pd.Series(["a", "b"]))


# Movement --------------------------------------------------------------------------------------


def test_customers_who_do_not_change_do_not_move_beyond_noise() -> None:
    rng = np.random.default_rng(4)
    level = rng.lognormal(2, 0.6, (800, 1))
    weeks = level * rng.gamma(1.0, 1.0, (800, 52)) * (rng.random((800, 52)) < 0.5)
    got = rfm_migration.movement(weekly_of(weeks.round(2)), seed=1)
    assert (got.loc[got["place"] == "all", "moved"].abs() < 0.08).all()
    by_value = got[got["score"] == "monetary"]
    assert (by_value["stayed"] > 2 * by_value["chance"]).all()


def test_customers_who_change_places_do() -> None:
    rng = np.random.default_rng(5)
    level = np.where(np.arange(800) < 400, 5.0, 50.0)[:, None]
    weeks = np.hstack(
        [level * rng.gamma(2, 1, (800, 26)), (55 - level) * rng.gamma(2, 1, (800, 26))]
    )
    got = rfm_migration.movement(weekly_of(weeks.round(2)), seed=1)
    monetary = got.query("score == 'monetary' and place == 'all'").iloc[0]
    assert monetary["moved"] > 0.05
    assert monetary["stayed"] < 0.05


def tier_moves(seed: int, *, changed: int = 0) -> pd.Series:
    """Return the movement of the high tier, ``changed`` of 300 customers swapping their level."""
    rng = np.random.default_rng(seed)
    level = rng.lognormal(2, 1.0, 300)
    later = level.copy()
    later[:changed] = rng.permutation(level)[:changed]
    halves = [
        each[:, None] * rng.gamma(1.0, 1.0, (300, 26)) * (rng.random((300, 26)) < 0.5)
        for each in (level, later)
    ]
    moved = rfm_migration.tier_movement(weekly_of(np.hstack(halves).round(2)), seed=seed)
    assert moved["place"].tolist() == ["High", "Medium", "Low"]
    return moved.set_index("place").loc["High"]


def test_luck_alone_moves_no_more_between_tiers_than_is_said() -> None:
    """The band is that of the middle 95 % of permutations: one in forty lies below it."""
    below = [row["stayed"] < row["noise_low"] for row in map(tier_moves, range(24))]
    assert np.mean(below) <= 0.15


def test_customers_who_change_places_move_between_tiers() -> None:
    for seed in range(4):
        row = tier_moves(seed, changed=120)
        assert row["stayed"] < row["noise_low"]


def test_tiers_rest_on_expected_margin_and_say_why_where_they_cannot() -> None:
    ids = [f"c{i}" for i in range(200)]
    past = pd.DataFrame({"customer_id": ids, "margin_amount": np.arange(200.0)})
    forecast = pd.DataFrame({"customer_id": ids[::-1], "value_12": np.arange(200.0)})
    found = tiers.tier_values(past, forecast=forecast, months=12)
    assert (found.months, found.reason) == (12, "")
    assert found.values.tolist() == np.arange(200.0)[::-1].tolist()
    for told, said in (
        (None, "forecast nobody"),
        (forecast.rename(columns={"value_12": "value_3"}), "12 months ahead"),
        (forecast.head(150), "other customers"),
    ):
        fallen = tiers.tier_values(past, forecast=told, months=12)
        assert fallen.months is None
        assert said in fallen.reason
        assert fallen.values.equals(past["margin_amount"])


# The table -------------------------------------------------------------------------------------


@pytest.fixture
def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["b", "a"],
            "net_amount": [2.0, 1.0],
            "margin_amount": [1.0, 0.5],
            "orders": [2, 1],
            "recency_days": [3, 4],
        }
    )


def test_every_customer_is_in_the_table_once(people: pd.DataFrame) -> None:
    rfm = pd.Series(pd.Categorical(["Champions", None]), people.index)
    tier = pd.DataFrame({"customer_id": ["a"], "tier": ["Low"]})
    got = segment_profiles.assemble(people, {"tier": tier, "rfm": rfm})
    assert got.columns.tolist()[:3] == ["customer_id", "rfm", "tier"]
    assert got["customer_id"].tolist() == ["a", "b"]
    assert got["rfm"].isna().tolist() == [True, False]
    assert got["tier"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"mood": pd.Series(["x", "y"])}, "No such kind"),
        ({"rfm": pd.Series(["x"])}, "1 rows for 2"),
        ({"tier": pd.DataFrame({"customer_id": ["a", "a"], "t": ["x", "y"]})}, "twice"),
        ({"tier": pd.DataFrame({"customer_id": ["z"], "t": ["x"]})}, "did not buy"),
    ],
)
def test_what_does_not_fit_is_refused(
    people: pd.DataFrame, given: dict[str, object], sentence: str
) -> None:
    with pytest.raises(AnalysisError, match=sentence):
        segment_profiles.assemble(people, given)

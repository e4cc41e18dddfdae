"""Names, stages and newcomers are called only where what follows bears them out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from analysis.customers.features.attributes import days_before
from analysis.customers.retention import inactivity, lifecycle, repeat_purchase, win_back
from analysis.customers.segments import clusters
from analysis.customers.value import rfm, rfm_segments, tiers
from analysis.errors import NotApplicable
from tests.customers.test_lifecycle import AS_OF, crowd, shop


def followed(bought_high: float, customers: int = 40) -> pd.DataFrame:
    return pd.DataFrame(
        {"group": ["Lost"], "customers": [customers], "bought": [0.3], "bought_high": [bought_high]}
    )


def people(orders: list[int], names: list[str]) -> tuple[pd.DataFrame, pd.Series]:
    return pd.DataFrame({"orders": orders}), pd.Series(names, dtype="category")


@pytest.mark.parametrize(
    ("after", "shown"),
    [
        (followed(0.45), "Lost"),
        (followed(0.55), "Low value, least recent"),
        (followed(0.45, customers=9), "Low value, least recent"),
        (None, "Low value, least recent"),
    ],
)
def test_lost_is_who_did_not_come_back(after: pd.DataFrame | None, shown: str) -> None:
    names = rfm_segments.borne_out(*people([1, 2], ["Lost", "Lost"]), followed=after)
    assert names.set_index("name").loc["Lost", "shown"] == shown


def test_champions_order_more_than_others() -> None:
    once = people([1] * 8 + [2], ["Champions"] * 4 + ["New"] * 5)
    names = rfm_segments.borne_out(*once).set_index("name")
    assert names.loc["Champions", "shown"] == "High value, most recent"
    assert names.loc["New", "stands"]
    often = people([9] * 4 + [1] * 5, ["Champions"] * 4 + ["New"] * 5)
    assert rfm_segments.borne_out(*often).set_index("name").loc["Champions", "stands"]


@pytest.mark.parametrize(("high", "customers", "shown"), [
    (0.6, 40, "Promising"), (0.52, 40, "Low value, recent"), (0.6, 20, "Low value, recent"),
])  # fmt: skip
def test_promising_is_who_came_again_as_often_as_others(
    high: float, customers: int, shown: str
) -> None:
    """On the simulated shop 41 % of those with one order came again, of all customers 56 %."""
    after = pd.DataFrame(
        {"group": ["Promising", "Loyal"], "customers": [customers, 400], "bought": [0.41, 0.575],
         "bought_high": [high, 0.6]}
    )  # fmt: skip
    names = rfm_segments.borne_out(*people([1, 9], ["Promising", "Loyal"]), followed=after)
    assert names.set_index("name").loc["Promising", "shown"] == shown


def test_every_neutral_name_is_explained_and_advice_is_no_verdict() -> None:
    for shown in rfm_segments.NEUTRAL.values():
        assert shown in rfm_segments.MEANING
    told = [text for meaning in (rfm_segments.MEANING, tiers.MEANING, lifecycle.MEANING)
            for text in meaning.values()]  # fmt: skip
    assert not [t for t in told if "need no" in t[1] or "wasted" in t[1] or "gives away" in t[1]]


def test_a_shop_where_nearly_everybody_ordered_once_has_no_rfm_segments() -> None:
    n = np.arange(100)
    made = pd.DataFrame({"orders": np.where(n < 85, 1, 2), "recency_days": n, "net_amount": n})
    with pytest.raises(NotApplicable, match="85 % of customers have the same number of orders"):
        rfm.require_spread(made)
    rfm.require_spread(made.assign(orders=np.where(n < 80, 1, n)))


def test_segments_are_not_formed_on_days_before_the_data() -> None:
    tables = shop({"a": [200, 3], "b": [90]})
    assert days_before(tables, AS_OF, days=365).start == date(2017, 6, 15)
    assert days_before(tables, AS_OF, days=100).start == date(2017, 9, 23)


def test_old_customers_who_turn_up_late_are_no_newcomers() -> None:
    old = {f"old{i}": [364, 2] for i in range(5)}
    late = {f"l{i:02d}": [270 - 2 * i] for i in range(40)}
    with pytest.raises(NotApplicable, match="cannot be told from old customers"):
        repeat_purchase.newcomers(shop({**old, **late}), as_of=AS_OF)
    steady = {f"n{i:02d}": [270 - 6 * i] for i in range(45)}
    assert len(repeat_purchase.newcomers(shop({**old, **steady}), as_of=AS_OF)) == 45


def test_one_time_buyers_are_staged_by_their_chance_to_return() -> None:
    rng = np.random.default_rng(1)
    stage = np.repeat(["Active", "At risk", "Lapsed"], 200)
    often = pd.DataFrame({"gaps": 3, "recency_days": 9, "stage": stage})
    often["came"] = np.tile(np.arange(200), 3) < np.repeat([160, 80, 40], 200)
    silent = rng.integers(1, 300, 3000)
    single = pd.DataFrame({"gaps": 0, "recency_days": silent, "stage": "At risk"})
    single["came"] = rng.random(3000) < np.select([silent < 50, silent < 150], [0.8, 0.4], 0.05)
    now = pd.DataFrame({"gaps": [0, 0, 0, 2], "recency_days": [20, 100, 250, 250]})
    got = inactivity.once_stages(pd.concat([often, single], ignore_index=True), now)
    assert got.tolist() == ["Active", "At risk", "Lapsed", ""]
    assert inactivity.once_stages(often, now).tolist() == [""] * 4


def test_who_buys_less_and_comes_less_often_declines_and_is_not_won_back() -> None:
    tables = shop({**crowd(), **{f"fell{i}": [*range(5 + i, 180, 30), *range(184, 364, 3)]
                                 for i in range(9)}})  # fmt: skip
    table = lifecycle.stages(tables, AS_OF).table.set_index("customer_id")
    fell = table.loc[[f"fell{i}" for i in range(9)], "stage"].astype("str")
    assert set(fell) == {"Declining"}


def stage_table(**rows: tuple[int, float]) -> pd.DataFrame:
    names = [name.replace("_", " ") for name in rows]
    return pd.DataFrame(
        {
            "group": names,
            "customers": [n for n, _ in rows.values()],
            "net_share": [0.1] * len(rows),
            "bought": [b for _, b in rows.values()],
        }
    )


def test_silence_is_held_against_a_shop_that_loses_nobody() -> None:
    now = stage_table(Active=(870, 0.0), At_risk=(100, 0.0), Lapsed=(30, 0.0))
    before = stage_table(Active=(850, 1.0), At_risk=(100, 0.9), Lapsed=(50, 0.2))
    found = lifecycle.silence(now, before)
    assert (found.silent, found.share) == (130, 0.13)
    assert (found.called, found.returned) == (100, 950)
    assert (found.back, found.followed) == (100, 150)
    assert found.usual == pytest.approx(100 / 950)
    assert np.isnan(lifecycle.silence(now, None).usual)


def test_the_detectable_difference_is_that_of_a_sample_size_table() -> None:
    """.5 against .6 with a power of 80 % takes 388 each (Fleiss 2003, table A.4, uncorrected)."""
    row = pd.Series({"contacted": 388, "not_contacted": 388,
                     "returned_contacted": 0.6, "returned_not": 0.5})  # fmt: skip
    assert win_back.detectable_difference(row) == pytest.approx(0.10, abs=0.002)


@pytest.fixture
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):  # many small fits run faster
        yield


@pytest.mark.usefixtures("one_thread")
def test_customers_without_clusters_get_none_whatever_their_shape() -> None:
    calls = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        values = rng.uniform(-1.7, 1.7, (250, 2))
        limit = clusters.highest_of_nulls(values, [2, 3, 4], clouds=20, seed=seed + 100)
        calls += any(
            silhouette_score(values, clusters.k_means(values, k, seed, starts=3).labels_)
            > limit[k][1]
            for k in limit
        )
    assert calls <= 1


@pytest.mark.usefixtures("one_thread")
def test_real_clusters_beat_every_null() -> None:
    rng = np.random.default_rng(3)
    values = np.vstack([rng.normal(c, 0.3, (100, 2)) for c in ((-2, 0), (2, 0), (0, 3))])
    limit = clusters.highest_of_nulls(values, [2, 3, 4], clouds=20, seed=1)
    assert silhouette_score(values, clusters.k_means(values, 3, 1).labels_) > limit[3][1]

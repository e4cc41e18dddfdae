"""Clusters: planted kinds are found, one cloud is called one cloud, labels follow clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from analysis.customers.segments import cluster_profiles, clusters
from analysis.customers.segments.clusters import k_means
from analysis.errors import NotApplicable

NAMES = ("net_amount", "basket_value", "discount_share", "evening_share")


def customers(
    centres: list[list[float]], each: int, seed: int = 1
) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(centres)), each)
    values = np.asarray(centres, dtype="float64")[truth] + rng.normal(0, 1, (len(truth), 4))
    frame = pd.DataFrame(values, columns=list(NAMES)).assign(orders=9)
    return frame.assign(customer_id=[f"c{i:04d}" for i in range(len(truth))]), truth


KINDS = [[9, 0, 0, 0], [0, 9, 0, 0], [0, 0, 9, 0]]


@pytest.fixture(scope="module")
def three() -> tuple[clusters.Inputs, clusters.Clusters, np.ndarray]:
    frame, truth = customers(KINDS, 120)
    inputs = clusters.prepare(frame, names=NAMES)
    return inputs, clusters.find(inputs, most=5, resamples=20, clouds=20, seed=1), truth


def test_planted_kinds_are_found(three) -> None:
    _, found, truth = three
    assert found.worth_naming
    assert found.best == 3
    assert adjusted_rand_score(truth, found.members["cluster"]) > 0.95
    assert (found.stability["jaccard"] > 0.9).all()


def test_the_first_cluster_brings_most(three) -> None:
    inputs, found, _ = three
    means = inputs.raw["net_amount"].groupby(found.members["cluster"]).mean()
    assert means.is_monotonic_decreasing


def test_the_tree_says_what_sets_them_apart(three) -> None:
    inputs, found, _ = three
    reading = cluster_profiles.read(inputs, found, seed=1)
    assert reading.accuracy > 0.95
    assert reading.largest == pytest.approx(1 / 3, abs=0.02)
    assert "spending above" in reading.rules.query("cluster == 1")["rule"].iloc[0]
    assert reading.sentences["sentence"].iloc[0].startswith("High: spending")


def test_the_same_customers_are_placed_the_same(three) -> None:
    inputs, found, _ = three
    again = cluster_profiles.place_again(found, inputs, customers(KINDS, 120)[0])
    assert again.agreement > 0.95
    assert again.matched > 0.95


def test_one_cloud_is_not_worth_naming() -> None:
    frame, _ = customers([[0, 0, 0, 0]], 400, seed=3)
    inputs = clusters.prepare(frame, names=NAMES)
    found = clusters.find(inputs, most=4, resamples=20, clouds=20, seed=3)
    assert not found.worth_naming
    assert not found.criteria["holds"].any()
    with pytest.raises(NotApplicable, match="none is worth naming"):
        clusters.of_customers(found, frame)


def test_a_cloud_that_is_only_long_is_no_two_kinds() -> None:
    rng = np.random.default_rng(4)
    frame, _ = customers([[0, 0, 0, 0]], 400, seed=4)
    size = rng.normal(0, 3, 400)
    frame[list(NAMES)] += size[:, None]
    found = clusters.find(clusters.prepare(frame, names=NAMES), most=3, clouds=20, seed=4)
    assert not found.worth_naming


def test_the_same_seed_gives_the_same_clusters() -> None:
    frame, _ = customers(KINDS, 60)
    inputs = clusters.prepare(frame, names=NAMES)
    one, two = (clusters.find(inputs, most=3, resamples=20, clouds=2, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(one.criteria, two.criteria, check_exact=True)
    pd.testing.assert_frame_equal(one.members, two.members)


def members(sizes: dict[int, range]) -> pd.DataFrame:
    rows = [(f"c{i:03d}", cluster) for cluster, people in sizes.items() for i in people]
    return pd.DataFrame(rows, columns=["customer_id", "cluster"])


def test_the_best_kinds_of_iris_are_found_from_every_seed() -> None:
    """Fisher's iris in three: a sum of squares of 78.8514, as Hartigan and Wong's method gives."""
    from sklearn.datasets import load_iris

    values = load_iris(return_X_y=True)[0]
    found = [k_means(values, 3, seed).inertia_ for seed in range(40)]
    assert found == pytest.approx([78.8514] * 40, abs=1e-3)


def test_numbers_follow_their_customers() -> None:
    before = members({1: range(0, 40), 2: range(40, 100), 3: range(100, 120)})
    now = members({1: range(95, 120), 2: range(0, 45), 3: range(45, 95), 4: range(200, 230)})
    names = cluster_profiles.matched(now, before)
    assert names["cluster"].tolist() == [3, 1, 2, 4]
    assert names["continues"].tolist() == [3, 1, 2, pd.NA]
    assert names["jaccard"].tolist()[:3] == pytest.approx([20 / 25, 40 / 45, 50 / 60])


def test_a_cluster_that_dissolved_gives_its_number_to_nobody() -> None:
    before = members({1: range(0, 50), 2: range(50, 100)})
    now = members({1: range(0, 20), 2: range(20, 40), 3: range(40, 100)})
    assert cluster_profiles.matched(now, before)["cluster"].tolist() == [3, 4, 2]


def test_every_part_of_a_result_goes_by_the_lasting_number(three) -> None:
    inputs, found, _ = three
    before = found.members.assign(cluster=found.members["cluster"].map({1: 2, 2: 3, 3: 1}))
    named, names = cluster_profiles.keep(found, before)
    pd.testing.assert_frame_equal(named.members, before)
    assert names["jaccard"].tolist() == [1.0, 1.0, 1.0]
    sizes = before["cluster"].value_counts()
    assert named.stability["customers"].tolist() == sizes[named.stability["cluster"]].tolist()
    again = cluster_profiles.place_again(named, inputs, customers(KINDS, 120)[0])
    assert (again.table["stayed"] > 0.95).all()


def test_the_first_run_keeps_its_numbers(three) -> None:
    _, found, _ = three
    assert cluster_profiles.keep(found, None) == (found, None)


def test_features_that_nobody_has_are_left_out_and_said() -> None:
    frame, _ = customers(KINDS, 60)
    frame["evening_share"] = np.nan
    frame["returns_rate"] = 0.0
    inputs = clusters.prepare(frame, names=(*NAMES, "returns_rate"))
    assert inputs.names == NAMES[:3]
    assert inputs.left_out == {
        "evening_share": "not known of most customers",
        "returns_rate": "fewer than 10 different values",
    }
    assert abs(inputs.values.mean()) < 0.05


def test_hardly_any_customers_cannot_be_clustered() -> None:
    frame, _ = customers(KINDS, 10)
    with pytest.raises(NotApplicable, match="100 customers"):
        clusters.prepare(frame, names=NAMES)


def test_silhouettes_of_several_partitions_at_once_are_scikit_learns() -> None:
    from sklearn.metrics import pairwise_distances, silhouette_score

    rng = np.random.default_rng(2)
    apart = pairwise_distances(rng.normal(size=(80, 3)))
    partitions = [rng.integers(0, k, 80) for k in (2, 3, 8)] + [np.r_[5, np.repeat([0, 1], 40)[1:]]]
    expected = [silhouette_score(apart, one, metric="precomputed") for one in partitions]
    assert clusters._silhouettes(apart, partitions) == pytest.approx(expected, abs=1e-12)

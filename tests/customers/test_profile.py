"""Index tables: the arithmetic, what is withheld, and intervals that hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kruskal

from analysis.customers.segments.profile import (
    MEASURES,
    Portrait,
    known_against_unknown,
    leading,
    portrait,
    side_by_side,
)
from analysis.errors import NotApplicable
from analysis.reports.profiling import text_people


def people(
    rng: np.random.Generator, sizes: dict[str | None, int], effect: dict[str, float] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return features and the attribute ``kind`` of customers who buy alike but for ``effect``."""
    kinds = np.array([kind for kind, n in sizes.items() for _ in range(n)], dtype=object)
    n = len(kinds)
    scale = np.array([(effect or {}).get(kind, 1.0) for kind in kinds])
    orders = 1 + rng.poisson(rng.gamma(2, 4, n))
    net = (orders * scale * rng.lognormal(3, 0.5, n)).round(2)
    ids = [f"c{i:04d}" for i in range(n)]
    features = pd.DataFrame(
        {
            "customer_id": ids,
            "net_amount": net,
            "orders": orders,
            "discount_amount": (net * 0.1).round(2),
            "list_amount": (net * 1.1).round(2),
            "departments": rng.integers(1, 9, n),
        }
    )
    levels = sorted({kind for kind in kinds if kind is not None})
    return features, pd.DataFrame(
        {"customer_id": ids, "kind": pd.Categorical(kinds, levels, ordered=True)}
    )


def drawn(features: pd.DataFrame, attributes: pd.DataFrame, *, minimum: int = 30) -> Portrait:
    return portrait(features, attributes, minimum_group=minimum, confidence=0.95, seed=1)


def test_an_index_is_a_ratio_of_sums_against_all_whose_attribute_is_known() -> None:
    features, attributes = people(np.random.default_rng(1), {"a": 60, "b": 80, None: 50})
    found = drawn(features, attributes).indices.set_index(["measure", "level"])
    known = features[attributes["kind"].notna().to_numpy()]
    group = features[(attributes["kind"] == "a").to_numpy()]
    for measure, (numerator, denominator) in MEASURES.items():
        per = (lambda f: len(f)) if denominator is None else (lambda f, d=denominator: f[d].sum())
        value = group[numerator].sum() / per(group)
        overall = known[numerator].sum() / per(known)
        assert found.loc[(measure, "a"), "value"] == pytest.approx(value)
        assert found.loc[(measure, "a"), "index"] == pytest.approx(100 * value / overall)
    assert found["customers"].unique().tolist() == [60, 80]


def test_small_groups_are_withheld_but_belong_to_the_average() -> None:
    features, attributes = people(np.random.default_rng(1), {"a": 60, "b": 29, "c": 40, None: 11})
    found = drawn(features, attributes)
    assert set(found.indices["level"]) == {"a"}  # b could be had from the total and a and c
    row = found.attributes.iloc[0]
    assert (row["known"], row["levels"], row["withheld"], row["customers_withheld"]) == (
        129,
        1,
        2,
        69,
    )
    assert row["coverage"] == pytest.approx(129 / 140)
    known = features[attributes["kind"].notna().to_numpy()]
    index = found.indices.set_index("measure").loc["net_per_customer", "index"]
    expected = features["net_amount"][:60].mean() / known["net_amount"].mean()
    assert index == pytest.approx(100 * expected)


def test_what_an_attribute_explains_is_epsilon_squared_of_kruskal_and_wallis() -> None:
    features, attributes = people(np.random.default_rng(2), {"a": 50, "b": 60, "c": 70}, {"c": 2.0})
    features["net_amount"] = features["net_amount"].round(-1)
    row = drawn(features, attributes).attributes.iloc[0]
    groups = [features.loc[(attributes["kind"] == k).to_numpy(), "net_amount"] for k in "abc"]
    test = kruskal(*groups)
    assert row["p"] == pytest.approx(test.pvalue)
    assert row["explained"] == pytest.approx((test.statistic - 2) / (180 - 3))


def test_without_a_difference_indices_are_rarely_called_one_and_intervals_hold_100() -> None:
    rng, rounds = np.random.default_rng(3), 60
    false, inside = [], []
    for _ in range(rounds):
        features, attributes = people(rng, {"a": 60, "b": 70, "c": 40, None: 60})
        found = drawn(features, attributes).indices
        false.append((found["q"] <= 0.1).any())
        inside.append(((found["low"] <= 100) & (found["high"] >= 100)).mean())
    assert np.mean(false) <= 0.1 + 2.5 * np.sqrt(0.09 / rounds)
    assert 0.91 <= np.mean(inside) <= 0.98


def test_a_difference_is_found_and_its_interval_holds_it() -> None:
    features, attributes = people(np.random.default_rng(5), {"a": 300, "b": 300}, {"b": 1.6})
    found = drawn(features, attributes).indices.set_index(["measure", "level"])
    row = found.loc[("net_per_customer", "b")]
    assert row["low"] < 100 * 1.6 / 1.3 < row["high"]
    assert row["q"] < 0.01
    assert found.loc[("orders_per_customer", "b"), "q"] > 0.1


def test_tables_to_read_come_in_order() -> None:
    rng = np.random.default_rng(6)
    features, attributes = people(rng, {"b": 60, "a": 60}, {"a": 3.0})
    noise = pd.Categorical(rng.choice(["x", "y"], 120), ["x", "y"], ordered=True)
    found = drawn(features, attributes.assign(noise=noise))
    assert found.attributes["attribute"].tolist() == ["kind", "noise"]
    wide = side_by_side(found)
    assert wide["level"].tolist() == ["a", "b", "x", "y"]
    assert set(MEASURES) <= set(wide.columns)
    first = leading(found, measure="net_per_customer", attributes=1)
    assert first["level"].tolist() == ["a", "b"]


def test_one_group_explains_nothing_and_a_measure_of_zeros_has_no_index() -> None:
    features, attributes = people(np.random.default_rng(7), {"a": 40})
    found = drawn(features.assign(discount_amount=0.0), attributes)
    assert np.isnan(found.attributes["explained"].item())
    row = found.indices.set_index("measure").loc["discount_share"]
    assert row[["index", "low", "high", "p"]].isna().all()


def test_nothing_known_is_said() -> None:
    features, attributes = people(np.random.default_rng(8), {None: 40})
    with pytest.raises(NotApplicable, match="Nothing is known"):
        drawn(features, attributes)


def test_known_customers_against_the_others() -> None:
    features, attributes = people(np.random.default_rng(9), {"a": 80, None: 160}, {"a": 2.0})
    table = known_against_unknown(features, attributes, confidence=0.95, seed=1)
    known, unknown = table.iloc[0], table.iloc[1]
    mean = features["net_amount"][:80].mean(), features["net_amount"][80:].mean()
    assert (known["customers"], unknown["customers"]) == (80, 160)
    assert known["net_per_customer"] == pytest.approx(mean[0])
    assert known["ratio"] == pytest.approx(mean[0] / mean[1])
    assert known["ratio"] == pytest.approx(1 / unknown["ratio"])
    assert known["low"] < 2.0 < known["high"]
    assert table["net_share"].sum() == pytest.approx(1.0)


def test_what_a_few_people_spend_is_not_told_from_the_rest() -> None:
    features, attributes = people(np.random.default_rng(9), {"a": 80, None: 5})
    table = known_against_unknown(features, attributes, confidence=0.95, seed=1)
    assert table["customers"].tolist() == [80, 5]
    assert table[["net_share", "net_per_customer", "ratio", "low", "high"]].isna().all(axis=None)
    assert text_people.known_headline(table) == "Attributes are known of 94 % of customers"
    assert "compare the two" in text_people.known_paragraph(table, [])


def test_everyone_known_has_no_others_to_compare_with() -> None:
    features, attributes = people(np.random.default_rng(9), {"a": 40})
    table = known_against_unknown(features, attributes, confidence=0.95, seed=1)
    assert table["share"].tolist() == [1.0, 0.0]
    assert table[["ratio", "low", "high"]].isna().all().all()
    with pytest.raises(NotApplicable, match="No known customer"):
        known_against_unknown(features[:0], attributes, confidence=0.95, seed=1)


def test_nobody_known_is_not_compared() -> None:
    features, attributes = people(np.random.default_rng(9), {None: 40})
    with pytest.raises(NotApplicable, match="Nothing is known"):
        known_against_unknown(features, attributes, confidence=0.95, seed=1)


def test_customers_who_paid_nothing_have_no_share_of_sales() -> None:
    features, attributes = people(np.random.default_rng(9), {"a": 40, None: 40})
    free = features.assign(net_amount=0.0)
    table = known_against_unknown(free, attributes, confidence=0.95, seed=1)
    assert table["net_share"].isna().all()

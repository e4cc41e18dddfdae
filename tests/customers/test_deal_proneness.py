"""Price buyers: the model is recovered, little evidence stays uncertain, nothing is circular."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.customers.deals import deal_proneness, discount_response
from analysis.customers.value import tiers
from analysis.errors import NotApplicable
from analysis.tables.engine import in_memory
from analysis.tables.periods import Period


def population(
    shares: np.ndarray, orders: int, lines: int, rng: np.random.Generator, clustered: float = 0.0
) -> pd.DataFrame:
    """Customers with ``orders`` of ``lines`` each; a part of the orders is all or nothing."""
    x = rng.binomial(lines, shares[:, None], (len(shares), orders))
    whole = rng.random(x.shape) < clustered
    x = np.where(whole, lines * (rng.random(x.shape) < shares[:, None]), x)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(len(shares))],
            "margin_amount": rng.lognormal(3, 1, len(shares)),
            "priced_lines": orders * lines,
            "discounted_lines": x.sum(axis=1),
            "lines_squared": orders * lines**2,
            "discounted_squared": (x**2).sum(axis=1),
            "crossed": lines * x.sum(axis=1),
        }
    )


def test_the_distribution_of_shares_is_recovered() -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(1, 60, 8_000)
    x = rng.binomial(n, rng.beta(2.0, 3.0, 8_000))
    a, b = deal_proneness.fit_beta(x.astype(float), n.astype(float))
    assert (a, b) == (pytest.approx(2.0, rel=0.08), pytest.approx(3.0, rel=0.08))


@pytest.mark.parametrize(("clustered", "expected"), [(0.0, 1.0), (0.25, 2.0), (1.0, 5.0)])
def test_the_design_effect_of_orders(clustered: float, expected: float) -> None:
    """Order-wise all or nothing in a part c of orders of five lines: 1 + 4 c."""
    rng = np.random.default_rng(2)
    people = population(rng.beta(4, 4, 3_000), 12, 5, rng, clustered)
    assert deal_proneness.design_effect(people) == pytest.approx(expected, rel=0.05)


def test_shares_cover_the_truth() -> None:
    rng = np.random.default_rng(3)
    truth = rng.beta(3, 5, 4_000)
    found = deal_proneness.judge(population(truth, 6, 4, rng), level=0.90).table
    inside = (found["share_low"] <= truth) & (truth <= found["share_high"])
    assert 0.88 < inside.mean() < 0.92


def test_called_customers_are_right_as_often_as_promised() -> None:
    rng = np.random.default_rng(4)
    truth = rng.beta(3, 5, 6_000)
    found = deal_proneness.judge(population(truth, 5, 4, rng), threshold=0.5, certainty=0.80)
    called = found.table["buyer"].isin([deal_proneness.PRICE, deal_proneness.DEALS])
    cleared = found.table["buyer"].isin([deal_proneness.RELATIONSHIP, deal_proneness.ORDINARY])
    assert (truth[called] > 0.5).mean() > 0.80
    assert (truth[cleared] < 0.5).mean() > 0.80


def test_little_evidence_is_uncertain_and_shrunk() -> None:
    rng = np.random.default_rng(5)
    many = population(rng.beta(8, 8, 500), 20, 5, rng)
    one = many.iloc[[0]].assign(
        customer_id="one", priced_lines=1, discounted_lines=1, lines_squared=1,
        discounted_squared=1, crossed=1,
    )  # fmt: skip
    found = deal_proneness.judge(pd.concat([many, one])).table.set_index("customer_id").loc["one"]
    assert found["raw_share"] == 1
    assert found["share"] < 0.62
    assert found["buyer"] == deal_proneness.UNCERTAIN


def test_nothing_on_offer_is_not_applicable() -> None:
    rng = np.random.default_rng(6)
    with pytest.raises(NotApplicable, match="nothing was on offer"):
        deal_proneness.judge(population(np.zeros(100), 5, 4, rng))


def test_margin_rank_by_hand() -> None:
    got = deal_proneness.margin_rank(np.array([50.0, 30.0, 30.0, -10.0]))
    np.testing.assert_allclose(got, [0, 50 / 110, 50 / 110, 1.0])


# Tiers -----------------------------------------------------------------------------------------


def test_tiers_by_share_keep_equal_customers_together() -> None:
    got = tiers.assign(pd.Series([50.0, 30, 10, 10, 0]), shares=(0.5, 0.8))
    assert got.tolist() == ["High", "Medium", "Low", "Low", "Low"]


def test_natural_breaks_are_the_best_of_all() -> None:
    values = np.round(np.random.default_rng(7).lognormal(0, 1, 25), 2)
    ordered = np.sort(values)

    def inside(i: int, j: int) -> float:
        parts = (ordered[:i], ordered[i:j], ordered[j:])
        return sum(((part - part.mean()) ** 2).sum() for part in parts)

    best = min((inside(i, j), i, j) for i in range(1, 24) for j in range(i + 1, 25))
    edges = tiers.natural_breaks(values)
    np.testing.assert_allclose(edges, [ordered[best[1] - 1], ordered[best[2] - 1]])


def test_what_a_treatment_may_cost() -> None:
    table = pd.DataFrame(
        {
            "group": ["High"],
            "margin_per_customer": [100.0],
            "margin_per_customer_low": [80.0],
            "margin_per_customer_high": [120.0],
        }
    )
    got = tiers.spending_bounds(table, uplift=0.05, period_days=182.5).iloc[0]
    assert got["bound"] == 10.0
    assert "bound_low" not in got  # no interval round an assumed rise


# Reaction --------------------------------------------------------------------------------------


def test_reaction_to_depth_is_recovered_against_customers_who_do_not_react() -> None:
    rng = np.random.default_rng(8)
    weeks, categories = 26, 30
    depth = rng.choice([0.0, 0.1, 0.2, 0.3], (categories, weeks))
    rows = []
    for c, w in np.ndindex(depth.shape):
        for kind, rate in (("p", 8 * np.exp(2.0 * depth[c, w])), ("r", 40.0)):
            count = rng.poisson(rate)
            rows.append((c, w, kind, count, depth[c, w]))
    cells = pd.DataFrame(rows, columns=["c", "w", "kind", "count", "depth"])
    lines = cells.loc[cells.index.repeat(cells["count"])].reset_index(drop=True)
    order_lines = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(lines))],
            "customer_id": lines["kind"] + (lines.index % 30).astype("str"),
            "product_id": lines["c"].astype("str"),
            "ordered_at": pd.Timestamp("2017-07-03") + pd.to_timedelta(lines["w"] * 7, unit="D"),
            "quantity": 1.0,
            "net_amount": (10 * (1 - lines["depth"])).round(2),
            "discount_amount": (10 * lines["depth"]).round(2),
        }
    )
    products = pd.DataFrame(
        {
            "product_id": [str(c) for c in range(categories)],
            "department": "d",
            "category": [f"k{c}" for c in range(categories)],
        }
    )
    names = sorted(set(order_lines["customer_id"]))
    buyer = ["Price buyer" if n.startswith("p") else "Relationship customer" for n in names]
    kinds = pd.DataFrame({"customer_id": names, "buyer": pd.Categorical(buyer)})
    with_shop = in_memory({"order_lines": order_lines, "products": products})
    period = Period.before("2018-01-01", days=182)
    got = discount_response.react(with_shop, period, kinds).set_index("group")
    # Their odds rise by exp(0.2) for ten points; of a share near a fifth, that is 16 to 19 %.
    assert 0.12 < got.loc["Price buyer", "low"] < 0.19 < 0.12 + got.loc["Price buyer", "high"]
    assert got.loc["Relationship customer", "high"] < 0
    with_shop.close()


def test_too_few_categories_are_not_applicable(real) -> None:
    ids = [str(n) for n in range(30)]
    kinds = pd.DataFrame({"customer_id": ids, "buyer": pd.Categorical(["Price buyer"] * 30)})
    with pytest.raises(NotApplicable, match="fewer than 20 categories"):
        discount_response.react(real, Period.before("2018-01-01", days=7), kinds)
    with pytest.raises(NotApplicable, match="no kind of buyer has 30 customers"):
        discount_response.react(real, Period.before("2018-01-01", days=7), kinds.head(29))

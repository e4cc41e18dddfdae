"""What the engine forms of promotions, against sums by hand and by pandas."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

import ibis
import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.promotions.experiments import sequential, validity_checks
from analysis.promotions.outcomes import moments, outcomes
from analysis.promotions.outcomes.purchases import PURCHASES
from analysis.promotions.planning import assignment, experiment_plan
from analysis.promotions.planning import experiment_plan as stores_of
from analysis.promotions.planning.power import Design
from analysis.tables.engine import EngineSettings, Tables, in_memory

AS_OF = date(2024, 6, 1)
SPANS = outcomes.Spans(AS_OF, before_days=20, after_days=10)
START = date(2024, 3, 11)

LINES = [
    # order, customer, product, day against the first, quantity, net, discount, returns
    ("b0", "ann", "tea", -21, 1, 9.00, 0.0, None),  # before the days looked at
    ("b1", "ann", "tea", -20, 1, 5.00, 0.0, None),
    ("b2", "ann", "rice", -1, 2, 8.00, 1.0, None),
    ("w1", "ann", "tea", 0, 1, 4.00, 1.0, None),
    ("w1", "ann", "coffee", 0, 1, 6.00, 0.0, None),
    ("w2", "ann", "rice", 6, 1, 4.00, 0.0, None),
    ("a1", "ann", "tea", 7, 1, 5.00, 0.0, None),
    ("a2", "ann", "tea", 17, 1, 5.00, 0.0, None),  # after the days looked at
    ("r1", "ann", "coffee", 12, -1, -6.00, 0.0, "w1"),  # undoes what was bought in the window
    ("r2", "ann", "rice", 3, -1, -4.00, 0.0, None),  # names no order
    ("w3", "bob", "rice", 2, 1, 4.00, 0.0, None),
    ("g1", None, "tea", 2, 1, 5.00, 0.0, None),  # a guest
]


def frames() -> dict[str, pd.DataFrame]:
    """Return the tables of a small shop."""
    lines = pd.DataFrame(
        [
            (o, c, p, pd.Timestamp(START + timedelta(days=d)) + pd.Timedelta(hours=23), q, n, x, r)
            for o, c, p, d, q, n, x, r in LINES
        ],
        columns=[
            *("order_id", "customer_id", "product_id", "ordered_at", "quantity", "net_amount"),
            *("discount_amount", "returned_order_id"),
        ],
    )
    products = pd.DataFrame(
        {
            "product_id": ["tea", "coffee", "rice"],
            "department": ["Drinks", "Drinks", "Food"],
            "category": ["Hot drinks", "Hot drinks", "Rice"],
            "margin_rate": [0.5, 0.5, 0.25],
        }
    )
    return {
        "order_lines": lines,
        "products": products,
        "promotions": _promotions(),
        "promotion_products": pd.DataFrame({"promotion_id": ["P"], "product_id": ["tea"]}),
        "assignments": _assignments(),
        "redemptions": pd.DataFrame(
            {
                "promotion_id": ["P", "P"],
                "customer_id": ["ann", "ann"],
                "redeemed_at": pd.to_datetime(["2024-03-11 23:00", "2024-03-18 00:00"]),
            }
        ),
        "contacts": pd.DataFrame(
            {
                "contact_id": ["1", "2"],
                "customer_id": ["ann", "cat"],
                "channel": "email",
                "sent_at": pd.to_datetime(["2024-03-11", "2024-03-11"]),
                "promotion_id": ["P", "P"],
            }
        ),
    }


def _promotions() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "promotion_id": ["P", "Q", "Z"],
            "name": ["Tea week", "For some", "To come"],
            "starts_on": [START, START, date(2024, 7, 1)],
            "ends_on": [START + timedelta(days=6)] * 2 + [date(2024, 7, 7)],
        }
    )


def _assignments() -> pd.DataFrame:
    rows = [
        ("P", "ann", "treatment", "2024-03-08", True),
        ("P", "bob", "control", "2024-03-08", True),
        ("P", "cat", "control", "2024-03-12", True),
        ("Q", "bob", "treatment", "2024-03-08", False),
    ]
    columns = ["promotion_id", "customer_id", "arm", "assigned_at", "randomised"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(assigned_at=pd.to_datetime(table["assigned_at"]))


@pytest.fixture(scope="module")
def tables() -> Iterator[Tables]:
    opened = in_memory(frames(), settings=EngineSettings(threads=1))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def rows(tables: Tables) -> pd.DataFrame:
    return outcomes.fetch(tables, SPANS, "P").set_index("customer_id")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("before_orders", 2),
        ("before_net", 13.0),
        ("before_offered_net", 5.0),
        ("before_rival_net", 0.0),
        ("orders", 2),
        ("net", 10.0 + 4.0 - 6.0 - 4.0),
        ("margin", 0.5 * 4 + 0.25 * 4 - 0.25 * 4),
        ("units", 3 - 2),
        ("discount", 1.0),
        ("offered_orders", 1),
        ("offered_net", 4.0),
        ("offered_units", 1),
        ("rival_net", 0.0),
        ("rival_orders", 1),
        ("after_orders", 1),
        ("after_net", 5.0),
        ("after_offered_margin", 2.5),
        ("redemptions", 1),
    ],
)
def test_what_a_treated_customer_bought(rows: pd.DataFrame, column: str, value: float) -> None:
    assert rows.loc["ann", column] == pytest.approx(value)


def test_who_never_came_counts_as_nothing(rows: pd.DataFrame) -> None:
    assert (rows.loc["cat", list(PURCHASES)] == 0).all()
    assert rows.loc["bob", "net"] == 4.0
    assert list(rows.index) == ["ann", "bob", "cat"]


def test_promotions_to_come_are_left_out(tables: Tables) -> None:
    found = outcomes.overview(tables, SPANS).set_index("promotion_id")
    assert list(found.index) == ["P", "Q"]
    assert found.loc["P", ["customers", "arms", "control", "randomised"]].tolist() == [
        3,
        2,
        True,
        True,
    ]
    assert not found.loc["Q", "randomised"]
    assert found["finished"].all()
    with pytest.raises(NotApplicable, match="promotion Z"):
        outcomes.fetch(tables, SPANS, "Z")


def test_a_promotion_that_runs_is_measured_so_far(tables: Tables) -> None:
    early = outcomes.Spans(START + timedelta(days=1), before_days=20, after_days=10)
    found = outcomes.fetch(tables, early, "P").set_index("customer_id")
    assert found.loc["ann", "net"] == 10.0 - 6.0
    assert found.loc["ann", "after_net"] == 0.0
    assert not outcomes.overview(tables, early)["finished"].any()


def test_other_people_than_the_assigned(tables: Tables) -> None:
    people = tables.assignments.filter(tables.assignments.promotion_id == "Q")
    found = outcomes.compute(tables, SPANS, people=people).to_pandas()
    assert found["customer_id"].tolist() == ["bob"]


def test_exposure_is_counted(tables: Tables) -> None:
    found = validity_checks.count(tables)["P"]
    assert (found.customers, found.control, found.twice) == (3, 2, 0)
    assert found.late == 1  # cat was assigned on the second day
    assert found.control_reached == 1  # and contacted although in control
    assert found.elsewhere == 1  # bob was chosen for Q in the same week


def test_moments_are_exact(tables: Tables) -> None:
    table = outcomes.measured(outcomes.compute(tables, SPANS))
    found = moments.by_arm(table, ["net", "margin"], by=["promotion_id", "arm"])
    control = found.set_index(["promotion_id", "arm"]).loc[("P", "control"), "moments"]
    assert float(control.n) == 2
    assert control.mean == pytest.approx([2.0, 0.5])
    assert control.covariance == pytest.approx(np.array([[8.0, 2.0], [2.0, 0.5]]))


@pytest.fixture(scope="module")
def many() -> Iterator[ibis.Table]:
    rng = np.random.default_rng(1)
    n = 5_000
    frame = pd.DataFrame(
        {
            "customer_id": [f"{i:05d}" for i in range(n)],
            "arm": np.where(rng.random(n) < 0.3, "treatment", "control"),
            "big": np.round(1e6 + rng.gamma(2.0, 9.0, n), 2),
            "net": np.round(rng.normal(0, 40, n), 2),
        }
    )
    connection = ibis.duckdb.connect()
    yield connection.create_table("many", frame)
    connection.disconnect()


def test_moments_lose_nothing_to_large_numbers(many: ibis.Table) -> None:
    """A variance of eighteen about a mean of a million: sums of squares as floats would lose it."""
    found = moments.by_arm(many, ["big", "net"], by=["arm"]).set_index("arm")["moments"]
    frame = many.to_pandas()
    for arm in ("control", "treatment"):
        values = frame.loc[frame["arm"] == arm, ["big", "net"]]
        exact = [Fraction(str(v)) for v in values["big"]]
        mean = sum(exact) / len(exact)
        variance = sum((v - mean) ** 2 for v in exact) / (len(exact) - 1)
        assert float(found[arm].covariance[0, 0]) == pytest.approx(float(variance), rel=1e-12)
        assert found[arm].covariance == pytest.approx(values.cov().to_numpy(), rel=1e-6)


def test_pooling_arms_is_putting_customers_together(many: ibis.Table) -> None:
    found = moments.by_arm(many, ["big", "net"], by=["arm"])["moments"]
    whole = moments.by_arm(many.mutate(arm=ibis.literal("all")), ["big", "net"], by=["arm"])
    pooled, expected = moments.pooled(list(found)), whole["moments"].iloc[0]
    assert pooled.mean == pytest.approx(expected.mean)
    assert pooled.covariance == pytest.approx(expected.covariance, rel=1e-6)


def test_days_add_up_to_what_each_customer_brought() -> None:
    rng = np.random.default_rng(2)
    people = pd.DataFrame(
        {
            "customer_id": [str(i) for i in range(60)],
            "arm": ["control", "treatment"] * 30,
            "before": np.round(rng.gamma(2.0, 3.0, 60), 2),
        }
    )
    spent = rng.integers(-300, 900, (60, 14)) * (rng.random((60, 14)) < 0.2)
    customer, day = np.nonzero(spent)
    bought = people.iloc[customer].assign(day=day, cents=spent[customer, day])
    connection = ibis.duckdb.connect()
    found = sequential.by_arm(
        connection.create_table("people", people),
        connection.create_table("bought", bought),
        days=14,
    )
    so_far = spent.cumsum(1) / 100
    for place, arm in enumerate(("control", "treatment")):
        own, before = so_far[place::2], people["before"].to_numpy()[place::2]
        assert found[arm].total == pytest.approx(own.sum(0))
        assert found[arm].squares == pytest.approx((own**2).sum(0))
        assert found[arm].along == pytest.approx((own * before[:, None]).sum(0))
        assert found[arm].covariate_squares == pytest.approx((before**2).sum())
    followed = sequential.follow(found, planned=10.0, planned_days=14)
    assert len(followed) == 14
    assert (followed["low"] == -np.inf).all()  # thirty customers are too few for a sequence
    connection.disconnect()


def test_advice_stays_once_it_is_given() -> None:
    low, high = np.array([-2.0, 0.5, -0.1, -0.2]), np.array([2.0, 3.0, 2.0, 2.0])
    advice, first = sequential._advice(low, high, 4)
    assert advice == ["go on", "stop for benefit", "stop for benefit", "stop for benefit"]
    assert first == [1, 2, 2, 2]
    harm, _ = sequential._advice(-high, -low, 5)
    assert harm[-1] == "stop for harm"
    end, since = sequential._advice(np.array([-1.0, -1.0]), np.array([1.0, 1.0]), 2)
    assert (end[-1], since[-1]) == ("planned end", 2)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "customer_id": [f"{i:04d}" for i in range(1_003)],
            "group": rng.integers(0, 7, 1_003),
            "before_margin": rng.gamma(1.0, 9.0, 1_003),
        }
    )


def test_a_draw_keeps_the_shares_in_every_stratum(people: pd.DataFrame) -> None:
    shares = {"control": 0.2, "a": 0.5, "b": 0.3}
    drawn = assignment.draw(people, shares, seed=1, strata=["group"])
    counts = people.merge(drawn).groupby(["group", "arm"]).size().unstack()
    expected = counts.sum(axis=1).to_numpy()[:, None] * np.array(
        [shares[a] for a in counts.columns]
    )
    assert np.abs(counts.to_numpy() - expected).max() < 1 + 1e-9


def test_a_draw_is_that_of_its_seed_whatever_the_order(people: pd.DataFrame) -> None:
    shares = {"control": 0.5, "treatment": 0.5}
    drawn = assignment.draw(people, shares, seed=1, covariates=["before_margin"])
    again = assignment.draw(people.sample(frac=1, random_state=2), shares, seed=1,
                        covariates=["before_margin"])  # fmt: skip
    other = assignment.draw(people, shares, seed=2, covariates=["before_margin"])
    pd.testing.assert_frame_equal(drawn, again)
    assert not drawn["arm"].equals(other["arm"])


def test_redrawing_makes_the_arms_more_alike(people: pd.DataFrame) -> None:
    shares = {"control": 0.5, "treatment": 0.5}
    far = {
        redraws: [
            assignment.balance(
                people,
                assignment.draw(
                    people, shares, seed=s, covariates=["before_margin"], redraws=redraws
                ),
                ["before_margin"],
            )["furthest"].max()
            for s in range(20)
        ]
        for redraws in (1, 100)
    }
    assert np.mean(far[100]) < np.mean(far[1]) / 5


def test_everybody_is_equally_likely_to_be_treated(people: pd.DataFrame) -> None:
    few = people.head(11)
    drawn = [
        assignment.draw(few, {"control": 0.6, "treatment": 0.4}, seed=s)["arm"].eq("treatment")
        for s in range(2_000)
    ]
    rate = np.mean(drawn, axis=0)
    assert np.abs(rate - 0.4).max() < 4 * np.sqrt(0.24 / 2_000)


def test_a_plan_from_a_small_shop(tables: Tables) -> None:
    basis = experiment_plan.basis(tables, as_of=date(2024, 3, 18), weeks=1, before_days=20)
    assert float(basis.everybody.n) == 1  # ann alone bought before
    assert basis.window.days == 7
    with pytest.raises(NotApplicable, match="nothing can be planned"):
        experiment_plan.basis(tables, as_of=date(2020, 1, 1), weeks=1, before_days=20)


def test_resemblance_is_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(4)
    level = rng.normal(0, 1, 400)
    values = level[:, None] + rng.normal(0, 2, (400, 30))
    stores = pd.DataFrame({"n": 30.0, "mean": values.mean(1), "variance": values.var(1, ddof=1)})
    assert stores_of.resemblance(stores) == pytest.approx(1 / 5, abs=0.03)
    alike = pd.DataFrame({"n": [5.0, 5.0], "mean": [1.0, 1.0], "variance": [2.0, 2.0]})
    assert stores_of.resemblance(alike) == 0.0


def test_stores_need_more_customers_than_customers_drawn_one_by_one() -> None:
    rng = np.random.default_rng(5)
    zero = np.zeros((900, 3))
    everybody = moments.of_values(
        np.column_stack([rng.gamma(1.0, 10.0, 900), zero]), ["margin", *experiment_plan.COVARIATES]
    )
    stores = pd.DataFrame({"n": 60.0, "mean": rng.normal(10, 3, 15), "variance": 100.0})
    basis = experiment_plan.Basis(ibis.memtable({"a": [1]}), everybody, stores, None)  # type: ignore[arg-type]
    table = experiment_plan.by_design(
        basis, measure="margin", worth_finding=0.2, share=0.8, design=Design()
    ).set_index("design")
    needed = table["needed"]
    assert needed["Whole stores are treated"] > 2 * needed["Half are treated"]
    assert needed["80 % are treated"] > needed["Half are treated"] > needed["Only rule out harm"]

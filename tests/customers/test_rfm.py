"""RFM: ties stay together, engine and memory agree, rules leave nobody out and nobody twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.customers.features import features
from analysis.customers.value import rfm, rfm_segments
from analysis.errors import ParamsError
from analysis.tables.engine import Tables, in_memory
from analysis.tables.periods import Period

YEAR = Period.before("2018-01-01", days=365)
SCORES = ["recency", "frequency", "monetary"]


def people(recency: list[int], orders: list[int], net: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:03d}" for i in range(len(recency))],
            "recency_days": recency,
            "orders": orders,
            "net_amount": net,
            "tenure_days": 300,
        }
    )


def test_a_hand_case_without_ties() -> None:
    found = rfm.score(people([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [50, 40, 30, 20, 10]))
    for name in SCORES:
        assert found[name].tolist() == [5, 4, 3, 2, 1]


def test_ties_share_a_group_and_the_sizes_say_so() -> None:
    given_ = people([1] * 4 + [9], [3] * 5, [1, 2, 3, 4, 5])
    found = rfm.score(given_)
    # Four share the mean of the ranks 1 to 4: ceil(5 x 2.5 / 5) is the third group from the top.
    assert found["recency"].tolist() == [3, 3, 3, 3, 1]
    assert set(found["frequency"]) == {3}
    sizes = rfm.sizes(given_, found).query("score == 'recency'")
    assert sizes[["group", "customers", "tied"]].to_numpy().tolist() == [[1, 1, 0], [3, 4, 4]]


def test_the_ends_of_groups_tell_of_no_single_customer() -> None:
    given_ = people([1] * 40 + [9] * 3, [2] * 43, [1_234.56 + n for n in range(43)])
    sizes = rfm.group_sizes(given_, bins=2).set_index(["score", "group"])
    money = sizes.loc["monetary"]
    assert money["largest"].isna().tolist() == [False, True]
    assert money["smallest"].isna().tolist() == [True, False]
    assert money.loc[1, "largest"] == 1_300
    assert sizes.loc[("recency", 2), "smallest"] == 1
    assert np.isnan(sizes.loc[("recency", 1), "largest"])


def test_the_order_of_the_rows_does_not_matter() -> None:
    given_ = people([1, 1, 2, 2, 3, 9], [5, 5, 5, 1, 1, 1], [1, 2, 2, 2, 3, 9])
    shuffled = given_.sample(frac=1, random_state=3)
    straight, other = (rfm.score(f).sort_values("customer_id") for f in (given_, shuffled))
    pd.testing.assert_frame_equal(straight.reset_index(drop=True), other.reset_index(drop=True))


def test_cut_points_in_the_unit_of_the_column() -> None:
    cuts = {"recency": [7, 30], "monetary": [100, 500]}
    found = rfm.score(people([7, 8, 31], [1, 2, 3], [99.99, 100, 500]), bins=3, cuts=cuts)
    assert found["recency"].tolist() == [3, 2, 1]
    assert found["monetary"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("edges", [[1], [3, 2], [2, 2]])
def test_wrong_cut_points_are_refused(edges: list[float]) -> None:
    with pytest.raises(ParamsError, match="2 ascending numbers for 3 bins"):
        rfm.score(people([1], [1], [1.0]), bins=3, cuts={"recency": edges})


def test_who_only_returned_has_no_score() -> None:
    assert rfm.score(people([1, 1], [0, 1], [-5, 5]))["customer_id"].tolist() == ["c001"]


def test_the_engine_scores_the_real_customers_as_memory_does(real: Tables) -> None:
    in_engine = rfm.compute(rfm.totals(real, YEAR), YEAR, bins=10).order_by("customer_id")
    expected = rfm.score(features.fetch(real, YEAR), bins=10)
    got = in_engine.to_pandas()
    assert got["customer_id"].tolist() == expected["customer_id"].tolist()
    for name in SCORES:
        assert got[name].tolist() == expected[name].tolist()


Scored = Callable[[pd.DataFrame, int], pd.DataFrame]


@pytest.fixture(scope="module")
def scored() -> Iterator[Scored]:
    """Score a state in an engine; for each number of bins, what is asked of it is written once."""
    connection, asked = ibis.duckdb.connect(threads=1), {}

    def score(state: pd.DataFrame, bins: int) -> pd.DataFrame:
        connection.con.register("given", pa.Table.from_pandas(state))
        connection.con.execute("create or replace table state as from given")
        if bins not in asked:
            found = rfm.compute(connection.table("state"), YEAR, bins=bins)
            asked[bins] = connection.compile(found.order_by("customer_id"))
        return connection.con.sql(asked[bins]).df()

    yield score
    connection.disconnect()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 6), st.integers(0, 20)), min_size=1, max_size=30
    ),
    st.integers(2, 10),
)
def test_engine_and_memory_agree_on_ties(
    scored: Scored, rows: list[tuple[int, int, int]], bins: int
) -> None:
    recency, orders, net = map(list, zip(*rows, strict=True))
    given_ = people(recency, orders, [float(v) for v in net])
    day = pd.Timestamp(YEAR.end)
    state = pd.DataFrame(
        {
            "customer_id": given_["customer_id"],
            "orders": orders,
            "net_cents": [100 * v for v in net],
            "last_order_on": [(day - pd.Timedelta(days=d)).date() for d in recency],
        }
    )
    got, expected = scored(state, bins), rfm.score(given_, bins=bins)
    assert got["customer_id"].tolist() == expected["customer_id"].tolist()
    for name in SCORES:
        assert got[name].tolist() == expected[name].tolist()


# Rules ---------------------------------------------------------------------------------------


def test_the_trade_s_rules_claim_every_case_exactly_once() -> None:
    rules = rfm_segments.parse()
    assert len(rules) == 11
    neutral = set(rfm_segments.NEUTRAL.values())
    assert set(rfm_segments.MEANING) == {rule.name for rule in rules} | neutral
    for r, v, new in itertools.product(range(1, 6), range(1, 6), (False, True)):
        claimed = [
            rule.name
            for rule in rules
            if rule.holds(np.array([r]), np.array([v]), np.array([new]))[0]
        ]
        assert len(claimed) == 1, (r, v, new, claimed)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 400), st.integers(1, 40), st.integers(0, 500), st.integers(1, 400)
        ),
        min_size=1,
        max_size=60,
    )
)
def test_every_customer_has_one_segment(rows: list[tuple[int, int, int, int]]) -> None:
    recency, orders, net, tenure = map(list, zip(*rows, strict=True))
    given_ = people(recency, orders, [float(v) for v in net]).assign(tenure_days=tenure)
    assert rfm_segments.segment(given_).notna().all()


def test_segments_line_up_with_their_customers() -> None:
    given_ = people([1, 300, 1, 5], [50, 1, 0, 9], [900, 5, -3, 90]).assign(
        tenure_days=[300, 300, 300, 10]
    )
    found = rfm_segments.segment(given_)
    # The best of three is in the second of five groups from the top.
    assert found.astype("object").tolist()[:2] == ["Loyal", "Lost"]
    assert found.notna().tolist() == [True, True, False, True]


def test_newcomers_are_new_however_they_score() -> None:
    given_ = people(list(range(1, 11)), [9] * 10, list(range(10, 0, -1)))
    tenure = [20, 300, *[300] * 8]
    found = rfm_segments.segment(given_.assign(net_amount=5.0, tenure_days=tenure))
    assert found.iloc[0] == "New"
    assert found.iloc[1] == "Potential loyalist"


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (["All: r 1-4"], "r 5, v 1, newcomer no is claimed by no rule"),
        (["A: r 1-5", "B: v 5"], "r 1, v 5, newcomer no is claimed by A and B"),
        (["A: recency 5"], "cannot read 'recency 5'"),
        ([": r 1-5"], "has no name"),
    ],
)
def test_rules_that_leave_out_or_overlap_are_refused(rules: list[str], sentence: str) -> None:
    with pytest.raises(ParamsError, match=sentence):
        rfm_segments.parse(rules)


# Kept state ----------------------------------------------------------------------------------


def shop(rows: list[tuple[int, int, int, int]]) -> Tables:
    """Orders of (customer, day, cents, quantity), an order a row."""
    lines = pd.DataFrame(rows, columns=["customer", "day", "cents", "quantity"])
    lines = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(lines))],
            "customer_id": [f"c{c}" for c in lines["customer"]],
            "product_id": "p",
            "ordered_at": pd.Timestamp("2017-06-01") + pd.to_timedelta(lines["day"], unit="D"),
            "quantity": lines["quantity"].astype("float64"),
            "net_amount": lines["cents"] / 100,
        }
    )
    products = pd.DataFrame({"product_id": ["p"], "department": ["d"], "category": ["c"]})
    return in_memory({"order_lines": lines, "products": products})


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4), st.integers(0, 29), st.integers(0, 999), st.sampled_from([1, 1, -1])
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(0, 6),
    st.integers(0, 6),
)
def test_folding_days_equals_starting_afresh(
    rows: list[tuple[int, int, int, int]], arrived: int, left: int
) -> None:
    tables = shop(rows)
    start = pd.Timestamp("2017-06-01").date()
    kept = Period(start, start + pd.Timedelta(days=20).to_pytimedelta())
    wanted = Period(
        start + pd.Timedelta(days=left).to_pytimedelta(),
        kept.end + pd.Timedelta(days=arrived).to_pytimedelta(),
    )
    folded = rfm.fold(rfm.totals(tables, kept), tables, kept=kept, wanted=wanted)
    fresh = rfm.totals(tables, wanted)
    names = ["customer_id", "orders", "net_cents", "last_order_on"]
    frames = [
        t.filter(t.orders > 0).select(*names).order_by("customer_id").to_pandas()
        for t in (folded, fresh)
    ]
    pd.testing.assert_frame_equal(frames[0], frames[1], check_dtype=False)
    tables.close()


def test_a_state_cannot_be_moved_backwards() -> None:
    tables = shop([(0, 1, 1, 1)])
    later, earlier = Period.before("2017-07-01", days=20), Period.before("2017-06-20", days=20)
    with pytest.raises(ParamsError, match="cannot be moved"):
        rfm.fold(rfm.totals(tables, later), tables, kept=later, wanted=earlier)
    tables.close()

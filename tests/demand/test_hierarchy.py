"""Coherent forecasts add up to the cent, stay above zero, and are the closest there are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.demand.series.hierarchy import Hierarchy, bottom_up, build, minimum_trace
from analysis.demand.series.sales_series import Series
from analysis.errors import ParamsError

#: Total, two departments, four categories.
MATRIX = np.array(
    [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1], *np.eye(4).tolist()],
)
TREE = Hierarchy(MATRIX, np.arange(3, 7))


def cents(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 100).astype(int)


def test_bottom_up_sums_what_is_below():
    base = np.array([[99.0], [1.0], [1.0], [1.25], [2.0], [3.0], [4.0]])
    assert bottom_up(base, TREE)[:, 0].tolist() == [10.25, 3.25, 7.0, 1.25, 2.0, 3.0, 4.0]


def test_coherent_forecasts_are_left_alone():
    coherent = MATRIX @ np.array([[1.0], [2.0], [3.0], [4.0]])
    assert minimum_trace(coherent, TREE) == pytest.approx(coherent)


def test_structural_scaling_by_hand():
    # Two series and their sum; weights 1/2, 1, 1: each part takes half of what is left over / 2.
    tree = Hierarchy(np.array([[1.0, 1.0], [1, 0], [0, 1]]), np.array([1, 2]))
    found = minimum_trace(np.array([[12.0], [4.0], [4.0]]), tree)
    # minimise (b1 + b2 - 12)^2 / 2 + (b1 - 4)^2 + (b2 - 4)^2: b = 5
    assert found[:, 0] == pytest.approx([10.0, 5.0, 5.0])


def test_a_sure_total_moves_the_parts_more_than_an_unsure_one():
    base = np.array([[20.0], [4.0], [4.0], [2.0], [2.0], [2.0], [2.0]])
    sure = minimum_trace(base, TREE, variances=np.array([0.1, 9, 9, 9, 9, 9, 9.0]))
    unsure = minimum_trace(base, TREE, variances=np.array([900.0, 9, 9, 9, 9, 9, 9]))
    assert sure[0, 0] > 19
    assert unsure[0, 0] < 9


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000))
def test_adds_up_stays_above_zero_and_solves_the_programme(seed):
    from scipy.optimize import nnls

    rng = np.random.default_rng(seed)
    base = rng.normal(3, 6, (7, 3))
    variances = rng.uniform(0.1, 5, 7)
    found = minimum_trace(base, TREE, variances=variances)
    bottom = cents(found[3:])
    assert (bottom >= 0).all()
    assert (cents(found) == MATRIX.astype(int) @ bottom).all()
    root = np.sqrt(1 / variances)[:, None]
    for column in range(3):
        best = nnls(root * MATRIX, root[:, 0] * base[:, column])[0]
        assert found[3:, column] == pytest.approx(best, abs=0.006)


def test_free_series_may_be_negative_and_unknown_ones_count_as_zero():
    base = np.array([[-3.0], [-3.0], [0.0], [-3.0], [0.0], [np.nan], [0.0]])
    free = np.array([True, False, False, False])
    found = minimum_trace(base, TREE, free=free)
    assert found[3, 0] < 0
    assert (found[4:] >= 0).all()


def keyed(measure: str = "net_amount") -> Series:
    keys = pd.DataFrame(
        {
            "level": ["total", "department", "department", *["department x category"] * 3],
            "name": list("TABabc"),
            "department": [None, "A", "B", "A", "A", "B"],
            "category": [None, None, None, "x", "y", "x"],
        }
    )
    return Series(keys, np.zeros((6, 4)), (), np.ones(4), measure, "week", (), ())


def test_hierarchy_knows_equal_category_names_of_two_departments_apart():
    found = build(keyed(), ((), ("department",), ("department", "category")))
    assert found.matrix.tolist() == [[1, 1, 1], [1, 1, 0], [0, 0, 1], *np.eye(3).tolist()]


def test_what_does_not_add_up_is_refused():
    with pytest.raises(ParamsError, match="do not add up"):
        build(keyed("orders"), ((), ("department",), ("department", "category")))
    with pytest.raises(ParamsError, match="is not made of"):
        build(keyed(), ((), ("store_id",), ("department", "category")))

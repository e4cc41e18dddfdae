"""The quicker quantile of the boosted challenger is numpy's, and so are its forecasts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor

from analysis.demand.models.gradient_boosting import _model, quantile_of

NUMBERS = st.floats(-1e12, 1e12, allow_nan=False)


@given(st.lists(NUMBERS, min_size=1, max_size=40), st.floats(0.001, 0.999))
def test_it_is_numpy_s_percentile_to_the_last_bit(values: list[float], level: float) -> None:
    given_values = np.array(values)
    assert quantile_of(given_values, level) == np.percentile(given_values, 100 * level)
    assert list(given_values) == values, "what is given stays as it is"


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_the_model_is_scikit_learn_s_to_the_last_bit(level: float) -> None:
    draws = np.random.default_rng(7)
    x = draws.normal(size=(900, 6))
    y = x[:, 0] * 2 + draws.exponential(size=900)
    ours = _model(level, 3)
    settings = {k: v for k, v in ours.get_params().items() if k not in ("loss", "quantile")}
    theirs = HistGradientBoostingRegressor(loss="quantile", quantile=level, **settings)
    np.testing.assert_array_equal(ours.fit(x, y).predict(x), theirs.fit(x, y).predict(x))

"""Many Poisson regressions at once: each is what statsmodels finds alone."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.demand.change import stockouts
from analysis.demand.drivers import product_effects
from analysis.demand.drivers.future_covariates import KnownAhead
from analysis.demand.series import sales_series
from analysis.demand.series.sales_series import Series
from analysis.stats import poisson_glm
from analysis.tables.engine import in_memory

WEEKS = 104


def series_of(values: np.ndarray) -> Series:
    rows, columns = values.shape
    keys = pd.DataFrame({"level": "product_id", "name": [f"p{i}" for i in range(rows)]})
    keys = keys.assign(product_id=keys["name"])
    weeks = tuple(date(2024, 1, 1) + timedelta(days=7 * i) for i in range(columns))
    return Series(keys, values, weeks, np.full(columns, 7), "units", "week", (), ())


def test_each_regression_is_that_of_statsmodels():
    statsmodels = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(0)
    design = np.concatenate([np.ones((5, 80, 1)), rng.normal(size=(5, 80, 3))], axis=2)
    values = rng.poisson(np.exp(design @ [2.0, 0.3, -0.2, 0.0])).astype(float)
    values[1, :30] = np.nan
    used = np.ones((5, 4), dtype=bool)
    used[2, 3] = False
    found = poisson_glm.fit(values, design, used)
    for row in range(5):
        seen, kept = ~np.isnan(values[row]), used[row]
        family = statsmodels.families.Poisson()
        model = statsmodels.GLM(values[row, seen], design[row][seen][:, kept], family=family)
        theirs = model.fit()
        assert found.coefficients[row, kept] == pytest.approx(theirs.params, abs=1e-5)
        assert np.isnan(found.coefficients[row, ~kept]).all()
        pearson = max(theirs.pearson_chi2 / theirs.df_resid, 1.0)
        assert found.dispersion[row] == pytest.approx(pearson, rel=1e-4)
        # The memory of what is left is never below none, so errors are never below theirs.
        assert (found.errors[row, kept] >= 0.999 * theirs.bse * np.sqrt(pearson) * 0.8).all()


def test_memory_widens_slow_regressors_and_hardly_isolated_weeks():
    rng = np.random.default_rng(1)
    weeks = np.arange(WEEKS)
    noise = np.zeros((200, WEEKS))
    for t in range(1, WEEKS):
        noise[:, t] = 0.6 * noise[:, t - 1] + rng.normal(0, 0.15, 200)
    values = rng.poisson(100 * np.exp(noise)).astype(float)
    line, single = (weeks - 52) / 52, np.isin(weeks, (9, 35, 61, 87)).astype(float)
    design = np.broadcast_to(np.column_stack([np.ones(WEEKS), line, single]), (200, WEEKS, 3))
    found = poisson_glm.fit(values, design, np.ones((200, 3), dtype=bool))
    inside = np.abs(found.coefficients / found.errors) < 1.98
    # Short memory is underestimated in a hundred weeks; without it a fourth would miss.
    assert inside[:, 1].mean() > 0.85
    assert inside[:, 2].mean() > 0.88
    independent = 1.98 * np.sqrt(found.dispersion / (values.mean(axis=1) * (line**2).sum()))
    assert (np.abs(found.coefficients[:, 1]) < independent).mean() < 0.80


def known_for(rows: int, **columns: np.ndarray) -> KnownAhead:
    kinds = {"promoted": "promotion", "discount": "discount", "price": "price"}
    values = np.stack(
        [np.broadcast_to(columns.get(n, np.zeros(WEEKS)), (rows, WEEKS)) for n in kinds], axis=2
    )
    return KnownAhead(tuple(kinds), tuple(kinds.values()), values, np.full((rows, WEEKS), 2.0))


def test_degenerate_products_are_left_out_in_silence():
    values = np.vstack(
        [
            np.zeros(WEEKS), np.full(WEEKS, 7.0), np.r_[np.full(WEEKS - 1, np.nan), 5.0],
            np.where(np.arange(WEEKS) % 9 == 0, 3.0, np.nan),
            np.r_[np.full(50, 9.0), -4.0, np.full(WEEKS - 51, 9.0)],
            np.r_[np.full(WEEKS - 1, 9.0), 1e9],
        ]
    )  # fmt: skip
    promoted = np.isin(np.arange(WEEKS), (10, 30, 60)).astype(float)
    found = product_effects.search(series_of(values), known_for(6, promoted=promoted), season=52)
    assert not found.table["found"].any()
    assert np.isfinite(found.table[["coefficient", "error"]]).all().all()


def test_a_discount_that_is_the_promotion_is_told_once():
    promoted = np.isin(np.arange(WEEKS), (10, 30, 60, 90)).astype(float)
    rng = np.random.default_rng(2)
    values = rng.poisson(50 * 2**promoted, (3, WEEKS)).astype(float)
    known = known_for(3, promoted=promoted, discount=0.22 * promoted)
    table = product_effects.search(series_of(values), known, season=52).table
    assert table["kind"].unique().tolist() == ["promotion"]
    assert table["effect"].to_numpy() == pytest.approx(1.0, abs=0.25)


def test_silence_is_suspected_only_where_it_is_out_of_the_ordinary():
    rng = np.random.default_rng(3)
    values = rng.poisson([[40.0], [3.0], [0.2]], (3, WEEKS)).astype(float)
    values[:, [50, 51]] = 0
    found = stockouts.suspected(series_of(values), continuing=np.ones(3, dtype=bool))
    assert found["name"].tolist() == ["p0", "p0"]
    weeks = [series_of(values).periods[w] for w in (50, 51)]
    assert found["period_start"].dt.date.tolist() == weeks
    assert found["usual"].to_numpy() == pytest.approx(40, rel=0.15)


def test_products_are_called_by_their_names_and_by_their_keys_where_these_are_shared():
    products = pd.DataFrame(
        {"product_id": ["1", "2", "3"], "department": "D", "category": "C",
         "name": ["Tea", "Tea", None], "subcategory": ["x", "y", "Green"]}
    )  # fmt: skip
    line = {"order_id": "o", "customer_id": "c", "product_id": "1", "ordered_at": "2024-01-01",
            "quantity": 1.0, "net_amount": 1.0}  # fmt: skip
    tables = in_memory({"products": products, "order_lines": pd.DataFrame([line])})
    series = series_of(np.ones((4, WEEKS)))
    keys = series.keys.assign(product_id=["1", "2", "3", "9"])
    from dataclasses import replace

    named = sales_series.named(replace(series, keys=keys), tables)
    assert named.keys["name"].tolist() == ["Tea 1", "Tea 2", "Green", "(not in the catalogue)"]
    assert named.keys["department"].tolist()[:3] == ["D"] * 3

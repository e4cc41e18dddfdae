"""Poisson regression with fixed effects: equal to the regression with a dummy for each."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.errors import NotApplicable
from analysis.stats.fixed_effects import poisson

sm = pytest.importorskip("statsmodels.api")

UNITS, TIMES = 12, 20


def panel(seed: int, *, missing: bool = False) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    unit, time = (axis.ravel() for axis in np.indices((UNITS, TIMES)))
    terms = np.column_stack([rng.random(len(unit)) < 0.3, rng.normal(size=len(unit))])
    level = rng.normal(size=UNITS)[unit] + 0.5 * rng.normal(size=TIMES)[time]
    units = rng.poisson(np.exp(0.5 + level + terms @ [0.4, -0.2])).astype(float)
    kept = rng.random(len(unit)) < 0.8 if missing else np.ones(len(unit), bool)
    found = {"units": units, "terms": terms, "unit": unit, "time": time, "cluster": unit // 2}
    return {name: values[kept] for name, values in found.items()}


@pytest.mark.parametrize("missing", [False, True])
def test_it_equals_the_regression_with_dummies(missing: bool) -> None:
    cells = panel(1, missing=missing)
    found = poisson(**cells)
    dummies = [np.eye(UNITS)[cells["unit"]], np.eye(TIMES)[cells["time"]][:, 1:]]
    design = np.column_stack([cells["terms"], *dummies])
    fit = sm.GLM(cells["units"], design, family=sm.families.Poisson()).fit(
        cov_type="cluster", cov_kwds={"groups": cells["cluster"], "df_correction": False}, tol=1e-12
    )
    assert np.allclose(found.coefficients, fit.params[:2], rtol=1e-6)
    groups = found.clusters
    scale = (groups / (groups - 1)) ** 0.5
    theirs = sm.stats.sandwich_covariance.cov_cluster(fit, cells["cluster"], use_correction=False)
    assert np.allclose(found.errors, scale * np.sqrt(np.diag(theirs))[:2], rtol=1e-6)


def test_units_that_sold_nothing_say_nothing() -> None:
    cells = panel(2)
    more = {name: np.r_[values, values[:TIMES]] for name, values in cells.items()}
    more["units"][-TIMES:] = 0.0
    more["unit"][-TIMES:] = UNITS
    assert np.allclose(poisson(**more).coefficients, poisson(**cells).coefficients, rtol=1e-9)


def test_groups_that_share_no_time_are_fitted_as_if_alone() -> None:
    """Two departments with weeks of their own: the lift is common, the levels are not."""
    one, other = panel(3), panel(4)
    other = {**other, "unit": other["unit"] + UNITS, "time": other["time"] + TIMES}
    other["cluster"] = other["cluster"] + UNITS
    both = {name: np.concatenate([one[name], other[name]]) for name in one}
    dummies = [np.eye(2 * UNITS)[both["unit"]], np.eye(2 * TIMES)[both["time"]]]
    kept = np.delete(np.column_stack(dummies), [2 * UNITS, 2 * UNITS + TIMES], axis=1)
    fit = sm.GLM(
        both["units"], np.column_stack([both["terms"], kept]), family=sm.families.Poisson()
    ).fit(tol=1e-12)
    assert np.allclose(poisson(**both).coefficients, fit.params[:2], rtol=1e-6)


def test_intervals_cover_with_thirty_clusters() -> None:
    rng = np.random.default_rng(5)
    covered, experiments = 0, 300
    unit, time = (axis.ravel() for axis in np.indices((30, 12)))
    for _ in range(experiments):
        term = (rng.random(len(unit)) < 0.3)[:, None].astype(float)
        # Every unit has a mood of its own each week, beyond Poisson.
        mood = rng.gamma(4.0, 0.25, len(unit))
        units = rng.poisson(2.0 * mood * np.exp(0.3 * term[:, 0])).astype(float)
        found = poisson(units, term, unit, time, unit)
        covered += abs(found.coefficients[0] - 0.3) < found.quantile(0.95) * found.errors[0]
    assert 0.90 * experiments <= covered <= 0.99 * experiments


def test_what_does_not_vary_within_is_refused_in_words() -> None:
    cells = panel(6)
    cells["terms"] = (cells["unit"] < 3).astype(float)[:, None]
    with pytest.raises(NotApplicable, match="does not vary within"):
        poisson(**cells)


def test_a_panel_that_sold_nothing_is_refused_in_words() -> None:
    cells = panel(7)
    cells["units"] = np.zeros(len(cells["units"]))
    with pytest.raises(NotApplicable, match="Too few products"):
        poisson(**cells)

"""What a plan would change: the forecast with and without it, and an interval on the difference.

What a planned promotion or price would change for one product: units and net sales.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.drivers.arima_regression import Regression
from analysis.demand.drivers.product_effects import base_columns
from analysis.errors import NotApplicable, ParamsError
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.demand.drivers.future_covariates import KnownAhead
    from analysis.demand.drivers.product_effects import Influences

_DRAWS = 4_000


@dataclass(frozen=True)
class Scenario:
    """A plan compared with going on as before.

    Parameters
    ----------
    table
        One row a period ahead: ahead, without, planned, difference, low, high (in units of the
        series).
    without, planned
        Totals over the horizon.
    difference, low, high
        Their difference and its interval.
    outside
        Regressors planned beyond what was ever seen, where the answer is an extrapolation.
    """

    table: pd.DataFrame
    without: float
    planned: float
    difference: float
    low: float
    high: float
    outside: tuple[str, ...]


def compare(
    fitted: Regression,
    *,
    without: pd.DataFrame,
    planned: pd.DataFrame,
    confidence: float = 0.95,
    seed: int = 0,
) -> Scenario:
    """Forecast one series with and without a plan.

    Both forecasts share the future that the regressors do not touch, and so its chance; what is
    uncertain about their difference is the size of the effects, drawn from their joint normal
    distribution, and the level they act on.

    Parameters
    ----------
    fitted
        From `regression.fit`.
    without, planned
        One row a period ahead, columns as the regressors fitted.
    confidence
        Coverage of the intervals.
    seed
        Seed of the draws.
    """
    if tuple(without.columns) != fitted.names or tuple(planned.columns) != fitted.names:
        raise ParamsError(f"A plan needs the columns {', '.join(fitted.names)}, in this order")
    base, plan = _paths(fitted, without), _paths(fitted, planned)
    drawn = _differences(fitted, base, without, planned, seed)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    ends = np.quantile(drawn.sum(axis=1), [tail, 1 - tail])
    table = pd.DataFrame(
        {
            "ahead": np.arange(1, len(base) + 1),
            "without": base,
            "planned": plan,
            "difference": plan - base,
            "low": low,
            "high": high,
        }
    )
    totals = float(base.sum()), float(plan.sum())
    outside = _outside(fitted, planned)
    gain = totals[1] - totals[0]
    return Scenario(table, *totals, gain, float(ends[0]), float(ends[1]), outside)


def _paths(fitted: Regression, regressors: pd.DataFrame) -> np.ndarray:
    """Return the median forecast on the plain scale."""
    found = fitted.results.get_forecast(len(regressors), exog=regressors.to_numpy(dtype=float))
    mean = np.asarray(found.predicted_mean)
    return np.asarray((np.exp(mean) if fitted.logged else mean) * fitted.scale)


def _differences(
    fitted: Regression, base: np.ndarray, without: pd.DataFrame, planned: pd.DataFrame, seed: int
) -> np.ndarray:
    names = list(fitted.results.model.param_names)
    exog = list(fitted.results.model.exog_names)
    places = [names.index(name) for name in exog]
    covariance = np.asarray(fitted.results.cov_params())[np.ix_(places, places)]
    rng = np.random.default_rng(seed)
    coefficients = rng.multivariate_normal(
        np.asarray(fitted.results.params)[places], covariance, size=_DRAWS, method="eigh"
    )
    change = coefficients @ (planned.to_numpy(float) - without.to_numpy(float)).T
    if not fitted.logged:
        return np.asarray(change * fitted.scale)
    error = _level_error(fitted, without)
    level = np.log(base) + error * rng.standard_normal(_DRAWS)[:, None]
    return np.asarray(np.exp(level) * np.expm1(change))


def _level_error(fitted: Regression, without: pd.DataFrame) -> np.ndarray:
    found = fitted.results.get_forecast(len(without), exog=without.to_numpy(dtype=float))
    return np.asarray(found.se_mean)


def _outside(fitted: Regression, planned: pd.DataFrame) -> tuple[str, ...]:
    seen = fitted.results.model.exog
    low, high = seen.min(axis=0), seen.max(axis=0)
    beyond = ((planned.to_numpy(float) < low) | (planned.to_numpy(float) > high)).any(axis=0)
    return tuple(name for name, out in zip(fitted.names, beyond, strict=True) if out)


_TRIED = {"promoted": "promotion", "discount": "discount", "price": "change of price"}

#: Kinds of `product_effects` that plans are made of, as they are called.
_LEVERS = {"promotion": "promotion", "discount": "discount", "price": "change of price"}


def product_to_weigh(table: pd.DataFrame, kind: str) -> str:
    """Return a product to weigh a plan with: one whose effect is sure.

    Of promotions the one tried in most weeks, of discounts and prices the largest seller.

    Raises
    ------
    NotApplicable
        If no product has such an effect.
    """
    found = table[table["found"] & (table["kind"] == kind)]
    found = found[found["effect"] < 0] if kind == "price" else found[found["effect"] > 0]
    if found.empty:
        raise NotApplicable(
            f"no product's {_LEVERS[kind]} has a sure effect, so no plan is weighed."
        )
    order = ["weeks" if kind == "promotion" else "size", "name"]
    return str(found.sort_values(order, ascending=[False, True])["name"].iloc[0])


@dataclass(frozen=True)
class ProductPlan:
    """A plan for one product, compared with going on as planned so far.

    Parameters
    ----------
    name
        The product.
    table
        One row a week ahead: ahead, without, planned, difference, low, high (units).
    totals
        One row for units and one for net sales: measure, without, planned, difference, low, high.
    seen
        Whether the planned price lies within those charged before; else it is extrapolated.
    """

    name: str
    table: pd.DataFrame
    totals: pd.DataFrame
    seen: bool


def compare_plans(
    found: Influences,
    known: KnownAhead,
    *,
    name: str,
    promoted_weeks: int = 0,
    discounted_weeks: int = 0,
    discount: float = 0.0,
    price: float = 0.0,
    horizon: int,
    confidence: float = 0.95,
    seed: int = 0,
) -> ProductPlan:
    """Forecast one product with and without a plan.

    Both forecasts share the product's level, trend and wave; their difference is uncertain in
    the effects and the level, drawn together from their joint normal distribution. The level is
    that of the last weeks, as many as are forecast.

    Parameters
    ----------
    found, known
        From `influences.search` and `known_ahead.gather`, the latter with the horizon.
    name
        The product.
    promoted_weeks
        Weeks of promotion to come, from the first; at the discount that its promotions had.
    discounted_weeks, discount
        Weeks at a discount to come, from the first, and its share of the shelf price.
    price
        Change of the shelf price over the horizon, as a share.
    horizon
        Weeks ahead.
    confidence
        Coverage of the intervals.
    seed
        Seed of the draws.

    Raises
    ------
    NotApplicable
        If nothing of the kind has been tried with this product before.
    """
    row = int(np.flatnonzero(found.adjusted.keys["name"] == name)[0])
    wanted = {"promoted": promoted_weeks > 0, "discount": discounted_weeks > 0, "price": price != 0}
    for lever in (lever for lever, planned in wanted.items() if planned):
        if not found.used[row, found.names.index(lever)]:
            raise NotApplicable(
                f"{name} has had no {_TRIED[lever]} that its effect could be told from."
            )
    designs = _designs(found, known, row, horizon)
    planned = designs[1]
    planned[:promoted_weeks, found.names.index("promoted")] = 1.0
    planned[:discounted_weeks, found.names.index("discount")] = -np.log1p(-discount)
    planned[:, found.names.index("price")] += np.log1p(price)
    paid = _prices(known, row, designs, found.names, price)
    paid[1][:discounted_weeks] *= 1 - discount
    draws, tail = _draws(found, row, designs, seed), (1 - confidence) / 2
    seen = price == 0 or _seen(known, row, price)
    return ProductPlan(name, _by_week(draws, tail), _totals(draws, paid, tail), seen)


def _seen(known: KnownAhead, row: int, price: float) -> bool:
    """Tell whether the shelf price planned lies within those charged before."""
    shelf = known.shelf[row]
    return bool(shelf.min() <= shelf[-1] * (1 + price) <= shelf.max())


def _designs(found: Influences, known: KnownAhead, row: int, horizon: int) -> tuple[Floats, Floats]:
    """Return the regressors of the weeks ahead as planned so far, twice."""
    past = found.design.shape[1]
    if known.values.shape[1] < past + horizon:
        raise NotApplicable("What is planned for the weeks ahead was not gathered.")
    base = base_columns(np.arange(past, past + horizon, dtype=float), found.season, past / 2)
    ahead = np.hstack([base, known.values[row, past : past + horizon]])
    return ahead, ahead.copy()


def _prices(
    known: KnownAhead,
    row: int,
    designs: tuple[Floats, Floats],
    names: tuple[str, ...],
    price: float,
) -> tuple[Floats, Floats]:
    """Return what is paid a unit in each week ahead, without and with the plan."""
    past = known.shelf.shape[1]
    on = known.values[row, :past, known.names.index("promoted")] > 0.5
    depths = -np.expm1(-known.values[row, :past, known.names.index("discount")])
    depth = float(np.median(depths[on])) if on.any() else 0.0
    place = names.index("promoted")
    shelf = known.shelf[row, -1]
    without, planned = (shelf * (1 - depth * design[:, place]) for design in designs)
    return without, planned * (1 + price)


def _draws(found: Influences, row: int, designs: tuple[Floats, Floats], seed: int) -> list[Floats]:
    """Return drawn units, draws x weeks, without and with the plan; the first row is the estimate.

    The coefficients come from their joint normal distribution, the level of the last weeks from
    a lognormal one around what was sold over what was fitted.
    """
    used = found.used[row]
    center = found.fits.coefficients[row][used]
    covariance = found.fits.covariance[row][np.ix_(used, used)]
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal(center, covariance, size=_DRAWS, method="eigh")
    level, error = _late_level(found, row, len(designs[0]))
    scale = np.exp(level + error * rng.standard_normal(_DRAWS))
    coefficients = np.vstack([center, drawn])
    scales = np.r_[np.exp(level), scale][:, None]
    return [scales * np.exp(coefficients @ design[:, used].T) for design in designs]


def _late_level(found: Influences, row: int, weeks: int) -> tuple[float, float]:
    """Return the logarithm of sold over fitted in the last weeks, and its standard error."""
    sold, fitted = found.sold[row, -weeks:], found.fits.fitted[row, -weeks:]
    known = ~np.isnan(sold)
    units, expected = float(sold[known].sum()), float(fitted[known].sum())
    if units <= 0 or expected <= 0:
        return 0.0, 0.0
    return float(np.log(units / expected)), float(np.sqrt(found.fits.dispersion[row] / units))


def _totals(draws: list[Floats], paid: tuple[Floats, Floats], tail: float) -> pd.DataFrame:
    rows = []
    one = np.ones(draws[0].shape[1])
    for measure, prices in (("units", (one, one)), ("net_amount", paid)):
        without, planned = ((d * price).sum(axis=1) for d, price in zip(draws, prices, strict=True))
        low, high = np.quantile((planned - without)[1:], [tail, 1 - tail])
        rows.append(
            {
                "measure": measure,
                "without": without[0],
                "planned": planned[0],
                "difference": planned[0] - without[0],
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(rows)


def _by_week(draws: list[Floats], tail: float) -> pd.DataFrame:
    gap = draws[1] - draws[0]
    low, high = np.quantile(gap[1:], [tail, 1 - tail], axis=0)
    return pd.DataFrame(
        {
            "ahead": np.arange(1, gap.shape[1] + 1),
            "without": draws[0][0],
            "planned": draws[1][0],
            "difference": gap[0],
            "low": low,
            "high": high,
        }
    )

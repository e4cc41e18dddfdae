"""Demand series and placements: units sold scatter about the expectation that is written down."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from analysis.simulator.goods.demand_plan import DEMANDS, PLACED
from tests.truth.calibration import UNLIKELY, assert_centred
from tests.truth.shops import Shops

WEEKLY = """
    create or replace temp table weekly as
    with sold as (
        select seed, product_id, store_id, date_trunc('week', ordered_at)::date as week_start,
               sum(quantity) as units, sum(net_amount)::double as net
        from order_lines where quantity > 0 group by all
    )
    select t.seed, key, t.store_id, t.week_start, expected_units, coalesce(units, 0) as units,
           list_price::double as list_price, price::double as price, net
    from truth_series t join keys using (seed, product_id)
    left join sold using (seed, product_id, store_id, week_start)
"""


@pytest.fixture(scope="module")
def series(shops: Shops) -> Shops:
    """Return the shops, with the table of weekly units."""
    shops.sql(WEEKLY)
    return shops


@pytest.mark.parametrize("key", [k for k, d in DEMANDS.items() if d.occurs == 1])
def test_units_are_poisson_about_the_expectation(series: Shops, key: str) -> None:
    found = series.sql(
        "select sum(units) as units, sum(expected_units) as expected from weekly "
        "where key = $key group by seed, week_start",
        key=key,
    )
    expected, units = found["expected"], found["units"]
    assert (units[expected == 0] == 0).all()
    expected, units = expected[expected > 0], units[expected > 0]
    assert abs(units.sum() - expected.sum()) < 3.9 * np.sqrt(expected.sum())
    spread = float(((units - expected) ** 2 / expected).sum())
    # The statistic's variance exceeds chi-square's where few units are expected: 2 + 1 / expected.
    error = np.sqrt((2 + 1 / expected).sum())
    assert abs(spread - len(units)) < 4.5 * error


@pytest.mark.parametrize("key", [k for k, d in DEMANDS.items() if d.occurs < 1])
def test_intermittent_demand_occurs_as_often_as_planted(series: Shops, key: str) -> None:
    found = series.sql(
        "select sum(units) as units from weekly where key = $key group by seed, week_start", key=key
    )
    occurs = DEMANDS[key].occurs
    share = (found["units"] > 0).mean()
    assert abs(share - occurs) < 3.9 * np.sqrt(occurs * (1 - occurs) / len(found["units"]))
    assert found["units"][found["units"] > 0].mean() >= 1


def test_every_unit_is_sold_at_the_price_of_its_week(series: Shops) -> None:
    found = series.sql(
        "select max(abs(net - units * price)) as off, count(*) as n from weekly where units > 0"
    )
    assert found["n"][0] > 10_000
    assert found["off"][0] < 0.005


def test_levels_trends_and_lifts_are_in_the_expectation(series: Shops) -> None:
    """The expectation itself, against the formula, for the simplest series of each kind."""
    found = series.frame(
        "select key, week_start, sum(expected_units) as expected from weekly where seed = 0 "
        "group by all order by all"
    )
    by_key = {key: rows["expected"].to_numpy() for key, rows in found.groupby("key")}
    scale = 1_500 / 20_000
    assert np.allclose(by_key["series_flat"], 60 * scale)
    year = 365.2425 / 7
    assert np.allclose(by_key["series_rising"], 40 * scale * np.exp(0.35 * np.arange(104) / year))
    promoted = by_key["series_promoted"] / (45 * scale)
    assert np.allclose(np.sort(np.unique(promoted.round(9))), [1.0, 2.0])
    assert np.allclose(by_key["series_shift_up"][60:] / by_key["series_shift_up"][59], 1.6)
    assert (by_key["series_out_of_stock"][[40, 41, 42, 66]] == 0).all()
    assert np.isclose(by_key["series_dearer"][52] / by_key["series_dearer"][51], 1.2**-1.8)
    christmas = by_key["series_christmas"] / (40 * scale)
    assert list(np.flatnonzero(christmas > 2)) == [49, 50, 51, 101, 102, 103]


def test_placements_lift_as_planted(series: Shops) -> None:
    """A Poisson regression with product and store effects finds display, mailer and elasticity."""
    statsmodels = pytest.importorskip("statsmodels.api")
    cells = series.frame(
        """
        select w.seed, key, w.store_id, units, ln(price / list_price) as log_price,
               (display is not null)::int as display, (mailer is not null)::int as mailer
        from weekly w join keys using (seed, key)
        join placements p on p.seed = w.seed and p.product_id = keys.product_id
            and p.store_id = w.store_id and p.week_start = w.week_start
        where key like 'placed_%'
        """
    )
    planted = series.planted("placements")[0]["superpopulation"]
    columns = ["display", "mailer", "log_price"]
    truth = np.array(
        [np.log(planted["display"]), np.log(planted["mailer"]), planted["price_elasticity"]]
    )
    cells["cell"] = cells["key"] + cells["store_id"]
    assert cells["cell"].nunique() == 3 * len(PLACED)
    dummies = (cells["cell"].to_numpy()[:, None] == np.unique(cells["cell"])[None, :]).astype(float)
    design = np.column_stack([cells[columns].to_numpy(), dummies])
    fit = statsmodels.GLM(
        cells["units"].to_numpy(), design, family=statsmodels.families.Poisson()
    ).fit()
    off = fit.params[:3] - truth
    statistic = off @ np.linalg.solve(fit.cov_params()[:3, :3], off)
    assert statistic < chi2.ppf(1 - UNLIKELY, 3)


def test_guests_follow_their_wave(shops: Shops) -> None:
    found = shops.sql(
        """
        with orders as (
            select seed, order_id, min(ordered_at) as moment, bool_or(key = 'weighed') as basket
            from order_lines join keys using (seed, product_id)
            where customer_id is null group by all
        )
        select seed, sum((month(moment) in (11, 12))::int) / count(*) as winter
        from orders where basket group by seed
        """
    )
    # 121 of 728 days fall into these months: without the wave it would be 0.166.
    assert_centred(found["winter"], 0.166 * 1.28, within=0.006)

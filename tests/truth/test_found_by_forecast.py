"""What report 04 finds of the planted demand series: at its nominal rates, within its intervals.

Sixty shops of full size are drawn; that these draws are what a shop's order lines hold is shown
by `test_demand_series`, and that the regressors are read from the tables by the last tests here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analysis.demand.change import changepoints, stockouts, trends
from analysis.demand.drivers import future_covariates, product_effects, what_if
from analysis.demand.drivers.future_covariates import KnownAhead
from analysis.demand.drivers.product_effects import Influences
from analysis.demand.models import intermittent, registry
from analysis.demand.series import product_lifecycle
from analysis.demand.series import sales_series as demand
from analysis.demand.series.sales_series import Series
from analysis.errors import NotApplicable
from analysis.reports.forecast import text_products as product_readings
from analysis.simulator.goods.demand_plan import DEMANDS, SERIES_ITEMS
from analysis.simulator.goods.demand_series import _weekly, draw
from analysis.simulator.shop import Shop
from analysis.simulator.shop_plan import Plan
from analysis.stats import poisson_glm
from analysis.stats.multiplicity import selected_confidence
from tests.truth.calibration import assert_calibrated, assert_centred, assert_covers
from tests.truth.shops import Shops, tables_of

SHOPS, WEEKS, SEASON, AHEAD = 60, 104, 52, 8
KEYS = [key.removeprefix("series_") for key in DEMANDS]
HOLIDAYS = ("Good Friday", "Christmas Day")

#: Products with no effect of promotion, price or holiday; those of them that level, trend and
#: wave describe, so that their intervals have neither more nor less than their coverage.
UNMOVED = [
    key
    for key, d in zip(KEYS, DEMANDS.values(), strict=True)
    if not d.promotions and not d.holiday and d.price_week is None and d.occurs == 1
]
PLAIN = [key for key in UNMOVED if "shift" not in key and key != "freak"]

#: Direction of the planted trend.
TREND = {
    key: np.sign(d.trend) for key, d in zip(KEYS, DEMANDS.values(), strict=True)
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """All shops' series, searched shop by shop."""

    units: Series
    lives: pd.DataFrame
    gaps: pd.DataFrame
    influences: Influences

    def rows(self, key: str) -> np.ndarray:
        """Return the places of one product in every shop."""
        return np.arange(SHOPS) * len(KEYS) + KEYS.index(key)

    @property
    def lasting(self) -> np.ndarray:
        """Whether each series was sold from beginning to end."""
        return product_lifecycle.continuing(self.lives)

    def by_shop(self) -> list[slice]:
        """Return each shop's places."""
        return [slice(s * len(KEYS), (s + 1) * len(KEYS)) for s in range(SHOPS)]


def plan_of(seed: int) -> Plan:
    return Plan.of(Shop(customers=20_000, chunk=20_000, seed=seed, mess=False))


def units_of(plan: Plan) -> np.ndarray:
    product, _, week = draw(plan.series, plan.shop, 0)
    counts = np.zeros((len(KEYS), WEEKS))
    inside = product < len(KEYS)
    np.add.at(counts, (product[inside], week[inside]), 1)
    started = np.logical_or.accumulate(counts > 0, axis=1)
    return np.where(started, counts, np.nan)


def known_of(plan: Plan, shops: int, horizon: int = 0) -> KnownAhead:
    """Return what the retailer of the demand series knows in advance, for so many shops."""
    week = np.arange(WEEKS + horizon)
    demands = list(DEMANDS.values())
    promoted = np.array([np.isin(week, d.promotions).astype(float) for d in demands])
    depth = np.array([d.depth for d in demands])[:, None] * promoted
    shelf = plan.series.listed[: len(KEYS), 0] / 100
    charged = np.hstack([shelf, np.repeat(shelf[:, -1:], horizon, axis=1)])
    price = np.log(charged / np.median(shelf, axis=1, keepdims=True))
    mondays = [plan.calendar.date_of(7 * w) for w in week]
    names, marks = future_covariates.run_ups(mondays, country="DE", names=HOLIDAYS)
    own = np.stack([promoted, -np.log1p(-depth), price], axis=2)
    shared = np.broadcast_to(marks, (len(KEYS), *marks.shape))
    values = np.tile(np.concatenate([own, shared], axis=2), (shops, 1, 1))
    kinds = ("promotion", "discount", "price", *("holiday" for _ in names))
    return KnownAhead(
        ("promoted", "discount", "price", *names), kinds, values, np.tile(shelf, (shops, 1))
    )


@pytest.fixture(scope="module")
def found() -> Found:
    """Return the search of sixty shops, taken together for speed; each q is a shop's own."""
    plans = [plan_of(seed) for seed in range(SHOPS)]
    values = np.vstack([units_of(plan) for plan in plans])
    keys = pd.DataFrame({"name": [f"{s} {key}" for s in range(SHOPS) for key in KEYS]})
    keys = keys.assign(level="product_id", product_id=keys["name"])
    mondays = tuple(plans[0].calendar.date_of(7 * w) for w in range(WEEKS))
    units = Series(keys, values, mondays, np.full(WEEKS, 7), "units", "week", (), ())
    lives = product_lifecycle.statuses(units)
    gaps = stockouts.suspected(units, continuing=product_lifecycle.continuing(lives))
    units = demand.censor(units, gaps[["product_id", "period_start"]])
    searched = product_effects.search(units, known_of(plans[0], SHOPS), season=SEASON)
    return Found(units, lives, gaps, searched)


def coefficients(found: Found, key: str, regressor: str) -> tuple[np.ndarray, np.ndarray]:
    place = found.influences.names.index(regressor)
    rows, fits = found.rows(key), found.influences.fits
    return fits.coefficients[rows, place], fits.errors[rows, place]


@pytest.mark.parametrize("key", ["promoted", "promoted_deep"])
def test_promotions_lift_as_planted(found: Found, key: str) -> None:
    assert_calibrated(*coefficients(found, key, "promoted"), np.log(DEMANDS[f"series_{key}"].lift))


@pytest.mark.parametrize(
    ("key", "holiday", "weeks"),
    [
        ("easter", "Good Friday", 2),
        ("christmas", "Christmas Day", 3),
        ("rising_christmas", "Christmas Day", 3),
    ],
)
def test_holidays_lift_their_run_up_as_planted(
    found: Found, key: str, holiday: str, weeks: int
) -> None:
    lift = np.log(DEMANDS[f"series_{key}"].holiday_lift)
    for before in range(future_covariates.RUN_UP):
        name = holiday if not before else f"{holiday}, {before} before"
        truth = lift if before < weeks else 0.0
        assert_calibrated(*coefficients(found, key, name), truth)
    others = found.influences.table
    mine = others["name"].str.endswith(f" {key}") & others["found"]
    called = others.loc[mine & others["regressor"].str.startswith(holiday)]
    assert called["name"].nunique() == SHOPS


def test_the_price_elasticity_is_as_planted(found: Found) -> None:
    assert_calibrated(*coefficients(found, "dearer", "price"), DEMANDS["series_dearer"].elasticity)


@pytest.mark.parametrize("key", ["rising", "falling", "rising_summer", "rising_christmas", "flat"])
def test_trends_are_as_planted(found: Found, key: str) -> None:
    a_year = SEASON / (365.2425 / 7)
    assert_calibrated(*coefficients(found, key, "trend"), DEMANDS[f"series_{key}"].trend * a_year)


@pytest.mark.parametrize("key", ["summer", "winter", "rising_summer"])
def test_the_yearly_wave_is_as_planted(found: Found, key: str) -> None:
    """The truth of each coefficient is that of the expectation itself, fitted the same way."""
    demand_of, row = DEMANDS[f"series_{key}"], found.rows(key)[0]
    expected = _weekly(demand_of, plan_of(0).calendar)[:WEEKS]
    design, used = found.influences.design[[row]], found.influences.used[[row]]
    truth = poisson_glm.fit(expected[None], design, used)
    for name in ("sin 1", "cos 1"):
        place = found.influences.names.index(name)
        assert_calibrated(*coefficients(found, key, name), truth.coefficients[0, place])
    wave = truth.fitted[0, :52] / np.exp(demand_of.trend * np.arange(52) / 52.18)
    assert wave.max() / wave.min() == pytest.approx(
        (1 + demand_of.season) / (1 - demand_of.season), rel=0.12
    )


def test_products_that_nothing_moves_are_not_called(found: Found) -> None:
    table = found.influences.table
    table = table.assign(key=table["name"].str.split(" ").str[1])
    held = (table["coefficient"] / table["error"]).abs() < 1.984
    plain, unmoved = table["key"].isin(PLAIN), table["key"].isin(UNMOVED)
    assert plain.sum() > 3_000
    assert_covers(int(held[plain].sum()), int(plain.sum()))
    others = unmoved & ~plain  # a step or a freak that is not modelled widens the intervals
    assert held[others].mean() >= 0.95 - 3.9 * np.sqrt(0.95 * 0.05 / others.sum())
    for _, part in table.groupby("kind"):
        called = int(part["found"].sum())
        false = (part["found"] & (part["key"].isin(UNMOVED))).sum() / max(called, 1)
        assert false <= 0.10 + 3.9 * np.sqrt(0.10 * 0.90 / max(called, 1))


def trends_by_shop(found: Found) -> list[pd.DataFrame]:
    adjusted, lasting = found.influences.adjusted, found.lasting
    steps = changepoints.shifts(adjusted, continuing=lasting, season=SEASON)
    moved = set(steps.loc[steps["shifted"], "name"])
    still = lasting & ~np.asarray(adjusted.keys["name"].isin(moved))
    tables = []
    for shop in found.by_shop():
        mine = np.zeros(len(lasting), dtype=bool)
        mine[shop] = True
        table = trends.slopes(adjusted.where(mine), continuing=still[shop], season=SEASON, per=52)
        tables.append(table.assign(key=KEYS))
    return tables


def power_of(found: Found, key: str) -> float:
    """Return how often a slope should be called: five of the products searched have one.

    Theil and Sen's slope has 0.91 of the efficiency of the mean's at worst (Sen 1968, section 6).
    """
    errors = coefficients(found, key, "trend")[1].mean()
    truth = abs(DEMANDS[f"series_{key}"].trend)
    limit = norm.ppf(1 - 0.10 * 5 / 19 / 2)
    return float(norm.cdf(np.sqrt(0.91) * truth / errors - limit))


def test_trends_are_called_and_flat_products_are_not(found: Found) -> None:
    tables = trends_by_shop(found)
    called = pd.concat(tables)[["key", "direction"]]
    sign = called["direction"].map({"rising": 1, "falling": -1}).fillna(0)
    truth = called["key"].map(TREND)
    for key in ("rising", "falling", "rising_summer", "rising_christmas"):
        power = power_of(found, key)
        share = (sign[called["key"] == key] == TREND[key]).mean()
        assert share >= power - 3.9 * np.sqrt(power * (1 - power) / SHOPS) - 0.05
    shares = [
        (part["direction"].isin(["rising", "falling"]) & (part["key"].map(TREND) == 0)).sum()
        / max(part["direction"].isin(["rising", "falling"]).sum(), 1)
        for part in tables
    ]
    # The false discovery rate holds on average over shops.
    assert np.mean(shares) < 0.10 + 3.9 * np.std(shares) / np.sqrt(SHOPS)
    assert (sign[truth != 0] * truth[truth != 0] >= 0).all()


@pytest.mark.parametrize("key", ["rising", "falling"])
def test_intervals_of_called_slopes_cover(found: Found, key: str) -> None:
    tables = trends_by_shop(found)
    expected = _weekly(DEMANDS[f"series_{key}"], plan_of(0).calendar)[:WEEKS]
    first, second = np.triu_indices(WEEKS, 1)
    truth = np.median((expected[second] - expected[first]) / (second - first)) * 52
    rows = pd.concat(table[table["key"] == key] for table in tables)
    confidence = np.mean([selected_confidence(t["q"], fdr=0.10) for t in tables])
    inside = (rows["slope_low"] <= truth) & (truth <= rows["slope_high"])
    assert_covers(int(inside.sum()), SHOPS, confidence=float(confidence))


@pytest.mark.parametrize("key", ["shift_up", "shift_down"])
def test_level_shifts_are_found_dated_and_measured(found: Found, key: str) -> None:
    adjusted = found.influences.adjusted
    steps = changepoints.shifts(adjusted, continuing=found.lasting, season=SEASON)
    mine = steps[steps["name"].str.endswith(f" {key}")]
    planted = DEMANDS[f"series_{key}"]
    assert mine["shifted"].mean() > 0.95
    when = pd.Timestamp(adjusted.periods[planted.shift_week])
    held = (mine["earliest"] <= when) & (when <= mine["latest"])
    assert held.mean() >= 0.95 - 3.9 * np.sqrt(0.95 * 0.05 / SHOPS)
    measured = (mine["change_low"] <= planted.shift - 1) & (
        planted.shift - 1 <= mine["change_high"]
    )
    assert_covers(int(measured.sum()), SHOPS)
    unshifted = steps[~steps["name"].str.contains("shift_|dearer")]
    false = unshifted["shifted"].sum() / steps["shifted"].sum()
    assert false < 0.05 + 3.9 * np.sqrt(0.05 * 0.95 / steps["shifted"].sum())


def test_a_shift_that_a_change_of_price_explains_is_said_to_be_one(found: Found) -> None:
    adjusted, known = found.influences.adjusted, known_of(plan_of(0), SHOPS)
    raw = changepoints.shifts(found.units, continuing=found.lasting, season=SEASON)
    told = changepoints.with_price_changes(raw[raw["shifted"]], found.units, known)
    dearer = told[told["name"].str.endswith(" dearer")]
    planted = DEMANDS["series_dearer"]
    assert len(dearer) > 0.9 * SHOPS
    assert dearer["price_change"].to_numpy() == pytest.approx(planted.price_factor - 1)
    assert told.loc[told["name"].str.contains("shift_"), "price_change"].isna().all()
    left = changepoints.shifts(adjusted, continuing=found.lasting, season=SEASON)
    left = changepoints.with_price_changes(left[left["shifted"]], adjusted, known)
    unexplained = left["name"].str.endswith(" dearer") & left["price_change"].isna()
    assert unexplained.mean() <= 0.05


def plans_of(found: Found, key: str, **planned: float) -> list[what_if.ProductPlan]:
    known = known_of(plan_of(0), SHOPS, horizon=AHEAD)
    return [
        what_if.compare_plans(
            found.influences, known, name=f"{s} {key}", horizon=AHEAD, seed=s, **planned
        )
        for s in range(SHOPS)
    ]


@pytest.mark.parametrize("key", ["promoted", "promoted_deep"])
def test_a_planned_promotion_adds_what_is_planted(found: Found, key: str) -> None:
    planted = DEMANDS[f"series_{key}"]
    price = {item.key: item.price for item in SERIES_ITEMS}[f"series_{key}"]
    plans = plans_of(found, key, promoted_weeks=2)
    units = 2 * planted.level * (planted.lift - 1)
    net = 2 * planted.level * price * (planted.lift * (1 - planted.depth) - 1)
    for measure, truth in (("units", units), ("net_amount", net)):
        rows = pd.concat(plan.totals[plan.totals["measure"] == measure] for plan in plans)
        inside = (rows["low"] <= truth) & (truth <= rows["high"])
        assert_covers(int(inside.sum()), SHOPS)
        assert_centred(rows["difference"], truth, within=0.02 * truth)


def test_a_planned_price_changes_what_is_planted(found: Found) -> None:
    planted = DEMANDS["series_dearer"]
    plans = plans_of(found, "dearer", price=-0.10)
    assert all(plan.seen for plan in plans)
    level = planted.level * planted.price_factor**planted.elasticity
    truth = AHEAD * level * (0.9**planted.elasticity - 1)
    rows = pd.concat(plan.totals[plan.totals["measure"] == "units"] for plan in plans)
    inside = (rows["low"] <= truth) & (truth <= rows["high"])
    assert_covers(int(inside.sum()), SHOPS)
    assert not what_if.compare_plans(
        found.influences, known_of(plan_of(0), SHOPS, horizon=AHEAD), name="0 dearer",
        price=0.10, horizon=AHEAD,
    ).seen  # fmt: skip
    with pytest.raises(NotApplicable, match="no change of price"):
        plans_of(found, "flat", price=0.10)


def test_the_freak_week_is_found_and_is_neither_trend_nor_shift(found: Found) -> None:
    adjusted = found.influences.adjusted
    weeks = changepoints.outliers(adjusted, continuing=found.lasting, season=SEASON)
    planted = DEMANDS["series_freak"]
    when = pd.Timestamp(adjusted.periods[planted.freak_week])
    mine = weeks[weeks["name"].str.endswith(" freak") & (weeks["period_start"] == when)]
    assert len(mine) == SHOPS
    assert_centred(mine["ratio"], planted.freak, within=0.1)
    assert len(weeks) - len(mine) < 1e-3 * adjusted.values.size
    shown = product_readings.surges(weeks)
    assert set(mine["name"]) <= set(shown["name"].head(SHOPS))
    told = product_readings.odd_weeks(shown)
    assert "Feb 2025" in told
    assert "times its usual" in told
    steps = changepoints.shifts(adjusted, continuing=found.lasting, season=SEASON)
    false = steps.loc[steps["name"].str.endswith(" freak"), "shifted"].mean()
    assert false <= 0.05 + 3.9 * np.sqrt(0.05 * 0.95 / SHOPS)


def test_launches_and_ends_are_told_with_their_weeks(found: Found) -> None:
    status = found.lives.assign(key=KEYS * SHOPS)
    starts = pd.to_datetime(list(found.units.periods))
    for key, planted in zip(KEYS, DEMANDS.values(), strict=True):
        mine = status[status["key"] == key]
        if planted.launched:
            assert (mine["status"] == "launched").all()
            assert (mine["first_sold"] == starts[planted.launched]).all()
        elif planted.delisted:
            assert (mine["status"] == "ended").all()
            assert (mine["last_sold"] == starts[planted.delisted - 1]).all()
    others = status[~status["key"].isin(["new", "very_new", "delisted"])]
    assert (others["status"] != "continuing").sum() <= 0.01 * len(others)


def test_weeks_without_stock_are_suspected_and_no_others(found: Found) -> None:
    planted = [
        pd.Timestamp(found.units.periods[w]) for w in DEMANDS["series_out_of_stock"].out_of_stock
    ]
    mine = found.gaps[found.gaps["name"].str.endswith(" out_of_stock")]
    assert mine.groupby("name")["period_start"].apply(sorted).tolist() == [planted] * SHOPS
    assert len(found.gaps) == len(mine)


@pytest.mark.parametrize("key", ["intermittent", "rare"])
def test_intermittent_demand_is_told_and_its_rate_forecast(found: Found, key: str) -> None:
    planted = DEMANDS[f"series_{key}"]
    values = found.units.values[found.rows(key)]
    assert intermittent.is_intermittent(values).all()
    rate = planted.occurs * max(planted.level, 1.0)
    for model in ("tsb", "croston"):
        ahead = registry.forecasts(values, models=(model,), horizon=4)[model]
        assert_centred(ahead[:, 0], rate, within=0.05 * rate)


def test_regressors_are_read_from_the_tables_as_planted(shops: Shops) -> None:
    tables, plan = tables_of(shops, 0), shops.plans[0]
    units = demand.fetch(
        tables, as_of=plan.calendar.date_of(plan.calendar.days), levels=[("product_id",)],
        measure="units",
    )  # fmt: skip
    ids = shops.sql("select product_id, key from keys where seed = 0")
    key_of = dict(zip(ids["product_id"].astype(str), ids["key"], strict=True))
    known = future_covariates.gather(tables, units, country="DE", holidays=HOLIDAYS)
    names = list(known.names)
    rows = {key_of[str(p)]: row for row, p in enumerate(units.keys["product_id"])}
    for key, planted in DEMANDS.items():
        if key not in rows:
            continue
        sold = known.values[rows[key]]
        on = np.flatnonzero(sold[:, names.index("promoted")])
        assert tuple(on) == planted.promotions
        depth = -np.expm1(-sold[on, names.index("discount")])
        assert depth[depth > 0] == pytest.approx(planted.depth, abs=0.005)
        if planted.price_week is not None:
            price = np.exp(sold[:, names.index("price")])
            assert price[-1] / price[0] == pytest.approx(planted.price_factor, abs=0.005)

"""Lifetime value: totals that come true in simulated shops, intervals that hold what happens."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import hyp2f1

from analysis.customers.lifetime import bgnbd, gamma_gamma, pareto_nbd
from analysis.customers.lifetime.lifetime_value import (
    WEEKS_A_MONTH,
    LifetimeValue,
    ValueSettings,
    gates,
    lifetime_value,
    require_gates,
    with_past_misses,
)
from analysis.customers.lifetime.purchase_counts import PurchaseCounts
from analysis.customers.lifetime.valuation import newcomer_value
from analysis.errors import NotApplicable
from analysis.tables.periods import Period
from tests.customers.lifetime.processes import beta_geometric

HISTORY = Period(date(2024, 1, 1), date(2024, 12, 30))
SIX = ValueSettings(months=(3, 6), discount=0.0)


def shop(seed: int, *, negative: bool = False, customers: int = 2_500) -> pd.DataFrame:
    """Return customers of a known process with what they bring now and in the next six months."""
    weeks = 6 * WEEKS_A_MONTH
    frame = beta_geometric(
        seed, (1.5, 6.0, 0.9, 4.0), customers=customers, modified=True, coming=weeks
    ).summary
    rng = np.random.default_rng(seed)
    scale = rng.gamma(4.0, 1 / 30.0, customers)
    loss = 6.0 if negative else 0.0

    def worth(purchases: pd.Series) -> tuple[np.ndarray, np.ndarray]:
        each = [rng.gamma(2.0, 1 / s, int(n)) - loss for n, s in zip(purchases, scale, strict=True)]
        return np.array([v.sum() for v in each]), np.array([(v**2).sum() for v in each])

    frame["margin_amount"], frame["margin_squares"] = worth(frame["repeats"] + 1)
    frame["margin_next"], _ = worth(frame["coming"])
    days = pd.Timestamp(HISTORY.last_day) - pd.to_timedelta(
        7 * (frame["observed"] - frame["recency"]), unit="D"
    )
    return frame.assign(customer_id=[f"c{i}" for i in range(customers)], last_on=days)


def valued(frame: pd.DataFrame, settings: ValueSettings = SIX) -> LifetimeValue:
    model = bgnbd.fit(PurchaseCounts.of(frame), modified=True)
    return lifetime_value(
        frame, model, gamma_gamma.fit_value(frame), history=HISTORY, settings=settings
    )


@pytest.mark.parametrize("negative", [False, True])
def test_intervals_hold_what_happens(negative: bool) -> None:
    """Of 16 shops, 80 % intervals of the total hold about 13; of customers, 80 in 100 or more.

    More, because many of their futures are exactly nothing, and an end at nothing holds it.
    """
    totals, own = [], []
    for seed in range(16):
        frame = shop(seed, negative=negative, customers=600)
        found = valued(frame)
        row = found.totals.query("months == 6 and group == 'all'").iloc[0]
        totals.append(row["low"] <= frame["margin_next"].sum() <= row["high"])
        inside = frame["margin_next"].between(found.customers["low_6"], found.customers["high_6"])
        own.append(inside[found.customers["high_6"] > 0].mean())
    assert sum(totals) >= 8
    assert 0.78 <= np.mean(own) <= 0.93


def test_luck_is_next_to_nothing_for_the_total_and_much_for_one() -> None:
    found = valued(shop(0))
    whole = found.totals.query("months == 6 and group == 'all'").iloc[0]
    assert whole["high"] - whole["low"] < 0.25 * whole["value"]
    likely = found.customers.query("alive > 0.5")
    wide = likely["high_6"] - likely["low_6"]
    assert (wide > 0.5 * likely["value_6"]).mean() > 0.95
    assert (likely["error_6"] < wide / 3).mean() > 0.95


def test_parts_add_up_and_horizons_rise() -> None:
    found = valued(shop(1), ValueSettings(months=(3, 12, 36)))
    totals = found.totals.set_index(["months", "group"])["value"]
    for months in (3, 12, 36):
        assert totals[months, "all"] == pytest.approx(
            totals[months, "one-time buyers"] + totals[months, "repeat buyers"]
        )
        assert totals[months, "all"] == pytest.approx(found.customers[f"value_{months}"].sum())
    assert (found.customers["value_3"] <= found.customers["value_12"]).all()
    assert found.totals.set_index(["months", "group"])["extrapolated"].loc[36].all()


def test_discounting_is_that_of_the_middle_of_each_quarter() -> None:
    frame = shop(2)
    plain = valued(frame, ValueSettings(months=(3,), discount=0.0)).customers["value_3"]
    cheaper = valued(frame, ValueSettings(months=(3,), discount=0.21)).customers["value_3"]
    np.testing.assert_allclose(cheaper / plain, 1.21 ** (-1.5 / 12), rtol=1e-9)


def test_errors_are_what_the_estimates_scatter_by() -> None:
    """The delta method's error of a total against the scatter of totals over drawn parameters."""
    frame = shop(3)
    model = bgnbd.fit(PurchaseCounts.of(frame), modified=True)
    value = gamma_gamma.fit_value(frame)
    found = lifetime_value(frame, model, value, history=HISTORY, settings=SIX)
    row = found.totals.query("months == 6 and group == 'all'").iloc[0]
    rng = np.random.default_rng(0)
    bought = frame["repeats"].to_numpy("float64") + 1
    average = frame["margin_amount"].to_numpy() / bought
    assert isinstance(value, gamma_gamma.GammaGamma)
    pairs = zip(model.estimate.drawn(200, rng), value.estimate.drawn(200, rng), strict=True)
    each = PurchaseCounts.each(frame)
    drawn = [
        model.at(one).expected(each, 6 * WEEKS_A_MONTH) @ value.at(two).expected(bought, average)
        for one, two in pairs
    ]
    error = (row["parameter_high"] - row["parameter_low"]) / 2 / 1.2816
    assert error == pytest.approx(np.std(drawn), rel=0.2)


def test_one_time_buyers_stand_apart_and_are_not_alive_for_certain() -> None:
    frame = shop(4)
    once = valued(frame).customers.query("repeats == 0")
    assert (once["alive"] < 1).all()
    known = frame.loc[once.index, "alive"]
    spread = np.sqrt((once["alive"] * (1 - once["alive"])).sum())
    assert abs(known.sum() - once["alive"].sum()) < 4 * spread


def test_a_new_customer_is_worth_what_new_customers_bring() -> None:
    """The first purchase and half a year's repeats, against those of simulated newcomers."""
    frame = shop(10, customers=4_000)
    model = bgnbd.fit(PurchaseCounts.of(frame), modified=True)
    value = gamma_gamma.fit_value(frame)
    young = frame.assign(observed=frame["observed"].clip(upper=30))
    found = newcomer_value(young, model, value, history=HISTORY, settings=SIX).iloc[-1]
    # E[X(t)] of MBG/NBD at the planted parameters, Batislam and others (2007), equation 10.
    r, alpha, a, b, t = 1.5, 6.0, 0.9, 4.0, 6 * WEEKS_A_MONTH
    inner = hyp2f1(r, b + 1, a + b, t / (alpha + t))
    repeats = b / (a - 1) * (1 - (alpha / (alpha + t)) ** r * inner)
    assert found["purchases"] == pytest.approx(repeats, rel=0.08)
    assert found["value"] == pytest.approx((1 + repeats) * 2 * 30 / 3, rel=0.10)


def test_a_newcomers_interval_is_what_the_estimates_scatter_by() -> None:
    frame = shop(10, customers=1_500).assign(observed=lambda f: f["observed"].clip(upper=30))
    frame["recency"] = frame[["recency", "observed"]].min(axis=1)
    model = bgnbd.fit(PurchaseCounts.of(frame), modified=True)
    value = gamma_gamma.fit_value(frame)
    assert isinstance(value, gamma_gamma.GammaGamma)
    row = newcomer_value(frame, model, value, history=HISTORY, settings=SIX).iloc[-1]
    rng = np.random.default_rng(0)
    weeks = 6 * WEEKS_A_MONTH
    pairs = zip(model.estimate.drawn(150, rng), value.estimate.drawn(150, rng), strict=True)
    drawn = [
        (1 + model.at(one).population(np.array([weeks]))[0]) * value.at(two).mean
        for one, two in pairs
    ]
    error = (row["high"] - row["low"]) / 2 / 1.2816
    assert error == pytest.approx(np.std(drawn), rel=0.25)
    wider = newcomer_value(
        frame, model, value, history=HISTORY, settings=SIX, biases=[0.1, -0.1]
    ).iloc[-1]
    share = 1.2815516 * 0.1 * (row["value"] - value.mean)
    half = (row["high"] - row["low"]) / 2
    assert (wider["high"] - wider["low"]) / 2 == pytest.approx(np.hypot(half, share))


def test_whom_bgnbd_only_assumes_alive_is_not_called_alive() -> None:
    frame = shop(12, customers=400)
    once = (frame["repeats"] == 0) & (frame["observed"] > 0)
    model = bgnbd.fit(PurchaseCounts.of(frame))
    found = lifetime_value(
        frame, model, gamma_gamma.fit_value(frame), history=HISTORY,
        settings=ValueSettings(months=(3,), draws=10),
    ).customers  # fmt: skip
    assert found["alive"][once].isna().all()
    assert found["alive"][~once].between(0, 1).all()
    assert (found["value_3"] > 0).all()


def test_old_customers_do_not_tell_what_a_new_one_brings() -> None:
    frame = shop(11).assign(observed=52.0)
    model = bgnbd.fit(PurchaseCounts.of(frame), modified=True)
    with pytest.raises(NotApplicable, match="only 0 of 2,500 customers were first seen after"):
        newcomer_value(frame, model, gamma_gamma.fit_value(frame), history=HISTORY, settings=SIX)


def test_past_misses_widen_the_interval_of_the_total() -> None:
    totals = pd.DataFrame({"value": [100.0], "low": [97.0], "high": [103.0]})
    found = with_past_misses(totals, np.array([0.10, -0.10]), 0.80).iloc[0]
    assert found["miss_high"] - 100 == pytest.approx(np.hypot(3, 1.2815516 * 10))
    high = with_past_misses(totals, [0.14, 0.15], 0.80).iloc[0]
    assert high["miss_low"] == pytest.approx(100 - np.hypot(3, 1.2815516 * np.sqrt(2.105) * 10))
    assert high["miss_high"] == pytest.approx(103.0)
    low = with_past_misses(totals, [-0.14, -0.15], 0.80).iloc[0]
    assert (low["miss_low"], low["miss_high"]) == (97.0, pytest.approx(200 - high["miss_low"]))
    for open_ in ([0.14, -0.15], [0.14, 0.03], [0.15]):
        one = with_past_misses(totals, open_, 0.80).iloc[0]
        assert one["miss_high"] - 100 == pytest.approx(100 - one["miss_low"])
    same = with_past_misses(totals, np.zeros(2), 0.80).iloc[0]
    assert (same["miss_low"], same["miss_high"]) == (97.0, 103.0)


def test_every_purchase_worth_the_same_is_worth_that() -> None:
    frame = shop(5).assign(margin_amount=lambda f: 7.0 * (f["repeats"] + 1))
    found = valued(frame)
    np.testing.assert_allclose(found.customers["order_value"], 7.0)


def test_a_shop_in_which_nobody_dies_is_still_valued() -> None:
    """Without losses Pareto/NBD has no largest likelihood: values stand, errors do not."""
    frame = beta_geometric(0, (2.0, 4.0, 1e-6, 100.0), customers=400).summary
    model = pareto_nbd.fit(PurchaseCounts.of(frame))
    expected = model.expected(PurchaseCounts.each(frame), 26.0).sum()
    assert expected == pytest.approx(frame["coming"].sum(), rel=0.1)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (shop(6, customers=10), "10 customers with a purchase .at least 100 needed"),
        (shop(7).query("repeats == 0"), "0 customers with a repeat purchase"),
        (shop(8).assign(last_on=pd.Timestamp("2024-06-01")), "days since the last purchase"),
    ],
)
def test_what_cannot_be_forecast_is_refused(frame: pd.DataFrame, says: str) -> None:
    with pytest.raises(NotApplicable, match=says):
        require_gates(gates(frame, HISTORY))


def test_short_history_and_nobody_are_refused() -> None:
    day = Period(date(2024, 1, 1), date(2024, 1, 2))
    with pytest.raises(NotApplicable, match="1 days of history"):
        require_gates(gates(shop(9).assign(last_on=pd.Timestamp("2024-01-01")), day))
    with pytest.raises(NotApplicable, match="0 customers with a purchase"):
        require_gates(gates(shop(9).iloc[:0], HISTORY))

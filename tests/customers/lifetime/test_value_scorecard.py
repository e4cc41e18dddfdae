"""The contest of value forecasts: measures by hand, snapshots that do not look ahead, CDNOW."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.customers.lifetime import (
    bgnbd,
    gamma_gamma,
    purchase_counts,
    snapshots,
    value_scorecard,
)
from analysis.customers.lifetime.pareto_nbd import WITH_TRAITS
from analysis.customers.lifetime.purchase_counts import TRAIT, PurchaseCounts, trait_names
from analysis.errors import DataError, NotApplicable
from analysis.tables.engine import Tables
from analysis.tables.periods import Period
from tests.published.test_cdnow import CALIBRATION, cdnow
from tests.sales import AS_OF, shop, tables_of

__all__ = ["cdnow"]


def test_gini_is_one_for_the_truth_and_nought_for_a_constant() -> None:
    actual = np.array([0.0, 0, 0, 5, 1, 2, 0, 9])
    assert value_scorecard.normalised_gini(actual, actual) == pytest.approx(1)
    assert value_scorecard.normalised_gini(-actual, actual) == pytest.approx(-1)
    assert value_scorecard.normalised_gini(np.ones(8), actual) == pytest.approx(0)


def test_gini_by_hand() -> None:
    """Two customers bring 1 and 3; the better one ranked first covers a quarter of the square."""
    ranked = value_scorecard._Ranked.of(np.array([2.0, 5.0]), np.array([1.0, 3.0]))
    area = value_scorecard._areas(np.ones((1, 2)), ranked.actual, ranked.starts)
    # Trapezoids under (0, 0), (1/2, 3/4), (1, 1), less the half under the diagonal.
    assert area[0] == pytest.approx(0.5 * 0.375 + 0.5 * 0.875 - 0.5)


def test_calibration_error_by_hand() -> None:
    """Ten customers, one a decile: all forecast 1 too much is ten over a total of 45."""
    actual = np.arange(10.0)
    assert value_scorecard.calibration_error(actual + 1, actual) == pytest.approx(10 / 45)
    assert value_scorecard.calibration_error(actual, actual) == 0


def test_a_weight_of_two_is_a_row_twice() -> None:
    rng = np.random.default_rng(0)
    expected, actual = rng.integers(0, 6, 40).astype(float), rng.gamma(1.0, size=40)
    weights = rng.integers(0, 3, 40).astype(float)
    once = value_scorecard._Ranked.of(expected, actual)
    rows = np.repeat(np.arange(40), weights.astype(int))
    twice = value_scorecard.normalised_gini(expected[rows], actual[rows])
    assert once.ginis(weights[None, :])[0] == pytest.approx(twice)


def test_cdnow_comes_out_as_recomputed(cdnow: Tables) -> None:
    """39 + 39 weeks: 1,653 of 1,882 purchases forecast by BG/NBD, and 2,457 by the naive rule."""
    now = snapshots.fetch(cdnow, CALIBRATION, horizon_days=273)
    frame = now.customers
    assert frame["purchases_next"].sum() == 1_882
    assert (frame["purchases_next"] > 0).sum() == 684
    assert frame["net_next"].sum() == pytest.approx(70_976.39)
    model = bgnbd.fit(PurchaseCounts.of(frame))
    expected = model.expected(PurchaseCounts.each(frame), 39.0)
    assert expected.sum() == pytest.approx(1_653, abs=2)
    assert frame["repeats"].sum() == 2_457


def small_shop(seed: int = 0) -> dict[str, pd.DataFrame]:
    return shop(seed, customers=120, days=400)


def test_snapshots_never_change_when_later_data_arrive() -> None:
    frames = small_shop()
    known = Period(date(2016, 12, 1), date(2017, 9, 1))
    lines = frames["order_lines"]
    early = {**frames, "order_lines": lines[lines["ordered_at"] < "2017-09-01"]}
    found = []
    for one in (frames, early):
        tables = tables_of(one["order_lines"], one["products"], customers=one["customers"])
        found.append(snapshots.fetch(tables, known, horizon_days=91, outcome=False).customers)
        tables.close()
    pd.testing.assert_frame_equal(*found)


def test_outcomes_are_those_of_the_lines_after() -> None:
    frames = small_shop(1)
    tables = tables_of(frames["order_lines"], frames["products"])
    end = date(2017, 9, 1)
    found = snapshots.fetch(tables, Period(date(2016, 12, 1), end), horizon_days=91, gap_days=14)
    tables.close()
    lines = frames["order_lines"].dropna(subset="customer_id")
    inside = lines["ordered_at"].between("2017-09-01", "2017-12-01", inclusive="left")
    after = lines[inside & lines["customer_id"].isin(found.customers["customer_id"])]
    net = after.groupby("customer_id")["net_amount"].sum()
    customers = found.customers.set_index("customer_id")
    np.testing.assert_allclose(customers["net_next"][net.index], net, atol=1e-9)
    late = after[(after["quantity"] >= 0) & (after["ordered_at"] >= "2017-09-15")]
    assert set(customers.index[~customers["silent"]]) == set(late["customer_id"])
    assert found.outcome == Period(end, end + timedelta(days=91))


def test_a_planted_future_column_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="consent_email is no feature that was known"):
        snapshots.matrix(pd.DataFrame({"consent_email": [1.0]}), ["consent_email"])
    rng = np.random.default_rng(0)
    outcome = rng.random(300) < 0.3
    learnt = pd.DataFrame({"last_gap": rng.random(300), "gap_mean": outcome + rng.random(300)})
    with pytest.raises(DataError, match="gap_mean tells the outcome all but perfectly"):
        snapshots.refuse_leaks(learnt, outcome)
    snapshots.refuse_leaks(learnt[["last_gap"]], outcome)


def test_short_history_is_refused() -> None:
    with pytest.raises(NotApplicable, match="200 days of history hold fewer than three periods"):
        snapshots.cutoffs(Period.before(AS_OF, days=200), horizon_days=91, most=3)
    found = snapshots.cutoffs(Period.before(AS_OF, days=364), horizon_days=91, most=3)
    assert [period.days for period in found] == [91, 182, 273]


def simulated(
    seed: int, customers: int = 1_500, *, shape: float = 1.0, often: float = 1.0
) -> list[snapshots.Snapshot]:
    """Return two snapshots of customers who buy by chance at rates of their own, for good.

    Rates are gamma of ``shape``; every other customer comes ``often`` times as often.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(shape, 0.15 / shape, customers) * np.where(np.arange(customers) % 2, often, 1)
    worth = 20 * rng.lognormal(0, 0.4, customers)
    times = [np.sort(rng.uniform(0, 52, rng.poisson(52 * own))) for own in rate]
    found = []
    for end in (26.0, 39.0):
        rows = [
            _row(seen[seen < end], seen, end, own, f"c{i}")
            for i, (seen, own) in enumerate(zip(times, worth, strict=True))
            if (seen < end).any()
        ]
        frame = pd.DataFrame(rows)
        frame = frame.reindex(columns=[*frame.columns, *set(snapshots.FEATURES) - set(frame)])
        known = Period.before(AS_OF, days=int(7 * end))
        after = Period(known.end, known.end + timedelta(days=91))
        found.append(snapshots.Snapshot(known, after, frame, 0))
    return found


def _row(
    before: np.ndarray, seen: np.ndarray, end: float, worth: float, customer: str
) -> dict[str, object]:
    after = ((seen >= end) & (seen < end + 13)).sum()
    return {
        "customer_id": customer,
        "repeats": len(before) - 1.0,
        "recency": before[-1] - before[0],
        "observed": end - before[0],
        "margin_amount": len(before) * worth,
        "margin_squares": len(before) * worth**2,
        "margin_last": (before >= end - 13).sum() * worth,
        "margin_next": after * worth,
    }


def test_chance_swings_are_not_taken_for_the_customer() -> None:
    """Where rates do not change, the last period is half luck: every model is calibrated better."""
    found = value_scorecard.scorecard(simulated(0))
    means = found.means.set_index("model")
    assert found.beats_naive
    assert np.isnan(means.loc[value_scorecard.NAIVE, "better_low"])
    naive = means.loc[value_scorecard.NAIVE, "calibration"]
    assert (means.loc[list(value_scorecard.PURCHASE_MODELS), "calibration"] < naive).all()
    assert means.loc["Pareto/NBD", "coverage"] == pytest.approx(0.85, abs=0.1)


def test_a_forecast_without_an_edge_is_not_trusted() -> None:
    """All customers alike and regular: the last period is the truth, and nothing beats it."""
    found = simulated(1)
    for one in found:
        one.customers["margin_next"] = one.customers["margin_last"]
    assert value_scorecard.scorecard(found).trusted == value_scorecard.NAIVE


def test_a_shop_that_brought_nothing_is_refused() -> None:
    found = simulated(2)
    found[1].customers["margin_next"] = 0.0
    with pytest.raises(NotApplicable, match="all customers together brought no margin"):
        value_scorecard.scorecard(found)


def test_fit_value_of_a_frame_without_spread_needs_no_model() -> None:
    frame = simulated(3)[0].customers.assign(margin_amount=lambda f: 2.0 * (f["repeats"] + 1))
    assert gamma_gamma.fit_value(frame).expected(np.ones(1), np.full(1, 2.0))[0] == 2.0


def test_who_states_nothing_is_average() -> None:
    """Rare levels count as not stated; the others average nought among those who state them."""
    channels = ["search"] * 300 + ["social"] * 150 + ["radio"] * 20 + [None] * 530
    found = purchase_counts.encode(
        pd.DataFrame({"acquisition_channel": channels, "gender": "female"})
    )
    assert trait_names(found) == [TRAIT + "acquisition channel social, not search"]
    trait = found[trait_names(found)[0]].to_numpy()
    assert trait[0] == pytest.approx(-1 / 3)
    assert trait[300] == pytest.approx(2 / 3)
    np.testing.assert_array_equal(trait[450:], 0.0)


def won_through(shop: list[snapshots.Snapshot]) -> list[snapshots.Snapshot]:
    """Return the snapshots with a channel that tells every other customer from the rest."""
    for one in shop:
        place = one.customers["customer_id"].str[1:].astype(int)
        one.customers["acquisition_channel"] = np.where(place % 2, "store", "social")
    return shop


def test_attributes_are_used_where_they_tell_and_only_there() -> None:
    """Customers won in the store come six times as often; in another shop the channel is chance."""
    told = value_scorecard.scorecard(won_through(simulated(4, 500, shape=4.0, often=6.0)))
    assert told.attributes_help
    assert WITH_TRAITS in told.best_purchase_models()
    assert told.attributes["gain"].max() > 0
    chance = value_scorecard.scorecard(won_through(simulated(5, 500)))
    assert len(chance.attributes) == 2
    assert not chance.attributes_help
    assert WITH_TRAITS not in (*chance.best_purchase_models(), chance.trusted)

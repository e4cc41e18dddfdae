"""Early signs: planted in newcomers and found, absent and not found, never read from the future."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.customers.lifetime.early_signs import early_signs, newcomers
from analysis.customers.lifetime.lifetime_value import WEEKS_A_MONTH
from analysis.customers.lifetime.valuation import newcomers_brought
from analysis.errors import NotApplicable
from analysis.tables.periods import Period
from tests.sales import catalogue, tables_of

HISTORY = Period(date(2016, 1, 1), date(2018, 1, 1))


def orders(seed: int, *, planted: bool, customers: int = 900) -> pd.DataFrame:
    """Return newcomers of whom a third come back within ten days; planted: these buy for good."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(customers):
        start, back = int(rng.integers(70, 440)), rng.random() < 1 / 3
        days = [start, *([start + int(rng.integers(1, 10))] if back else [])]
        keen = back if planted else rng.random() < 1 / 3
        after = rng.poisson(8 if keen else 2)
        days += (start + rng.integers(91, 270, after)).tolist()
        rows += [(f"c{i}", day) for day in days]
    frame = pd.DataFrame(rows, columns=["customer_id", "day"])
    moment = pd.Timestamp("2016-01-01 10:00") + pd.to_timedelta(frame.pop("day"), unit="D")
    return frame.assign(
        order_id=[f"o{i}" for i in range(len(frame))],
        product_id="p1",
        ordered_at=moment,
        quantity=1.0,
        net_amount=10.0,
        cost_amount=6.0,
    )


def test_a_planted_sign_is_found_and_others_are_not_better() -> None:
    tables = tables_of(orders(0, planted=True), catalogue("p1"))
    found = early_signs(tables, HISTORY)
    tables.close()
    back = found.signs[(found.signs["sign"] == "came back at least once")].iloc[0]
    assert back["days"] == 30
    assert back["low"] > back["excellent_without"]
    assert back["q"] < 1e-6
    assert back["with_sign"] / back["customers"] == pytest.approx(1 / 3, abs=0.08)


def test_signs_that_mean_nothing_are_not_called() -> None:
    called = []
    for seed in (1, 2, 3):
        tables = tables_of(orders(seed, planted=False), catalogue("p1"))
        called.append((early_signs(tables, HISTORY).signs["q"] < 0.05).sum())
        tables.close()
    assert sum(called) <= 1


def test_the_window_and_what_comes_after_do_not_overlap() -> None:
    lines = orders(4, planted=True)
    tables = tables_of(lines, catalogue("p1"))
    found = newcomers(tables, HISTORY, days=30, follow_days=182).set_index("customer_id")
    tables.close()
    day = (
        lines["ordered_at"] - lines.groupby("customer_id")["ordered_at"].transform("min")
    ).dt.days
    own = lines.assign(day=day).groupby("customer_id")
    early = own["day"].apply(lambda days: (days < 30).sum())
    later = own["day"].apply(lambda days: ((days >= 30) & (days < 212)).sum())
    assert len(found) > 200
    np.testing.assert_allclose(found["margin"], 4.0 * early[found.index])
    np.testing.assert_allclose(found["margin_after"], 4.0 * later[found.index])


def test_a_short_history_and_few_newcomers_are_refused() -> None:
    tables = tables_of(orders(5, planted=True, customers=60), catalogue("p1"))
    with pytest.raises(NotApplicable, match="newcomers can be followed for 212 days"):
        early_signs(tables, HISTORY)
    with pytest.raises(NotApplicable, match="200 days of history hold no newcomer"):
        early_signs(tables, Period.before("2018-01-01", days=200))
    tables.close()


def test_what_newcomers_brought_is_a_plain_sum_and_old_customers_are_none() -> None:
    """Who joined before the history but is first seen late has bought before: no newcomer."""
    lines = orders(4, planted=True)
    old = {f"c{i}" for i in range(0, 900, 3)}
    joined = ["2012-05-01" if f"c{i}" in old else "2016-03-01" for i in range(900)]
    people = pd.DataFrame({"customer_id": [f"c{i}" for i in range(900)], "joined_on": joined})
    tables = tables_of(
        lines, catalogue("p1"), customers=people.assign(joined_on=pd.to_datetime(joined).date)
    )
    settings = SimpleNamespace(months=(6, 36), confidence=0.95)
    found = newcomers_brought(tables, SimpleNamespace(history=HISTORY, settings=settings))
    tables.close()
    fresh = lines[~lines["customer_id"].isin(old)]
    day = pd.to_datetime(fresh["ordered_at"]).dt.normalize()
    first = day.groupby(fresh["customer_id"]).transform("min")
    days = round(7 * WEEKS_A_MONTH * 6)
    able = first + pd.Timedelta(days=days) < pd.Timestamp("2018-01-01")
    inside = fresh[able & (day - first < pd.Timedelta(days=days))]
    margins = 4.0 * inside.groupby("customer_id").size()
    assert found.loc[0, "followed"] == len(margins)
    assert found.loc[0, "brought"] == pytest.approx(margins.mean())
    low, high = stats.t.interval(0.95, len(margins) - 1, margins.mean(), margins.sem())
    assert found.loc[0, ["brought_low", "brought_high"]].tolist() == pytest.approx([low, high])
    assert found.loc[1, "followed"] == 0
    assert found.loc[1, ["brought", "brought_low", "brought_high"]].isna().all()

"""The profitable groups, and customers whose ranks disagree."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.customers.features import features, weekly
from analysis.customers.retention.decline import judge
from analysis.customers.value.concentration import members, value_groups
from analysis.customers.value.deciles import rank_agreement
from analysis.stats.resampling import Sampling
from analysis.tables.engine import Tables
from analysis.tables.periods import Period
from tests.customers.populations import features_of, lognormal, shoppers, weekly_of

FEW = Sampling(draws=200, seed=1)


def test_the_real_groups_are_the_purchase_deciles_put_together(real: Tables) -> None:
    customers = features.fetch(real, Period.before("2018-01-01", days=365))
    faded = judge(weekly.fetch(real, Period.before("2018-01-01", days=364)), sampling=FEW)
    table = value_groups(customers, faded).set_index("group")
    assert table["customers"].tolist()[:3] == [44, 66 + 85 + 105 + 127, 2_469 - 427]
    assert table["net_share"].iloc[:3].sum() == pytest.approx(1)
    assert table["fading"].iloc[:3].sum() == table.loc["fading", "customers"]
    assert table.loc["fading", "customers"] == len(faded.called) > 0
    assert table.loc["fading", "loss"] == pytest.approx(faded.called["loss"].sum())


def test_equal_customers_stay_together_across_a_boundary() -> None:
    assert members(features_of([6.0, 2.0, 1.0, 1.0, 90.0]))["group"].tolist() == ["others"] * 5
    values = [5.0, 5.0, 5.0, *np.ones(85)]
    assert set(members(features_of(values)).iloc[:3]["group"]) == {"next"}
    assert set(members(features_of(values)).iloc[3:]["group"]) == {"others"}


def test_customers_worth_nothing_are_others() -> None:
    values = [10.0] * 20 + [0.0] * 3 + [-50.0]
    group = members(features_of(values))["group"]
    assert (group.iloc[20:] == "others").all()
    assert (members(features_of([0.0, 0.0]))["group"] == "others").all()
    assert members(features_of([])).empty


def test_groups_add_up_whoever_fades() -> None:
    weeks = weekly_of(shoppers(200, 12, np.random.default_rng(1)))
    customers = features_of(weeks.net_amount.sum(axis=1) / 1e6)
    table = value_groups(customers, judge(weeks, sampling=FEW))
    assert table["customers"].iloc[:3].sum() == 200
    assert table["net_amount"].iloc[:3].sum() == pytest.approx(customers["net_amount"].sum())


def test_the_same_order_agrees() -> None:
    found = rank_agreement(features_of(lognormal(200, 1.0, np.random.default_rng(1))), sampling=FEW)
    assert found.customers.empty
    assert found.summary["customers"].tolist() == [200, 0, 0]
    assert found.summary["share"].tolist() == [1.0, 0.0, 0.0]


def test_customers_far_apart_come_first() -> None:
    net = np.arange(100, 0, -1.0)
    margin = net.copy()
    margin[[0, 99]] = [0.5, 200.0]
    found = rank_agreement(features_of(net, margin), sampling=FEW)
    first, second = found.customers.iloc[0], found.customers.iloc[1]
    assert (first["net_decile"], first["margin_decile"], first["steps"]) == (1, 10, -9)
    assert (second["net_decile"], second["margin_decile"], second["steps"]) == (10, 1, 9)
    assert found.summary["customers"].sum() == 100
    assert found.summary.set_index("measure").loc["more", "customers"] == 2

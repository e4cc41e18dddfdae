"""CDNOW: purchase models give the published parameters, errors, expectations and chances.

BG/NBD: Fader, Hardie, Lee (2005), Marketing Science 24(2), table 2. Pareto/NBD: the same table, and
the vignette of the R package BTYD (P(alive) and expectations of customers). MBG/NBD: the tests of
the package lifetimes. Gamma-Gamma: Fader, Hardie (2013). Standard errors of Pareto/NBD: the tests
of the R package CLVTools.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.customers.lifetime import bgnbd, gamma_gamma, pareto_nbd, purchase_counts
from analysis.customers.lifetime.purchase_counts import PurchaseCounts
from analysis.tables.engine import Tables
from tests.published.test_cdnow import CALIBRATION, cdnow, shipped

__all__ = ["cdnow"]


@pytest.fixture(scope="module")
def counts() -> PurchaseCounts:
    published = pd.read_csv(shipped("cdnow_customers_summary.csv"))
    names = {"frequency": "repeats", "T": "observed"}
    return PurchaseCounts.of(published.rename(columns=names)[["repeats", "recency", "observed"]])


def customer(repeats: float, recency: float, observed: float) -> PurchaseCounts:
    return PurchaseCounts(*(np.array([v]) for v in (repeats, recency, observed, 1.0)))


def test_bgnbd_is_the_published_one(counts: PurchaseCounts) -> None:
    found = bgnbd.fit(counts).estimate
    assert found.values == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=5e-4)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert found.errors == pytest.approx([0.01256, 0.37822, 0.18572, 0.70534], rel=1e-3)


def test_bgnbd_expects_what_is_published(counts: PurchaseCounts) -> None:
    model = bgnbd.fit(counts)
    assert model.expected(customer(2, 30.43, 38.86), 39)[0] == pytest.approx(1.226, abs=5e-4)
    new = model.population(np.array([0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0]))
    assert new == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576], abs=5e-4)


def test_mbgnbd_is_the_published_one(counts: PurchaseCounts) -> None:
    found = bgnbd.fit(counts, modified=True).estimate
    assert found.values == pytest.approx([0.525, 6.183, 0.891, 1.614], abs=6e-4)
    assert found.log_likelihood == pytest.approx(-9582.1327, abs=1e-3)
    assert found.errors == pytest.approx([0.0833, 0.6956, 0.1548, 0.5375], rel=2e-3)


def test_pareto_nbd_is_the_published_one(counts: PurchaseCounts) -> None:
    found = pareto_nbd.fit(counts).estimate
    assert found.values == pytest.approx([0.553, 10.578, 0.606, 11.669], rel=1e-3)
    assert found.log_likelihood == pytest.approx(-9594.98, abs=0.01)
    assert found.errors == pytest.approx([0.0476, 0.8427, 0.1873, 6.2105], rel=2e-3)


def test_pareto_nbd_knows_the_customers_of_the_vignette(counts: PurchaseCounts) -> None:
    """BTYD vignette: customer 1516 (x 26, t_x 30.86, T 31) and the average newcomer's year."""
    model = pareto_nbd.fit(counts)
    best = customer(26, 30.86, 31.0)
    assert model.alive(best)[0] == pytest.approx(0.9979, abs=1e-4)
    assert model.expected(best, 52)[0] == pytest.approx(25.46, abs=0.01)
    assert model.population(np.array([52.0]))[0] == pytest.approx(1.473, abs=2e-3)


def test_who_bought_once_is_alive_for_certain_in_one_model_only(counts: PurchaseCounts) -> None:
    once = customer(0, 0, 38.86)
    assert bgnbd.fit(counts).alive(once)[0] == 1
    assert bgnbd.fit(counts, modified=True).alive(once)[0] < 0.5
    assert pareto_nbd.fit(counts).alive(once)[0] < 0.5


def test_gamma_gamma_is_the_published_one(cdnow: Tables) -> None:
    """Averages of repeat purchases of the 946 customers who have any."""
    orders = cdnow.order_lines.to_pandas()
    first = orders.groupby("customer_id")["ordered_at"].transform("min")
    inside = orders["ordered_at"] < pd.Timestamp(CALIBRATION.end)
    days = orders[inside & (orders["ordered_at"] > first)]
    days = days.groupby(["customer_id", "ordered_at"])["net_amount"].sum().astype("float64")
    each = days.groupby("customer_id").agg(["size", "mean"])
    each = each[each["mean"] > 0]
    assert len(each) == 946
    found = gamma_gamma.fit(each["size"].to_numpy("float64"), each["mean"].to_numpy("float64"))
    assert found.estimate.values == pytest.approx([6.25, 3.74, 15.44], abs=0.01)


def test_the_engine_counts_as_published(cdnow: Tables, counts: PurchaseCounts) -> None:
    found = purchase_counts.summed_up(purchase_counts.compute(cdnow, CALIBRATION))
    assert found.total == 2_357
    assert bgnbd.fit(found).estimate.values == pytest.approx(
        bgnbd.fit(counts).estimate.values, rel=2e-3
    )
    each = PurchaseCounts.of(purchase_counts.fetch(cdnow, CALIBRATION))
    np.testing.assert_array_equal(each.customers, found.customers)
    assert each.log_gaps == pytest.approx(found.log_gaps, abs=1e-6)


def test_memoryless_gaps_fit_cdnow_best(counts: PurchaseCounts) -> None:
    """Wheat and Morrison's k of CDNOW is about one: no rhythm is found where there is none."""
    assert bgnbd.fit_regular(counts).shape == 1

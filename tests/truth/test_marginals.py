"""Marginals of the simulated shop beside those of the real data set."""

from __future__ import annotations

import ibis
import pytest

from analysis.simulator.document import Marginals, marginals
from analysis.tables.engine import Tables
from analysis.tables.manifest import Manifest
from analysis.tables.periods import Period
from tests.truth.shops import Shops, tables_of


@pytest.fixture(scope="module")
def simulated(shops: Shops) -> Marginals:
    """Return the marginals of all shops together: one large shop."""
    backend = ibis.duckdb.from_connection(shops.connection)
    lines = backend.table("order_lines")
    prefix = lines.seed.cast("string") + "-"
    lines = lines.mutate(
        order_id=prefix + lines.order_id.cast("string"),
        customer_id=prefix + lines.customer_id.cast("string"),
    )
    products = backend.table("products")
    rows = {
        "order_lines": lines.drop("seed", "line"),
        "products": products.filter(products.seed == 0).drop("seed"),
    }
    tables = Tables(backend, Manifest(study="shops", simulated=True), rows)
    return marginals(tables, Period.before("2025-12-29", days=365))


@pytest.fixture(scope="module")
def observed(real: Tables) -> Marginals:
    """Return the marginals of the real data set."""
    return marginals(real, Period.before("2018-01-01", days=365))


def test_the_real_marginals_are_those_known(observed: Marginals) -> None:
    assert observed["spend"]["top 10 %"] == pytest.approx(0.3505, abs=0.001)
    assert observed["spend"]["top 20 %"] == pytest.approx(0.5455, abs=0.001)
    assert observed["level"]["customers who bought"] == 2_469
    assert observed["level"]["lines an order, median"] == 5


@pytest.mark.parametrize("top", ["top 1 %", "top 5 %", "top 10 %", "top 20 %", "top 50 %"])
def test_customers_are_as_concentrated(simulated: Marginals, observed: Marginals, top: str) -> None:
    assert simulated["spend"][top] == pytest.approx(observed["spend"][top], abs=0.02)


def test_orders_and_rhythms_have_the_shape(simulated: Marginals, observed: Marginals) -> None:
    for topic, factor in (("value", 1.4), ("lines", 2.7), ("gap", 2.2)):
        for name, theirs in observed[topic].items():
            ratio = simulated[topic][name] / theirs
            # Days between orders of the real set begin with several errands on one day.
            if not (topic == "gap" and name == "10 % quantile"):
                assert 1 / factor < ratio < factor, (topic, name)


def test_best_sellers_are_alike(shops: Shops, observed: Marginals) -> None:
    """Products of one shop: another shop's product of the same id is another product."""
    one = marginals(tables_of(shops, 0), Period.before("2025-12-29", days=365))
    for top in ("top 10 %", "top 20 %", "top 50 %"):
        assert one["products"][top] == pytest.approx(observed["categories"][top], abs=0.09)


def test_levels_are_alike(simulated: Marginals, observed: Marginals) -> None:
    for name, within in (
        ("lines an order, median", 0.5),
        ("net an order, median", 3.0),
        ("orders on Saturday and Sunday", 0.02),
        ("orders from 17:00 on", 0.08),
        ("discount over list", 0.05),
    ):
        assert simulated["level"][name] == pytest.approx(observed["level"][name], abs=within)

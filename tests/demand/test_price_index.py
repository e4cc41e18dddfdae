"""The Törnqvist index: published formula, identities, and price told from mix."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from analysis.demand.change import price_index as module
from analysis.demand.change.price_index import price_index
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_PRODUCTS
from analysis.tables import comparison
from analysis.tables.comparison import Comparison
from analysis.tables.lines import in_period
from analysis.tables.periods import Period


@pytest.fixture(autouse=True)
def _plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines as they are: what margin adds to them does not matter here."""
    monkeypatch.setattr(
        comparison, "lines_in", lambda tables, period: in_period(tables.order_lines, period)
    )


class Shop:
    def __init__(self, lines: pd.DataFrame) -> None:
        rows = ibis.memtable(lines.assign(counted=True))
        self.order_lines = rows.mutate(net_amount=rows.net_amount.round(2).cast("decimal(18, 2)"))


def compared() -> Comparison:
    now, before = (
        Period(date(2024, 7, 1), date(2025, 1, 1)),
        Period(date(2024, 1, 1), date(2024, 7, 1)),
    )
    return Comparison(
        current=now,
        previous=before,
        first_day=before.start,
        last_day=date(2024, 12, 31),
        reason=None,
    )  # type: ignore[call-arg]


def lines(prices: np.ndarray, units: np.ndarray) -> pd.DataFrame:
    """One line a product and period; rows: before, now."""
    days = [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-09-01")]
    return pd.DataFrame(
        [
            {"product_id": f"p{i:03d}", "ordered_at": day, "quantity": float(units[t, i]),
             "net_amount": float(prices[t, i] * units[t, i])}
            for t, day in enumerate(days)
            for i in range(prices.shape[1])
        ]
    )  # fmt: skip


def found(prices: np.ndarray, units: np.ndarray) -> module.PriceIndex:
    return price_index(Shop(lines(prices, units)), compared(), confidence=0.95, seed=1)  # type: ignore[arg-type]


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.integers(1, 20, (2, 60)).astype(float), rng.integers(1, 90, (2, 60)).astype(float)


def test_it_is_the_published_formula(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    prices, units = drawn
    shares = (prices * units) / (prices * units).sum(axis=1, keepdims=True)
    expected = np.exp((shares.mean(axis=0) * np.log(prices[1] / prices[0])).sum()) - 1
    index = found(prices, units)
    assert index.change == pytest.approx(expected, rel=1e-12)
    assert index.low < index.change < index.high
    assert (index.products, index.covered) == (60, 1.0)


def test_a_dearer_mix_at_the_same_prices_is_no_rise_of_prices() -> None:
    prices = np.tile(np.arange(1.0, 61.0), (2, 1))
    units = np.vstack([np.arange(60.0, 0.0, -1), np.arange(1.0, 61.0)])
    assert found(prices, units).change == pytest.approx(0.0, abs=1e-12)


def test_equal_rises_are_the_index_whatever_is_bought(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    prices, units = drawn
    prices[1] = 1.08 * prices[0]
    index = found(prices, units)
    assert (index.change, index.low, index.high) == pytest.approx((0.08, 0.08, 0.08))


def test_few_products_are_no_index() -> None:
    with pytest.raises(NotApplicable, match=f"2 products .* fewer than {FEWEST_PRODUCTS}"):
        found(np.ones((2, 2)), np.ones((2, 2)))

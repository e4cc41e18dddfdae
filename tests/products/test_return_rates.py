"""Return rates: counted as orders, the planted faulty product named, nature's spread left alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from analysis.errors import NotApplicable
from analysis.products.baskets import return_rates as module
from analysis.products.baskets.return_rates import return_rates
from tests.sales import catalogue, lines_of, tables_of

AS_OF = date(2018, 1, 1)


def rates_of(sold: np.ndarray, returned: np.ndarray) -> pd.DataFrame:
    """Return the rates of products bought and returned in so many orders."""
    rows = [
        pd.DataFrame({"product_id": f"p{i:03}", "quantity": [2.0] * n + [-1.0] * back})
        for i, (n, back) in enumerate(zip(sold, returned, strict=True))
    ]
    lines = pd.concat(rows, ignore_index=True)
    lines = lines.assign(order_id=[f"o{i}" for i in range(len(lines))], customer_id="c1")
    lines = lines.assign(net_amount=lines["quantity"] * 3, ordered_at=pd.Timestamp("2017-06-01"))
    return return_rates(tables_of(lines), as_of=AS_OF)


def counts(sold: np.ndarray, returned: np.ndarray) -> pd.DataFrame:
    """Return what the engine counts of such products."""
    names = [f"p{i:03}" for i in range(len(sold))]
    frame = {"product_id": names, "department": "D", "sold": sold, "returned": returned}
    return pd.DataFrame({**frame, "net_returned": -3.0 * returned})


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., pd.DataFrame]:
    """The rates of products by what was drawn of them, which the engine need not count again.

    That it counts just so is asked once: it takes ten times as long as to judge.
    """

    shop = tables_of(lines_of({}))

    def rates(sold: np.ndarray, returned: np.ndarray) -> pd.DataFrame:
        monkeypatch.setattr(module, "_counted", lambda *_: counts(sold, returned))
        return return_rates(shop, as_of=AS_OF)

    return rates


def drawn(seed: int, *, spread: float, products: int = 120) -> tuple[np.ndarray, ...]:
    """Return sales, returns and true rates of products whose rates are spread about 3 %."""
    rng = np.random.default_rng(seed)
    sold = rng.integers(100, 600, products)
    rate = 0.03 * np.exp(spread * rng.normal(size=products) - spread**2 / 2)
    return sold, rng.binomial(sold, rate), rate


def test_an_order_counts_once_a_product() -> None:
    bought = [{"order_id": f"o{i}", "quantity": 3.0} for i in range(150)]
    twice = [{"order_id": "o0", "quantity": 1.0}]
    back = [
        {"order_id": "r1", "quantity": -1.0, "net_amount": -4.0},
        {"order_id": "r1", "quantity": -2.0, "net_amount": -6.0},
        {"order_id": "r2", "quantity": -1.0, "net_amount": -4.0, "ordered_at": "2018-02-01"},
    ]
    tables = tables_of(
        lines_of(*bought, *twice, *back), catalogue("p1", department=["Tools"], name=["Hammer"])
    )
    (row,) = return_rates(tables, as_of=AS_OF).to_dict("records")
    assert (row["sold"], row["returned"], row["net_returned"]) == (150, 1, -10.0)
    assert (row["name"], row["department"], row["rate"]) == ("Hammer", "Tools", 1 / 150)
    expected = proportion_confint(1, 150, method="wilson")
    assert (row["low"], row["high"]) == pytest.approx(expected, rel=1e-9)


def test_what_is_drawn_is_what_the_engine_counts(judged: Callable[..., pd.DataFrame]) -> None:
    sold, returned, _ = drawn(0, spread=0.6)
    pd.testing.assert_frame_equal(rates_of(sold, returned), judged(sold, returned))


def test_a_faulty_product_is_named_and_is_alone(judged: Callable[..., pd.DataFrame]) -> None:
    named = []
    for seed in range(20):
        sold, returned, _ = drawn(seed, spread=0.3)
        sold[7], returned[7] = 400, np.random.default_rng(seed).binomial(400, 0.18)
        table = judged(sold, returned)
        named += [table.loc[table["faulty"], "product_id"].tolist()]
    assert sum(names == ["p007"] for names in named) >= 18


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_products_that_differ_by_nature_are_not_named(
    spread: float, judged: Callable[..., pd.DataFrame]
) -> None:
    called = 0
    for seed in range(20):
        sold, returned, _ = drawn(seed, spread=spread)
        called += bool(judged(sold, returned)["faulty"].any())
    assert called <= 2


def test_named_products_truly_come_back_more_than_twice_as_often(
    judged: Callable[..., pd.DataFrame],
) -> None:
    """Where rates are spread so widely that some are four times the usual one."""
    right = []
    for seed in range(20):
        sold, returned, rate = drawn(seed, spread=0.6)
        table = judged(sold, returned)
        places = table.loc[table["faulty"], "product_id"].str[1:].astype(int)
        right += (rate[places] > 2 * np.median(rate)).tolist()
    assert len(right) >= 10
    assert sum(right) >= binom.ppf(0.01, len(right), 0.95)


def test_without_returns_or_with_few_sales_there_is_a_reason() -> None:
    with pytest.raises(NotApplicable, match="No line is a return"):
        rates_of(np.array([200, 150]), np.array([0, 0]))
    with pytest.raises(NotApplicable, match="No product was sold in 100 orders"):
        rates_of(np.array([20, 15]), np.array([2, 1]))

"""Units beyond the first by depth of the offer: the fixed-effects Poisson regression, exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analysis.customers.deals import discount_response
from analysis.errors import NotApplicable
from analysis.tables.engine import Tables, in_memory
from analysis.tables.periods import Period

YEAR = Period.before("2018-01-01", days=365)


def offers(response: float, *, categories: int = 15, each: int = 60, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    category = np.repeat(np.arange(categories), each)
    depth = rng.choice([0.1, 0.2, 0.3, 0.5], len(category))
    level = rng.uniform(0.1, 0.6, categories)[category]
    units = 1 + rng.poisson(level * np.exp(response * depth))
    return pd.DataFrame({"category": category, "depth": depth, "units": units})


def shop(lines: pd.DataFrame) -> Tables:
    listed = 10.0 * lines["units"]
    order_lines = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(lines))],
            "customer_id": [f"c{i % 30}" for i in range(len(lines))],
            "product_id": lines["category"].astype("str"),
            "ordered_at": pd.Timestamp("2017-07-03"),
            "quantity": lines["units"].astype("float64"),
            "net_amount": (listed * (1 - lines["depth"])).round(2),
            "discount_amount": (listed * lines["depth"]).round(2),
        }
    )
    ids = sorted(set(order_lines["product_id"]))
    products = pd.DataFrame({"product_id": ids, "department": "d", "category": ids})
    return in_memory({"order_lines": order_lines, "products": products})


KINDS = pd.DataFrame(
    {"customer_id": [f"c{i}" for i in range(30)], "buyer": pd.Categorical(["Price buyer"] * 30)}
)


def test_it_is_the_poisson_regression_with_a_level_for_each_category() -> None:
    lines = offers(2.0)
    tables = shop(lines)
    got = discount_response.stock_up(tables, YEAR, KINDS).iloc[0]
    tables.close()
    design = pd.get_dummies(lines["category"], dtype="float64").assign(depth=lines["depth"])
    fit = sm.GLM(lines["units"] - 1, design, family=sm.families.Poisson()).fit(
        cov_type="cluster", cov_kwds={"groups": lines["category"], "use_correction": False}
    )
    assert got["response"] == pytest.approx(fit.params["depth"], abs=1e-6)
    clusters = lines["category"].nunique()
    error = fit.bse["depth"] * np.sqrt(clusters / (clusters - 1))
    assert got["error"] == pytest.approx(error, rel=1e-6)
    assert got["more"] == pytest.approx(np.expm1(got["response"] / 10))
    assert got["lines"] == len(lines)
    assert got["further"] == pytest.approx((lines["units"] - 1).mean())


def test_nobody_who_always_takes_one_can_be_measured() -> None:
    tables = shop(offers(0.0).assign(units=1))
    with pytest.raises(NotApplicable, match="200 discounted lines in 10 categories"):
        discount_response.stock_up(tables, YEAR, KINDS)
    tables.close()


def test_one_depth_alone_says_nothing() -> None:
    tables = shop(offers(0.0).assign(depth=0.2))
    with pytest.raises(NotApplicable):
        discount_response.stock_up(tables, YEAR, KINDS)
    tables.close()

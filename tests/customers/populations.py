"""Populations of customers with a known truth, to hold the estimates against."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.customers.features.weekly import WeeklyAmounts
from analysis.tables.periods import Period

MICROS = 1_000_000


def features_of(net: list[float] | np.ndarray, margin: np.ndarray | None = None) -> pd.DataFrame:
    """Return features of customers who differ in what they are worth only."""
    net = np.asarray(net, dtype="float64")
    return pd.DataFrame(
        {
            "customer_id": [f"c{place:06d}" for place in range(len(net))],
            "orders": np.ones(len(net), dtype="int64"),
            "net_amount": net,
            "margin_amount": net / 4 if margin is None else np.asarray(margin, dtype="float64"),
            "list_amount": net,
            "discount_amount": np.zeros(len(net)),
        }
    )


def weekly_of(amounts: np.ndarray, *, gap: str = "") -> WeeklyAmounts:
    """Return weekly totals, net and margin alike, from customers x weeks in currency."""
    micros = np.rint(np.asarray(amounts) * MICROS)
    period = Period.before("2018-01-01", days=7 * micros.shape[1])
    customers = pd.Index([f"c{place:06d}" for place in range(len(micros))], name="customer_id")
    return WeeklyAmounts(customers, tuple(period.weeks()), micros, micros.copy(), gap)


def lognormal(n: int, sigma: float, generator: np.random.Generator) -> np.ndarray:
    """Return heavy-tailed totals, to the cent."""
    return np.round(100 * np.exp(sigma * generator.standard_normal(n)), 2) + 0.01


def shoppers(
    n: int, weeks: int, generator: np.random.Generator, *, visits: float = 0.5, spread: float = 0.8
) -> np.ndarray:
    """Return customers who never change: of different size, most weeks empty, the rest skewed."""
    size = np.exp(generator.standard_normal(n))[:, None]
    often = generator.uniform(0.2 * visits, min(1.0, 1.8 * visits), n)[:, None]
    came = generator.random((n, weeks)) < often
    basket = np.exp(spread * generator.standard_normal((n, weeks)))
    return np.round(20 * size * came * basket, 2)

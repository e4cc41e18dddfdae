"""Small sales with a known truth, as canonical tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.engine import EngineSettings, Tables, in_memory

#: A Monday.
AS_OF = "2018-01-01"

_LINE = {
    "order_id": "o1",
    "customer_id": "c1",
    "product_id": "p1",
    "ordered_at": "2017-12-01 10:00:00",
    "quantity": 1.0,
    "net_amount": 10.0,
}


def lines_of(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return order lines: what a row leaves out is an ordinary purchase."""
    frame = pd.DataFrame([{**_LINE, **row} for row in rows])
    return frame.assign(ordered_at=pd.to_datetime(frame["ordered_at"], format="ISO8601"))


def catalogue(*products: str, **columns: list[Any]) -> pd.DataFrame:
    """Return products, one department unless ``columns`` say otherwise."""
    n = len(products)
    plain = {"product_id": list(products), "department": ["D"] * n, "category": ["C"] * n}
    return pd.DataFrame({**plain, **columns})


def tables_of(
    lines: pd.DataFrame,
    products: pd.DataFrame | None = None,
    *,
    settings: EngineSettings | None = None,
    **frames: pd.DataFrame,
) -> Tables:
    """Return tables of ``lines``, their products in one department unless given."""
    known = catalogue(*sorted(lines["product_id"].unique())) if products is None else products
    rows = {"order_lines": lines, "products": known, **frames}
    return in_memory(rows, settings=settings or EngineSettings(threads=1))


def shop(
    seed: int, *, customers: int = 80, days: int = 56, guests: bool = True, returns: bool = True
) -> dict[str, pd.DataFrame]:
    """Return a shop of ``days`` days up to `AS_OF`, with everything a real one has.

    Several stores and departments, discounts, coupons, quantities that count no units, guests,
    returns, demographics of some customers, and a product that is not in the catalogue.
    """
    rng = np.random.default_rng(seed)
    orders = _orders(rng, customers, days, guests)
    lines = orders.loc[orders.index.repeat(rng.integers(1, 6, len(orders)))].reset_index(drop=True)
    n = len(lines)
    quantity = rng.integers(1, 5, n).astype(float)
    if returns:
        quantity *= np.where(rng.random(n) < 0.05, -1, 1)
    net = np.round(quantity * rng.lognormal(1.0, 0.6, n), 2)
    discount = np.round(np.abs(net) * rng.choice([0, 0.1, 0.3], n), 2)
    lines = lines.assign(
        product_id=[f"p{i}" for i in rng.integers(0, 13, n)],
        quantity=quantity,
        net_amount=net,
        list_amount=np.round(net + discount, 2),
        discount_amount=discount,
        coupon_amount=np.round(np.abs(net) * (rng.random(n) < 0.02), 2),
    )
    return {"order_lines": lines, "products": _products(), "customers": _people(rng, customers)}


def _orders(rng: np.random.Generator, customers: int, days: int, guests: bool) -> pd.DataFrame:
    size = np.round(rng.gamma(2.0, days / 28, customers)).astype(int)
    who = np.repeat([f"c{i:03d}" for i in range(customers)], size).astype(object)
    if guests:
        who = np.append(who, [None] * (len(who) // 10))
    minutes = rng.integers(0, days * 24 * 60, len(who))
    start = pd.Timestamp(AS_OF) - pd.Timedelta(days=days)
    time = start + pd.to_timedelta(minutes, unit="min") + pd.Timedelta(seconds=7)
    store = np.where(rng.random(len(who)) < 0.6, "s1", "s2")
    frame = pd.DataFrame({"customer_id": who, "ordered_at": time, "store_id": store})
    frame.insert(0, "order_id", [f"o{i}" for i in range(len(frame))])
    return frame


def _products() -> pd.DataFrame:
    departments = ["FOOD"] * 6 + ["DRINKS"] * 4 + ["FUEL"] * 2
    return catalogue(
        *(f"p{i}" for i in range(12)),
        department=departments,
        category=[None, *(f"k{i % 4}" for i in range(11))],
        counted=[d != "FUEL" for d in departments],
    )


def _people(rng: np.random.Generator, customers: int) -> pd.DataFrame:
    age = rng.choice(["Under 30", "30-49", "50+"], customers).astype(object)
    age[rng.random(customers) < 0.4] = None
    ids = [f"c{i:03d}" for i in range(customers)]
    return pd.DataFrame({"customer_id": ids, "age": age})

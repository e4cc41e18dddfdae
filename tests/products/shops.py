"""A shop with pairs of every kind planted, as canonical tables."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from analysis.tables.engine import EngineSettings, Tables, in_memory

START, WEEKS, STORES, ORDERS = date(2023, 1, 2), 52, 4, 18_000
#: Weeks in which both leaflet products are on offer.
LEAFLET = (4, 11, 18, 25, 30, 37, 44, 50)
PRODUCTS = (
    "true_a", "true_b", "leaflet_a", "leaflet_b", "local_a", "local_b", "free_a", "free_b",
    "cola_1", "cola_2", *(f"filler_{i}" for i in range(12)),
)  # fmt: skip


def planted(orders: int = ORDERS, customers: int = 800, seed: int = 0) -> Tables:
    """Return a year of orders: one true pair, one of a leaflet, one of a store, one of chance."""
    rng = np.random.default_rng(seed)
    week, store = rng.integers(0, WEEKS, orders), rng.integers(0, STORES, orders)
    leaflet, local = np.isin(week, LEAFLET), store == 0
    held = {f"filler_{i}": rng.random(orders) < 0.15 for i in range(12)}
    held["true_a"] = rng.random(orders) < 0.06
    held["true_b"] = rng.random(orders) < np.where(held["true_a"], 0.40, 0.04)
    for side in "ab":
        held[f"leaflet_{side}"] = rng.random(orders) < np.where(leaflet, 0.30, 0.02)
        held[f"local_{side}"] = rng.random(orders) < np.where(local, 0.25, 0.0)
        held[f"free_{side}"] = rng.random(orders) < 0.08
    cola, first = rng.random(orders) < 0.20, rng.random(orders) < 0.5
    held["cola_1"], held["cola_2"] = cola & first, cola & ~first
    who = rng.integers(0, customers, orders)
    lines = [_lines(name, np.flatnonzero(h), week, store, who, leaflet) for name, h in held.items()]
    products = pd.DataFrame(
        {
            "product_id": PRODUCTS,
            "department": "FOOD",
            "category": ["COLA" if p.startswith("cola") else p.upper() for p in PRODUCTS],
        }
    )
    frames = {"order_lines": pd.concat(lines), "products": products}
    return in_memory(frames, settings=EngineSettings(threads=1), study="planted")


def _lines(name, rows, week, store, who, leaflet):
    midnight = np.array([START + timedelta(days=7 * int(w)) for w in week[rows]], "datetime64[us]")
    days = (rows * 7919) % 7
    reduced = name.startswith("leaflet") & leaflet[rows]
    return pd.DataFrame(
        {
            "order_id": [f"o{r}" for r in rows],
            "customer_id": [f"c{c}" for c in who[rows]],
            "product_id": name,
            "ordered_at": midnight + days.astype("timedelta64[D]"),
            "quantity": 1.0,
            "net_amount": np.where(reduced, 1.5, 2.0),
            "store_id": [f"s{s}" for s in store[rows]],
            "discount_amount": np.where(reduced, 0.5, 0.0),
        }
    )

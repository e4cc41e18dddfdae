"""Many small shops, one a seed, side by side in one engine: the simulator's output as it is."""

from __future__ import annotations

import fcntl
import json
import pickle
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.simulator.engagement.acquisition import media_spend_file
from analysis.simulator.selling.product_files import (
    placements_file,
    products_file,
    promotion_products_file,
    promotions_file,
)
from analysis.simulator.shop import Shop
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth import series_table, write_down
from analysis.simulator.writer import generate
from analysis.tables.engine import Tables
from analysis.tables.manifest import Manifest

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Shops:
    """Shops of one size, tidy (no lost, late or damaged rows), with their truth.

    Tables in ``connection`` carry a column ``seed``; truth tables are named ``truth_<name>``.
    """

    connection: duckdb.DuckDBPyConnection
    plans: dict[int, Plan]
    truth: dict[int, dict[str, Any]]

    def sql(self, query: str, **values: Any) -> dict[str, NDArray[Any]]:
        """Return the columns of a query's result."""
        return self.connection.execute(query, values or None).fetchnumpy()

    def frame(self, query: str, **values: Any) -> Any:
        """Return a query's result as a data frame."""
        return self.connection.execute(query, values or None).df()

    def planted(self, key: str) -> list[dict[str, Any]]:
        """Return the truth ``key`` of every shop."""
        return [truth["planted"][key] for truth in self.truth.values()]

    def parameter(self, key: str, *path: str) -> Any:
        """Return a value of the truth ``key`` that is the same in every shop."""
        found = []
        for value in self.planted(key):
            for step in path:
                value = value[step]
            found.append(value)
        assert all(value == found[0] for value in found)
        return found[0]


def open_shops(seeds: range, *, customers: int) -> Shops:
    """Return one tidy shop a seed."""
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    plans, truth = {}, {}
    for seed in seeds:
        plan = Plan.of(Shop(customers=customers, chunk=customers, seed=seed, mess=False))
        chunk = generate(plan, 0)
        tables = {
            **chunk.files,
            **{f"truth_{name}": rows for name, rows in chunk.truth.items()},
            "truth_series": series_table(plan),
            "media_spend": media_spend_file(plan),
            "placements": placements_file(plan),
            "products": products_file(plan),
            "promotions": promotions_file(plan),
            "promotion_products": promotion_products_file(plan),
            "keys": _keys(plan),
        }
        for name, rows in tables.items():
            _insert(connection, name, rows, seed)
        plans[seed] = plan
        written = write_down(plan, Counter(chunk.counts), chunk.spend)
        truth[seed] = json.loads(written)
    connection.execute(
        "create view people_views as "
        "from page_views anti join truth_robots using (seed, visitor_id)"
    )
    return Shops(connection, plans, truth)


def open_shared_shops(shared: Path, seeds: range, *, customers: int) -> Shops:
    """Return the same, made by whoever comes first and read by the others."""
    shared.mkdir(exist_ok=True)
    rows, plans = shared / "shops.duckdb", shared / "plans.pickle"
    with (shared / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if not plans.exists():
            shops = open_shops(seeds, customers=customers)
            shops.sql(f"attach '{rows}' as kept")
            shops.sql("copy from database memory to kept")
            shops.sql("detach kept")
            plans.write_bytes(pickle.dumps((shops.plans, shops.truth)))
            return shops
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    connection.execute(f"attach '{rows}' as kept (read_only)")
    connection.execute("copy from database kept to memory")
    connection.execute("detach kept")
    return Shops(connection, *pickle.loads(plans.read_bytes()))


def _keys(plan: Plan) -> pa.Table:
    """Return what each product was planted for."""
    return pa.table({"product_id": plan.catalogue.product_ids, "key": plan.catalogue.keys})


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, seed: int) -> None:
    connection.register("arriving", rows)
    there = connection.execute(
        "select count(*) from information_schema.tables where table_name = $name", {"name": name}
    ).fetchone()
    action = f"insert into {name}" if there and there[0] else f"create table {name} as"
    connection.execute(f"{action} select {seed} as seed, * from arriving")
    connection.unregister("arriving")


def tables_of(shops: Shops, seed: int) -> Tables:
    """Return one shop's tables as analyses take them."""
    backend = ibis.duckdb.from_connection(shops.connection)
    rows = {}
    for name in (
        "order_lines",
        "products",
        "customers",
        "promotions",
        "promotion_products",
        "page_views",
    ):
        table = backend.table(name)
        table = table.filter(table.seed == seed).drop("seed")
        ids = [c for c in table.columns if c.endswith("_id")]
        rows[name] = table.mutate(**{c: table[c].cast("string") for c in ids})
    rows["order_lines"] = rows["order_lines"].drop("line")
    return Tables(backend, Manifest(study=f"shop_{seed}", simulated=True), rows)

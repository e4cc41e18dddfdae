"""Many small shops, one a seed, side by side in one engine: the simulator's output as it is."""

from __future__ import annotations

import fcntl
import functools
import json
import pickle
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
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
    views: dict[tuple[str, int], str] = field(default_factory=dict)

    @functools.cached_property
    def backend(self) -> Any:
        """The same connection as Ibis has it."""
        return ibis.duckdb.from_connection(self.connection)

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


def open_shops(seeds: range, *, customers: int, kept: Path | None = None) -> Shops:
    """Return one tidy shop a seed; with ``kept``, its tables are written into that folder, too."""
    plans, truth, tables = {}, {}, defaultdict(list)
    for seed in seeds:
        plan = Plan.of(Shop(customers=customers, chunk=customers, seed=seed, mess=False))
        chunk = generate(plan, 0)
        for name, rows in _files(plan, chunk).items():
            tables[name].append(
                rows.add_column(0, "seed", pa.array([seed] * len(rows), pa.int32()))
            )
        plans[seed] = plan
        written = write_down(plan, Counter(chunk.counts), chunk.spend)
        truth[seed] = json.loads(written)
    rows = {name: pa.concat_tables(tables.pop(name)) for name in [*tables]}
    for name in rows if kept else ():
        feather.write_feather(rows[name], kept / f"{name}.feather")
    return Shops(_opened(rows), plans, truth)


def _files(plan: Plan, chunk: Any) -> dict[str, pa.Table]:
    return {
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


def _opened(tables: dict[str, pa.Table]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    for name, rows in tables.items():
        connection.register("arriving", rows)
        connection.execute(f"create table {name} as from arriving")
        connection.unregister("arriving")
    connection.execute(
        "create view people_views as "
        "from page_views anti join truth_robots using (seed, visitor_id)"
    )
    return connection


def open_shared_shops(shared: Path, seeds: range, *, customers: int) -> Shops:
    """Return the same, made by whoever comes first and read by the others."""
    shared.mkdir(exist_ok=True)
    plans = shared / "plans.pickle"
    with (shared / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if not plans.exists():
            shops = open_shops(seeds, customers=customers, kept=shared)
            plans.write_bytes(pickle.dumps((shops.plans, shops.truth)))
            return shops
    tables = {path.stem: feather.read_table(path) for path in sorted(shared.glob("*.feather"))}
    return Shops(_opened(tables), *pickle.loads(plans.read_bytes()))


def _keys(plan: Plan) -> pa.Table:
    """Return what each product was planted for."""
    return pa.table({"product_id": plan.catalogue.product_ids, "key": plan.catalogue.keys})


def table_of(shops: Shops, name: str, seed: int) -> ibis.Table:
    """Return one shop's rows of a table, its keys as texts.

    They are a view of their own, so that what is asked of several shops is the same SQL but for a
    made-up name, and is written once: see ``tests/sql_once.py``.
    """
    if (name, seed) not in shops.views:
        view = shops.views[name, seed] = ibis.util.gen_name("shop")
        columns = [row[0] for row in shops.connection.execute(f"describe {name}").fetchall()]
        keys = [f"cast({c} as varchar) as {c}" for c in columns if c.endswith("_id")]
        rest = f"* exclude (seed) replace ({', '.join(keys)})" if keys else "* exclude (seed)"
        shops.sql(f"create view {view} as select {rest} from {name} where seed = {seed}")
    return shops.backend.table(shops.views[name, seed])


def tables_of(shops: Shops, seed: int) -> Tables:
    """Return one shop's tables as analyses take them."""
    names = ("products", "customers", "promotions", "promotion_products", "page_views")
    lines = table_of(shops, "order_lines", seed).drop("line")
    rows = {"order_lines": lines, **{name: table_of(shops, name, seed) for name in names}}
    return Tables(shops.backend, Manifest(study=f"shop_{seed}", simulated=True), rows)

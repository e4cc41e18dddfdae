"""RFM in tenths, from order lines to one row a customer: ours, plain pandas, OpenRetailScience.

Every way reads the same Parquet of order lines (the real data set laid beside itself; string keys,
decimal money, sorted by time) and writes one row a customer with its three scores. Seconds are
taken inside the process, imports left out; the bare scan reads the same columns and keeps nothing
but a sum. OpenRetailScience needs an older pandas, so it is installed into an environment of its
own.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import psutil

from benchmarks.measuring import Cost, command, real_transactions, table

#: How often the real year is laid beside itself, with customers and orders of its own each time:
#: about 1.5, 10 and 95 million lines. The last only where the disk has room for it.
COPIES = (1, 7, 65)

_LINES = 1_469_307
_PANDAS_BYTES_A_LINE = 150
_PEER = "openretailscience==0.48.1"

GENERATE = """
import duckdb
db = duckdb.connect(config=dict(memory_limit="6GB", temp_directory="{folder}/spill"))
db.sql('''copy (
    select basket_id || '-' || copy as order_id, household_id || '-' || copy as customer_id,
        product_id::varchar as product_id, quantity::double as quantity,
        round(sales_value, 2)::decimal(18, 2) as net_amount,
        transaction_timestamp + to_seconds(hash(basket_id, copy) % 3600) as ordered_at
    from '{source}', range({copies}) as copies(copy)
    where ordered_at >= timestamp '2017-01-01' and ordered_at < timestamp '2018-01-01'
    order by ordered_at, order_id
) to '{folder}/lines.parquet' (format parquet, compression zstd, row_group_size 500000)''')
"""

SCAN = """
import duckdb, time
db = duckdb.connect(config=dict(memory_limit="2GB", temp_directory="{folder}/spill"))
began = time.perf_counter()
db.sql('''select max(order_id), max(customer_id), max(ordered_at), sum(quantity), sum(net_amount)
    from '{folder}/lines.parquet' ''').fetchall()
print(time.perf_counter() - began)
"""

_OPEN = """
import time
from pathlib import Path
from analysis.customers.value import rfm
from analysis.tables.engine import EngineSettings, Tables, connect, read_parquet
from analysis.tables.manifest import Manifest
from analysis.tables.periods import Period
engine = connect(EngineSettings(memory="2GB"))
lines = read_parquet(engine, Path("{folder}/lines.parquet"))
tables = Tables(engine, Manifest(study="bench", rows=dict()), dict(order_lines=lines))
"""

OURS = (
    _OPEN
    + """
year = Period.before("2018-01-01", days=365)
began = time.perf_counter()
with rfm.totals(tables, year).cache() as totals:
    engine.to_parquet(rfm.compute(totals, year, bins=10), "{folder}/ours.parquet")
print(time.perf_counter() - began)
"""
)

STATE = (
    _OPEN
    + """
kept = Period.before("2017-12-31", days=300)
engine.to_parquet(rfm.totals(tables, kept), "{folder}/state.parquet")
print(0)
"""
)

FOLD = (
    _OPEN
    + """
kept, wanted = Period.before("2017-12-31", days=300), Period.before("2018-01-01", days=300)
began = time.perf_counter()
state = read_parquet(engine, Path("{folder}/state.parquet"))
moved = rfm.fold(state, tables, kept=kept, wanted=wanted)
engine.to_parquet(moved, "{folder}/folded.parquet")
print(time.perf_counter() - began)
"""
)

AFRESH = (
    _OPEN
    + """
wanted = Period.before("2018-01-01", days=300)
began = time.perf_counter()
engine.to_parquet(rfm.totals(tables, wanted), "{folder}/afresh.parquet")
print(time.perf_counter() - began)
"""
)

PANDAS = """
import time
import numpy as np, pandas as pd
began = time.perf_counter()
columns = ["customer_id", "order_id", "ordered_at", "net_amount"]
lines = pd.read_parquet("{folder}/lines.parquet", columns=columns)
lines["net_amount"] = lines["net_amount"].astype("float64")
customers = lines.groupby("customer_id").agg(
    last=("ordered_at", "max"), orders=("order_id", "nunique"), net=("net_amount", "sum")
)
customers["recency_days"] = (pd.Timestamp("2018-01-01") - customers["last"].dt.normalize()).dt.days
ranked = customers.assign(recency_days=-customers["recency_days"])
for name in ("recency_days", "orders", "net"):
    rank = ranked[name].rank(method="average", ascending=False)
    customers["score_" + name] = (11 - np.ceil(10 * rank / len(ranked))).astype("int64")
customers.to_parquet("{folder}/pandas.parquet")
print(time.perf_counter() - began)
"""

PEER = """
import time
import ibis
from openretailscience.segmentation.rfm import RFMSegmentation
engine = ibis.duckdb.connect()
began = time.perf_counter()
lines = engine.read_parquet("{folder}/lines.parquet")
lines = lines.rename(transaction_date="ordered_at", unit_spend="net_amount",
                     transaction_id="order_id")
engine.to_parquet(RFMSegmentation(lines, current_date="2018-01-01").table,
                  "{folder}/peer.parquet")
print(time.perf_counter() - began)
"""


def main() -> None:
    """Print seconds, peak memory and ratios for every size there is room for."""
    with tempfile.TemporaryDirectory() as folder:
        peer = _peer(Path(folder))
        rows = [
            row
            for copies in COPIES
            if _room(copies * _LINES, folder)
            for row in _measure(copies, folder, peer)
        ]
    table(("order lines, way", "seconds", "peak MB", "times ours"), rows)


def _measure(copies: int, folder: str, peer: str | None) -> list[tuple[str, ...]]:
    size = copies * _LINES
    _python(GENERATE.format(folder=folder, copies=copies, source=real_transactions()))
    ways = {"bare scan": (sys.executable, SCAN), "ours": (sys.executable, OURS)}
    if size * _PANDAS_BYTES_A_LINE < psutil.virtual_memory().available:
        ways["pandas"] = (sys.executable, PANDAS)
    if peer:
        ways["OpenRetailScience"] = (peer, PEER)
    # Twice, in turns, the faster counts: what else the machine does then meets all alike.
    costs = [{name: _run(way, folder) for name, way in ways.items()} for _ in range(2)]
    best = {name: min((c[name] for c in costs), key=_seconds) for name in ways}
    _run((sys.executable, STATE), folder)
    best["a day folded in"] = _run((sys.executable, FOLD), folder)
    best["the same from scratch"] = _run((sys.executable, AFRESH), folder)
    _check(folder)
    return [_row(size, name, cost, best["ours"]) for name, cost in best.items()]


def _run(way: tuple[str, str], folder: str) -> Cost:
    return command(way[0], "-c", way[1].replace("{folder}", folder))


def _python(code: str) -> Cost:
    return command(sys.executable, "-c", code)


def _check(folder: str) -> None:
    """Refuse to print times of results that differ."""
    import duckdb

    def differing(one: str, other: str, columns: str) -> int:
        found = duckdb.sql(
            f"select count(*) from (from '{folder}/{one}.parquet' select {columns} except all "
            f"from '{folder}/{other}.parquet' select {columns})"
        ).fetchone()
        assert found is not None
        return int(found[0])

    if differing("folded", "afresh", "customer_id, orders, net_cents, last_order_on"):
        sys.exit("The folded state differs from one made afresh")
    if Path(folder, "pandas.parquet").exists():
        duckdb.sql(
            f"copy (from '{folder}/ours.parquet' select customer_id, recency as score_recency_days,"
            f" frequency as score_orders) to '{folder}/scores.parquet'"
        )
        if differing("pandas", "scores", "customer_id, score_recency_days, score_orders"):
            sys.exit("The scores differ from those of pandas")
        Path(folder, "pandas.parquet").unlink()


def _seconds(cost: Cost) -> float:
    """Return the last line of what a way printed; others print progress before it."""
    return float(cost.output.split()[-1])


def _row(size: int, name: str, cost: Cost, ours: Cost) -> tuple[str, ...]:
    seconds = _seconds(cost)
    return (
        f"{size / 1e6:.0f} M, {name}",
        f"{seconds:.2f}",
        f"{cost.peak_mb:,.0f}",
        f"{seconds / _seconds(ours):.2f}",
    )


def _room(size: int, folder: str) -> bool:
    return shutil.disk_usage(folder).free > 100 * size


def _peer(folder: Path) -> str | None:
    """Install the peer beside us, if uv is there to do it."""
    uv = shutil.which("uv")
    if uv is None:
        return None
    python = folder / "peer" / "bin" / "python"
    command(uv, "venv", "-q", "-p", sys.executable, str(python.parents[1]))
    command(uv, "pip", "install", "-q", "-p", str(python), _PEER)
    return str(python)


if __name__ == "__main__":
    main()

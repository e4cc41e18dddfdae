"""BG/NBD fitted to millions of customers beside lifetimes, and all of them scored in a stream.

Customers of a known process are read from the same Parquet by both; found is r, alpha, a and b.
Scoring begins at order lines: customers are summed up and sorted in the engine (2 GB, the rest
spills), come out in batches, and leave as Parquet; its peak of memory is what to look at. Sizes may
be given: ``python -m benchmarks.purchase_models 1 10`` fits a million and scores ten.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile

from benchmarks.measuring import python, table
from benchmarks.racing import race

#: Customers fitted, and scored.
FITTED, SCORED = (1_000_000, 4_000_000), (2_000_000, 10_000_000)

GENERATE = """
import numpy as np, pandas as pd
rng = np.random.default_rng(0)
n = {customers}
rate, leaves = rng.gamma(0.6, 1 / 5.0, n), rng.beta(0.9, 2.5, n)
end = rng.integers(180, 729, n)
now, last, repeats = (np.zeros(n) for _ in range(3))
active = np.arange(n)
while len(active):
    now[active] += 7 * rng.exponential(size=len(active)) / rate[active]
    active = active[now[active] < end[active]]
    last[active], repeats[active] = np.ceil(now[active]), repeats[active] + 1
    active = active[rng.random(len(active)) > leaves[active]]
days = dict(recency_days=last.astype("int64"), observed_days=end)
pd.DataFrame(dict(repeats=repeats, recency=last / 7, observed=end / 7, **days)).to_parquet(
    "{folder}/counts.parquet")
"""

OURS = """
from pathlib import Path
from analysis.customers.lifetime import bgnbd, purchase_counts
from analysis.tables.engine import EngineSettings, connect, read_parquet
{started}
engine = connect(EngineSettings(memory="1GB", threads=1))  # as many as the peer uses
rows = read_parquet(engine, Path("{folder}/counts.parquet"))
found = bgnbd.fit(purchase_counts.summed_up(rows)).estimate
assert found.identified
print("\\nfound", [round(float(v), 2) for v in found.values])
"""

PEER = """
import warnings
warnings.simplefilter("ignore")
import pandas as pd
from lifetimes import BetaGeoFitter
{started}
frame = pd.read_parquet("{folder}/counts.parquet", columns=["repeats", "recency", "observed"])
found = BetaGeoFitter().fit(frame["repeats"], frame["recency"], frame["observed"]).params_
print("\\nfound", [round(float(found[n]), 2) for n in ("r", "alpha", "a", "b")])
"""

LINES = """
import duckdb
db = duckdb.connect(config=dict(memory_limit="2GB", temp_directory="{folder}/spill"))
db.sql('''copy (select 'o' || i || '-' || k as order_id, 'c' || i as customer_id,
    'p' || hash(i, k) % 500 as product_id, 1.0 as quantity,
    ((500 + hash(i, k, 1) % 5000) / 100)::decimal(18, 2) as net_amount,
    (net_amount * 0.7)::decimal(18, 2) as cost_amount,
    date '2024-01-01' + ((hash(i, 2) % 400 + k * (1 + hash(i, 3) % 90)) % 728)::int
        + interval 12 hour as ordered_at
    from (select i, unnest(range(1 + (hash(i) % 1000 // 200)::int)) as k
        from range({customers}) t(i))
) to '{folder}/lines.parquet' (format parquet, compression zstd)''')
db.sql('''copy (select 'p' || i as product_id, 'D' as department, 'C' as category
    from range(500) t(i)) to '{folder}/products.parquet' (format parquet)''')
"""

STREAM = """
import json, time
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from analysis.customers.lifetime import bgnbd, gamma_gamma, purchase_counts
from analysis.customers.lifetime.valuation import values_in_batches
from analysis.tables.engine import EngineSettings, Tables, connect, read_parquet
from analysis.tables.manifest import Manifest
from analysis.tables.periods import Period
engine = connect(EngineSettings(memory="2GB"))
read = dict((name, read_parquet(engine, Path(f"{folder}/" + file + ".parquet")))
            for name, file in (("order_lines", "lines"), ("products", "products")))
tables = Tables(engine, Manifest(study="bench", rows=dict()), read)
years = Period.before("2025-12-29", days=728)
began = time.perf_counter()
counts = purchase_counts.summed_up(purchase_counts.compute(tables, years))
purchases = bgnbd.fit(counts, modified=True)
fitted = time.perf_counter()
each = purchase_counts.compute(tables, years)
some = each.filter(each.customer_id.hash().abs() % 100 == 0).to_pandas()
bought = some["repeats"].to_numpy("float64") + 1
worth = gamma_gamma.fit(bought, some["margin_micros"].to_numpy("float64") / 1e6 / bought)
writer, customers, total = None, 0, 0.0
for batch in values_in_batches(tables, years, purchases, worth):
    rows = pa.Table.from_pandas(batch, preserve_index=False)
    writer = writer or pq.ParquetWriter("{folder}/values.parquet", rows.schema)
    writer.write_table(rows)
    customers, total = customers + len(batch), total + float(batch["value_12"].sum())
writer.close()
took = dict(fit=fitted - began, score=time.perf_counter() - fitted, customers=customers)
print("\\ntook", json.dumps(took))
"""


def fits(sizes: tuple[int, ...]) -> None:
    """Print what fitting customers costs."""
    with tempfile.TemporaryDirectory() as folder:
        for customers in sizes:
            python(GENERATE.format(folder=folder, customers=customers))
            ways = {"compressed counts, analytic slopes": OURS, "lifetimes": PEER}
            race(f"BG/NBD, {customers / 1e6:.0f} M customers", ways, {"folder": folder})


def streams(sizes: tuple[int, ...]) -> None:
    """Print what valuing customers from their order lines on costs."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for customers in sizes:
            python(LINES.format(folder=folder, customers=customers))
            cost = python(STREAM.replace("{folder}", folder))
            took = json.loads(re.split("took (.*)", cost.output)[1])
            assert took["customers"] == customers
            measured = (took["fit"], took["score"], cost.cpu_seconds)
            rows.append(
                (
                    f"{customers / 1e6:.0f} M",
                    *(f"{m:.0f}" for m in measured),
                    f"{cost.peak_mb:,.0f}",
                )
            )
    header = ("fit, seconds", "score, seconds", "processor s", "peak MB")
    table(("customers valued from order lines", *header), rows)


def main() -> None:
    """Print both."""
    asked = [int(float(size) * 1_000_000) for size in sys.argv[1:] if size[0].isdigit()]
    fits((asked[0],) if asked else FITTED)
    print()
    streams((asked[-1],) if asked else SCORED)


if __name__ == "__main__":
    main()

"""What sells together and next, beside what a user would pick instead.

    python -m benchmarks.baskets 1        # millions of order lines: 1, 10 or 95
    python -m benchmarks.baskets 95 ours  # ours alone

Each contestant runs in a process of its own, on the same Parquet file of skewed baskets (one to
twenty-two lines of twenty thousand products); what they find is compared before their times are
printed. Ratios are of processor seconds, which a busy machine does not tilt. A peer that is not
installed is named and left out.

Measured at 10 M lines on two busy cores, processor seconds and peak memory, about 1.7 s of each of
ours to start: 476 itemsets 4.9 s and 0.9 GB, mlxtend 16.4 s and 2.2 GB, efficient-apriori 32.5 s
and 3.2 GB; 4,249 itemsets (support 0.0001) 4.8 s and 0.9 GB, mlxtend 45 s and 16 GB; A, then B
5.5 s and 2.3 GB, with the controls of every pair 6.7 s and 2.7 GB, DuckDB's self-join, which counts
followers alone, 14.9 s and 2.2 GB.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import Cost, python, table

#: Orders an itemset must be in, and days in which a next purchase counts.
SUPPORT_SHARE, WINDOW = 0.0005, 30

MAKE = """
import duckdb, sys
lines, path = {lines}, {path!r}
c = duckdb.connect()
c.execute("select setseed(0.5)")
c.execute(f'''
copy (
  with o as (select i // 217 * 100 + floor(100 * pow(i % 217 / 217, 2))::bigint as o
             from range({lines}) t(i))
  select 'o' || o as order_id, 'c' || (o // 14) as customer_id,
         'p' || least(19999, floor(pow(random(), 4) * 20000))::int as item,
         timestamp '2023-01-01' + interval 1 day * ((o * 7919) % 365) as ordered_at
  from o
) to '{path}' (format parquet)''')
"""

OURS = """
import ibis, json
from analysis.products.baskets import of_lines
from analysis.products.estimate import choose_support
from analysis.products.itemsets import frequent_itemsets
from analysis.tables.engine import EngineSettings, connect
lines = connect(EngineSettings(memory="2GB")).read_parquet({path!r})
baskets = of_lines(lines)
found = frequent_itemsets(baskets, choose_support(baskets, support={support}), longest=4)
print("\\nfound", json.dumps([len(found.table), int(found.table["orders"].sum())]))
"""

MLXTEND = """
import duckdb, json, numpy as np, pandas as pd
from scipy.sparse import csr_matrix
from mlxtend.frequent_patterns import fpgrowth
c = duckdb.connect()
n = c.execute("select count(distinct order_id) from {path!r}").fetchone()[0]
rows = c.execute('''
with b as (select distinct order_id, item from {path!r}),
     f as (select item, row_number() over () - 1 as i from b group by 1
           having count(*) >= ceil({support} * ?)),
     o as (select order_id, row_number() over () - 1 as r from b group by 1)
select r, i from b join f using (item) join o using (order_id)''', [n]).fetchnumpy()
place, shape = (rows["r"], rows["i"]), (n, rows["i"].max() + 1)
matrix = csr_matrix((np.ones(len(rows["r"]), bool), place), shape=shape)
frame = pd.DataFrame.sparse.from_spmatrix(matrix, columns=[str(i) for i in range(matrix.shape[1])])
found = fpgrowth(frame, min_support={support}, max_len=4)
print("\\nfound", json.dumps([len(found), int(round((found["support"] * n).sum()))]))
"""

EFFICIENT = """
import duckdb, json
from efficient_apriori import itemsets_from_transactions
rows = duckdb.execute("select list(distinct item) from {path!r} group by order_id").fetchall()
found, n = itemsets_from_transactions([tuple(r[0]) for r in rows], {support}, 4)
orders = sum(sum(v.values()) for v in found.values())
print("\\nfound", json.dumps([sum(map(len, found.values())), orders]))
"""

NEXT = """
import json
from analysis.products import events, follow_ups
from analysis.tables.engine import EngineSettings, connect
from analysis.tables.periods import Period
from datetime import date
lines = connect(EngineSettings(memory="2GB")).read_parquet({path!r})
period = Period(date(2023, 1, 1), date(2024, 1, 1))
parts = events.chunks(lines, period, min_customers=100, number={parts})
counted = (follow_ups.followers(p, window={window}) for p in parts)
print("\\nfound", json.dumps(sum(int(followed.sum()) for followed in counted)))
"""

NEXT_AND_CONTROLS = NEXT.replace("followers(p, window={window})", "count(p, window={window})[1]")

SELF_JOIN = """
import duckdb, json
c = duckdb.connect()
c.execute("set memory_limit = '8GB'")
found = c.execute('''
with e as (select distinct customer_id, item, ordered_at::date as d from {path!r}),
     k as (select item from e group by 1 having count(distinct customer_id) >= 100),
     x as (select e.* from e semi join k using (item)),
     a as (select customer_id, item, min(d) as d from x group by 1, 2
           having min(d) + {window} < date '2024-01-01')
select a.item, x.item, count(distinct a.customer_id) as n
from a join x on a.customer_id = x.customer_id and x.d > a.d and x.d <= a.d + {window}
 and a.item <> x.item
group by 1, 2''').fetchnumpy()
print("\\nfound", json.dumps(int(found["n"].sum())))
"""


def main(millions: float, only: str = "") -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        facts = {
            "lines": int(millions * 1_000_000),
            "path": str(Path(folder) / "lines.parquet"),
            "support": SUPPORT_SHARE,
            "window": WINDOW,
            "parts": max(1, round(millions / 10)),
        }
        python(MAKE.format(**facts))
        sets = {"ours": OURS, "mlxtend fpgrowth": MLXTEND, "efficient-apriori": EFFICIENT}
        follows = {
            "ours": NEXT,
            "ours and the controls": NEXT_AND_CONTROLS,
            "DuckDB self-join": SELF_JOIN,
        }
        for title, contestants in (("Itemsets", sets), ("A, then B", follows)):
            chosen = {n: c for n, c in contestants.items() if n.startswith(only)}
            _race(f"{title}, {millions:g} M lines", chosen, facts)


def _race(title: str, contestants: dict[str, str], facts: dict[str, object]) -> None:
    costs: dict[str, Cost] = {}
    for name, code in contestants.items():
        module = {"efficient-apriori": "efficient_apriori"}.get(name)
        if module and not _installed(module):
            print(f"{name} is not installed: left out")
            continue
        costs[name] = python(code.format(**facts))
    # DuckDB may show its progress before it.
    results = {n: json.loads(c.output.rpartition("found ")[2]) for n, c in costs.items()}
    if len({json.dumps(r) for r in results.values()}) > 1:
        print(f"{title}: results differ: {results}")
    ours = costs["ours"].cpu_seconds
    rows = [
        (
            name,
            f"{c.seconds:.1f}",
            f"{c.cpu_seconds:.1f}",
            f"{c.peak_mb:,.0f}",
            f"{c.cpu_seconds / ours:.1f}",
            str(results[name]),
        )
        for name, c in costs.items()
    ]
    table((title, "seconds", "processor s", "peak MB", "times ours", "found"), rows)
    print()


def _installed(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1, *sys.argv[2:3])

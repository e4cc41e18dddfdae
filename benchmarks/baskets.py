"""What sells together and next, beside what a user would pick instead.

    python -m benchmarks.baskets 1        # millions of order lines: 1, 10 or 95
    python -m benchmarks.baskets 95 ours  # ours alone

Each contestant runs in a process of its own, on the same Parquet file of skewed baskets (one to
twenty-two lines of twenty thousand products); what they find is compared before their times are
printed. Ratios are of processor seconds, which a busy machine does not tilt, once of the whole
process and once of the work alone: without the imports and, for ours, the loading of its compiled
kernels, which a report does once. A peer that is not installed is named and left out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import python
from benchmarks.racing import race

#: Shares of the orders that an itemset must be in, and days in which a next purchase counts.
SUPPORTS, WINDOW = (0.0005, 0.0001), 30

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
import ibis, json, pandas as pd
from analysis.products.association.itemsets import frequent_itemsets
from analysis.products.association.support import choose_support
from analysis.products.baskets.order_contents import of_lines
from analysis.tables.engine import EngineSettings, connect
def mined(lines, support):
    baskets = of_lines(lines)
    return frequent_itemsets(baskets, choose_support(baskets, support=support), longest=4)
mined(ibis.memtable(pd.DataFrame(dict(order_id=[*"aaabbb"], item=[*"xyzxyz"]))), 1.0)
{started}
found = mined(connect(EngineSettings(memory="2GB")).read_parquet({path!r}), {support})
print("\\nfound", json.dumps([len(found.table), int(found.table["orders"].sum())]))
"""

MLXTEND = """
import duckdb, json, numpy as np, pandas as pd
from scipy.sparse import csr_matrix
from mlxtend.frequent_patterns import fpgrowth
{started}
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
{started}
rows = duckdb.execute("select list(distinct item) from {path!r} group by order_id").fetchall()
found, n = itemsets_from_transactions([tuple(r[0]) for r in rows], {support}, 4)
orders = sum(sum(v.values()) for v in found.values())
print("\\nfound", json.dumps([sum(map(len, found.values())), orders]))
"""

SPARK = """
import json, math
from pyspark.ml.fpm import FPGrowth
from pyspark.sql import SparkSession, functions
spark = (SparkSession.builder.master("local[*]").config("spark.driver.memory", "12g")
         .config("spark.ui.enabled", "false").getOrCreate())
spark.range(1).count()
{started}
lists = (spark.read.parquet({path!r}).groupBy("order_id")
         .agg(functions.collect_set("item").alias("items")))
n = lists.count()
# Half an order less: Spark rounds up.
least = (math.ceil({support} * n - 1e-9) - 0.5) / n
sets = FPGrowth(itemsCol="items", minSupport=least, minConfidence=1.0).fit(lists).freqItemsets
sets = sets.where(functions.size("items") <= 4).select(functions.count("*"), functions.sum("freq"))
print("\\nfound", json.dumps(list(sets.first())))
{child}
"""

NEXT = """
import ibis, json, pandas as pd
from analysis.products.sequences import follow_on_screen, purchase_events
from analysis.tables.engine import EngineSettings, connect
from analysis.tables.periods import Period
from datetime import date
def followed(lines, least):
    period = Period(date(2023, 1, 1), date(2024, 1, 1))
    bought = purchase_events.fetch(lines, period, min_customers=least)
    return int(follow_on_screen.followers(bought, window={window}).sum())
days = pd.to_datetime(["2023-02-01", "2023-02-05"])
followed(ibis.memtable(pd.DataFrame(dict(customer_id="c", item=[*"xy"], ordered_at=days))), 1)
{started}
lines = connect(EngineSettings(memory="2GB")).read_parquet({path!r})
print("\\nfound", json.dumps(followed(lines, 100)))
"""

NEXT_AND_CONTROLS = NEXT.replace(
    "followers(bought, window={window})", "count(bought, window={window})[1]"
)

SELF_JOIN = """
import duckdb, json
{started}
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


SETS = {
    "ours": OURS,
    "mlxtend fpgrowth": MLXTEND,
    "efficient-apriori": EFFICIENT,
    "Spark FPGrowth": SPARK,
}
FOLLOWS = {
    "ours": NEXT,
    "ours and the controls": NEXT_AND_CONTROLS,
    "DuckDB self-join": SELF_JOIN,
}


def main(millions: float = 1, only: str = "") -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        facts: dict[str, object] = {
            "lines": int(millions * 1_000_000),
            "path": str(Path(folder) / "lines.parquet"),
            "window": WINDOW,
        }
        python(MAKE.format(**facts))
        for support in SUPPORTS:
            title = f"Itemsets in {support:.2%} of orders, {millions:g} M lines"
            race(title, _chosen(SETS, only), facts | {"support": support})
        race(f"A, then B, {millions:g} M lines", _chosen(FOLLOWS, only), facts)


def _chosen(contestants: dict[str, str], only: str) -> dict[str, str]:
    return {name: code for name, code in contestants.items() if name.startswith(only)}


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]), *sys.argv[2:3])

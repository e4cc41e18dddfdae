"""Frequent sequences, beside what a user would pick instead.

    python -m benchmarks.sequences 1    # millions of order lines

One item a visit, since PrefixSpan-py has no visits of several items, nor gaps in days.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.baskets import MAKE
from benchmarks.measuring import python
from benchmarks.racing import race

#: Shares of the customers that go through a sequence.
SUPPORTS = (0.01, 0.003)

VISITS = """
import duckdb
duckdb.execute('''
copy (select customer_id, ordered_at, min(item) as item from {path!r} group by all)
to {visits!r} (format parquet)''')
"""

OURS = """
import ibis, json, pandas as pd
from datetime import date
from analysis.products.sequences import purchase_events
from analysis.products.sequences.sequential_patterns import Limits, frequent_sequences
from analysis.tables.engine import EngineSettings, connect
from analysis.tables.periods import Period
def mined(lines, support):
    year = Period(date(2023, 1, 1), date(2024, 1, 1))
    bought = purchase_events.fetch(lines, year, min_customers=1)
    return frequent_sequences(bought, support=support, limits=Limits(longest=4))
days = pd.to_datetime(["2023-02-01", "2023-02-05"])
mined(ibis.memtable(pd.DataFrame(dict(customer_id="c", item=[*"xy"], ordered_at=days))), 1.0)
{started}
found = mined(connect(EngineSettings(memory="2GB")).read_parquet({visits!r}), {support})
print("\\\nfound", json.dumps([len(found), int(found["customers"].sum())]))
"""

PREFIXSPAN = """
import duckdb, json, math
from prefixspan import PrefixSpan
{started}
rows = duckdb.execute('''select list(item order by ordered_at) from {visits!r}
group by customer_id''').fetchall()
search = PrefixSpan([row[0] for row in rows])
search.maxlen = 4
found = search.frequent(math.ceil({support} * len(rows) - 1e-9))
print("\\\nfound", json.dumps([len(found), sum(n for n, _ in found)]))
"""

SPARK = """
import json
from pyspark.ml.fpm import PrefixSpan
from pyspark.sql import SparkSession, functions
spark = (SparkSession.builder.master("local[*]").config("spark.driver.memory", "12g")
         .config("spark.ui.enabled", "false").getOrCreate())
spark.range(1).count()
{started}
rows = spark.read.parquet({visits!r})
visit = functions.struct("ordered_at", functions.array("item").alias("items"))
visits = functions.sort_array(functions.collect_list(visit)).alias("visits")
journeys = rows.groupBy("customer_id").agg(visits)
journeys = journeys.select(functions.col("visits.items").alias("sequence")).cache()
found = PrefixSpan(minSupport={support}, maxPatternLength=4, maxLocalProjDBSize=32000000)
found = found.findFrequentSequentialPatterns(journeys).select(
    functions.count("*"), functions.sum("freq"))
print("\\\nfound", json.dumps(list(found.first())))
{child}
"""

CONTESTANTS = {"ours": OURS, "prefixspan": PREFIXSPAN, "Spark PrefixSpan": SPARK}


def main(millions: float = 1) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        facts: dict[str, object] = {
            "lines": int(millions * 1_000_000),
            "path": str(Path(folder) / "lines.parquet"),
            "visits": str(Path(folder) / "visits.parquet"),
        }
        python(MAKE.format(**facts))
        python(VISITS.format(**facts))
        for support in SUPPORTS:
            title = f"Sequences of {support:.1%} of customers, {millions:g} M lines"
            race(title, CONTESTANTS, facts | {"support": support})


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))

"""The ledger of points reconciled lot by lot: ours in the engine, plain pandas beside it.

Lots are earned over two years and live a year; two in three are redeemed some time later, the
others expire on their day. Every way reads the same Parquet and finds what each lot became,
expiries set against the lots that came due, redemptions first in, first out. Ours also checks the
eight rules of the ledger, "pandas" the four that such a ledger can break: no account below zero,
nothing expired early, nothing overdue, no wrong sign; "pandas, unchecked" none. The engine's
memory is bounded, what does not fit spills to disk.

    python -m benchmarks.points_ledger 5900000    # lots; movements are about 1.7 times as many
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence

import psutil

from benchmarks.measuring import python
from benchmarks.racing import race

#: Lots earned; movements are about 1.7 times as many. The last only where the disk has room.
LOTS = (600_000, 5_900_000)

_BYTES_A_LOT = 200
_PANDAS_BYTES_A_LOT = 900

GENERATE = """
import duckdb
db = duckdb.connect(config=dict(memory_limit="2GB", temp_directory="{folder}/spill"))
db.sql('''create table lots as select i, 'c' || (hash(i) % ({lots} // 12)) as customer_id,
    date '2024-01-01' + (hash(i, 1) % 728)::int as earned_on, 1 + (hash(i, 2) % 100)::int as points,
    hash(i, 3) % 100 < 65 as spent, 1 + (hash(i, 4) % 363)::int as lag from range({lots}) t(i)''')
db.sql('''copy (
    select 'e' || i as entry_id, customer_id, earned_on::timestamp as posted_at, 'earn' as kind,
        points::double as points, earned_on + 365 as expires_on from lots
    union all select 'r' || i, customer_id, (earned_on + lag)::timestamp + interval 12 hour,
        'redeem', -points::double, null from lots where spent and earned_on + lag < '2025-12-29'
    union all select 'x' || i, customer_id, (earned_on + 365)::timestamp, 'expire',
        -points::double, null from lots where not spent and earned_on + 365 < '2025-12-29'
) to '{folder}/points.parquet' (format parquet, compression zstd)''')
"""

OURS = """
from datetime import date
from pathlib import Path
from analysis.engagement.points.points_ledger import reconcile
from analysis.tables.engine import EngineSettings, Tables, connect, read_parquet
from analysis.tables.manifest import Manifest
{started}
engine = connect(EngineSettings(memory="2GB"))
points = read_parquet(engine, Path("{folder}/points.parquet"))
books = reconcile(Tables(engine, Manifest(study="bench", rows={{}}), {{"points": points}}),
                  as_of=date(2025, 12, 29))
assert books.holds
lots = books.ledger.lots
squares = lots.aggregate(open=(lots.open // 1000 * lots.open // 1000).sum(),
                         used=(lots.used // 1000 * lots.used // 1000).sum()).to_pandas()
found = [int(books.flows["points"].iloc[-1]), int(squares["open"][0]), int(squares["used"][0])]
print("\\nfound", found)
"""

PANDAS = """
import numpy as np, pandas as pd
{started}
points = pd.read_parquet("{folder}/points.parquet")
lots = points[points["kind"] == "earn"].copy()
gone = points[points["kind"] == "expire"]
batch = (-gone["points"]).groupby([gone["customer_id"], gone["posted_at"].dt.normalize()]).sum()
batch = batch.rename_axis(["customer_id", "expires_on"]).rename("batch").reset_index()
lots["expires_on"] = pd.to_datetime(lots["expires_on"])
lots = lots.merge(batch.astype({{"expires_on": lots["expires_on"].dtype}}), how="left")
lots = lots.sort_values(["customer_id", "expires_on", "posted_at", "entry_id"],
                        ascending=[True, True, False, False])
same = lots.groupby(["customer_id", "expires_on"])["points"]
later = same.cumsum() - lots["points"]
lots["expired"] = (lots["batch"].fillna(0) - later).clip(0, lots["points"])
lots = lots.sort_values(["customer_id", "expires_on", "posted_at", "entry_id"])
spent = -points[points["kind"] == "redeem"].groupby("customer_id")["points"].sum()
left = lots["points"] - lots["expired"]
before = left.groupby(lots["customer_id"]).cumsum() - left
used = (lots["customer_id"].map(spent).fillna(0) - before).clip(0, left)
still = left - used
{checks}
found = [int(still.sum()), int((still**2).sum()), int((used**2).sum())]
print("\\nfound", found)
"""


CHECKS = """
points = points.assign(out=points["points"] < 0)
points = points.sort_values(["customer_id", "posted_at", "out", "entry_id"])
assert (points.groupby("customer_id")["points"].cumsum() >= 0).all()
assert batch["batch"].sum() == lots["expired"].sum()
assert not ((still > 0) & (lots["expires_on"] < pd.Timestamp("2025-12-29"))).any()
assert (points["out"] == (points["kind"] != "earn")).all()
"""


def main(sizes: Sequence[int] = LOTS) -> None:
    """Print what each way cost, for every size there is room for."""
    with tempfile.TemporaryDirectory() as folder:
        for lots in sizes:
            if shutil.disk_usage(folder).free < _BYTES_A_LOT * lots:
                continue
            python(GENERATE.format(folder=folder, lots=lots))
            ways = {"in the engine, 2 GB": OURS}
            if lots * _PANDAS_BYTES_A_LOT < psutil.virtual_memory().available:
                ways["pandas"] = PANDAS.replace("{checks}", CHECKS)
                ways["pandas, unchecked"] = PANDAS.replace("{checks}", "")
            race(f"{1.7 * lots / 1e6:.0f} M movements of points", ways, {"folder": folder})


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or LOTS)

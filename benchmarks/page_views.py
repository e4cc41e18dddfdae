"""Page views into sessions and a funnel: ours, DuckDB and Polars each written by hand.

Every way reads the same Parquet of page views (string keys, sorted by time), writes one row a
session (first and last time, views, entry, exit, steps it holds) and prints how many sessions came
to each step in order. Seconds are taken inside the process, imports left out. Polars is installed
into an environment of its own. ``python -m benchmarks.page_views 5000000`` measures another size.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import Cost, command, table

SIZES = (1_000_000, 10_000_000)
MEMORY = "3GB"
_POLARS = "polars>=1.30,<2"

#: Sessions of one to eight pages, of which a part goes on to basket, checkout and order.
GENERATE = """
import duckdb
db = duckdb.connect(config=dict(memory_limit="3GB", temp_directory="{folder}/spill"))
db.sql('''copy (
    with sessions as (
        select s, 'visitor-' || hash(s, 1) % ({views} // 10) as visitor_id,
            timestamp '2025-01-01' + to_seconds((hash(s, 2) % (180 * 86400))::bigint) as begun,
            1 + least(7, floor(-ln((hash(s, 3) % 1000000 + 1) / 1000000.0) * 3))::int as pages,
            case when hash(s, 4) % 100 < 14 then 3 when hash(s, 4) % 100 < 22 then 2
                 when hash(s, 4) % 100 < 36 then 1 else 0 end as depth
        from range({views} // 4) as numbers(s)
    )
    select 'session-' || s as session_id, visitor_id,
        begun + to_seconds((k * 60 + hash(s, k, 5) % 59)::bigint) as viewed_at,
        case when k >= pages then ['/cart', '/checkout', '/thank-you'][k - pages + 1]
             else ['/home', '/category', '/product', '/search']
                 [1 + (hash(s, k, 6) % 4)::int] end as page,
        case when k >= pages then ['cart', 'checkout', 'purchase'][k - pages + 1] else 'view' end
            as event,
        case when page = '/product' then 'product-' || hash(s, k, 7) % 5000 end as product_id
    from sessions, range(pages + depth) as places(k)
    order by viewed_at
) to '{folder}/views.parquet' (format parquet, compression zstd, row_group_size 500000)''')
print(db.sql("select count(*) from '{folder}/views.parquet'").fetchone()[0])
"""

OURS = """
import json, time
from datetime import date
from pathlib import Path
from analysis.engagement.web.clickstream import session_table
from analysis.engagement.web.clickstream import page_events
from analysis.engagement.web.purchase_funnel import reached
from analysis.engagement.web.sessionisation import SessionRule, sessionise
from analysis.tables.engine import EngineSettings, Tables, connect, held, read_parquet
from analysis.tables.manifest import Manifest
from analysis.tables.periods import Period
engine = connect(EngineSettings(memory="{memory}"))
rows = read_parquet(engine, Path("{folder}/views.parquet"))
tables = Tables(engine, Manifest(study="bench", rows=dict()), dict(page_views=rows))
began = time.perf_counter()
year = Period(date(2025, 1, 1), date(2026, 1, 1))
wanted = ["who", "viewed_at", "page", "step"]
events = page_events(tables, year).select(wanted)
views = sessionise(events, SessionRule(), context=False).drop("before", "after")
views = held(views)
sessions = held(session_table(views))
engine.to_parquet(sessions, "{folder}/ours.parquet")
far = reached(views, (2, 3, 4, 5)).group_by("strict").aggregate(n=lambda t: t.count()).execute()
deep = dict(zip(far["strict"], far["n"]))
steps = [int(sum(n for k, n in deep.items() if k >= step)) for step in (3, 4, 5)]
found = [int(sessions.count().execute()), int(sessions.step_2.sum().execute()), *steps]
print("took", time.perf_counter() - began)
print("found", json.dumps(found))
"""

DUCKDB = """
import json, time
import duckdb
db = duckdb.connect(config=dict(memory_limit="{memory}", temp_directory="{folder}/spill"))
began = time.perf_counter()
db.sql('''create temp table views as
    select *, sum(starts::int) over (
        partition by visitor_id order by viewed_at, step, page rows unbounded preceding
    ) as session_no
    from (
        select visitor_id, viewed_at, page, step,
            coalesce(viewed_at >= lag(viewed_at) over w + interval 30 minute, true) as starts,
            coalesce(lead(viewed_at) over w >= viewed_at + interval 30 minute, true) as ends
        from (
            select visitor_id, viewed_at, page,
                case event when 'cart' then 3 when 'checkout' then 4 when 'purchase' then 5
                     else if(product_id is null, 1, 2) end::tinyint as step
            from '{folder}/views.parquet'
        ) window w as (partition by visitor_id order by viewed_at, step, page)
    )''')
db.sql('''create temp table sessions as
    select visitor_id, session_no, min(viewed_at) as started_at, max(viewed_at) as ended_at,
        count(*) as views, max(page) filter (starts) as entry, max(page) filter (ends) as exit,
        bool_or(step = 2) as step_2, bool_or(step = 3) as step_3, bool_or(step = 4) as step_4,
        bool_or(step = 5) as step_5
    from views group by all''')
db.sql("copy sessions to '{folder}/duckdb.parquet' (format parquet)")
found = db.sql('''
    with product as (
        select visitor_id, session_no, min(viewed_at) as since
        from views where step = 2 group by all
    ), basket as (
        select visitor_id, session_no, min(viewed_at) as since
        from views join product using (visitor_id, session_no)
        where step = 3 and viewed_at >= since group by all
    ), checkout as (
        select visitor_id, session_no, min(viewed_at) as since
        from views join basket using (visitor_id, session_no)
        where step = 4 and viewed_at >= since group by all
    ), bought as (
        select distinct visitor_id, session_no
        from views join checkout using (visitor_id, session_no)
        where step = 5 and viewed_at >= since
    )
    select (select count(*) from sessions), (select count(*) from product),
        (select count(*) from basket), (select count(*) from checkout),
        (select count(*) from bought)
''').fetchone()
print("took", time.perf_counter() - began)
print("found", json.dumps(list(found)))
"""

POLARS = """
import json, time
import polars as pl
began = time.perf_counter()
keys = ["visitor_id", "session_no"]
rows = pl.scan_parquet("{folder}/views.parquet").select(
    "visitor_id", "viewed_at", "page",
    step=pl.when(pl.col("event") == "cart").then(3).when(pl.col("event") == "checkout").then(4)
    .when(pl.col("event") == "purchase").then(5)
    .when(pl.col("product_id").is_null()).then(1).otherwise(2).cast(pl.Int8),
).sort("visitor_id", "viewed_at", "step", "page")
same = pl.col("visitor_id") == pl.col("visitor_id").shift()
near = pl.col("viewed_at") < pl.col("viewed_at").shift() + pl.duration(minutes=30)
views = rows.with_columns(starts=~(same & near).fill_null(False))
views = views.with_columns(
    session_no=pl.col("starts").cum_sum(), ends=pl.col("starts").shift(-1, fill_value=True)
).collect(engine="streaming")
sessions = views.lazy().group_by("session_no").agg(
    pl.col("visitor_id").first(), started_at=pl.col("viewed_at").min(),
    ended_at=pl.col("viewed_at").max(), views=pl.len(),
    entry=pl.col("page").filter(pl.col("starts")).first(),
    exit=pl.col("page").filter(pl.col("ends")).first(),
    step_2=(pl.col("step") == 2).any(), step_3=(pl.col("step") == 3).any(),
    step_4=(pl.col("step") == 4).any(), step_5=(pl.col("step") == 5).any(),
).collect(engine="streaming")
sessions.write_parquet("{folder}/polars.parquet")
counts, since = [], None
for step in (2, 3, 4, 5):
    here = views.lazy().filter(pl.col("step") == step).select("session_no", "viewed_at")
    if since is not None:
        here = here.join(since.lazy(), on="session_no")
        here = here.filter(pl.col("viewed_at") >= pl.col("at"))
    firsts = here.group_by("session_no").agg(at=pl.col("viewed_at").min())
    since = firsts.collect(engine="streaming")
    counts.append(len(since))
print("took", time.perf_counter() - began)
print("found", json.dumps([len(sessions), *counts]))
"""


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print seconds, peak memory and ratios for every size."""
    with tempfile.TemporaryDirectory() as folder:
        polars = _polars(Path(folder))
        rows = [row for size in sizes for row in _measure(size, folder, polars)]
    table(("page views, way", "seconds", "processor s", "peak MB", "times the better"), rows)


def _measure(size: int, folder: str, polars: str | None) -> list[tuple[str, ...]]:
    made = command(sys.executable, "-c", GENERATE.format(folder=folder, views=size))
    views = int(made.output.split()[-1])
    ways = {"ours": (sys.executable, OURS), "DuckDB by hand": (sys.executable, DUCKDB)}
    if polars:
        ways["Polars by hand"] = (polars, POLARS)
    # Three times, in turns, the fastest counts: what else the machine does then meets all alike.
    costs = [{name: _run(way, folder) for name, way in ways.items()} for _ in range(3)]
    best = {name: min((c[name] for c in costs), key=_seconds) for name in ways}
    found = {name: cost.output.split("found ")[1].strip() for name, cost in best.items()}
    if len(set(found.values())) > 1:
        sys.exit(f"The ways differ: {found}")
    peers = [_seconds(cost) for name, cost in best.items() if name != "ours"]
    return [
        (
            f"{views / 1e6:.1f} M, {name}",
            f"{_seconds(cost):.1f}",
            f"{cost.cpu_seconds:.1f}",
            f"{cost.peak_mb:,.0f}",
            f"{_seconds(cost) / min(peers):.2f}",
        )
        for name, cost in best.items()
    ]


def _run(way: tuple[str, str], folder: str) -> Cost:
    code = way[1].replace("{folder}", folder).replace("{memory}", MEMORY)
    return command(way[0], "-c", code)


def _seconds(cost: Cost) -> float:
    """Return the seconds that a way printed; DuckDB may show its progress before them."""
    return float(cost.output.split("took ")[1].split()[0])


def _polars(folder: Path) -> str | None:
    """Install Polars beside us, if uv is there to do it."""
    beside = Path(sys.executable).parent
    uv = shutil.which("uv", path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        return None
    python = folder / "polars" / "bin" / "python"
    command(uv, "venv", "-q", "-p", sys.executable, str(python.parents[1]))
    command(uv, "pip", "install", "-q", "-p", str(python), _POLARS)
    return str(python)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)

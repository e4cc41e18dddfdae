"""A newcomer's first two commands, `new` and `check`, on 305 daily files and on one file of 5 GB.

What counts are CPU seconds, the peak of memory, and that both read the same shop as one small file.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks.measuring import REPOSITORY, Cost, command, table

#: Daily files as of UCI's Online Retail, and the lines of each.
DAYS, LINES_A_DAY = 305, 1_770
#: Bytes of the large file, and of a line of it on average.
GIGABYTES, LINE = 5.0, 81
LINES = """
    SELECT 536365 + i // 20 AS "Order no", 10000 + hash(i) % 4000 AS "SKU",
        'WHITE HEART HOLDER ' || hash(i) % 40 AS "Product name", 1 + hash(i + 7) % 12 AS "Qty",
        strftime(TIMESTAMP '2010-12-01 08:00' + to_minutes(CAST({minutes} AS BIGINT)),
            '%d/%m/%Y %H:%M') AS "Order date",
        CAST((20 + hash(i + 3) % 1480) / 100 AS DECIMAL(9, 2)) AS "Unit price",
        12346 + hash(i // 20) % 40000 AS "Customer ID", 'United Kingdom' AS "Country"
    FROM range({first}, {end}) AS lines(i)
"""


def main(days: int = DAYS, gigabytes: float = GIGABYTES) -> None:
    """Print what `new` and `check` cost on either; on a shared machine CPU seconds are to trust."""
    rows = []
    for name, write in (
        (f"{days} files", lambda folder: daily(folder, days)),
        (f"{gigabytes:g} GB", lambda folder: large(folder, gigabytes)),
    ):
        folder = Path(tempfile.mkdtemp())
        try:
            shutil.copytree(REPOSITORY / "params" / "sources", folder / "params" / "sources")
            shutil.copytree(REPOSITORY / "notebooks", folder / "notebooks")
            raw = folder / "data" / "raw" / "shop"
            raw.mkdir(parents=True)
            write(raw)
            rows += [_row(name, word, cost) for word, cost in _commands(folder)]
        finally:
            shutil.rmtree(folder)
    table(("files", "command", "seconds", "CPU seconds", "peak MB"), rows)


def _commands(folder: Path) -> list[tuple[str, Cost]]:
    analysis = (sys.executable, "-m", "analysis")
    new = command(*analysis, "new", "shop", "data/raw/shop", cwd=folder)
    return [("new", new), ("check", command(*analysis, "check", "shop", cwd=folder))]


def _row(name: str, word: str, cost: Cost) -> tuple[str, ...]:
    return (
        name,
        word,
        f"{cost.seconds:.0f}",
        f"{cost.cpu_seconds:.1f}",
        f"{cost.peak_mb:,.0f}",
    )


def daily(folder: Path, days: int) -> None:
    """Write a file a day."""
    with duckdb.connect() as connection:
        for day in range(days):
            lines = LINES.format(
                first=day * LINES_A_DAY,
                end=(day + 1) * LINES_A_DAY,
                minutes=f"{1440 * day} + (i % {LINES_A_DAY}) * 600 // {LINES_A_DAY}",
            )
            _copy(connection, lines, folder / f"orders_{day:03}.csv")


def large(folder: Path, gigabytes: float) -> None:
    """Write one file of two years."""
    lines = int(gigabytes * 1e9 / LINE)
    with duckdb.connect() as connection:
        text = LINES.format(first=0, end=lines, minutes=f"i // 20 * 1051200 // {lines // 20}")
        _copy(connection, text, folder / "orders.csv")


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    connection.execute(f"COPY ({query}) TO '{path}' (HEADER)")

"""Ten million lines of CSV as a shop delivers them: ours beside the same cleaning in plain pandas.

Both end with Parquet of typed, clean order lines. Ours besides checks every line's structure and
encoding, keeps the refused rows with file, line and reason, and fills customers and products.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measuring import REPOSITORY, python, table

LINES = 10_000_000
BLOCK = 200_000
OURS = """
from pathlib import Path
from analysis.tables.engine import EngineSettings
from analysis.ingest.ingest import ingest
from analysis.ingest.request import IngestRequest
result = ingest(IngestRequest(
    study="shop", title="Shop", timezone="Europe/London", currency="GBP", default_margin_rate=0.3,
    source={{"kind": "files", "mapping": "online_retail", "folder": "raw"}},
    engine=EngineSettings(memory="1GB"),
), root=Path("{root}"))
print(result.manifest.rows["order_lines"])
"""
PANDAS = """
import pandas as pd
lines = pd.read_csv("{file}", encoding="latin-1", dtype=str)
form = "%d/%m/%Y %H:%M"
lines["InvoiceDate"] = pd.to_datetime(lines["InvoiceDate"], format=form, errors="coerce")
lines["Quantity"] = pd.to_numeric(lines["Quantity"], errors="coerce")
price = lines["UnitPrice"].str.replace("£", "", regex=False)
lines["UnitPrice"] = pd.to_numeric(price, errors="coerce")
lines["StockCode"] = lines["StockCode"].str.strip().str.upper()
lines = lines[~lines["StockCode"].str.startswith("TEST", na=False)]
lines = lines.dropna(subset=["InvoiceNo", "StockCode", "InvoiceDate", "Quantity", "UnitPrice"])
lines["net_amount"] = (lines["Quantity"] * lines["UnitPrice"]).round(2)
lines.to_parquet("{file}.parquet", compression="zstd")
print(len(lines))
"""


def main(lines: int = LINES) -> None:
    """Print seconds and peak memory of both; on a shared machine CPU seconds are what to trust."""
    folder = Path(tempfile.mkdtemp())
    try:
        root = folder / "project"
        (root / "raw").mkdir(parents=True)
        shutil.copytree(REPOSITORY / "params" / "sources", root / "params" / "sources")
        file = root / "raw" / "orders.csv"
        write(file, lines)
        ours, pandas = (python(c.format(root=root, file=file)) for c in (OURS, PANDAS))
        table(
            ("cleaning", "seconds", "CPU seconds", "peak MB", "order lines"),
            [
                (
                    name,
                    f"{cost.seconds:.1f}",
                    f"{cost.cpu_seconds:.1f}",
                    f"{cost.peak_mb:,.0f}",
                    f"{int(cost.output.split()[-1]):,}",
                )
                for name, cost in (("ours", ours), ("plain pandas", pandas))
            ],
        )
    finally:
        shutil.rmtree(folder)


def write(path: Path, lines: int, *, seed: int = 1) -> None:
    """Write order lines shaped like UCI's Online Retail, in Latin-1, with its quirks."""
    random, order = np.random.default_rng(seed), 536_365
    with path.open("w", encoding="latin-1", newline="") as stream:
        stream.write(
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        )
        for start in range(0, lines, BLOCK):
            size = min(BLOCK, lines - start)
            orders = order + np.cumsum(random.random(size) < 0.05)
            order = int(orders[-1])
            stream.write("".join(_block(random, orders, span=max(1.0, lines * 0.05))))


def _block(random: np.random.Generator, orders: np.ndarray, *, span: float) -> list[str]:
    size = len(orders)
    minutes = ((orders - 536_365) * 375 * 1440 // span).astype("int64")
    times = (np.datetime64("2010-12-01T08:00") + minutes.astype("timedelta64[m]")).astype(str)
    when = [f"{t[8:10]}/{t[5:7]}/{t[0:4]} {t[11:16]}" for t in times]
    stock, pence = random.integers(10_000, 14_000, size), random.integers(20, 1_500, size)
    count, chance = random.integers(1, 20, size), random.random(size)
    customer = 12_346 + random.integers(0, 6_000, size) + (orders % 7) * 6_000
    rows = []
    for i in range(size):
        cancelled = chance[i] < 0.015
        name = f'"SET OF 6, ROSE {stock[i] % 40}"' if stock[i] % 20 == 0 else "WHITE HEART HOLDER"
        name = "CAFÉ AU LAIT CUP" if stock[i] % 53 == 0 else name
        rows.append(
            f"{'C' if cancelled else ''}{orders[i]},{stock[i]},{name},"
            f"{-count[i] if cancelled else count[i]},{when[i]},"
            f"{'£' if stock[i] % 2 == 0 else ''}{pence[i] // 100}.{pence[i] % 100:02d},"
            f"{'' if chance[i] > 0.75 else customer[i]},United Kingdom\n"
        )
    return rows

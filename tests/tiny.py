"""A dozen rows in the shape of the Complete Journey, to bend and break."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from analysis import params
from analysis.ingest.ingest import ingest
from analysis.ingest.request import IngestRequest, IngestResult

PARAMS: dict[str, Any] = {
    "study": "tiny",
    "title": "Tiny shop",
    "source": {"kind": "complete_journey", "folder": "data/raw/tiny"},
    "as_of": "2018-01-01",
    "timezone": "America/New_York",
    "currency": "USD",
    "seed": 1,
    "margins": {"default": 0.25, "departments": {"GROCERY": 0.2}},
}


def frames() -> dict[str, pd.DataFrame]:
    """Return the source tables: three households, three products, two of them in the catalogue."""
    moments = pd.to_datetime(
        ["2017-06-05 14:00", "2017-06-05 14:00", "2017-09-12 01:30", "2017-12-04 18:00"]
    )
    return {
        "transactions": pd.DataFrame(
            {
                "household_id": [1, 1, 2, 1],
                "store_id": [10, 10, 11, 10],
                "basket_id": [100, 100, 101, 102],
                "product_id": [7, 8, 7, 9],
                "quantity": [1, 2, 1, 1],
                "sales_value": [2.50, 4.00, 2.25, 1.10],
                "retail_disc": [0.0, 1.00, 0.25, 0.0],
                "coupon_disc": [0.0, 0.50, 0.0, 0.0],
                "coupon_match_disc": [0.0, 0.10, 0.0, 0.0],
                "transaction_timestamp": moments.astype("datetime64[us]"),
            }
        ),
        "products": pd.DataFrame(
            {
                "product_id": [7, 8],
                "manufacturer_id": [1, 2],
                "department": ["GROCERY", "PRODUCE"],
                "brand": ["National", "Private"],
                "product_category": ["BREAD", None],
                "product_type": ["BREAD", None],
                "package_size": ["1 LB", None],
            }
        ),
        "demographics": pd.DataFrame(
            {
                "household_id": [1],
                "age": ["45-54"],
                "income": ["50-74K"],
                "home_ownership": ["Homeowner"],
                "marital_status": ["Married"],
                "household_size": ["2"],
                "household_comp": ["2 Adults No Kids"],
                "kids_count": ["0"],
            }
        ),
        "campaign_descriptions": pd.DataFrame(
            {
                "campaign_id": [1],
                "campaign_type": ["Type A"],
                "start_date": pd.to_datetime(["2017-06-01"]).astype("datetime64[us]"),
                "end_date": pd.to_datetime(["2017-06-30"]).astype("datetime64[us]"),
            }
        ),
        "campaigns": pd.DataFrame({"campaign_id": [1, 1], "household_id": [1, 3]}),
        "coupons": pd.DataFrame(
            {"coupon_upc": [5, 5], "product_id": [8, 8], "campaign_id": [1, 1]}
        ),
        "coupon_redemptions": pd.DataFrame(
            {
                "household_id": [1],
                "coupon_upc": [5],
                "campaign_id": [1],
                "redemption_date": pd.to_datetime(["2017-06-05"]).astype("datetime64[us]"),
            }
        ),
        "promotions": pd.DataFrame(
            {
                "product_id": [7, 7, 8],
                "store_id": [10, 10, 11],
                "display_location": ["0", "9", "0"],
                "mailer_location": ["A", "0", "D"],
                "week": [1, 1, 24],
            }
        ),
    }


@dataclass
class Journey:
    """A project root whose study ``tiny`` reads these files."""

    root: Path

    @classmethod
    def create(cls, root: Path) -> Journey:
        """Lay out a project with params and source files in ``root``."""
        for folder in ("params", "notebooks", "data/raw/tiny", "reports"):
            (root / folder).mkdir(parents=True)
        (root / "params" / "tiny.yaml").write_text(yaml.safe_dump(PARAMS, sort_keys=False))
        project = cls(root)
        for name, frame in frames().items():
            project.write(name, frame)
        return project

    def path(self, name: str) -> Path:
        """Return the path of a source file."""
        return self.root / "data" / "raw" / "tiny" / f"{name}.parquet"

    def write(self, name: str, frame: pd.DataFrame) -> None:
        """Replace a source file."""
        frame.to_parquet(self.path(name), index=False)

    def request(self, *overrides: str) -> IngestRequest:
        """Return the ingest request of the study."""
        return params.load("tiny", overrides, root=self.root).ingest_request()

    def ingest(self, **options: Any) -> IngestResult:
        """Ingest the study."""
        return ingest(self.request(), root=self.root, **options)

    @property
    def canonical(self) -> Path:
        """Directory of the current canonical tables."""
        return self.root / "data" / "canonical" / "tiny" / "current"

"""Report 05 on a shop that knows no customers, no offers and no category of any product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.reporting.notebook.outputs import KEY
from tests.notebooks.studies import run_notebook

ORDERS, DAYS = 6_000, 364


def guests() -> dict[str, pd.DataFrame]:
    """Return a year of guests' orders; sauce goes with pasta, the rest is bought independently."""
    rng = np.random.default_rng(11)
    held = {f"p{i}": rng.random(ORDERS) < 0.2 for i in range(8)}
    held["pasta"] = rng.random(ORDERS) < 0.1
    held["sauce"] = rng.random(ORDERS) < np.where(held["pasta"], 0.5, 0.08)
    days = np.arange(ORDERS) * DAYS // ORDERS
    when = np.datetime64("2023-01-02", "us") + days.astype("timedelta64[D]")
    lines = [
        pd.DataFrame({"order_id": [f"o{r}" for r in rows], "product_id": name,
                      "ordered_at": when[rows], "quantity": 1.0, "net_amount": 2.0})
        for name, rows in ((n, np.flatnonzero(flags)) for n, flags in held.items())
    ]  # fmt: skip
    lines = pd.concat(lines, ignore_index=True)
    lines["customer_id"] = pd.Series(pd.NA, index=lines.index, dtype="str")
    products = pd.DataFrame({"product_id": sorted(held), "department": "FOOD"})
    products["category"] = pd.Series(pd.NA, index=products.index, dtype="str")
    return {"order_lines": lines, "products": products}


def test_what_is_not_known_is_said_once_and_the_planted_pair_is_found_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = run_notebook("05_baskets", guests(), tmp_path, monkeypatch, as_of="2024-01-01")
    (title,) = page.shown("title")
    assert "pasta" in title.lower()
    assert "sauce" in title.lower()
    assert page.findings.by_key()["first_pair"].value > 3
    assert page.table("next_purchases") is None
    assert page.table("recommendations") is None
    assert page.table("categories_that_hold") is None
    assert page.shown("chart") != []
    lacking = [o.metadata[KEY] for o in page.outputs if o.metadata[KEY]["role"] == "not given"]
    reason = "No item was bought by 50 known customers."
    again = [said["again"] for said in lacking if said["reason"] == reason]
    assert again == [False, True, True, True, True]
    assert len(page.shown("trust")) == 1

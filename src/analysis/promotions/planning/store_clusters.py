"""Main stores of customers, and how much customers of a store resemble each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.tables import lines as lines_module

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period


def main_stores(tables: Tables, period: Period) -> ibis.Table:
    """Return the store with most of each customer's lines; of equals the first by name."""
    lines = lines_module.raw_lines_in(tables, period)
    lines = lines.filter(lines.customer_id.notnull())
    store = lines.store_id if "store_id" in lines.columns else ibis.null("string")
    counts = lines.select("customer_id", store=store).group_by("customer_id", "store")
    sized = counts.agg(lines=ibis._.count())
    best = ibis.window(group_by="customer_id", order_by=[ibis.desc(sized.lines), sized.store])
    ranked = sized.mutate(rank=ibis.row_number().over(best))
    return ranked.filter(ranked["rank"] == 0).select("customer_id", "store")


def of_people(tables: Tables, people: pd.DataFrame, period: Period) -> pd.Series:
    """Return the main store in ``period`` of each customer of ``people``, missing without one."""
    found = main_stores(tables, period).to_pandas()
    return people[["customer_id"]].merge(found, on="customer_id", how="left")["store"]


def spread(found: pd.DataFrame) -> pd.DataFrame:
    """Return store, n, mean and variance of margin, from the moments by store."""
    rows = [
        (
            row["store"],
            float(row["moments"].n),
            *(float(v) for v in row["moments"].figure("margin")),
        )
        for row in found.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=["store", "n", "mean", "variance"])


def resemblance(stores: pd.DataFrame) -> float:
    """Return the intra-cluster correlation by the analysis of variance, zero at least.

    ``stores`` has n, mean and variance. Donner and Koval (1980), Biometrics 36, 19-25.
    """
    n, mean = stores["n"].to_numpy(dtype=float), stores["mean"].to_numpy(dtype=float)
    total, groups = n.sum(), len(n)
    between = float(np.sum(n * (mean - np.sum(n * mean) / total) ** 2) / (groups - 1))
    within = float(np.sum((n - 1) * stores["variance"].to_numpy(dtype=float)) / (total - groups))
    typical = (total - np.sum(n**2) / total) / (groups - 1)
    whole = between + (typical - 1) * within
    return max(0.0, float((between - within) / whole)) if whole > 0 else 0.0

"""The simulated shop: generated where it is missing or stale, then read like any source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis

from analysis.ingest.request import IngestRequest
from analysis.ingest.sources import Feed
from analysis.tables.engine import read_parquet
from analysis.tables.periods import as_date

#: Columns that identify a row of a file, for the rejected rows; strings in the canonical tables.
KEYS = {
    "customers": ("customer_id",),
    "products": ("product_id",),
    "order_lines": ("order_id", "line"),
    "order_lines_late": ("order_id", "line"),
    "promotions": ("promotion_id",),
    "promotion_products": ("promotion_id", "product_id"),
    "assignments": ("promotion_id", "customer_id"),
    "redemptions": ("promotion_id", "order_id"),
    "placements": ("product_id", "store_id", "week_start"),
    "contacts": ("contact_id",),
    "consents": ("customer_id", "channel"),
    "media_spend": ("day", "channel"),
    "page_views": ("session_id", "viewed_at"),
    "feedback": ("feedback_id",),
    "orders": ("order_id",),
    "points": ("entry_id",),
    "tiers": ("customer_id", "valid_from"),
    "referrals": ("referred_id",),
    "subscriptions": ("subscription_id",),
    "stored_value": ("entry_id",),
    "interactions": ("interaction_id",),
}

DELIVERED_TWICE = "delivered twice"
TRAINING_TILL = "training till"
SENT_TWICE = "exact duplicate"


class Simulated:
    """Adapter for the simulated shop.

    Parameters
    ----------
    request
        ``options`` hold the settings of ``simulate.shop.Shop`` and may hold ``folder`` (where
        the source files go; ``data/simulated/<study>`` by default). The seed is the study's.
    root
        Project root.
    """

    simulated = True
    notes = (
        "The shop is simulated: nothing in it happened. What was planted in it is documented in "
        "data/SIMULATED.md and written to data/simulated/<study>/truth.",
        "Costs are known for every line.",
        "Returns name the order they return in most cases; guests have no customer.",
    )

    def __init__(self, request: IngestRequest, root: Path) -> None:
        from analysis.simulator.shop import Shop

        options = dict(request.options)
        folder = options.pop("folder", f"data/simulated/{request.study}")
        self.folder = root / str(folder)
        if isinstance(options.get("start"), str):  # as the record of a run keeps it
            options["start"] = as_date(options["start"])
        self._shop = Shop.from_options({"seed": request.seed, **options})

    def files(self) -> list[Path]:
        """Return the source files, generating them first where they are missing or stale."""
        from analysis.simulator.writer import simulate, source_files

        return source_files(simulate(self._shop, self.folder))

    def feeds(self, connection: Any) -> Iterator[Feed]:
        """Yield the feeds: one a table, two for order lines."""
        for name in KEYS:
            if name == "order_lines":
                yield from self._order_lines(connection)
            elif name != "order_lines_late":
                rows = self._read(connection, name)
                rows = _without_copies(rows) if name == "customers" else rows
                yield Feed(name, f"{name}/*.parquet", _canonical(rows, name))

    def _read(self, connection: Any, name: str) -> ibis.Table:
        return read_parquet(connection, self.folder / name)

    def _order_lines(self, connection: Any) -> Iterator[Feed]:
        main = self._read(connection, "order_lines")
        late = self._read(connection, "order_lines_late")
        training = main.store_id == "TRAINING"
        main = main.mutate(dropped_by=training.ifelse(TRAINING_TILL, ibis.null("string")))
        again = main.semi_join(late, ["order_id", "line"]).select("order_id", "line")
        again = again.mutate(again=ibis.literal(True))
        late = late.left_join(again, ["order_id", "line"], rname="{name}_again")
        late = late.drop("order_id_again", "line_again")
        late = late.mutate(dropped_by=late.again.ifelse(DELIVERED_TWICE, ibis.null("string")))
        for name, rows in (("order_lines", main), ("order_lines_late", late.drop("again"))):
            lines = _canonical(rows, name).drop("line")
            yield Feed("order_lines", f"{name}/*.parquet", lines)


def _canonical(rows: ibis.Table, name: str) -> ibis.Table:
    """Return the rows with their ids as strings and a key to find each by."""
    ids = [c for c in rows.columns if c.endswith("_id") and not rows[c].type().is_string()]
    parts = [
        ibis.literal(f"{c}=") + ibis.coalesce(rows[c].cast("string"), "none") for c in KEYS[name]
    ]
    key = parts[0]
    for part in parts[1:]:
        key = key + ", " + part
    return rows.mutate(**{c: rows[c].cast("string") for c in ids}, source_key=key)


def _without_copies(rows: ibis.Table) -> ibis.Table:
    copy = ibis.row_number().over(group_by="customer_id", order_by="joined_on")
    counted = rows.mutate(copy=copy)
    dropped = (counted.copy > 0).ifelse(SENT_TWICE, ibis.null("string"))
    return counted.mutate(dropped_by=dropped).drop("copy")

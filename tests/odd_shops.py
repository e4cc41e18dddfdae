"""Shops that a stranger may bring, written as one file of order lines each."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from analysis.ingest.onboarding.draft import draft
from tests.real_site import REPOSITORY

_HEADER = (
    "order_id", "customer_id", "order_date", "product_id", "product_name", "category",
    "department", "quantity", "net_amount", "store_id",
)  # fmt: skip
_OPENED = datetime(2024, 1, 1, 10)


def _line(order: int, customer: str, day: int, product: int) -> list[object]:
    return [
        f"o{order}", customer, _OPENED + timedelta(days=day), f"p{product}", f"Item {product}",
        f"Kind {product % 9}", f"Part {product % 3}", 1, round(1 + product / 7, 2), "S1",
    ]  # fmt: skip


def _lines(customers: int, days: int, *, known: bool = True) -> Iterator[list[object]]:
    """Yield the lines of a small shop; item 7 is often taken along with item 3."""
    rng = np.random.default_rng(days)
    order = 0
    for c in range(customers):
        visits = np.flatnonzero(rng.random(days) < rng.gamma(1.0, 0.1))
        for day in visits.tolist():
            order += 1
            items = {int(60 * x**2) for x in rng.random(rng.integers(1, 6))}
            if 3 in items and rng.random() < 0.5:
                items.add(7)
            for item in sorted(items):
                yield _line(order, f"c{c}" if known else "", day, item)


#: Name to lines. Only the first is a shop of which everything can be told.
SHOPS = {
    "healthy": lambda: _lines(250, 760),
    "young": lambda: _lines(200, 80),
    "guests": lambda: _lines(200, 150, known=False),
    "one_product": lambda: (_line(n, f"c{n % 7}", n, 1) for n in range(400)),
    "one_order": lambda: (_line(1, "c1", 0, item) for item in (1, 2)),
}


def opened(root: Path, shop: str) -> Path:
    """Return a project with a study of the shop, as `analysis new` makes it from its file."""
    source = root / "data" / "raw" / shop / "orders.csv"
    source.parent.mkdir(parents=True)
    with source.open("w", newline="") as stream:
        csv.writer(stream).writerows([_HEADER, *SHOPS[shop]()])
    for folder in ("notebooks", "params"):
        shutil.copytree(REPOSITORY / folder, root / folder)
    draft(shop, [source], root=root)
    return root


_MAPPED = """
  - table: promotions
    from: offers
    columns:
      promotion_id: id
      name: id
      starts_on: {column: from, dates: iso}
      ends_on: {column: to, dates: iso}
  - table: assignments
    from: chosen
    timezone: UTC
    columns:
      promotion_id: id
      customer_id: customer
      arm: arm
      assigned_at: {column: at, dates: iso}
      randomised: by_lot
"""


def with_promotions(root: Path, shop: str) -> None:
    """Add promotions of every awkward kind: of seven customers, of one arm, long ago, to come."""
    offers = [("few", "2024-03-04", "2024-03-17"), ("one_arm", "2024-05-06", "2024-05-19"),
              ("for_all", "2024-07-01", "2024-07-14"), ("long_ago", "2020-01-06", "2020-01-19"),
              ("to_come", "2031-01-06", "2031-01-19")]  # fmt: skip
    arms = {"few": ["treatment", "control"], "one_arm": ["treatment"],
            "long_ago": ["treatment", "control"], "to_come": ["treatment", "control"]}  # fmt: skip
    chosen = [
        (name, f"c{c}", own[c % len(own)], "2019-12-01 08:00:00", "yes")
        for name, own in arms.items()
        for c in range(7 if name == "few" else 100)
    ]
    with_trials(root, shop, offers, chosen)


def with_uneven_arms(root: Path, shop: str) -> None:
    """Add one promotion, assigned at midnight, with seventy in one arm and thirty in the other."""
    arms = ["treatment"] * 7 + ["control"] * 3
    chosen = [("uneven", f"c{c}", arms[c % 10], "2024-04-01 00:00:00", "yes") for c in range(100)]
    with_trials(root, shop, [("uneven", "2024-04-01", "2024-04-14")], chosen)


def with_trials(
    root: Path, shop: str, offers: list[tuple[str, ...]], chosen: list[tuple[str, ...]]
) -> None:
    """Write promotions and who was assigned to them, and map both."""
    folder = root / "data" / "raw" / shop
    tables = {
        "offers": [("id", "from", "to"), *offers],
        "chosen": [("id", "customer", "arm", "at", "by_lot"), *chosen],
    }
    mapping = root / "params" / "sources" / f"{shop}.yaml"
    files = ""
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows(rows)
        files += f"  {name}: {{paths: {name}.csv}}\n"
    text = mapping.read_text("utf-8").replace("files:\n", "files:\n" + files, 1)
    mapping.write_text(text.rstrip() + "\n" + _MAPPED, "utf-8")

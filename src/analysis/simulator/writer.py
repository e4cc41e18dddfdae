"""Writing a shop to disk chunk by chunk: bounded memory, the same bytes on any thread count.

A chunk is some thousand customers: their rows in every file, and the truth about them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analysis.simulator import truth
from analysis.simulator.chunk_facts import Facts, gather
from analysis.simulator.engagement import (
    acquisition,
    club_life,
    first_come,
    loyalty_club,
    messages,
    order_deliveries,
    paid_terms,
    web_sessions,
)
from analysis.simulator.selling import product_files, till_files
from analysis.simulator.shop import Shop
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth import counts, planted, truth_tables
from analysis.simulator.voices import feedback_files

STAMP = "shop.json"
TRUTH = "truth"
#: Tables of the source, those that grow with the customers first.
GROWING = (
    "customers", "order_lines", "order_lines_late", "assignments", "redemptions", "contacts",
    "consents", "page_views", "feedback", "orders", "points", "tiers", "referrals",
    "subscriptions", "stored_value", "interactions",
)  # fmt: skip
FIXED = ("products", "promotions", "promotion_products", "placements", "media_spend")


def simulate(
    shop: Shop, folder: Path, *, threads: int | None = None, lines_only: bool = False
) -> Path:
    """Write the source files of ``shop`` and the truth about it, unless they are there already.

    Parameters
    ----------
    shop
        The shop.
    folder
        Where to: ``<table>/<table>-00000.parquet`` and on, ``truth/``, ``shop.json``. Replaced
        as a whole if it holds another shop, or one of another version of the simulator.
    threads
        Threads to generate with; None takes every core. The bytes do not depend on it.
    lines_only
        Write order lines and products alone, without truth (for benchmarks).

    Returns
    -------
    Path
        ``folder``.
    """
    stamp = _stamp(shop, lines_only)
    if _holds(folder, stamp):
        return folder
    staging = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        _write(Plan.of(shop), staging, threads or os.cpu_count() or 1, lines_only)
        (staging / STAMP).write_text(stamp, "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def source_files(folder: Path) -> list[Path]:
    """Return the files of a written shop that a retailer would have: all but the truth."""
    return sorted(folder / n for t in (*FIXED, *GROWING) for n in (folder / t).glob("*.parquet"))


def _stamp(shop: Shop, lines_only: bool) -> str:
    code = hashlib.sha256()
    for module in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(module.read_bytes())
    settings = {**asdict(shop), "start": shop.start.isoformat(), "lines_only": lines_only}
    return json.dumps({"shop": settings, "simulator": code.hexdigest()[:16]}, indent=2) + "\n"


def _holds(folder: Path, stamp: str) -> bool:
    path = folder / STAMP
    return path.exists() and path.read_text("utf-8") == stamp


def _write(plan: Plan, folder: Path, threads: int, lines_only: bool) -> None:
    _put(product_files.products_file(plan), folder, "products", 0)
    if not lines_only:
        _put(product_files.promotions_file(plan), folder, "promotions", 0)
        _put(product_files.promotion_products_file(plan), folder, "promotion_products", 0)
        _put(product_files.placements_file(plan), folder, "placements", 0)
        _put(acquisition.media_spend_file(plan), folder, "media_spend", 0)
        _put(truth.series_table(plan), folder / TRUTH, "series", 0)
    counts: Counter[str] = Counter()
    spend = []
    for chunk in _chunks(plan, folder, threads, lines_only):
        counts.update(chunk.counts)
        spend.append(chunk.spend)
    if not lines_only:
        written = truth.write_down(plan, counts, np.concatenate(spend))
        (folder / TRUTH / "truth.json").write_text(written, "utf-8")


def _chunks(plan: Plan, folder: Path, threads: int, lines_only: bool) -> Iterator[Chunk]:
    """Yield the chunks in order, each written already, with a few in work at a time."""
    waiting: deque[Future[Chunk]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for index in range(plan.shop.chunks):
            waiting.append(pool.submit(_write_chunk, plan, folder, index, lines_only))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _write_chunk(plan: Plan, folder: Path, index: int, lines_only: bool) -> Chunk:
    """Write a chunk's tables and return it without them."""
    chunk = generate(plan, index, lines_only=lines_only)
    for name, rows in chunk.files.items():
        _put(rows, folder, name, index)
    for name, rows in chunk.truth.items():
        _put(rows, folder / TRUTH, name, index)
    return Chunk({}, {}, chunk.counts, chunk.spend)


def _put(rows: pa.Table, folder: Path, name: str, index: int) -> None:
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        rows,
        home / f"{name}-{index:05d}.parquet",
        compression="zstd",
        compression_level=1,
        store_decimal_as_integer=True,
    )


@dataclass(frozen=True)
class Chunk:
    """What one chunk gives.

    Parameters
    ----------
    files
        Source files by table.
    truth
        Truth tables by name: one row a customer, an invitation or the like.
    counts
        Whole numbers that add up over chunks.
    spend
        Cents that each customer spent in the last 364 days.
    """

    files: dict[str, pa.Table]
    truth: dict[str, pa.Table]
    counts: dict[str, int]
    spend: NDArray[np.int64]


def generate(plan: Plan, index: int, *, lines_only: bool = False) -> Chunk:
    """Return chunk ``index``: every table, or the order lines alone."""
    facts = gather(plan, index)
    files = till_files.files(plan, facts.people, facts.ledger, facts.delivery, index)
    if lines_only:
        return Chunk(files, {}, {}, np.empty(0, np.int64))
    spoken = feedback_files.speak(facts)
    return Chunk(
        files | _other_files(facts, spoken),
        truth_tables.of(facts) | {"voices": feedback_files.voices_truth(facts, spoken)},
        counts.of(facts),
        planted.spend_last_year(facts),
    )


def _interactions(facts: Facts) -> pa.Table:
    invited = loyalty_club.invitations(facts.plan, facts.people, facts.index)
    rows = club_life.interactions_file(facts.trade, facts.index)
    return club_life.with_further(
        rows, [invited, *first_come.further(facts.claims)], facts.people, facts.index
    )


def _other_files(facts: Facts, spoken: feedback_files.Spoken) -> dict[str, pa.Table]:
    plan, crowd, book, index = facts.plan, facts.people, facts.ledger, facts.index
    return {
        "customers": acquisition.append(plan, crowd, facts.register.rows, index),
        "assignments": product_files.assignments_file(facts.trade),
        "redemptions": product_files.redemptions_file(facts.trade, book),
        "contacts": messages.contacts_file(facts.trade, facts.register.consent, index),
        "consents": messages.consents_file(facts.trade, facts.register, index),
        "page_views": web_sessions.page_views_file(plan, crowd, book, index),
        "feedback": feedback_files.feedback_file(facts, spoken),
        "orders": order_deliveries.orders_file(facts),
        "points": loyalty_club.points_file(plan, crowd, book, facts.earned, index),
        "tiers": loyalty_club.tiers_file(plan, crowd, book, facts.earned),
        "referrals": loyalty_club.referrals_file(plan, crowd, book, index),
        "subscriptions": paid_terms.subscriptions_file(plan, crowd, facts.terms, index),
        "stored_value": paid_terms.stored_value_file(plan, crowd, book, index),
        "interactions": _interactions(facts),
    }

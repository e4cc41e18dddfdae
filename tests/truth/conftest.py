"""Shops that the tests of planted truths share."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from analysis.ingest.ingest import ingest
from analysis.ingest.request import IngestRequest
from analysis.tables.engine import EngineSettings, Tables, open_study
from tests.truth.shops import Shops, open_shared_shops


@pytest.fixture(scope="session")
def shops(shared_dir: Path) -> Shops:
    """Return twenty-four shops of fifteen hundred customers, made once for all workers."""
    return open_shared_shops(shared_dir / "shops", range(24), customers=1_500)


@dataclass(frozen=True)
class Delivered:
    """A shop that came the way every source comes: generated, ingested, opened."""

    tables: Tables
    truth: dict[str, Any]


@pytest.fixture(scope="session")
def delivered(shared_dir: Path) -> Iterator[list[Delivered]]:
    """Return two ingested shops with the mess of real deliveries, made once for all workers."""
    root = shared_dir / "delivered"
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        found = [_deliver(root, seed) for seed in (101, 102)]
    yield found
    for shop in found:
        shop.tables.close()


def _deliver(root: Path, seed: int) -> Delivered:
    study = f"shop_{seed}"
    request = IngestRequest(
        study=study,
        title="A simulated shop",
        source={"kind": "simulated", "customers": 2_000, "chunk": 1_000},
        timezone="Europe/Berlin",
        currency="EUR",
        default_margin_rate=0.25,
        engine=EngineSettings(threads=1),
        seed=seed,
    )
    ingest(request, root=root)
    truth = json.loads((root / "data/simulated" / study / "truth/truth.json").read_text("utf-8"))
    tables = open_study(study, settings=EngineSettings(threads=1), root=root)
    return Delivered(tables, truth)

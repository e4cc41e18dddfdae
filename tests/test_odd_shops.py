"""Whatever shop it is, a report is done or says in a sentence why it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.odd_shops import SHOPS, opened
from tests.real_site import analysis

pytestmark = pytest.mark.slow

#: Reports that need no promotions, which none of the shops has.
DONE = {
    "healthy": {"01", "02", "03", "04", "05"},
    "young": {"01", "02", "03", "05"},
    "guests": {"01", "04"},
    "one_product": {"01"},
    "one_order": {"01"},
}


@pytest.mark.parametrize("shop", SHOPS)
def test_no_shop_breaks_a_report(tmp_path: Path, shop: str) -> None:
    root = opened(tmp_path, shop)
    run = analysis(root, "run", shop, "--jobs", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    record = json.loads((root / "reports" / shop / "latest" / "run.json").read_text("utf-8"))
    told = {
        name: (report["status"], report["reason"]) for name, report in record["reports"].items()
    }
    done = {name[:2] for name, (status, _) in told.items() if status == "done"}
    assert DONE[shop] <= done
    for status, reason in told.values():
        assert status == "done" or (status == "not_applicable" and reason.endswith("."))

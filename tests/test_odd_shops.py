"""Whatever shop it is, a report is done or says in a sentence why it cannot be."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis import params
from analysis.reporting.runner.run import Request, run_study
from tests.odd_shops import SHOPS, opened, with_promotions, with_uneven_arms
from tests.projects import FEW_DRAWS, PATIENT, Listener

pytestmark = pytest.mark.slow

#: Reports that need no promotions, which none of the shops has.
DONE = {
    "healthy": {"01", "02", "03", "04", "05"},
    "young": {"01", "02", "03", "05"},
    "guests": {"01", "04"},
    "one_product": {"01"},
    "one_order": {"01"},
}


def told(root: Path, shop: str, *only: str) -> dict[str, tuple[str, str]]:
    """Run the shop's reports and return each one's status and reason, by its number."""
    study = params.load(shop, FEW_DRAWS, root=root)
    request = Request(study, root, lambda: datetime.now(UTC), only, limits=PATIENT)
    record = run_study(request, Listener())
    return {name[:2]: (str(one.status), one.reason) for name, one in record.reports.items()}


@pytest.mark.parametrize("shop", SHOPS)
def test_no_shop_breaks_a_report(tmp_path: Path, shop: str) -> None:
    reports = told(opened(tmp_path, shop), shop)
    assert DONE[shop] <= {name for name, (status, _) in reports.items() if status == "done"}
    for status, reason in reports.values():
        assert status == "done" or (status == "not_applicable" and reason.endswith("."))


def test_no_promotion_breaks_the_report_on_promotions(tmp_path: Path) -> None:
    root = opened(tmp_path, "healthy")
    with_promotions(root, "healthy")
    assert told(root, "healthy", "06")["06"] == ("done", "")
    page = (root / "reports" / "healthy" / "latest" / "06_promotions.html").read_text("utf-8")
    assert "Left out: long_ago (ended before the first order) and to_come (had not begun)." in page


def test_where_every_trial_fails_its_checks_the_report_says_so(tmp_path: Path) -> None:
    root = opened(tmp_path, "healthy")
    with_uneven_arms(root, "healthy")
    assert told(root, "healthy", "06")["06"] == ("done", "")
    latest = root / "reports" / "healthy" / "latest"
    (finding,) = json.loads((latest / "findings" / "06_promotions.json").read_text("utf-8"))[
        "findings"
    ]
    assert finding["sentence"] == "No verdict on uneven"
    assert "customers are missing from the log" in finding["detail"]
    assert "assigned when it had begun" not in finding["detail"]
    page = (latest / "06_promotions.html").read_text("utf-8")
    assert "Of 1 randomised promotion, 1 cannot be judged" in page

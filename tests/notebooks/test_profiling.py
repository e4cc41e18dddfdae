"""Report 01 on studies that lack what the real one has, and have what it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.notebooks.studies import Page, run_notebook
from tests.sales import AS_OF, lines_of, shop

DAYS = 42

#: What a shop of eleven products is told of its prices.
FEW_PRODUCTS = (
    "Prices are not compared: 11 products were sold in units in both periods, fewer than 30."
)

#: And of what comes back to it.
FEW_SALES = "No product was sold in 100 orders: too few for a return rate."


class Runner:
    """Runs the notebook in a directory of the test's own."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.monkeypatch = root, monkeypatch

    def __call__(self, frames: dict[str, pd.DataFrame], **parameters: Any) -> Page:
        chosen = {"as_of": AS_OF, "compare_days": DAYS, "minimum_group": 5, **parameters}
        return run_notebook("01_profiling", frames, self.root, self.monkeypatch, **chosen)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(tmp_path, monkeypatch)


def refusals(page: Page) -> set[str]:
    prefix = "Not reported: "
    return {said.removeprefix(prefix) for said in page.shown("not given")}


def is_whole(page: Page) -> None:
    """Hold a page to what every study gets."""
    assert len(page.shown("title")) == 1
    assert len(page.shown("trust")) == 1
    assert page.findings.by_key()["checks"].value is not None
    for name in ("checks", "row_reconciliation", "days", "completeness", "outliers"):
        assert page.table(name) is not None


def test_a_shop_with_guests_and_returns_is_reported_in_full(run: Runner) -> None:
    page = run(shop(1, days=2 * DAYS))
    is_whole(page)
    assert refusals(page) == {FEW_PRODUCTS}
    assert "No store changed significantly" in page.shown("headline")
    assert len(page.shown("chart")) == 11  # all but that of the stores which changed
    factors = page.table("revenue_tree").set_index("factor")
    assert factors.loc["guests", "now"] != 0
    bridge = page.table("customer_bridge")
    assert bridge["group"].iloc[-1] == "guests"
    change = round(factors["contribution"].sum(), 2)
    assert round(bridge["change"].sum(), 2) == change
    assert round(page.table("departments")["change"].sum(), 2) == change
    keys = {finding.key for finding in page.findings.items}
    assert keys == {
        "net_change",
        "driver",
        "bought_less",
        "moved_products",
        "known_share",
        "drift",
        "checks",
    }
    assert "lines, netted against sales" in page.shown("trust")[0]


def test_without_customers_stores_and_discounts_the_rest_is_reported(run: Runner) -> None:
    frames = shop(3, days=2 * DAYS)
    del frames["customers"]
    optional = ["store_id", "list_amount", "discount_amount", "coupon_amount"]
    frames["order_lines"] = frames["order_lines"].drop(columns=optional)
    page = run(frames)
    is_whole(page)
    assert refusals(page) == {
        FEW_PRODUCTS,
        "This study has no customers table.",
        "This study's order lines have no store_id, so none can be compared.",
    }
    assert page.table("portrait") is None
    assert page.table("revenue_tree") is not None
    assert set(page.table("drift")["dimension"]).isdisjoint({"Store", "Discount share"})


def test_without_a_prior_period_nothing_is_compared(run: Runner) -> None:
    page = run(shop(4, days=35))
    is_whole(page)
    (told,) = refusals(page) - {FEW_SALES}
    assert "no prior period" in told
    assert page.shown("title") == ["Who buys what, and whether the data can be believed"]
    assert page.table("portrait") is not None
    assert page.table("weekdays") is not None
    assert set(page.findings.by_key()) == {"known_share", "checks"}


def test_one_day_of_data(run: Runner) -> None:
    lines = lines_of(*({"order_id": f"o{i}", "customer_id": f"c{i}"} for i in range(5)))
    lines = lines.assign(ordered_at=pd.Timestamp("2017-12-31 12:00:00"))
    products = shop(5)["products"].assign(
        product_id=lambda p: p["product_id"].str.replace("p0", "p1")
    )
    page = run({"order_lines": lines, "products": products.drop_duplicates("product_id")})
    is_whole(page)
    told = " ".join(refusals(page))
    assert "no prior period" in told
    assert "no whole week" in told
    assert "fewer than 4 whole weeks" in told


def test_guests_only_have_no_tree_and_no_portrait(run: Runner) -> None:
    frames = shop(6, days=2 * DAYS)
    frames["order_lines"]["customer_id"] = pd.Series(
        [None] * len(frames["order_lines"]), dtype="str"
    )
    page = run(frames)
    is_whole(page)
    told = " ".join(refusals(page))
    assert "must all be above zero" in told
    assert "No known customer bought" in told
    assert page.table("customer_bridge")["group"].tolist() == ["guests"]
    assert page.findings.by_key()["checks"].alert


def test_stale_data_are_not_compared_and_alert(run: Runner) -> None:
    page = run(shop(7, days=2 * DAYS), as_of="2018-02-01")
    is_whole(page)
    assert any("The data end on 2017-12-31" in told for told in refusals(page))
    assert page.findings.by_key()["checks"].alert
    told = page.table("checks").set_index("check")["what_to_do"]
    assert "stale" in told["Days without an order before the report date"]

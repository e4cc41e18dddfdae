"""Notebook 09 on a small shop as it is, with broken books, and with single tables alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.simulator.selling.product_files import products_file
from analysis.simulator.shop import Shop
from analysis.simulator.shop_plan import Plan
from analysis.simulator.writer import generate
from tests.notebooks.studies import Page, run_notebook

Frames = dict[str, pd.DataFrame]
CLUB = ("points", "tiers", "referrals", "subscriptions", "stored_value", "interactions")
SETTINGS: dict[str, Any] = {"as_of": "2025-12-29", "seed": 3, "draws": 99}
#: Customers' keys in these frames, as no page may show them.
KEY = re.compile(r"kx\d+")


@pytest.fixture(scope="module")
def shop() -> Frames:
    """Return the tables of a small simulated shop, its customers' keys easy to find again."""
    plan = Plan.of(Shop(customers=900, chunk=900, seed=7, mess=False))
    files = {**generate(plan, 0).files, "products": products_file(plan)}
    wanted = ("order_lines", "products", "customers", "assignments", *CLUB)
    return {name: _plain(files[name].to_pandas()) for name in wanted}


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with text for keys and categories."""
    for name in frame.columns:
        if name.endswith("_id") or frame[name].dtype == "category" or name == "in_reply_to":
            known = frame[name].notna()
            text = frame[name].astype("string").str.removesuffix(".0")
            person = name in ("customer_id", "referrer_id", "referred_id")
            frame[name] = ("kx" + text if person else text).where(known).astype(object)
            frame.loc[~known, name] = None
    return frame.drop(columns="line") if "line" in frame else frame


def page_of(frames: Frames, root: Path, monkeypatch: pytest.MonkeyPatch, **changed: Any) -> Page:
    return run_notebook("09_loyalty", frames, root, monkeypatch, **{**SETTINGS, **changed})


def said(page: Page) -> str:
    return "\n".join("\n".join(str(v) for v in o.data.values()) for o in page.outputs)


def test_a_whole_shop_is_told_without_a_single_customer(
    shop: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(shop, tmp_path, monkeypatch)
    found = page.findings.by_key()
    assert set(found) >= {
        "ledger_breaks", "points_liability", "breakage", "points_break_even", "tier_bunching",
        "members_selection", "referral_quality", "birthday",
    }  # fmt: skip
    assert found["ledger_breaks"].value == 0
    assert not KEY.search(said(page))
    assert not KEY.search(page.workspace.findings(page.name).read_text("utf-8"))
    lists = page.workspace.table(page.name, "care_occasions", "lists")
    listed = pd.read_parquet(lists.with_suffix(".parquet"))
    assert list(listed.columns) == ["customer_id", "occasion", "due_on", "value", "reason"]
    assert set(listed["occasion"]) == {"birthday", "points expiring"}
    assert not listed.duplicated(["customer_id", "occasion", "due_on"]).any()
    vintages = page.table("points_vintages")
    assert vintages is not None
    parts = vintages[["redeemed", "owed", "expired", "to_expire"]].sum(axis=1)
    pd.testing.assert_series_equal(parts, vintages["earned"], check_names=False)


def test_books_that_do_not_add_up_get_no_liability_and_their_movements_listed(
    shop: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = shop["points"]
    wrong = points[points["kind"] == "redeem"].tail(1).assign(entry_id="bad", points=-1_000_000)
    frames = {**shop, "points": pd.concat([points, wrong], ignore_index=True)}
    page = page_of(frames, tmp_path, monkeypatch)
    found = page.findings.by_key()
    assert found["ledger_breaks"].alert
    assert "points_liability" not in found
    assert "No liability is given: the ledger of points does not reconcile" in said(page)
    assert not KEY.search(said(page))
    breaks = page.workspace.table(page.name, "ledger_breaks", "lists").with_suffix(".parquet")
    assert "bad" in set(pd.read_parquet(breaks)["entry_id"])
    lists = page.workspace.table(page.name, "care_occasions", "lists").with_suffix(".parquet")
    assert set(pd.read_parquet(lists)["occasion"]) == {"birthday"}


def test_tiers_without_a_history_are_told_and_what_they_lack_is_said(
    shop: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = shop["tiers"].query("valid_to.isna()")[["customer_id", "tier", "valid_to"]]
    frames = {n: shop[n] for n in ("order_lines", "products")}
    frames["tiers"] = held.assign(valid_from=pd.Timestamp("2025-12-01").date())
    page = page_of(frames, tmp_path, monkeypatch)
    text = said(page)
    assert "No tier is known a period ago, so that nobody can be said to have moved." in text
    assert "This study has no points table." in text
    assert "This study has no referrals table." in text
    assert page.table("tiers") is not None
    assert "nothing expires in this study" in text


def test_referrals_alone_are_told(
    shop: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = {n: shop[n] for n in ("order_lines", "products", "referrals")}
    page = page_of(frames, tmp_path, monkeypatch)
    assert "referral_quality" in page.findings.by_key()


def test_a_shop_without_a_programme_is_not_applicable_in_one_sentence(
    shop: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = {n: shop[n] for n in ("order_lines", "products", "customers")}
    with pytest.raises(NotApplicable, match=r"^This study has no loyalty programme: [^.]+\.$"):
        page_of(frames, tmp_path, monkeypatch)

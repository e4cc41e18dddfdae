"""Report 11 on a small simulated shop: what it publishes, and what it keeps to itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.reporting.notebook.outputs import KEY
from analysis.simulator.engagement.acquisition import media_spend_file
from analysis.simulator.selling.product_files import (
    products_file,
    promotion_products_file,
    promotions_file,
)
from analysis.simulator.shop import Shop
from analysis.simulator.shop_plan import Plan
from analysis.simulator.writer import generate
from tests.notebooks.studies import Page, run_notebook

PACES = ["1 a month", "2 a month", "6 a month"]
PER_CUSTOMER = ("order_lines", "customers", "assignments", "contacts", "consents")


def frames(*, customers: int = 1_500) -> dict[str, pd.DataFrame]:
    plan = Plan.of(Shop(customers=customers, chunk=customers, seed=12, mess=False))
    files = generate(plan, 0).files
    tables = {name: files[name].to_pandas() for name in PER_CUSTOMER}
    tables["order_lines"] = tables["order_lines"].drop(columns="line")
    tables |= {
        "products": products_file(plan).to_pandas(),
        "promotions": promotions_file(plan).to_pandas(),
        "promotion_products": promotion_products_file(plan).to_pandas(),
        "media_spend": media_spend_file(plan).to_pandas(),
    }
    return {name: _with_text_ids(frame) for name, frame in tables.items()}


def _with_text_ids(frame: pd.DataFrame) -> pd.DataFrame:
    ids = [c for c in frame.columns if c.endswith("_id")]
    texts = {c: frame[c].astype("Int64").astype("string") if _whole(frame[c]) else frame[c]
             for c in ids}  # fmt: skip
    return frame.assign(**texts)


def _whole(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    with pytest.MonkeyPatch.context() as patch:
        return run(tmp_path_factory.mktemp("channels"), patch, random_variants=PACES)


def run(root: Path, patch: pytest.MonkeyPatch, **parameters: Any) -> Page:
    shop = parameters.pop("shop", None) or frames()
    return run_notebook(
        "11_channels", shop, root, patch, as_of="2025-12-29", bootstrap=100, **parameters
    )


def test_every_section_is_shown(page: Page) -> None:
    lacking = [o.metadata[KEY]["reason"] for o in page.outputs
               if o.metadata[KEY]["role"] == "not given"]  # fmt: skip
    assert lacking == []
    (title,) = page.shown("title")
    # Sixty customers an arm do not tell what a channel earns from nothing.
    assert title == "No channel is shown to earn more than its messages cost"
    assert len(page.shown("chart")) >= 5
    assert set(page.findings.by_key()) == {
        "clicked", "best_channel", "caused_of_credited", "fatigue", "opt_out", "saturated",
        "without_consent", "omnichannel", "cost_per_new_customer",
    }  # fmt: skip


def test_published_tables_hold_what_was_planted(page: Page) -> None:
    slopes = page.table("fatigue_slopes").set_index("measure")
    assert slopes.loc["opened", "low"] < -0.25 + 0.02
    assert slopes.loc["opened", "high"] > -0.25 - 0.02
    rates = page.table("contact_rates")
    delivered = rates[(rates["by"] == "all") & (rates["measure"] == "delivered")].iloc[0]
    assert delivered["low"] < 0.97 < delivered["high"] + 0.003
    doses = page.table("dose_curve")
    assert doses["variant"].tolist() == PACES
    assert not (doses["net_low"] > 0).any()
    credits = page.table("attribution_credits").groupby("model")["orders"].sum()
    assert credits.max() == pytest.approx(credits.min())


def test_the_list_for_target_lists_has_its_columns_and_no_page_shows_it(page: Page) -> None:
    path = page.workspace.table(page.name, "contact_preferences", "lists").with_suffix(".parquet")
    found = pd.read_parquet(path)
    assert list(found.columns) == ["customer_id", "channel", "hour", "response", "low", "high",
                                   "contacts", "consent_today"]  # fmt: skip
    assert page.table("contact_preferences") is None
    assert not any("customer_id" in str(o.data) for o in page.outputs)


def test_without_drawn_arms_and_frequencies_nothing_is_called_an_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = frames()
    kept = {"order_lines", "products", "contacts"}
    columns = ["contact_id", "customer_id", "channel", "sent_at", "opened_at"]
    shop = {name: shop[name] for name in kept} | {"contacts": shop["contacts"][columns]}
    found = run(tmp_path, monkeypatch, shop=shop)
    assert found.shown("title") == []
    assert set(found.findings.by_key()) == {"fatigue", "omnichannel"}
    reasons = " ".join(
        o.metadata[KEY]["reason"] for o in found.outputs if o.metadata[KEY]["role"] == "not given"
    )
    assert "were held out at random" in reasons
    assert "a dose curve would be confounded" in reasons
    assert "no consents table" in reasons
    assert "what a new customer costs is not known" in reasons
    (panel,) = found.shown("trust")
    assert "nothing here is an effect" in panel

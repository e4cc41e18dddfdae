"""Five questions answered from report 00 alone, on the real data and on the simulated shop."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests import contradictions, director

pytestmark = pytest.mark.slow


def test_the_director_is_answered_on_the_real_data(real_run: Path) -> None:
    director.check(real_run, "USD")


def test_the_director_is_answered_on_the_simulated_shop(demo_run: Path) -> None:
    director.check(demo_run, "EUR")
    told = director.panels(demo_run)
    assert [row[1].text for row in told["came"].rows][-1] == "Repeat the coffee coupon twice a year"
    assert len(told["planned"].rows) == 2


def test_no_report_tells_what_another_denies(real_run: Path, demo_run: Path) -> None:
    """On the real data no consent is recorded, so there is no list; the demo shop's has both."""
    for run in (real_run, demo_run):
        contradictions.check(run)
    assert set(contradictions.told(demo_run)["tells"]) == {"contact", "left alone"}


def _other_order(run: Path) -> None:
    told = contradictions.told(run).query("tells == 'contact'").head(1)
    told[["customer_id"]].assign(arm="control").to_parquet(run / "lists/08_targets/more.parquet")


def _other_figure(run: Path) -> None:
    returns = contradictions.table(run, "06_promotions/returns_all")
    name, low = returns.loc[returns["low"] > 0, ["label", "low"]].iloc[0]
    path = run / "findings" / "07_value.json"
    content = json.loads(path.read_text("utf-8"))
    against = {"value": -low, "low": -2 * low, "high": -low / 2, "unit": "EUR"}
    content["findings"].append(content["findings"][0] | against | {"sentence": f"with {name}"})
    path.write_text(json.dumps(content), "utf-8")


def _gone(run: Path) -> None:
    path = run / "lists/08_targets/rulings.parquet"
    products = contradictions.table(run, "01_profiling/products").assign(status="delisted")
    sold = pd.read_parquet(path).assign(product_id=products["group"].iloc[0], ruling="contact")
    products.to_parquet(run / "tables/01_profiling/products.parquet")
    sold.to_parquet(path)


def _elsewhere(run: Path) -> None:
    """An interval beside another figure than its own: a lift of 35.6 with odds of 3.4 to 5.0."""
    page = run / "03_deciles.html"
    pair = '<span class="pair"><span>35.6</span> <span class="ends" style="">3.4 to 5.0</span>'
    page.write_text(page.read_text("utf-8") + pair, "utf-8")


@pytest.mark.parametrize("plant", [_other_order, _other_figure, _gone, _elsewhere])
def test_a_contradiction_that_was_planted_is_told(demo_run: Path, tmp_path: Path, plant) -> None:
    run = shutil.copytree(demo_run, tmp_path / "run")
    plant(run)
    with pytest.raises(AssertionError):
        contradictions.check(run)

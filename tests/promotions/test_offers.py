"""Which products on offer kept selling more: counts, exact intervals, and what is left out."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest
from scipy.stats import binomtest

from analysis.errors import NotApplicable
from analysis.promotions import offers
from tests.promotions import small_shop
from tests.promotions.small_shop import AS_OF


def test_purchases_before_during_and_after_are_those_of_the_lines() -> None:
    found = offers.stayed_up(small_shop.tables(), as_of=AS_OF, span_days=56)
    row = found.set_index("promotion_id").loc["L"]
    lines = small_shop.lines()
    mine = lines[lines["product_id"] == "o"]["ordered_at"]
    starts, over = pd.Timestamp("2024-06-17"), pd.Timestamp("2024-07-15")
    span = pd.Timedelta(days=56)
    before = ((mine >= starts - span) & (mine < starts)).sum()
    after = ((mine >= over) & (mine < over + span)).sum()
    assert row["before"] == before / 8
    assert row["during"] == ((mine >= starts) & (mine < over)).sum() / 4
    assert row["after"] == after / 8
    assert row["product"] == "Offer"
    assert row["growth"] == pytest.approx(after / before - 1)
    exact = binomtest(int(after), int(before + after), 0.5)
    ends = exact.proportion_ci(0.95, "exact")
    assert row["low"] == pytest.approx(ends.low / (1 - ends.low) - 1, rel=1e-9)
    assert row["high"] == pytest.approx(ends.high / (1 - ends.high) - 1, rel=1e-9)
    assert row["p"] == pytest.approx(min(1.0, exact.pvalue), rel=1e-9)


def test_promotions_without_weeks_after_them_are_left_out() -> None:
    whole = offers.stayed_up(small_shop.tables(), as_of=AS_OF, span_days=56)
    assert sorted(whole["promotion_id"]) == ["C", "L"]
    earlier = AS_OF - timedelta(days=1)
    found = offers.stayed_up(small_shop.tables(), as_of=earlier, span_days=56)
    assert found["promotion_id"].tolist() == ["L"]


def test_products_hardly_bought_are_refused_in_words() -> None:
    rare = pd.DataFrame({"promotion_id": ["L"], "product_id": ["r"], "coupon_id": ["k"]})
    with pytest.raises(NotApplicable, match="often enough before and after"):
        offers.stayed_up(small_shop.tables(promotion_products=rare), as_of=AS_OF)


def test_products_without_a_name_go_by_their_category() -> None:
    products = small_shop.frames()["products"].drop(columns="name")
    found = offers.stayed_up(small_shop.tables(products=products), as_of=AS_OF)
    assert found["product"].unique().tolist() == ["A o"]

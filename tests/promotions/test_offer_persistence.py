"""Which products on offer kept selling more: counts, odds ratios, and what is left out."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.promotions.observational import offer_persistence
from analysis.tables.engine import Tables
from tests.promotions import small_shop
from tests.promotions.small_shop import AS_OF

table2x2 = pytest.importorskip("statsmodels.stats.contingency_tables")


def one_category(**replaced: pd.DataFrame) -> Tables:
    """Return the shop with all products in one category, so that each has others beside it."""
    products = small_shop.frames()["products"].assign(category="A")
    return small_shop.tables(**{"products": products, **replaced})


def test_growth_is_the_odds_ratio_against_the_rest_of_the_category(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offer_persistence, "_widening", lambda z: 1.0)
    row = (
        offer_persistence.stayed_up(one_category(), as_of=AS_OF).set_index("promotion_id").loc["L"]
    )
    lines = small_shop.lines()
    starts, over = pd.Timestamp("2024-06-17"), pd.Timestamp("2024-07-15")
    span, moment = pd.Timedelta(days=56), lines["ordered_at"]
    phase = [
        (moment >= starts - span) & (moment < starts),
        (moment >= over) & (moment < over + span),
    ]
    mine = lines["product_id"] == "o"
    counts = [[(p & m).sum() for p in phase] for m in (mine, ~mine)]
    assert (row["before"], row["after"]) == (counts[0][0] / 8, counts[0][1] / 8)
    peer = table2x2.Table2x2(np.array(counts)[:, ::-1])
    assert row["growth"] == pytest.approx(peer.oddsratio - 1, rel=1e-9)
    assert row["category"] == pytest.approx(counts[1][1] / counts[1][0] - 1)
    low, high = peer.oddsratio_confint()
    assert (row["low"], row["high"]) == pytest.approx((low - 1, high - 1), rel=1e-6)
    assert row["product"] == "Offer"


def test_errors_are_widened_to_what_the_middle_product_shows() -> None:
    rng = np.random.default_rng(1)
    assert offer_persistence._widening(rng.normal(size=20_000)) == pytest.approx(1.0, abs=0.02)
    assert offer_persistence._widening(3 * rng.normal(size=20_000)) == pytest.approx(3.0, rel=0.02)
    assert offer_persistence._widening(0.1 * rng.normal(size=20_000)) == 1.0


def test_promotions_without_weeks_after_them_are_left_out() -> None:
    whole = offer_persistence.stayed_up(one_category(), as_of=AS_OF, span_days=56)
    assert sorted(whole["promotion_id"]) == ["C", "L"]
    found = offer_persistence.stayed_up(
        one_category(), as_of=AS_OF - timedelta(days=1), span_days=56
    )
    assert found["promotion_id"].tolist() == ["L"]


def test_products_hardly_bought_are_refused_in_words() -> None:
    rare = pd.DataFrame({"promotion_id": ["L"], "product_id": ["r"], "coupon_id": ["k"]})
    with pytest.raises(NotApplicable, match="often enough before and after"):
        offer_persistence.stayed_up(one_category(promotion_products=rare), as_of=AS_OF)


def test_a_product_alone_in_its_category_has_nothing_to_be_held_against() -> None:
    with pytest.raises(NotApplicable, match="often enough"):
        offer_persistence.stayed_up(small_shop.tables(), as_of=AS_OF)


def test_products_without_a_name_go_by_their_category() -> None:
    products = small_shop.frames()["products"].assign(category="A").drop(columns="name")
    found = offer_persistence.stayed_up(one_category(products=products), as_of=AS_OF)
    assert found["product"].unique().tolist() == ["A o"]

"""Panels of shelves from the engine, and what displays, mailers and discounts do on them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.promotions.observational import placements
from analysis.promotions.observational.placements import Size
from analysis.tables.engine import Tables
from tests.promotions import small_shop
from tests.promotions.small_shop import AS_OF

ALL = Size(products=10, fewest_units=1)

#: The first week begins on a Wednesday, so it is not whole.
WEEKS = small_shop.WEEKS - 1


def placed(**more: list) -> pd.DataFrame:
    """Return placements of product x: displayed in store s0 in week 3, mailed in s1 in week 4."""
    rows = {
        "product_id": ["x", "x", "o"],
        "store_id": ["s0", "s1", "s2"],
        "week_start": [date(2024, 1, 22), date(2024, 1, 29), date(2024, 1, 1)],
        "display": ["end", None, None],
        "mailer": [None, "page", None],
    }
    return pd.DataFrame({**rows, **more})


def panel(as_of: date = AS_OF, **replaced: pd.DataFrame) -> pd.DataFrame:
    tables = small_shop.tables(**{"placements": placed(), **replaced})
    return placements.fetch(tables, as_of=as_of, size=ALL)


def test_every_week_has_a_cell_and_sums_are_those_of_the_lines() -> None:
    found = panel()
    assert found["product_id"].unique().tolist() == ["x"]
    assert len(found) == 3 * WEEKS
    assert found["store_id"].nunique() == 3
    lines = small_shop.lines()
    mine = lines[lines["product_id"].eq("x") & lines["ordered_at"].ge("2024-01-08")]
    assert found["units"].sum() == mine["quantity"].sum()
    assert found["net"].sum() == pytest.approx(mine["net_amount"].sum())
    weekly = mine.groupby(["store_id", mine["ordered_at"].dt.to_period("W").dt.start_time]).size()
    cells = found[found["units"] > 0].set_index(["store_id", "week_start"])["units"]
    assert cells.sort_index().tolist() == weekly.sort_index().tolist()


def test_places_stand_in_their_own_cell_only() -> None:
    found = panel()
    assert found["display"].ne("").sum() == found["mailer"].ne("").sum() == 1
    row = found[found["display"] == "end"].iloc[0]
    assert (row["store_id"], row["week_start"]) == ("s0", pd.Timestamp("2024-01-22"))


def test_a_place_recorded_twice_counts_once() -> None:
    twice = pd.concat([placed(), placed()], ignore_index=True)
    assert len(panel(placements=twice)) == 3 * WEEKS


def test_a_cell_without_a_sale_has_the_discount_of_the_other_stores() -> None:
    lines = small_shop.lines()
    week = lines["ordered_at"].between("2024-01-22", "2024-01-28 23:59") & lines["product_id"].eq(
        "x"
    )
    lines.loc[week, ["net_amount", "discount_amount"]] = [7.5, 2.5]
    lines = lines[~(week & lines["store_id"].eq("s2"))]
    found = panel(order_lines=lines)
    mine = found[found["week_start"] == "2024-01-22"].set_index("store_id")
    assert mine.loc["s2", "units"] == 0
    assert mine["depth"].tolist() == [0.25, 0.25, 0.25]
    assert (found.loc[found["week_start"] != "2024-01-22", "depth"] == 0).all()


def test_weeks_of_a_promotion_for_everybody_are_left_out() -> None:
    frames = small_shop.frames()
    extra = (
        frames["promotions"]
        .iloc[[0]]
        .assign(promotion_id="E", starts_on=date(2024, 2, 8), ends_on=date(2024, 2, 14))
    )
    offer = pd.DataFrame({"promotion_id": ["E"], "product_id": ["x"], "coupon_id": ["k"]})
    found = panel(
        promotions=pd.concat([frames["promotions"], extra], ignore_index=True),
        promotion_products=pd.concat([frames["promotion_products"], offer], ignore_index=True),
    )
    weeks = set(found["week_start"].dt.strftime("%Y-%m-%d"))
    assert len(weeks) == WEEKS - 2
    assert not weeks & {"2024-02-05", "2024-02-12"}


def test_a_week_that_the_data_hold_in_part_is_left_out() -> None:
    found = panel(as_of=date(2024, 5, 16))
    assert found["week_start"].max() == pd.Timestamp("2024-05-06")


def test_quantities_that_are_no_units_are_left_out() -> None:
    products = small_shop.frames()["products"].assign(counted=[True, True, False])
    with pytest.raises(NotApplicable, match="sold often enough"):
        panel(products=products)


def test_a_study_without_placements_says_so() -> None:
    with pytest.raises(NotApplicable, match="no placements table"):
        placements.fetch(small_shop.tables(), as_of=AS_OF)


def cells(seed: int, *, products: int = 30, kinds: bool = False) -> pd.DataFrame:
    """Return a made-up panel: a display sells half more, a mailer a fifth, elasticity is -2."""
    rng = np.random.default_rng(seed)
    product, store, week = (axis.ravel() for axis in np.indices((products, 4, 30)))
    n = len(product)
    display, mailer = rng.random(n) < 0.25, rng.random(n) < 0.25
    front = display & (rng.random(n) < 0.5)
    depth = rng.choice([0.0, 0.1, 0.2], n)
    level = np.exp(rng.normal(1.0, 0.5, (products, 4)))[product, store]
    season = np.exp(0.3 * np.sin(week / 5))
    lift = 1.5**display * (1.2**front if kinds else 1.0) * 1.2**mailer * (1 - depth) ** -2
    start = pd.Timestamp("2024-01-01")
    return pd.DataFrame(
        {
            "product_id": [f"p{i:02}" for i in product],
            "store_id": [f"s{i}" for i in store],
            "department": "Food",
            "category": "A",
            "week_start": start + pd.to_timedelta(7 * week, "D"),
            "units": rng.poisson(level * season * lift).astype(float),
            "display": np.where(display, np.where(front, "front", "rear"), ""),
            "mailer": np.where(mailer, "page", ""),
            "depth": depth,
            "net": 0.0,
        }
    )


def test_lifts_and_elasticity_are_recovered() -> None:
    found = placements.measure(cells(1))
    table = found.table.set_index("term")
    for term, truth in (("display", 0.5), ("mailer", 0.2), ("price", -2.0)):
        assert table.loc[term, "low"] < truth < table.loc[term, "high"]
    assert found.clusters == "product"
    assert (found.products, found.stores, found.cells) == (30, 4, 3_600)


def test_incremental_units_are_those_beyond_the_baseline() -> None:
    frame = cells(2)
    row = placements.measure(frame).table.set_index("term").loc["display"]
    shown = frame["display"] != ""
    assert row["cells"] == shown.sum()
    assert row["units"] == frame.loc[shown, "units"].sum()
    assert row["incremental"] == pytest.approx(row["units"] * (1 - 1 / (1 + row["lift"])))


def test_kinds_differ_as_planted_and_deeper_discounts_sell_more() -> None:
    kinds = placements.measure(cells(3, kinds=True)).kinds.set_index(["term", "kind"])
    front, rear = (kinds.loc[("display", k)] for k in ("front", "rear"))
    assert front["low"] < 0.8 < front["high"]
    assert rear["low"] < 0.5 < rear["high"]
    ten, twenty = (kinds.loc[("price", f"{k} % off")] for k in ("5 to 15", "15 to 25"))
    assert ten["low"] < 0.9**-2 - 1 < ten["high"]
    assert twenty["low"] < 0.8**-2 - 1 < twenty["high"]


def test_a_rare_kind_is_taken_out_but_not_shown() -> None:
    frame = cells(4)
    frame.loc[frame.index[frame["display"] != ""][:20], "display"] = "rare"
    kinds = placements.measure(frame).kinds
    assert "rare" not in kinds["kind"].tolist()
    assert {"front", "rear"} <= set(kinds["kind"])


def test_few_products_are_clustered_by_store_as_well() -> None:
    assert placements.measure(cells(5, products=8)).clusters == "product in a store"


def test_nothing_placed_is_refused_in_words() -> None:
    with pytest.raises(NotApplicable, match="Nothing was displayed, mailed or discounted"):
        placements.measure(cells(6).assign(display="", mailer="", depth=0.0))


def test_a_study_without_list_prices_has_no_price_term() -> None:
    frame = cells(7).assign(depth=0.0)
    found = placements.measure(frame)
    assert found.table["term"].tolist() == ["display", "mailer"]


def test_engine_and_panel_meet() -> None:
    tables: Tables = small_shop.tables(
        placements=placed(display=["end", None, None], mailer=[None, None, None])
    )
    found = placements.fetch(tables, as_of=AS_OF, size=ALL)
    assert placements.measure(found).table["term"].tolist()[0] == "display"

"""What targeted campaigns, returns and placements must find: the planted truth, and no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from analysis.promotions.observational import campaign, placements, synthetic_control
from analysis.promotions.observational.audience import Audience
from analysis.promotions.observational.campaign import MATCHED, MEASURES, NAIVE, WEIGHTED
from analysis.promotions.observational.doubly_robust import by_lot
from analysis.promotions.outcomes import costs, outcomes
from analysis.promotions.returns import incremental_return, league
from analysis.promotions.returns.roi import AFTER, EXTRA, NEIGHBOURS, returned
from analysis.simulator.selling.product_files import promotion_products_file, promotions_file
from analysis.tables.engine import Tables
from analysis.tables.manifest import Manifest
from tests.promotions.small_shop import audience_of
from tests.truth.calibration import assert_calibrated, assert_centred
from tests.truth.conftest import Delivered
from tests.truth.shops import Shops, open_shops

AS_OF = date(2025, 12, 29)
SPANS = outcomes.Spans(AS_OF)
NOTHING = costs.Assumed(contact=0.0, fixed=0.0)


def one_town(shops: Shops) -> Tables:
    """Return the customers of all shops as those of one: whoever lives in shop 3 is named 3-17."""
    backend = ibis.duckdb.from_connection(shops.connection)
    rows = {}
    for name in ("order_lines", "products", "assignments", "redemptions", "contacts"):
        table = backend.table(name)
        ids = [
            c for c in table.columns if c.endswith("_id") and c not in ("promotion_id", "store_id")
        ]
        named = {c: table.seed.cast("string") + "-" + table[c].cast("string") for c in ids}
        rows[name] = table.mutate(**named).drop("seed")
    offers = pd.concat(
        promotion_products_file(plan)
        .to_pandas()
        .assign(product_id=lambda t, seed=seed: f"{seed}-" + t["product_id"].astype("str"))
        for seed, plan in shops.plans.items()
    )
    rows["promotion_products"] = ibis.memtable(offers)
    rows["promotions"] = ibis.memtable(promotions_file(shops.plans[0]).to_pandas())
    return Tables(backend, Manifest(study="town", simulated=True), rows)


@pytest.fixture(scope="module")
def town(shops: Shops) -> Tables:
    return one_town(shops)


@pytest.fixture(scope="module")
def targeted(town: Tables) -> dict[str, Audience]:
    """Return the audience of the targeted promotion, shop by shop."""
    whole = audience_of(town, SPANS, "T6")
    seed = whole.people["customer_id"].str.partition("-")[0]
    return {
        key: replace(
            whole,
            people=whole.people[mine.to_numpy()].reset_index(drop=True),
            weekly=whole.weekly[mine.to_numpy()],
        )
        for key, mine in ((key, seed == key) for key in sorted(seed.unique(), key=int))
    }


@pytest.fixture(scope="module")
def judged(targeted: dict[str, Audience]) -> list[campaign.Campaign]:
    return [campaign.judge(one, seed=int(key)) for key, one in targeted.items()]


def _of(judged: list[campaign.Campaign], method: str) -> tuple[np.ndarray, np.ndarray]:
    rows = [one.estimates.set_index("method").loc[method] for one in judged]
    errors = [(row["high"] - row["low"]) / (2 * 1.959964) for row in rows]
    return np.array([row["estimate"] for row in rows]), np.array(errors)


def test_the_naive_figure_misleads_about_the_targeted_promotion(
    shops: Shops, judged: list[campaign.Campaign]
) -> None:
    truth = shops.parameter("T6", "superpopulation", "treatment")["margin"]
    naive, fair = (_of(judged, method)[0] for method in (NAIVE, WEIGHTED))
    errors = [found.std(ddof=1) / np.sqrt(len(found)) for found in (naive, fair)]
    assert naive.mean() - 3.5 * errors[0] > truth
    assert abs(fair.mean() - truth) < 3.5 * errors[1]
    assert abs(fair.mean() - truth) < 0.5 * abs(naive.mean() - truth)


@pytest.mark.parametrize("method", [WEIGHTED, MATCHED])
def test_like_with_like_recovers_the_targeted_promotion(
    shops: Shops, judged: list[campaign.Campaign], method: str
) -> None:
    truth = shops.parameter("T6", "superpopulation", "treatment")["margin"]
    assert_calibrated(*_of(judged, method), truth)


def test_weighting_recovers_what_the_targeted_bought_of_the_offer(
    shops: Shops, judged: list[campaign.Campaign]
) -> None:
    truth = shops.parameter("T6", "superpopulation", "treatment")
    for measure, planted in (("offered_units", "units"), ("offered_net", "net")):
        found = [one.effects.of(measure) for one in judged]
        assert_calibrated([e for e, _ in found], [s for _, s in found], truth[planted])


def test_weighting_makes_the_targeted_and_the_others_alike(
    judged: list[campaign.Campaign],
) -> None:
    before = np.array([one.balance["before"] for one in judged]).mean(axis=0)
    after = np.array([one.balance["after"] for one in judged]).mean(axis=0)
    assert np.abs(before).max() > 0.6
    assert np.abs(after).max() < 0.1


def test_checks_raise_false_alarms_no_more_often_than_they_should(
    judged: list[campaign.Campaign],
) -> None:
    """Nothing but past spend decided, so no check has anything to find."""
    p = np.concatenate([one.checks["p"].to_numpy(float) for one in judged])
    assert len(p) == 3 * len(judged)
    assert (p < campaign.ALARM).mean() < 0.15


@pytest.fixture(scope="module")
def drawn(town: Tables) -> dict[str, pd.DataFrame]:
    given = town.assignments
    people = given.filter(given.promotion_id.isin(["T1", "T2", "T3", "T4"]))
    rows = outcomes.compute(town, SPANS, people=people).to_pandas()
    return dict(iter(rows.sort_values("customer_id").groupby("promotion_id")))


def _effects(drawn: dict[str, pd.DataFrame], promotion: str) -> list:
    rows = drawn[promotion]
    shop = rows["customer_id"].str.partition("-")[0]
    return [
        by_lot(
            MEASURES,
            part[list(MEASURES)].to_numpy(float),
            (part["arm"] == "treatment").to_numpy(),
            part[list(incremental_return.BEFORE)].to_numpy(float),
        )
        for _, part in rows.groupby(shop)
    ]


def test_pulling_forward_shows_in_the_weeks_after(
    shops: Shops, drawn: dict[str, pd.DataFrame]
) -> None:
    truth = shops.parameter("T3", "superpopulation", "treatment")
    found = [e.combined({"offered_margin": 1}) for e in _effects(drawn, "T3")]
    assert_calibrated(*zip(*found, strict=True), truth["margin"])
    both = {"offered_margin": 1, "after_offered_margin": 1}
    found = [e.combined(both) for e in _effects(drawn, "T3")]
    assert_calibrated(*zip(*found, strict=True), truth["margin_after"])


def test_cannibalising_shows_in_the_neighbours(
    shops: Shops, drawn: dict[str, pd.DataFrame]
) -> None:
    truth = shops.parameter("T4", "superpopulation", "treatment")
    both = {"offered_margin": 1, "rival_margin": 1}
    found = [e.combined(both) for e in _effects(drawn, "T4")]
    assert_calibrated(*zip(*found, strict=True), truth["margin"])
    assert np.mean([e.of("rival_margin")[0] for e in _effects(drawn, "T4")]) < -0.3


def _action(drawn: dict[str, pd.DataFrame], promotion: str) -> tuple[str, str, pd.Series]:
    """Return what to do with a promotion run in all shops together, free of cost."""
    rows = drawn[promotion]
    treated = (rows["arm"] == "treatment").to_numpy()
    measures, before = (
        rows[list(c)].to_numpy(float) for c in (MEASURES, incremental_return.BEFORE)
    )
    effects = by_lot(MEASURES, measures, treated, before)
    one = returned(effects, costs.Costs(int(treated.sum()), 0.0, 0.0, "assumed", "assumed"))
    return *league.advice(one)[1:], one.waterfall.set_index("part")["amount"]


def test_each_planted_promotion_gets_the_right_advice(drawn: dict[str, pd.DataFrame]) -> None:
    assert _action(drawn, "T1")[0] == league.REPEAT
    assert _action(drawn, "T2")[0] == league.AGAIN
    action, why, parts = _action(drawn, "T3")
    assert action in (league.STOP, league.CHANGE)
    assert "weeks after" in why
    assert -parts[AFTER] > 0.5 * parts[EXTRA] > 0
    action, why, parts = _action(drawn, "T4")
    assert action in (league.STOP, league.CHANGE)
    assert "neighbours" in why
    assert -parts[NEIGHBOURS] > 0.5 * parts[EXTRA] > 0


@pytest.fixture(scope="module")
def shelves() -> tuple[Shops, dict[int, placements.Placements]]:
    """Return three shops large enough to sell every placed product in every store and week."""
    large = open_shops(range(300, 303), customers=12_000)
    found = {}
    for seed, plan in large.plans.items():
        backend = ibis.duckdb.from_connection(large.connection)
        rows = {}
        for name in ("order_lines", "products", "placements"):
            table = backend.table(name)
            rows[name] = table.filter(table.seed == seed).drop("seed")
        rows["promotions"] = ibis.memtable(promotions_file(plan).to_pandas())
        rows["promotion_products"] = ibis.memtable(promotion_products_file(plan).to_pandas())
        tables = Tables(backend, Manifest(study="shelves", simulated=True), rows)
        found[seed] = placements.measure(placements.fetch(tables, as_of=AS_OF))
    return large, found


def test_places_and_prices_lift_as_planted(
    shelves: tuple[Shops, dict[int, placements.Placements]],
) -> None:
    large, found = shelves
    planted = large.parameter("placements", "superpopulation")
    truth = {
        "display": planted["display"] - 1,
        "mailer": planted["mailer"] - 1,
        "price": planted["price_elasticity"],
    }
    inside = 0
    for one in found.values():
        table = one.table.set_index("term")
        for term, value in truth.items():
            row = table.loc[term]
            inside += row["low"] <= value <= row["high"]
            assert abs(row["lift"] - value) < 3 * (row["high"] - row["low"]) / 2
    assert inside >= 7


def test_incremental_units_are_what_the_lift_says(
    shelves: tuple[Shops, dict[int, placements.Placements]],
) -> None:
    for one in shelves[1].values():
        row = one.table.set_index("term").loc["display"]
        assert row["incremental"] == pytest.approx(row["units"] * row["lift"] / (1 + row["lift"]))
        assert row["incremental_low"] < row["incremental"] < row["incremental_high"]


def test_price_cuts_for_everybody_lift_sales_as_planted(delivered: list[Delivered]) -> None:
    """Units are doubled at a fifth off: 1.6 times the sales; 2.8 at 0.3 off: 1.96 times."""
    tables = delivered[0].tables
    found = synthetic_control.search(tables, SPANS, outcomes.overview(tables, SPANS)).table
    cuts = found[found["mechanic"].eq("price cut") & found["lift"].notna()]
    assert len(cuts) >= 8
    for key, truth in (("P6-", 2.0 * 0.8 - 1), ("P13-", 2.8 * 0.7 - 1)):
        mine = cuts[cuts["promotion_id"].str.startswith(key)]
        assert_centred(mine["lift"], truth, within=0.10)
        held = (mine["low"] < truth) & (truth < mine["high"])
        assert held.sum() >= binom.ppf(1e-4, len(mine), 0.95)

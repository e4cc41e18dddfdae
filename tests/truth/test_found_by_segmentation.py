"""Kinds of customers planted in the simulated shop are found again, as far as they can be."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from statsmodels.stats.proportion import proportion_confint

from analysis.customers.churn.retention_value import accepted_when_tried
from analysis.customers.deals import deal_proneness, discount_response
from analysis.customers.features import features
from analysis.customers.retention import lifecycle, regularity, win_back
from analysis.tables.periods import Period
from tests.truth.calibration import assert_calibrated
from tests.truth.conftest import Delivered
from tests.truth.shops import Shops, tables_of

AS_OF = date(2025, 12, 29)
YEAR = Period.before(AS_OF, days=364)
BOTH_YEARS = Period.before(AS_OF, days=728)

#: Enough customers of the rare kinds, and soon done.
SEEDS = range(4)


@pytest.fixture(scope="module")
def known(shops: Shops) -> pd.DataFrame:
    """Return the customers of some shops with what is true of them."""
    found = []
    for seed in SEEDS:
        people = features.fetch_detailed(tables_of(shops, seed), YEAR)
        truth = shops.frame("select * from truth_customers where seed = $seed", seed=seed)
        truth["customer_id"] = truth["customer_id"].astype("str")
        found.append(people.merge(truth, on="customer_id").assign(seed=seed))
    return pd.concat(found, ignore_index=True)


def interval(right: pd.Series, of: pd.Series) -> tuple[float, float]:
    low, high = proportion_confint(int((right & of).sum()), int(of.sum()), method="wilson")
    return float(low), float(high)


def test_fixed_rhythms_are_recovered(known: pd.DataFrame) -> None:
    found = regularity.rhythms(known, regularity.shapes(known)).astype("str")
    enough = known["gaps"] >= 4
    weekly, monthly = (known["group"] == name for name in ("weekly", "monthly"))
    assert interval(found == "Regular, weekly", weekly & enough)[0] > 0.85
    assert interval(found == "Regular, every few weeks", monthly & enough)[0] > 0.85
    kind = known["group"].where(weekly | monthly, "other")[enough]
    named = found.where(found.str.startswith("Regular"), "other")[enough]
    assert adjusted_rand_score(kind, named) > 0.75


def test_the_planted_shapes_are_estimated(shops: Shops, known: pd.DataFrame) -> None:
    judged = regularity.shapes(known)["shape"]
    for name in ("weekly", "monthly"):
        planted = known.loc[known["group"] == name, "erlang_k"].iloc[0]
        assert planted * 0.7 < judged[known["group"] == name].median() < planted * 1.3


def test_price_buyers_with_precision_and_recall(known: pd.DataFrame) -> None:
    found = deal_proneness.judge(known, threshold=0.55, certainty=0.8).table["buyer"]
    lines = known.loc[known["priced_lines"] > 0].reset_index(drop=True)
    called = found.isin([deal_proneness.PRICE, deal_proneness.DEALS])
    cleared = found.isin([deal_proneness.RELATIONSHIP, deal_proneness.ORDINARY])
    planted = lines["attitude"] == "discount"
    assert interval(planted, called)[0] > 0.75
    assert interval(called, planted & (lines["priced_lines"] >= 15))[0] > 0.35
    # A customer is cleared with a certainty of four in five.
    assert interval(cleared, planted)[0] < 0.20


def test_price_buyers_stay_away_without_discounts(shops: Shops) -> None:
    """Discount customers order nothing in the pause, others as in the weeks around it."""
    tables = tables_of(shops, 0)
    pause = discount_response.find(tables, YEAR)
    kinds = shops.frame(
        "select customer_id::varchar as customer_id, attitude as buyer from truth_customers "
        "where seed = 0"
    )
    kinds["buyer"] = kinds["buyer"].astype("category")
    got = discount_response.compare(tables, pause, kinds).set_index("group")
    assert (got["weeks"] == 8).all()
    assert got.loc["discount", "stayed"] == 0
    others = got.loc[["relationship", "mixed"]]
    assert (others["low"] < 1.1).all()
    assert (others["high"] > 0.9).all()
    # Nobody is called by what was bought in the weeks without offers.
    assert pause.formed_on.end <= YEAR.start + timedelta(days=7 * min(pause.usual))


def test_discount_customers_take_more_of_deeper_offers(shops: Shops) -> None:
    """Others' response is planted as none; what fits a budget lets both look a little steeper."""
    planted = shops.parameter("depth_response", "parameters", "response")
    responses, errors = [], []
    for seed in shops.truth:
        kinds = shops.frame(
            "select customer_id::varchar as customer_id, attitude as buyer from truth_customers "
            "where seed = $seed",
            seed=seed,
        )
        kinds["buyer"] = kinds["buyer"].astype("category")
        found = discount_response.stock_up(tables_of(shops, seed), BOTH_YEARS, kinds).set_index(
            "group"
        )
        responses.append(found["response"].to_dict())
        errors.append(found["error"].to_dict())
    response, error = (pd.DataFrame(rows, index=list(shops.truth)) for rows in (responses, errors))
    assert_calibrated(
        response["discount"] - response["mixed"],
        (error["discount"] ** 2 + error["mixed"] ** 2) ** 0.5,
        planted["discount"],
    )
    assert (response["discount"] - 1.96 * error["discount"] > 0).all()


def test_judged_price_buyers_take_more_of_deeper_offers(shops: Shops) -> None:
    tables = tables_of(shops, 0)
    judged = deal_proneness.judge(features.fetch_detailed(tables, BOTH_YEARS), threshold=0.55).table
    found = discount_response.stock_up(tables, BOTH_YEARS, judged).set_index("group")
    assert found.loc[deal_proneness.PRICE, "low"] > 0
    assert (
        found.loc[deal_proneness.RELATIONSHIP, "low"]
        < 0
        < found.loc[deal_proneness.RELATIONSHIP, "high"]
    )


def test_customers_who_left_are_silent_and_regulars_are_not(
    shops: Shops, known: pd.DataFrame
) -> None:
    rules = lifecycle.StageRules(half_days=364)
    people = known[known["seed"] == 0]
    found = lifecycle.stages(tables_of(shops, 0), AS_OF, window_days=364, rules=rules).table
    found = found.merge(people[["customer_id", "group", "left_on"]], on="customer_id")
    away = found["stage"].isin(["At risk", "Lapsed"])
    regular = found["group"].isin(["weekly", "monthly"])
    assert away[regular].mean() < 0.2
    gone = found["left_on"].notna() & (found["left_on"] < pd.Timestamp("2025-07-01"))
    assert away[gone].mean() > 2 * away[found["left_on"].isna()].mean()


def test_the_randomised_win_back_is_measured(delivered: list[Delivered]) -> None:
    """The planted effect lies in the wide intervals of small shops."""
    for shop in delivered:
        planted = shop.truth["planted"]["win_back"]["superpopulation"]["effect"]
        tried = win_back.drawn_by_lot(shop.tables, as_of=AS_OF, fewest=5)
        got = tried.set_index("promotion_id")
        assert got.loc["W1", "low"] <= planted <= got.loc["W1", "high"]
        comes = shop.truth["planted"]["win_back"]["parameters"]["comes_back"]
        low, high = np.quantile(accepted_when_tried(tried), [0.005, 0.995])
        assert low <= planted / (1 - comes["control"]) <= high

"""Kinds of customers planted in the simulated shop are found again, as far as they can be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from statsmodels.stats.proportion import proportion_confint

from analysis.customers import buyers, features, lifecycle, rhythm
from analysis.tables.engine import EngineSettings, Tables, open_study
from analysis.tables.ingest import IngestRequest, ingest
from analysis.tables.periods import Period

AS_OF = date(2025, 12, 29)
YEAR = Period.before(AS_OF, days=364)
ONE_THREAD = EngineSettings(threads=1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tables, pd.DataFrame]]:
    root = tmp_path_factory.mktemp("planted")
    ingest(
        IngestRequest(
            study="shop",
            title="Planted",
            source={"kind": "simulated", "customers": 5_000, "mess": False},
            timezone="Europe/Berlin",
            currency="EUR",
            default_margin_rate=0.25,
            engine=ONE_THREAD,
            seed=11,
        ),
        root=root,
    )
    tables = open_study("shop", settings=ONE_THREAD, root=root)
    files = next(root.glob("data/**/truth/customers"))
    truth = duckdb.sql(f"select * from '{files}/*.parquet'").df()
    yield tables, truth.assign(customer_id=truth["customer_id"].astype("str"))
    tables.close()


@pytest.fixture(scope="module")
def known(shop: tuple[Tables, pd.DataFrame]) -> pd.DataFrame:
    tables, truth = shop
    return features.fetch_detailed(tables, YEAR).merge(truth, on="customer_id")


def interval(right: int, of: int) -> tuple[float, float]:
    return proportion_confint(right, of, method="wilson")


def test_fixed_rhythms_are_recovered(known: pd.DataFrame) -> None:
    found = rhythm.rhythms(known, rhythm.shapes(known)).astype("str")
    enough = known["gaps"] >= 4
    weekly, monthly = (known["group"] == name for name in ("weekly", "monthly"))
    assert (found[weekly & enough] == "By the clock, weekly").mean() > 0.95
    clock = found == "By the clock, every few weeks"
    assert interval(int((clock & monthly & enough).sum()), int((monthly & enough).sum()))[0] > 0.85
    kind = known["group"].where(weekly | monthly, "other")[enough]
    named = found.where(found.str.startswith("By the clock"), "other")[enough]
    assert adjusted_rand_score(kind, named) > 0.75


def test_the_planted_shape_is_estimated(known: pd.DataFrame) -> None:
    judged = rhythm.shapes(known)
    for name, planted in (("weekly", 9), ("monthly", 6)):
        median = judged.loc[known["group"] == name, "shape"].median()
        assert planted * 0.6 < median < planted * 1.4


def test_price_buyers_with_precision_and_recall(known: pd.DataFrame) -> None:
    found = buyers.judge(known, threshold=0.55).table
    called = found["buyer"].isin([buyers.PRICE, buyers.DEALS]).to_numpy()
    planted = (
        found[["customer_id"]].merge(known[["customer_id", "attitude"]])["attitude"] == "discount"
    ).to_numpy()
    enough = (found["lines"] >= 15).to_numpy()
    both = int((called & planted).sum())
    precision = interval(both, int(called.sum()))
    recall = interval(int((called & planted & enough).sum()), int((planted & enough).sum()))
    assert precision[0] > 0.80
    assert recall[0] > 0.35
    cleared = found["buyer"].isin([buyers.RELATIONSHIP, buyers.FULL_PRICE]).to_numpy()
    # A customer is cleared with a certainty of four in five.
    assert (planted & cleared).sum() < 0.20 * planted.sum()


def test_customers_who_left_are_silent_and_regulars_are_not(
    shop: tuple[Tables, pd.DataFrame], known: pd.DataFrame
) -> None:
    found = lifecycle.stages(
        shop[0], AS_OF, window_days=364, rules=lifecycle.StageRules(half_days=364)
    ).table.merge(known[["customer_id", "group", "left_on"]], on="customer_id")
    away = found["stage"].isin(["At risk", "Lapsed"])
    regular = found["group"].isin(["weekly", "monthly"])
    assert away[regular].mean() < 0.12
    gone = found["left_on"].notna() & (found["left_on"] < pd.Timestamp("2025-07-01"))
    assert away[gone].mean() > 2 * away[found["left_on"].isna()].mean()

"""A question of one's own: found where planted, never from the future, refused where senseless."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from analysis.customers.churn.churn_forecast import contest
from analysis.customers.churn.churn_label import ChurnLabels
from analysis.customers.churn.own_question import (
    LAST_SPEND,
    Question,
    QuestionForecast,
    _labelled,
    _outcome,
    answer_question,
    with_history,
)
from analysis.customers.lifetime import snapshots
from analysis.customers.lifetime.snapshots import Snapshot
from analysis.errors import DataError, NotApplicable, ParamsError
from analysis.tables.engine import Tables
from analysis.tables.periods import Period
from tests.sales import catalogue, tables_of

HISTORY = Period(date(2017, 1, 1), date(2018, 1, 1))
SPAN = {"horizon_days": 91, "gap_days": 14}
SNACKS = {"kind": "category", "name": "Snacks", "days": 28}
PRODUCTS = catalogue("p0", "p1", category=["Bread", "Snacks"])


def planted(
    customers: int = 600, rng: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many orders a day each customer makes, and how many of them are snacks."""
    rng = rng or np.random.default_rng(0)
    return rng.gamma(2.0, 0.04, customers), rng.beta(0.4, 1.6, customers)


def shop_lines(customers: int = 600, seed: int = 0) -> pd.DataFrame:
    """Return a year in which each customer takes snacks with a probability of their own."""
    rng = np.random.default_rng(seed)
    rate, taste = planted(customers, rng)
    worth = rng.lognormal(2.5, 0.5, customers)
    who = np.repeat(np.arange(customers), rng.poisson(365 * rate))
    day = pd.Timestamp("2017-01-01") + pd.to_timedelta(rng.integers(0, 365, len(who)), unit="D")
    snack = rng.random(len(who)) < taste[who]
    return pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(who))],
            "customer_id": [f"c{i}" for i in who],
            "product_id": np.where(snack, "p1", "p0"),
            "ordered_at": day + pd.Timedelta(hours=10),
            "quantity": 1.0,
            "net_amount": np.round(worth[who] * rng.lognormal(0, 0.3, len(who)), 2),
            "channel": np.where(rng.random(len(who)) < 0.3, "app", "store"),
        }
    )


@pytest.fixture(scope="module")
def shop() -> Tables:
    return tables_of(shop_lines(), PRODUCTS)


@pytest.fixture(scope="module")
def past(shop: Tables) -> list[Snapshot]:
    return snapshots.fetch_all(shop, HISTORY, **SPAN)


@pytest.fixture(scope="module")
def today(shop: Tables) -> Snapshot:
    return snapshots.fetch(shop, HISTORY, outcome=False, **SPAN)


@pytest.fixture(scope="module")
def snacks(shop: Tables, past: list[Snapshot], today: Snapshot) -> QuestionForecast:
    found = answer_question(shop, past, today, label=SNACKS, seed=1)
    assert found is not None
    return found


def test_the_planted_taste_is_found_out_of_time(snacks: QuestionForecast) -> None:
    """Nearer than the rule, by a quarter, to who knows each rate and taste; right in its level."""
    best, rule = snacks.last(snacks.chosen), snacks.last(snacks.rule)
    assert snacks.chosen != snacks.rule
    last = snacks.checked[snacks.checked["cutoff"] == snacks.checked["cutoff"].max()]
    rate, taste = planted()
    number = last["customer_id"].str[1:].astype(int)
    knows = roc_auc_score(last["churned"], (rate * taste)[number])
    assert rule["auc"] + (knows - rule["auc"]) / 4 < best["auc"] < knows + 0.01
    assert best["auc_low"] > 0.7
    assert snacks.deciles["gain"].iloc[-1] == pytest.approx(1)
    inside = snacks.deciles["probability"].between(snacks.deciles["low"], snacks.deciles["high"])
    assert inside.sum() >= 7
    assert snacks.customers["probability"].mean() == pytest.approx(
        snacks.labelled["share"].iloc[-1], abs=0.05
    )


def test_who_did_it_is_who_did_within_the_days_after_the_gap(
    shop: Tables, past: list[Snapshot], snacks: QuestionForecast
) -> None:
    lines, cutoff = shop_lines(), pd.Timestamp(past[-1].known.end)
    start = cutoff + pd.Timedelta(days=14)
    inside = (lines["ordered_at"] >= start) & (lines["ordered_at"] < start + pd.Timedelta(days=28))
    did = set(lines.loc[inside & (lines["product_id"] == "p1"), "customer_id"])
    last = snacks.checked[snacks.checked["cutoff"] == past[-1].known.end]
    assert set(last.loc[last["churned"], "customer_id"]) == did & set(last["customer_id"])
    assert snacks.labelled["happened"].iloc[-1] == last["churned"].sum()


@pytest.mark.parametrize("label", [SNACKS, {"kind": "top_spend", "days": 28, "share": 0.2}])
def test_what_is_known_at_a_cutoff_never_changes_when_later_data_arrive(
    shop: Tables, past: list[Snapshot], label: dict[str, object]
) -> None:
    lines = shop_lines()
    early = tables_of(lines[lines["ordered_at"] < str(past[0].known.end)], PRODUCTS)
    question = Question(**label)  # type: ignore[arg-type]
    known = [with_history(one, past[0], question, 91).customers for one in (shop, early)]
    early.close()
    pd.testing.assert_frame_equal(*known)


def test_a_shuffled_answer_cannot_be_learnt(shop: Tables, past: list[Snapshot]) -> None:
    """Over both checked cut-offs, three models and two shuffles the AUC is that of chance."""
    question, found = Question(**SNACKS), []  # type: ignore[arg-type]
    pairs = [_labelled(shop, one, question, 91) for one in past]
    for seed in range(2):
        rng = np.random.default_rng(seed)
        shuffled = []
        for snapshot, one in pairs:
            mixed = one.customers.assign(churned=rng.permutation(one.customers["churned"]))
            shuffled.append((snapshot, ChurnLabels(mixed, one.share, one.expected)))
        found.append(contest(shuffled, seed=seed, outcome=_outcome(question)).scores["auc"].mean())
    assert np.mean(found) == pytest.approx(0.5, abs=0.04)


def test_a_planted_future_column_is_refused_by_name(shop: Tables, past: list[Snapshot]) -> None:
    question = Question(**SNACKS)  # type: ignore[arg-type]
    pairs = [_labelled(shop, one, question, 91) for one in past]
    outcome = _outcome(question)
    peeking = replace(outcome, features={**outcome.features, "next_days": "days to the next"})
    with pytest.raises(DataError, match="next_days is no feature that was known"):
        contest(pairs, outcome=peeking)
    planted = [
        (replace(s, customers=s.customers.assign(done_last=one.customers["churned"] * 1.0)), one)
        for s, one in pairs
    ]
    with pytest.raises(DataError, match="done_last tells the outcome all but perfectly"):
        contest(planted, outcome=outcome)


def test_the_best_spenders_are_as_many_as_asked_for(
    shop: Tables, past: list[Snapshot], today: Snapshot
) -> None:
    label = {"kind": "top_spend", "days": 77, "share": 0.2}
    found = answer_question(shop, past, today, label=label)
    assert found is not None
    assert found.labelled["share"].between(0.19, 0.23).all()
    assert found.rule == LAST_SPEND
    assert found.last(found.chosen)["auc"] > 0.8


def test_what_the_study_does_not_know_is_refused_by_its_key(
    shop: Tables, past: list[Snapshot], today: Snapshot
) -> None:
    with pytest.raises(ParamsError, match=r"label\.name 'Snack' is no category .* Snacks"):
        answer_question(shop, past, today, label={**SNACKS, "name": "Snack"})
    with pytest.raises(ParamsError, match=r"label\.name 'shop' is no channel .* app, store"):
        answer_question(shop, past, today, label={"kind": "channel", "name": "shop", "days": 28})
    silent = tables_of(shop_lines(20).drop(columns="channel"), PRODUCTS)
    with pytest.raises(NotApplicable, match="name no channel"):
        answer_question(silent, past, today, label={"kind": "channel", "name": "app", "days": 28})
    silent.close()


def test_nothing_asked_is_nothing_answered(
    shop: Tables, past: list[Snapshot], today: Snapshot
) -> None:
    assert answer_question(shop, past, today, label=None) is None

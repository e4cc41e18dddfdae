"""Forecasts by group: a planted fault is found, chance is not, and small groups are withheld."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.customers.churn.churn_evaluation import (
    RANKED_WORSE,
    TOO_HIGH,
    TOO_LOW,
    _expected_auc,
    by_group,
    groups_at,
    roc_auc,
)
from analysis.customers.lifetime import snapshots
from analysis.errors import NotApplicable, ParamsError
from analysis.tables.periods import Period
from tests.sales import shop, tables_of

CUTOFF = date(2017, 10, 1)


def judged(seed: int, *, fault: str = "", level: float = 1.0) -> pd.DataFrame:
    """Return verdicts on a forecast of 3,000 customers that is right but for group A's fault."""
    rng = np.random.default_rng(seed)
    n = 3_000
    chance = rng.beta(1, 6, n)
    group = rng.choice(["A", "B", "C"], n)
    inside = group == "A"
    truth = np.clip(chance * np.where(inside & (fault == TOO_LOW), 1.8, 1.0) * level, 0, 1)
    if fault == RANKED_WORSE:
        truth = np.where(inside, chance[inside].mean(), truth)
    ids = [f"c{i}" for i in range(n)]
    keys = {"customer_id": ids, "cutoff": CUTOFF}
    checked = pd.DataFrame({**keys, "probability": chance, "churned": rng.random(n) < truth})
    known = pd.DataFrame({**keys, "kind": group, "colour": rng.choice(["red", "blue"], n)})
    known.loc[:19, "kind"] = "Rare"
    found = by_group(SimpleNamespace(checked=checked), known)  # type: ignore[arg-type]
    assert found is not None
    return found.set_index(["attribute", "group"])


@pytest.mark.parametrize("level", [1.0, 1.3])
def test_a_right_forecast_is_seldom_called_worse(level: float) -> None:
    """At most about one run in twenty, also where all groups alike are forecast too low."""
    called = [(judged(seed, level=level)["verdict"] != "").any() for seed in range(40)]
    assert np.mean(called) <= 0.12


@pytest.mark.parametrize("fault", [TOO_LOW, RANKED_WORSE])
def test_a_group_treated_worse_is_found(fault: str) -> None:
    for seed in range(5):
        found = judged(seed, fault=fault)["verdict"]
        assert fault in found["kind", "A"]
        assert found["colour", "red"] == ""


def test_a_forecast_that_was_right_for_a_group_is_not_called_off_for_it() -> None:
    """Twice too low for all others: put right over all, group A would be called too high."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        chance, inside = rng.beta(2, 12, 6_000), np.arange(6_000) % 3 == 0
        churned = rng.random(6_000) < np.clip(chance * np.where(inside, 1.0, 2.0), 0, 1)
        ids = {"customer_id": np.arange(6_000).astype(str), "cutoff": CUTOFF}
        checked = pd.DataFrame({**ids, "probability": chance, "churned": churned})
        known = pd.DataFrame({**ids, "kind": np.where(inside, "A", "B")})
        found = by_group(SimpleNamespace(checked=checked), known)  # type: ignore[arg-type]
        assert found is not None
        row = found.set_index("group").loc["A"]
        assert row["q_level"] < 0.01
        assert row["put_right"] > row["high"]
        assert TOO_HIGH not in row["verdict"]
        assert TOO_LOW in found["verdict"].iloc[1]


def test_small_groups_are_withheld_with_their_size() -> None:
    row = judged(0).loc[("kind", "Rare")]
    assert (row["customers"], row["judged"]) == (20, False)
    assert row[["forecast", "happened", "auc"]].isna().all()
    few = pd.DataFrame(
        {"customer_id": ["a"], "cutoff": [CUTOFF], "probability": [0.1], "churned": [True]}
    )
    kinds = few[["customer_id", "cutoff"]].assign(kind="A")
    with pytest.raises(NotApplicable, match="No group has 50 customers"):
        by_group(SimpleNamespace(checked=few), kinds)  # type: ignore[arg-type]
    assert by_group(None, kinds) is None


def test_groups_are_those_of_the_cutoff_and_unknown_ones_are_refused() -> None:
    frames = shop(0, customers=60, days=300)
    tables = tables_of(frames["order_lines"], frames["products"], customers=frames["customers"])
    past = [snapshots.fetch(tables, Period(date(2017, 4, 1), CUTOFF), horizon_days=91)]
    found = groups_at(tables, past)
    assert {"customer_id", "cutoff", "tenure", "activity"} < set(found)
    assert found["customer_id"].tolist() == past[0].customers["customer_id"].tolist()
    one = next(n for n in found if n not in ("customer_id", "cutoff", "tenure", "activity"))
    assert list(groups_at(tables, past, names=[one])) == ["customer_id", one, "cutoff"]
    with pytest.raises(ParamsError, match="groups: 'shoe_size' is none; this study knows tenure"):
        groups_at(tables, past, names=["shoe_size"])
    tables.close()


def test_the_ranking_expected_is_the_mean_over_what_may_happen() -> None:
    """By hand for two customers, and by simulation for many."""
    assert _expected_auc(np.array([0.2, 0.6])) == pytest.approx(0.48 / (0.48 + 0.08))
    assert _expected_auc(np.full(9, 0.3)) == pytest.approx(0.5)
    rng = np.random.default_rng(0)
    chance = np.round(rng.beta(1, 3, 400), 2)
    drawn = [roc_auc(rng.random(400) < chance, chance) for _ in range(300)]
    assert _expected_auc(chance) == pytest.approx(np.mean(drawn), abs=0.005)

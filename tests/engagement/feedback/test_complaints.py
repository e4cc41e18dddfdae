"""How long complaints wait, who waits, and who comes back, like with like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import engagement
from analysis.answers import NotGiven
from analysis.engagement.feedback import complaints
from analysis.engagement.feedback.complaints import Complaints
from tests.engagement.feedback.answers import PERIOD, feedback_of, tables_of

#: The remission times of Freireich et al. (1963) as days until a complaint is resolved.
DONE, OPEN = (6, 6, 6, 7, 10, 13, 16, 22, 23), (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)


def complaint(day: str, resolved: str | None = None, **columns: Any) -> dict[str, Any]:
    return {"kind": "complaint", "submitted_at": day, "resolved_at": resolved, **columns}


def remissions() -> list[dict[str, Any]]:
    end = pd.Timestamp(PERIOD.end)
    late = pd.Timestamp("2017-06-01")
    done = [complaint(str(late), str(late + pd.Timedelta(days=d))) for d in DONE]
    return done + [complaint(str(end - pd.Timedelta(days=d))) for d in OPEN]


def test_published_times_give_the_published_curve_with_open_ones_counted() -> None:
    found = complaints.wait(tables_of(feedback_of(*remissions())), PERIOD)
    curve = found.curves[found.curves["step"] == "resolved"]
    np.testing.assert_allclose(
        curve["still"], [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482], atol=5e-5
    )
    assert found.times.set_index("step").loc["resolved", "median"] == 23


def test_the_open_list_is_what_the_targets_read() -> None:
    rows = [
        *remissions()[: len(DONE)],
        *(complaint(f"2017-12-0{1 + n % 9} 09:00:00", customer_id=f"x{n % 9}") for n in range(14)),
        complaint("2017-12-05", "2018-01-20", customer_id="later"),
        complaint("2017-12-06", customer_id=None),
    ]
    found = complaints.open_list(tables_of(feedback_of(*rows)), PERIOD)
    assert list(found.columns) == ["customer_id", "since", "kind"]
    assert found["customer_id"].is_unique
    assert set(found["customer_id"]) == {*(f"x{n}" for n in range(9)), "later"}
    assert str(found.set_index("customer_id").loc["x3", "since"]) == "2017-12-04"
    assert set(found["kind"]) == {"complaint"}


def test_what_was_resolved_before_it_came_counts_as_open() -> None:
    rows = [complaint("2017-06-02", "2017-06-01") for _ in range(25)]
    tables = tables_of(feedback_of(*rows))
    assert len(complaints.open_list(tables, PERIOD)) == 25
    found = complaints.wait(tables, PERIOD)
    assert found.curves.empty


def test_a_resolved_complaint_has_been_answered_by_then() -> None:
    rows = [
        complaint("2017-06-01", "2017-06-05", first_response_at=first)
        for first in ["2017-06-02"] * 20 + [None] * 5
    ]
    found = complaints.wait(tables_of(feedback_of(*rows)), PERIOD)
    assert found.times.set_index("step").loc["first answer", "done"] == 25


def test_who_waits_is_told_however_few() -> None:
    one = complaints.open_list(tables_of(feedback_of(complaint("2017-06-01"))), PERIOD)
    assert one["customer_id"].tolist() == ["c0"]
    none = complaints.open_list(tables_of(feedback_of({})), PERIOD)
    assert list(none.columns) == ["customer_id", "since", "kind"]
    assert none.empty


def test_few_complaints_are_a_sentence() -> None:
    few = engagement.complaint_waits(tables_of(feedback_of(complaint("2017-06-01"))), PERIOD)
    assert isinstance(few, NotGiven)
    assert few.reason.startswith("1 complaints came from")
    none = engagement.complaint_recovery(
        tables_of(feedback_of(complaint("2017-06-01"))), few, PERIOD
    )
    assert none is few


def shop(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return complaints and orders where regulars are settled sooner, and nothing else matters."""
    rng = np.random.default_rng(seed)
    rows, lines = [], []
    for n in range(160):
        regular = n % 2 == 0
        settled = rng.random() < (0.75 if regular else 0.35)
        moment = pd.Timestamp("2017-06-01") + pd.Timedelta(days=int(rng.integers(0, 60)))
        done = str(moment + pd.Timedelta(days=3)) if settled else None
        rows.append(complaint(str(moment), done, customer_id=f"c{n}"))
        gaps = [-20 - 10 * k for k in range(6 if regular else 1)]
        gaps += [40] if rng.random() < (0.8 if regular else 0.3) else []
        lines += [
            {"order_id": f"o{n}.{g}", "customer_id": f"c{n}",
             "ordered_at": str(moment + pd.Timedelta(days=g))} for g in gaps
        ]  # fmt: skip
    return rows, lines


def test_like_with_like_takes_away_what_regulars_bring() -> None:
    crude, fair, covered = [], [], 0
    for seed in range(10):
        rows, lines = shop(seed)
        tables = tables_of(feedback_of(*rows), *lines)
        waits: Complaints = complaints.wait(tables, PERIOD)
        found = complaints.recover(tables, waits, PERIOD, landmark=7, follow=60)
        table = found.table.set_index("comparison")
        crude.append(table.loc["as it is", "difference"])
        fair.append(table.loc["like with like", "difference"])
        covered += table.loc["like with like", "low"] <= 0 <= table.loc["like with like", "high"]
    assert np.mean(crude) > 0.12
    assert abs(np.mean(fair)) < 0.09
    assert covered >= 7  # binomial(10, 0.95): fewer has a chance of 1 in 1,000


def test_who_cannot_be_followed_is_left_out() -> None:
    rows = [complaint("2017-12-20", customer_id=f"c{n}") for n in range(50)]
    tables = tables_of(feedback_of(*rows))
    found = engagement.complaint_recovery(
        tables, engagement.complaint_waits(tables, PERIOD), PERIOD, landmark=7, follow=91
    )
    assert isinstance(found, NotGiven)
    assert "followed for 91 days" in found.reason


@pytest.mark.parametrize("column", ["channel", "order_id"])
def test_optional_columns_may_be_absent(column: str) -> None:
    feedback = feedback_of(*remissions()).drop(columns=[column], errors="ignore")
    assert len(complaints.wait(tables_of(feedback), PERIOD).rows) == 21

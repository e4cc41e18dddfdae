"""Scores as published, off the scale, withheld; who answers; every sentence where none can be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import engagement
from analysis.answers import NotGiven
from analysis.engagement.feedback import response_rates, survey_rows, survey_scores
from analysis.errors import NotApplicable
from tests.engagement.feedback.answers import PERIOD, feedback_of, survey, tables_of


def scored(rows: list[dict[str, object]], *lines: dict[str, object], **frames: pd.DataFrame):  # type: ignore[no-untyped-def]
    return survey_rows.fetch(tables_of(feedback_of(*rows), *lines, **frames), PERIOD)


def test_the_published_answers_give_the_published_interval_in_the_report_s_table() -> None:
    answers = [10.0] * 18 + [7.0] * 11 + [3.0] * 2
    found = survey_scores.score(scored(survey("nps", answers)), fewest=20)
    line = found.of("nps", "NPS")
    assert line["value"] == pytest.approx(16 / 31)
    assert (line["low"], line["high"]) == pytest.approx((0.2551, 0.6861), abs=5e-5)


def test_the_share_satisfied_has_wilson_s_interval() -> None:
    from statsmodels.stats.proportion import proportion_confint

    found = survey_scores.score(
        scored(survey("csat", [5.0] * 20 + [4.0] * 7 + [2.0] * 9)), fewest=20
    )
    line = found.of("csat", "share of the two highest")
    peer = proportion_confint(27, 36, method="wilson")
    assert (line["low"], line["high"]) == pytest.approx(peer)


def test_scores_off_their_scale_are_left_out_and_counted() -> None:
    rows = survey("nps", [9.0] * 25 + [11.0, -1.0, 7.5]) + survey("csat", [4.0] * 25 + [0.0])
    found = scored(rows)
    counted = found.off_scale.set_index("kind")
    assert counted["rows"].to_dict() == {"csat": 1, "nps": 3}
    assert (counted.loc["nps", "lowest"], counted.loc["nps", "highest"]) == (-1, 11)
    assert survey_scores.score(found, fewest=20).of("nps", "NPS")["answers"] == 25


def test_an_nps_on_another_scale_is_refused_in_words() -> None:
    rows = survey("nps", [5.0] * 30, scale_min=1.0, scale_max=5.0)
    found = scored(rows + survey("csat", [4.0] * 30, scale_min=1.0, scale_max=5.0))
    assert found.refused["nps"].startswith(
        "The net promoter score is defined on a scale of 0 to 10"
    )
    scores = survey_scores.score(found, fewest=20)
    assert set(scores.summary["kind"]) == {"csat"}
    with pytest.raises(NotApplicable, match="1 to 5"):
        found.of("nps")


def test_answers_on_two_scales_are_not_counted_together() -> None:
    rows = survey("csat", [4.0] * 15, scale_min=1.0, scale_max=5.0)
    rows += survey("csat", [8.0] * 15, scale_min=1.0, scale_max=10.0)
    found = scored(rows)
    assert "different scales" in found.refused["csat"]
    with pytest.raises(NotApplicable, match="different scales"):
        survey_scores.score(found, fewest=20)


def test_without_feedback_or_answers_there_is_a_sentence() -> None:
    from tests.sales import lines_of
    from tests.sales import tables_of as sales_of

    lacking = engagement.surveys(sales_of(lines_of({})), PERIOD)
    assert isinstance(lacking, NotGiven)
    assert lacking.reason == "This study has no feedback table."
    none = engagement.surveys(
        tables_of(feedback_of(*survey("nps", [9.0], day="2015-01-01"))), PERIOD
    )
    assert isinstance(none, NotGiven)
    silent = scored(survey("nps", [None] * 40))
    with pytest.raises(NotApplicable, match="No kind of score has 20 answers"):
        survey_scores.score(silent, fewest=20)


def test_answers_after_the_period_count_as_silence() -> None:
    rows = survey("nps", [9.0] * 30)
    rows[0]["submitted_at"] = "2018-03-01 00:00:00"
    assert scored(rows).rows["answered"].sum() == 29


def test_answers_alone_give_no_response_rate() -> None:
    rows = [{**row, "invited_at": None} for row in survey("nps", [9.0, 3.0] * 30)]
    with pytest.raises(NotApplicable, match="holds answers alone"):
        response_rates.respond(scored(rows))
    assert survey_scores.score(scored(rows), fewest=20).of("nps", "NPS")["value"] == 0


def test_small_groups_are_withheld_and_none_can_be_had_by_subtraction() -> None:
    sizes = {"web": 60, "app": 30, "store": 5}
    rows = [r for c, n in sizes.items() for r in survey("nps", [9.0] * n, channel=c)]
    found = survey_scores.score(scored(rows), fewest=20)
    shown = found.groups[found.groups["by"] == "channel"]
    assert list(shown["group"]) == ["web"]
    withheld = found.withheld.set_index("by").loc["channel"]
    assert (withheld["groups"], withheld["answers"]) == (2, 35)


def test_small_periods_are_joined_with_the_next() -> None:
    days = {"2017-02-10": 25, "2017-03-10": 5, "2017-04-10": 30, "2017-05-10": 3}
    rows = [r for day, n in days.items() for r in survey("csat", [4.0, 5.0] * n, day=day)]
    found = survey_scores.score(scored(rows), fewest=20)
    months = found.groups[found.groups["by"] == "time"]["group"]
    assert list(months) == ["2017-02", "2017-03 to 2017-05"]


def test_many_groups_of_one_score_are_seldom_called_different() -> None:
    """Ten channels, no difference: at a rate of 5 % some is called in 5 % of shops."""
    rng = np.random.default_rng(6)
    called = 0
    for _ in range(30):
        rows = pd.DataFrame(
            {
                "kind": "csat", "score": rng.integers(1, 6, 400).astype(float),
                "customer": np.arange(400), "channel": rng.integers(0, 10, 400).astype(str),
                "asked_on": pd.Timestamp("2017-06-01"), "month": "2017-06", "wave": None,
                "orders_before": 3, "region": None, "segment": None,
                "product": None, "low": 1.0, "high": 5.0,
                "answered": True,
            }
        )  # fmt: skip
        surveys = survey_rows.Surveys(rows, pd.DataFrame(), {}, PERIOD, False)
        found = survey_scores.score(surveys, fewest=20)
        called += bool((found.groups["q"] <= 0.05).any())
    assert called <= 6  # binomial(30, 0.05): more has a chance of 1 in 1,000


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]), min_size=25, max_size=60),
    st.integers(20, 60),
)
def test_bounds_hold_whatever_the_silent_would_have_said(said: list[float], silent: int) -> None:
    rows = pd.DataFrame(
        {
            "score": said + [np.nan] * silent,
            "answered": [True] * len(said) + [False] * silent,
            "low": 0.0,
            "high": 10.0,
        }
    )
    bounds = response_rates._bounds(rows, "nps").set_index("silent")["score"]
    n = len(rows)
    value = survey_rows.promoted(pd.Series(said)).sum()
    for hidden, shift in (
        ("all detractors", -silent),
        ("all passive", 0),
        ("all promoters", silent),
    ):
        assert bounds[hidden] == pytest.approx((value + shift) / n)


def test_orders_before_count_those_of_the_half_year_up_to_the_invitation() -> None:
    rows = survey("nps", [9.0], day="2017-06-01", customer_id="c1")
    lines = [
        {"order_id": "a", "ordered_at": "2017-05-31 10:00:00"},
        {"order_id": "a", "ordered_at": "2017-05-31 10:00:00"},
        {"order_id": "b", "ordered_at": "2017-06-02 10:00:00"},
        {"order_id": "c", "ordered_at": "2016-10-01 10:00:00"},
        {"order_id": "d", "ordered_at": "2017-03-01 10:00:00"},
        {
            "order_id": "r",
            "ordered_at": "2017-03-02 10:00:00",
            "quantity": -1.0,
            "net_amount": -1.0,
        },
    ]
    assert scored(rows, *lines).rows["orders_before"].tolist() == [2]

"""What report 10 must find: in many small shops apiece, and in all of them as one study."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.feedback import (
    complaints,
    product_alarms,
    response_rates,
    satisfaction_drivers,
    survey_rows,
    survey_scores,
    text_topics,
    written_feedback,
)
from analysis.engagement.feedback.complaints import Complaints
from analysis.engagement.feedback.response_rates import Response
from analysis.engagement.feedback.survey_rows import Surveys
from analysis.engagement.feedback.written_feedback import BOTH, CHINESE, LATIN, NONE, Written
from analysis.reports.feedback import text
from analysis.simulator.voices import feedback_files
from analysis.tables.engine import Tables
from analysis.tables.manifest import Manifest
from analysis.tables.periods import Period
from tests.truth.calibration import assert_calibrated, assert_centred, assert_covers
from tests.truth.shops import Shops, table_of

HISTORY = Period(date(2024, 1, 1), date(2025, 12, 29))
SEEDS = range(12)
NAMES = ("order_lines", "products", "customers", "feedback", "orders")


def tables_of(shops: Shops, seed: int | None = None) -> Tables:
    """Return one shop's tables, or those of all shops as one study, keys told apart by seed."""
    rows = {}
    for name in NAMES:
        if seed is None:
            table = shops.backend.table(name)
            mark = table.seed.cast("string") + "-"
            ids = {c: mark + table[c].cast("string") for c in table.columns if c.endswith("_id")}
            rows[name] = table.mutate(**ids).drop("seed")
        else:
            rows[name] = table_of(shops, name, seed)
    rows["order_lines"] = rows["order_lines"].drop("line")
    return Tables(shops.backend, Manifest(study="shops", simulated=True), rows)


@pytest.fixture(scope="module")
def surveys(shops: Shops) -> dict[int, Surveys]:
    return {seed: survey_rows.fetch(tables_of(shops, seed), HISTORY) for seed in SEEDS}


@pytest.fixture(scope="module")
def responses(surveys: dict[int, Surveys]) -> dict[int, Response]:
    return {seed: response_rates.respond(each) for seed, each in surveys.items()}


@pytest.fixture(scope="module")
def asked(together: Tables) -> Surveys:
    return survey_rows.fetch(together, HISTORY)


@pytest.fixture(scope="module")
def waits(together: Tables) -> Complaints:
    return complaints.wait(together, HISTORY)


@pytest.fixture(scope="module")
def together(shops: Shops) -> Tables:
    return tables_of(shops)


@pytest.fixture(scope="module")
def written(together: Tables) -> Written:
    return written_feedback.read(together, HISTORY)


def realised(shops: Shops, key: str, who: str, what: str) -> np.ndarray:
    return np.array([truth["realised"][who][what] for truth in shops.planted(key)], float)


def test_weights_bring_the_nps_back_to_all_who_were_asked(
    shops: Shops, responses: dict[int, Response]
) -> None:
    """The published table: unbiased and calibrated over shops, where the raw NPS is far off."""
    found = pd.concat(
        [text.shown_corrected(each).set_index("kind").loc[["nps"]]
         for each in responses.values()]
    )  # fmt: skip
    truth = realised(shops, "nps_nonresponse", "asked", "nps").mean() / 100
    assert_calibrated(found["weighted"], found["error"], truth)
    off = found["as_answered"] - truth
    assert off.mean() > 4 * off.std() / np.sqrt(len(off))


def test_the_bounds_hold_the_score_of_all_who_were_asked(
    shops: Shops, responses: dict[int, Response]
) -> None:
    """CSAT: who is unhappy answers more, which no weight repairs; the bounds hold all the same."""
    truth = realised(shops, "csat_nonresponse", "asked", "mean_score")
    moved = []
    for seed, response in responses.items():
        bounds = text.shown_bounds(response)
        csat = bounds[bounds["kind"] == "csat"]["score"]
        assert csat.min() <= truth[seed] <= csat.max()
        row = response.corrected.set_index("kind").loc["csat"]
        moved.append(row["weighted"] - truth[seed])
    assert np.mean(moved) < -0.1


def test_the_defective_product_is_called_and_hardly_any_other(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product_alarms, "DRAWS", 1)  # the simulated rate is tested by itself
    found, others = 0, 0
    for seed in SEEDS[:8]:
        tables = tables_of(shops, seed)
        topics = text_topics.find(written_feedback.read(tables, HISTORY))
        alarms = product_alarms.warn(tables, HISTORY, topics=topics).products
        called = set(alarms["product_id"][alarms["alarm"]])
        bad = shops.truth[seed]["planted"]["reviews"]["parameters"]["product_id"]
        found += bad in called
        others += bool(called - {bad})
    assert found == 8
    assert others <= 3  # at 5 % of shops: more has a chance of 1 in 1,000


def test_waits_for_a_settlement_are_as_planted(shops: Shops) -> None:
    planted = shops.planted("complaints")[0]["superpopulation"]
    share_gone = shops.parameter("cancellations", "superpopulation", "share")
    covered, cancelled, never = 0, 0, []
    for seed in SEEDS:
        found = complaints.wait(tables_of(shops, seed), HISTORY)
        line = found.times.set_index("step").loc["resolved"]
        # Half of all, of which some are never settled, is a little beyond half of the settled.
        share = 0.5 * (1 - planted["never"])
        low, high = days_until(found, share)
        covered += low <= planted["median_days"] <= high
        assert line["median"] > planted["median_days"] * 0.6
        reach = found.reach.iloc[0]
        cancelled += reach["cancelled_low"] <= share_gone <= reach["cancelled_high"]
        never.append(found.curves[found.curves["step"] == "resolved"]["still"].min())
    assert_covers(covered, len(SEEDS))
    assert_covers(cancelled, len(SEEDS))
    assert abs(np.mean(never) - planted["never"]) < 0.03


def days_until(found: complaints.Complaints, share: float) -> tuple[float, float]:
    """Return the interval of the time by which ``share`` are settled, from the published curve."""
    curve = found.curves[found.curves["step"] == "resolved"]
    low = curve["days"][curve["low"] <= 1 - share].min()
    high = curve["days"][curve["high"] <= 1 - share].min()
    return low, high


def test_topics_of_complaints_and_reviews_are_those_planted(shops: Shops, written: Written) -> None:
    topics = text_topics.find(written)
    truth = voices(shops)
    said = topics.rows[["feedback_id"]].merge(truth, on="feedback_id", how="left")
    names = {"delivery": "delivery", "price": "price", "value": "price", "quality": "quality"}
    names |= {"packaging": "packaging", "staff": "staff and service", "defect": "defect"}
    for topic, ours in names.items():
        mine = (said["topic"] == topic).to_numpy()
        assert topics.flags[ours].to_numpy()[mine].mean() > 0.95, topic
        if ours in ("delivery", "packaging", "staff and service", "defect"):
            rest = (said["topic"] != topic).to_numpy() & said["kind"].isin(["review", "complaint"])
            assert topics.flags[ours].to_numpy()[rest].mean() < 0.05, topic


def voices(shops: Shops) -> pd.DataFrame:
    return shops.frame(
        """
        select seed || '-' || feedback_id as feedback_id, * exclude (seed, feedback_id)
        from truth_voices
        """
    )


def test_languages_are_told_and_nothing_personal_is_left(shops: Shops, written: Written) -> None:
    rows = written.rows.merge(voices(shops)[["feedback_id", "topic", "language", "personal"]],
                              on="feedback_id", suffixes=("", "_true"))  # fmt: skip
    names = {"en": LATIN, "zh": CHINESE, "both": BOTH, "none": NONE}
    told = rows["language"] == rows["language_true"].map(names)
    assert told.mean() > 0.98
    secret = rows[rows["personal"].notna()]
    assert len(secret) > 200
    left = [p for t, p in zip(secret["text"], secret["personal"], strict=True) if p in t]
    assert left == []
    plain = rows[rows["personal"].isna()]
    assert (plain["masks"] == 0).mean() > 0.995


def test_moods_are_learnt_as_well_as_the_planted_noise_allows(
    shops: Shops, written: Written
) -> None:
    mood = written_feedback.judge(written, seed=1)
    line = mood.accuracy.iloc[0]
    wrong = shops.parameter("review_words", "superpopulation", "wrong_mood")
    # Texts of the wrong mood are called by their words: no model can find more than the rest.
    assert line["glad_found"] == pytest.approx(1 - wrong, abs=0.05)
    assert line["sorry_found"] == pytest.approx(1 - wrong, abs=0.10)
    assert line["auc"] > 0.85


def test_late_deliveries_go_with_lower_scores_as_planted(
    shops: Shops, together: Tables, asked: Surveys
) -> None:
    drivers = satisfaction_drivers.explain(together, asked)
    planted = shops.planted("late_scores")[0]["superpopulation"]
    late = drivers.late.set_index("channel")
    for channel in ("web", "app"):
        line = late.loc[channel]
        assert abs(line["difference"] - planted[channel]) < 3.9 * line["error"]
    both = late.loc["all, within channels"]
    assert both["low"] < np.mean([planted["web"], planted["app"]]) < both["high"] < 0
    effect = drivers.effects.set_index("driver")
    assert effect.loc["late delivery", "q"] < 0.001
    assert effect.loc["bought by app", "high"] < 0


def test_a_settled_complaint_is_not_said_to_bring_customers_back(
    together: Tables, waits: Complaints
) -> None:
    """Nothing was planted: the like-with-like difference is no further off than chance allows."""
    found = complaints.recover(together, waits, HISTORY, landmark=7, follow=91)
    line = found.table.set_index("comparison").loc["like with like"]
    assert line["n_open"] > 100
    assert abs(line["difference"]) < 3.3 * (line["high"] - line["low"]) / 2 / 1.96


def test_effort_falls_with_the_days_a_complaint_takes(asked: Surveys, waits: Complaints) -> None:
    found = complaints.effort_by_wait(waits, asked)
    latent = -feedback_files.CES_SLOPE * np.log(2)
    # Rounding and the ends of the scale take away a little of the latent slope.
    assert latent - 0.02 <= found.high
    assert found.low <= latent * 0.85
    assert found.high < 0
    assert found.bands["value"].is_monotonic_decreasing


def test_low_scores_foretell_silence(together: Tables, asked: Surveys) -> None:
    after = satisfaction_drivers.follow_up(together, asked, follow=91)
    line = after.compared.set_index(["kind", "comparison"]).loc[("nps", "like with like")]
    assert line["low"] > 0


def test_groups_that_answer_alike_are_centred(surveys: dict[int, Surveys]) -> None:
    """CSAT by region: nothing was planted, so that differences scatter about zero."""
    gaps = []
    for each in list(surveys.values())[:10]:
        groups = survey_scores.score(each, fewest=20).groups
        mine = groups[(groups["kind"] == "csat") & (groups["by"] == "region")]
        gaps += list(mine[mine["group"] == "East"]["difference"])
    assert_centred(gaps, 0.0)

"""What report 07 says, sentence by sentence, where models win and where they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.customers.churn.churn_evaluation import RetentionOffer
from analysis.customers.churn.churn_forecast import ChurnForecast
from analysis.customers.churn.own_question import Question, QuestionForecast
from analysis.customers.churn.retention_value import retention_value
from analysis.customers.lifetime.early_signs import EarlySigns
from analysis.customers.lifetime.forecast_tracking import Tracking
from analysis.customers.lifetime.pareto_nbd import WITH_TRAITS
from analysis.customers.lifetime.value_scorecard import BOOSTING, NAIVE, REGULAR, Scorecard
from analysis.reports.value import text, text_churn, text_models


def card(
    trusted: str, *, calibration: dict[str, float], bias: dict[str, list[float]] | None = None
) -> Scorecard:
    """Return a scorecard of two cut-offs."""
    bias = bias or {name: [0.02, -0.03] for name in calibration}
    scores = pd.DataFrame(
        [
            {"model": name, "cutoff": date(2017, month, 1), "bias": b}
            for name, each in bias.items()
            for month, b in zip((7, 10), each, strict=True)
        ]
    )
    means = pd.DataFrame(
        {
            "model": list(calibration),
            "calibration": list(calibration.values()),
            "bias": [float(np.mean(np.abs(bias[name]))) for name in calibration],
            "gini": [0.80 + 0.05 * (name == BOOSTING) for name in calibration],
        }
    )
    return Scorecard(scores, means, means, trusted, trusted != NAIVE)


def test_a_model_that_wins_is_named_with_what_it_beats() -> None:
    won = card("Pareto/NBD", calibration={NAIVE: 0.116, "Pareto/NBD": 0.041})
    assert text.contest(won) == (
        "Calibration error by decile: Pareto/NBD 4 % of the margin, repeating the last period 12 %"
    )
    finding = text.trust_finding(won)
    assert finding["value"] == 0.041
    assert "(the total alone was missed by 2.5 %)" in finding["sentence"]
    assert finding["sentence"].endswith("of repeating the last period 11.6 %")


def test_a_small_miss_of_the_total_is_not_named_as_the_error_of_the_deciles() -> None:
    bias = {NAIVE: [0.0, 0.0], "Pareto/NBD": [0.01, -0.01]}
    won = card("Pareto/NBD", calibration={NAIVE: 0.116, "Pareto/NBD": 0.041}, bias=bias)
    assert "miss of the total" not in text.trust_finding(won)["sentence"]


def test_what_newcomers_brought_goes_before_what_a_model_expects_of_them() -> None:
    table = pd.DataFrame(
        {
            "months": [12, 36], "customers": 9_643, "value": [42.92, 93.9], "low": [36.0, 77.0],
            "high": [50.0, 110.0], "followed": [3_034, 0], "brought": [22.17, np.nan],
            "brought_low": [21.5, np.nan], "brought_high": [22.8, np.nan],
        }
    )  # fmt: skip
    finding = text.newcomer_finding(table, 12, 0.8, "EUR")
    assert (finding["value"], finding["low"], finding["n"]) == (22.17, 21.5, 3_034)
    assert finding["sentence"].startswith("is what a new customer brought in 12 months")
    assert "€ 42.92, is 94 % above that. Go by what was brought" in text.newcomer_reading(
        table, "EUR"
    )
    unseen = text.newcomer_finding(table, 36, 0.8, "EUR")
    assert (unseen["value"], unseen["n"]) == (93.9, 9_643)
    assert unseen["sentence"].startswith("is what a new customer is expected to bring")
    agreed = table.assign(brought_high=50.0)
    assert text.newcomer_reading(agreed, "EUR").endswith("The two agree.")


def test_a_small_difference_of_purchases_is_no_0_percent() -> None:
    weeks = pd.DataFrame({"fitted": [True, False], "expected": [90.0, 400], "made": [99.0, 399]})
    said = text.tracking_headline(Tracking(weeks, "BG/NBD", date(2024, 1, 1), 100))
    assert "0.2 % fewer than the 400" in said


def test_no_winner_is_the_finding() -> None:
    lost = card(NAIVE, calibration={NAIVE: 0.05, "Pareto/NBD": 0.06})
    assert text.contest(lost) == "No model beats repeating the last period"
    assert "none of them earns trust here" in text.trust_finding(lost)["sentence"]
    assert text.used_model(lost, "Pareto/NBD") == ""


def test_what_attributes_add_is_said_with_its_verdict() -> None:
    names = {NAIVE: 0.4, "BG/NBD": 0.15, "Pareto/NBD": 0.17, WITH_TRAITS: 0.16}
    gained = pd.DataFrame(
        [("calibration", 0.01, -0.002, 0.02), ("gini", 0.017, 0.016, 0.019)],
        columns=["measure", "gain", "low", "high"],
    )
    helped = replace(card("BG/NBD", calibration=names), attributes=gained)
    assert helped.best_purchase_models()[:2] == ["BG/NBD", WITH_TRAITS]
    said = text.contest_reading(helped)
    assert "the Gini of Pareto/NBD by 0.017 (0.016 to 0.019)" in said
    assert "error by −1.0 points (−2.0 to 0.2 points): a gain, but the error of BG/NBD is" in said
    unclear = replace(helped, attributes=gained.assign(low=[-0.01, -0.003]))
    assert "no clear gain, so they are not used" in text.contest_reading(unclear)
    assert WITH_TRAITS not in unclear.best_purchase_models()


def test_what_came_after_the_fit_stands_against_what_was_expected() -> None:
    weeks = pd.DataFrame(
        {"fitted": [True, False, False], "expected": [90.0, 50, 50], "made": [99.0, 60, 50]}
    )
    held = Tracking(weeks, "BG/NBD", date(2024, 1, 1), 100)
    assert text.tracking_headline(held) == (
        "In the 2 weeks after the fit 110 repeat purchases came, 10 % more than the 100 expected"
    )
    assert "fitted to, 99 came and 90 were expected" in text.tracking_reading(held)


def test_intervals_that_hold_too_seldom_are_called_too_narrow() -> None:
    held = pd.DataFrame(
        {
            "cutoff": [date(2024, 1, 1), date(2024, 7, 1)], "group": "repeat buyers",
            "held": [0.82, 0.70], "high": [0.84, 0.72],
        }
    )  # fmt: skip
    reading = text.intervals_reading(held, 0.8)
    assert reading == (
        "At 1 of 2 cut-offs, intervals of repeat buyers held significantly less than the 80 % "
        "promised, at worst 70 %: read them as too narrow."
    )
    unsure = text.intervals_reading(held.assign(high=0.9), 0.8)
    assert "held not significantly less than the 80 % promised" in unsure


def test_what_no_contact_can_earn_is_not_said_to_pay() -> None:
    groups = pd.DataFrame({"break_even": [0.16, 0.2, 0.25]})
    kept = SimpleNamespace(groups=groups, cost=2.0)
    assert text_churn.risk_headline(kept, "USD") == (
        "At $ 2.00 per contact, keeping 16 % of would-be churners pays in the best tenth; keeping "
        "25 % of them pays over all"
    )
    kept.groups = groups.assign(break_even=[0.5, 2.0, np.inf])
    assert text_churn.risk_headline(kept, "USD").endswith(
        "pays in the best tenth; not even keeping all would-be churners pays over all"
    )


def test_profit_is_told_with_what_it_rests_on() -> None:
    curve = pd.DataFrame(
        {"share": [0, 0.1, 0.2], "profit": [0, 1.5, 1.0], "low": [0, 0.4, -1.0], "high": [0, 2, 2]}
    )
    offer = RetentionOffer(accepted_a=26.0, accepted_b=74.0, measured=377)
    asked = SimpleNamespace(offer=offer)
    said = text_churn.curve_reading(curve, asked, "EUR")
    assert "26 % of those who would have stayed away, 377 customers" in said
    assert "contacting the 10 % at highest risk would have earned" in said
    unsure = text_churn.curve_reading(curve.assign(low=-1.0), asked, "EUR")
    assert "it is not certain that contacting any share of them by risk would have paid" in unsure


def test_a_bias_that_is_always_one_way_is_said() -> None:
    calibration = {NAIVE: 0.4, "BG/NBD": 0.15}
    bias = {NAIVE: [0.1, 0.1], "BG/NBD": [0.14, 0.15]}
    high = card("BG/NBD", calibration=calibration, bias=bias)
    assert text.contest_reading(high).endswith(
        "Read totals with care (past forecasts were 14 % and 15 % too high)."
    )
    mixed = card("BG/NBD", calibration=calibration)
    assert "Read totals with care" not in text.contest_reading(mixed)


def test_why_another_model_stands_in() -> None:
    won = card("Pareto/NBD", calibration={NAIVE: 0.1, "Pareto/NBD": 0.04})
    assert text.used_model(won, "BG/NBD") == (
        "BG/NBD stands in for Pareto/NBD: the customers of today do not tell the parameters of "
        "Pareto/NBD apart. "
    )
    assert text.used_model(won, "Pareto/NBD") == ""
    regular = card(REGULAR, calibration={NAIVE: 0.1, REGULAR: 0.04})
    assert text.used_model(regular, "MBG/CNBD-3") == ""
    boosted = card(BOOSTING, calibration={NAIVE: 0.1, BOOSTING: 0.04})
    assert "knows one period ahead only" in text.used_model(boosted, "BG/NBD")


def test_causes_of_uncertainty_add_up_in_squares() -> None:
    totals = pd.DataFrame(
        {
            "group": ["all"], "months": [12], "value": [100.0], "extrapolated": [True],
            "parameter_high": [103.0], "high": [105.0], "miss_low": [87.0], "miss_high": [113.0],
        }
    )  # fmt: skip
    shown = text.shown_totals(totals).iloc[0]
    assert shown["horizon"] == "12 months (beyond the history)"
    assert [shown["model"], shown["luck"], shown["missed"]] == pytest.approx([0.03, 0.04, 0.12])


def forecast(
    chosen: str, *, slope: float = 1.0, lost: int = 300, risk: float = 0.05
) -> ChurnForecast:
    day = date(2017, 10, 2)
    scores = pd.DataFrame(
        {
            "cutoff": [day] * 2, "model": ["Recency rule", "Boosted trees"],
            "auc": [0.68, 0.77], "auc_low": [0.66, 0.75], "auc_high": [0.70, 0.79],
            "slope": [slope] * 2, "churned": [lost] * 2, "profit": [0.04] * 2,
            "profit_share": [0.05] * 2,
        }
    )  # fmt: skip
    labelled = pd.DataFrame(
        {"cutoff": [day], "labelled": [1_000], "churned": [100], "share": [0.1], "expected": [0.02]}
    )
    deciles = pd.DataFrame(
        {
            "customers": [100, 900], "probability": [0.5, risk], "lost": [40, 60],
            "churned": [0.4, 0.0667], "gain": [0.4, 1.0],
        }
    )  # fmt: skip
    today = pd.DataFrame({"customer_id": ["c1"], "churn": [0.08], "why": [""]})
    return ChurnForecast(labelled, scores, deciles, chosen, today, today, today)


def test_churn_is_said_beside_what_a_shop_without_losses_shows() -> None:
    finding = text_churn.churn_finding(forecast("Boosted trees"), 91)
    assert finding["value"] == 0.10
    assert (finding["low"], finding["high"]) == pytest.approx((0.0829, 0.1202), abs=1e-4)  # Wilson
    assert finding["sentence"].endswith("a shop that loses nobody would show 2.0 %")
    assert text_churn.churn_headline(forecast("Boosted trees")) == (
        "The tenth at highest risk holds 40 % of those who churned (40 % of it, against 10 % of "
        "all)"
    )


@pytest.mark.parametrize(
    ("slope", "verdict"),
    [(1.0, "well calibrated"), (0.5, "too sure of itself"), (1.6, "too timid")],
)
def test_calibration_is_judged(slope: float, verdict: str) -> None:
    said = text_churn.churn_reading(forecast("Boosted trees", slope=slope), "EUR")
    assert f"(1 is perfect, 0.8 to 1.25 counts as good): {verdict}." in said
    assert "forecast that 9.5 % churn at the last cut-off, and 10.0 % did" in said


def test_a_level_that_is_off_is_no_good_calibration() -> None:
    said = text_churn.churn_reading(forecast("Boosted trees", risk=0.10), "EUR")
    assert "forecast that 14.0 % churn at the last cut-off, and 10.0 % did" in said
    assert "counts as good): rightly spread, but too high all over." in said


def test_what_contacting_could_earn_is_said_with_its_assumption() -> None:
    offered = replace(forecast("Boosted trees"), offer=RetentionOffer())
    assert text_churn.churn_reading(offered, "EUR").endswith(
        "If 30 % of would-be churners accepted, which is assumed, contacting by risk would earn "
        "€ 0.04 per regular customer at best, with 5 % of them contacted."
    )


def test_the_rule_of_thumb_may_win_and_few_lost_are_said() -> None:
    said = text_churn.churn_reading(forecast("Recency rule", lost=65), "EUR")
    assert said.startswith("By Brier score no model beats the rule of thumb")
    assert "Boosted trees ranks higher (AUC 0.77 against 0.68)" in said
    assert "does not overlap" in said
    assert said.endswith("With 65 customers lost at the last cut-off, figures of single tenths "
                         "are rough.")  # fmt: skip


def risks(value: float, customers: int = 10) -> str:
    ids = [f"c{i}" for i in range(customers)]
    churn = pd.DataFrame({"customer_id": ids, "churn": 0.2})
    values = pd.DataFrame({"customer_id": ids, "value": value, "alive": 1.0})
    return text_churn.risk_reading(retention_value(churn, values, cost=2.0))


def test_where_to_test_and_where_no_contact_can_pay() -> None:
    assert "would not show the break-even effect in any group, nor over all" in risks(100.0)
    assert "At this cost a contact pays in no group, whatever it achieves." in risks(5.0)
    # 4,000 of whom a fifth churn: halves show 2.8 standard errors of 1.2 points, 0.17 of a fifth;
    # the top tenth, 400, only more than half of it.
    assert "80 % power in: all." in risks(46.0, 4_000)


def test_the_effect_that_a_test_of_halves_shows_is_found_four_times_in_five() -> None:
    """Simulated tests of the published smallest effect, by the two-sample test of shares."""
    rng = np.random.default_rng(5)
    ids = [f"c{i}" for i in range(2_000)]
    churn = pd.DataFrame({"customer_id": ids, "churn": 0.2})
    values = pd.DataFrame({"customer_id": ids, "value": 100.0, "alive": 1.0})
    shown = retention_value(churn, values, cost=2.0).groups.iloc[-1]["shown"]
    left = rng.binomial(1_000, 0.2, 4_000) / 1_000
    kept = rng.binomial(1_000, 0.2 * (1 - shown), 4_000) / 1_000
    error = np.sqrt((left * (1 - left) + kept * (1 - kept)) / 1_000)
    assert np.mean((left - kept) / error > 1.96) == pytest.approx(0.80, abs=0.03)


def test_dates_that_held_and_dates_that_did_not() -> None:
    rows = {"quantile": [0.1, 0.5, 0.9], "error": [0.01] * 3, "customers": [1_000] * 3}
    rows |= {"by_model_alone": [0.08, 0.4, 0.7], "undated": [0, 0, 12]}
    held = pd.DataFrame({**rows, "came": [0.11, 0.5, 0.89]})
    reading = text_churn.due_reading(held)
    assert reading.startswith("What had come lies within 1.0 points of what should have.")
    assert "12 customers have no date by which nine in ten come" in reading
    assert "by the model alone 70 % had come by the late date" in reading
    assert text_churn.due_headline(held).endswith("50 % had (40 % by the model of gaps alone)")
    missed = text_churn.due_reading(pd.DataFrame({**rows, "came": [0.19, 0.5, 0.70]}))
    assert "10 % should have come, 19 % had: that date is too late" in missed
    assert "90 % should have come, 70 % had: that date is too early" in missed


def test_the_sign_that_tells_most_is_named_or_none() -> None:
    signs = pd.DataFrame(
        {
            "days": [30, 30, 60], "sign": ["came back at least once", "margin in the top third",
                                           "came back at least once"],
            "excellent_with": [0.45, 0.30, 0.5], "excellent_without": [0.10, 0.15, 0.1],
            "ratio": [4.5, 2.0, 5.0], "q": [0.001, 0.01, 0.001],
            "customers": 250, "with_sign": [50, 80, 60],
        }
    )  # fmt: skip
    assert text_churn.signs_headline(EarlySigns(signs, 500, 0.2, 182)) == (
        "Of newcomers who came back at least once in the first 30 days, 45 % become excellent "
        "customers; of the others, 10 %"
    )
    said = text_churn.signs_reading(EarlySigns(signs, 500, 0.2, 182))
    # (50 x 0.45 + 200 x 0.10) / 250: the share among those judged, not the fifth it was set at.
    assert "of the later half, on whom signs are judged, 17 % reached it" in said
    none = EarlySigns(signs.assign(q=0.5), 500, 0.2, 182)
    assert text_churn.signs_headline(none).startswith("Nothing in the first weeks tells")


def answered(chosen: str) -> QuestionForecast:
    """Return the answer to a question whose trees beat the rule, or are not chosen."""
    scores = pd.DataFrame(
        {
            "model": ["Recency rule", "Boosted trees"], "auc": [0.70, 0.80],
            "auc_low": [0.67, 0.77], "auc_high": [0.73, 0.83], "pr_auc": [0.2, 0.3],
            "brier": [0.06, 0.05], "brier_skill": [0.05, 0.20], "slope": [1.0, 0.9],
            "intercept": [0.0, 0.1],
        }
    )  # fmt: skip
    deciles = pd.DataFrame(
        {"decile": [1, 2], "happened": [0.4, 0.1], "happened_count": [40, 10], "gain": [0.8, 1.0]}
    )
    labelled = pd.DataFrame({"cutoff": [date(2017, 7, 1)], "share": [0.25]})
    drift = pd.DataFrame({"meaning": ["spend"], "psi": [0.6]})
    question = Question("category", 28, "Snacks")
    frames = (labelled, scores, deciles)
    none = pd.DataFrame()
    return QuestionForecast(question, *frames, chosen, "Recency rule", none, drift, none, none, 900)


def test_a_question_of_one_s_own_says_what_was_asked_and_what_it_beat() -> None:
    asked = answered("Boosted trees")
    assert text_models.question_headline(asked) == (
        "Who will buy Snacks: 40 % of the likeliest tenth did, 25 % of all"
    )
    finding = text_models.question_finding(asked)
    assert (finding["value"], finding["n"]) == (0.8, 50)
    assert finding["low"] < 0.8 < finding["high"]
    said = text_models.question_reading(asked, 14)
    assert "the 28 days that begin 14 days after a cut-off" in said
    assert "Brier skill 20 % against 5 % of the rule" in said
    assert "No model has a smaller Brier score" in text_models.question_reading(
        answered("Recency rule"), 0
    )
    card = dict(text_models.question_card(asked, None))
    assert {"Predicts", "For whom", "Trained on", "Calibration", "Limits", "Do not use for"} < set(
        card
    )
    assert card["Drift"] == "Moved since it learnt: spend."
    assert card["Groups"].startswith("Too few")


def test_groups_for_whom_the_forecast_is_worse_are_named_and_small_ones_counted() -> None:
    table = pd.DataFrame(
        {
            "attribute": ["age", "age", "age"], "group": ["18-24", "25-34", "75+"],
            "judged": [True, True, False], "verdict": ["too low", "", ""],
        }
    )  # fmt: skip
    assert text_models.groups_headline(table) == (
        "The forecast of churn is worse in 1 of 2 groups large enough to judge: age “18-24”"
    )
    assert "1 group is smaller and withheld" in text_models.groups_reading(table)
    assert "In none of 2 groups" in text_models.groups_headline(table.assign(verdict=""))
    four = pd.concat([table.iloc[:1].assign(attribute="household_size")] * 4)
    assert "in 4 of 4 groups large enough to judge: among them household size “18-24”, " in (
        text_models.groups_headline(four)
    )


@pytest.mark.parametrize(("low", "span"), [(36.0, " (36.00 to 49.90)"), (np.nan, "")])
def test_what_a_new_customer_brings_is_stated_with_its_interval(low: float, span: str) -> None:
    table = pd.DataFrame({"months": [3, 12], "value": [16.9, 42.9], "low": low, "high": 49.9})
    unseen = table.assign(brought=np.nan, brought_low=np.nan, brought_high=np.nan)
    said = text.newcomer_headline(unseen, 12, "EUR")
    assert said == f"A new customer is expected to bring € 42.90 in 12 months{span}"
    seen = table.assign(brought=21.76, brought_low=21.31, brought_high=22.21)
    assert text.newcomer_headline(seen, 12, "EUR") == (
        "A new customer brought € 21.76 in 12 months (21.31 to 22.21)"
    )

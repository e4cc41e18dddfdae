"""What report 06 says and draws of randomised promotions."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis import promotions
from analysis.answers import NotGiven
from analysis.errors import NotApplicable
from analysis.project import find_root
from analysis.promotions.experiments import bandit, experiments, group_sequential
from analysis.promotions.experiments import estimates as experiment
from analysis.promotions.experiments.experiments import Trials
from analysis.promotions.experiments.validity_checks import Check
from analysis.promotions.observational.doubly_robust import Effects
from analysis.promotions.outcomes import moments
from analysis.promotions.outcomes.costs import Costs
from analysis.promotions.outcomes.outcomes import COLUMNS
from analysis.promotions.returns import league, roi
from analysis.promotions.returns.incremental_return import NO_COST, Returns
from analysis.promotions.returns.roi import AFTER, EXTRA, NEEDED, NEIGHBOURS, NET, Return
from analysis.reporting.notebook import outputs
from analysis.reporting.notebook.outputs import KEY, Output, presenters
from analysis.reporting.notebook.report import Report
from analysis.reporting.site import templating
from analysis.reporting.store.layout import Workspace
from analysis.reports.promotions import charts, text_planning, text_returns
from analysis.reports.promotions import text as readings
from analysis.reports.promotions import text_verdicts as readings_of_verdicts
from analysis.reports.promotions.params import Params
from tests.legibility import smallest_text

OK = Check("Sizes of the arms", "as drawn", True)
BROKEN = Check("Sizes of the arms", "customers are missing from the log", False)
WEAK = Check("Large enough", "it would have seen a change of 30 %", False, blocks=False)
STRONG = Check("Large enough", "it would have seen a change of 5 %", True, blocks=False)
STANDARDS = experiments.Standards()
RULES = experiment.Rules()


def arms(gains: dict[str, float], *, category: float = 0.0) -> dict[str, moments.Moments]:
    """Return a control and arms whose margin is higher by ``gains``, the category's by its own."""
    rng = np.random.default_rng(1)
    found = {}
    for name, gain in {"control": 0.0, **gains}.items():
        values = {c: rng.gamma(2.0, 3.0, 2_000) for c in COLUMNS}
        shares = ("converted", "participated", "redeemed")
        values |= {c: (rng.random(2_000) < 0.4).astype(float) for c in shares}
        values["margin"] = values["margin"] + gain
        if name != "control":
            for column in ("category", "category_to_date", "offered_after"):
                values[column] = values[column] + category
        found[name] = moments.of_values(np.column_stack([values[c] for c in COLUMNS]), COLUMNS)
    return found


CASES = {
    "A": ("Apples", {"treatment": 1.5}, 0.0, [OK, STRONG]),
    "B": ("Bread", {"treatment": -1.5}, 0.0, [OK, STRONG]),
    "C": ("Cheese", {"treatment": 0.0}, 0.0, [OK, STRONG]),
    "D": ("Dates", {"treatment": 0.0}, 0.0, [OK, WEAK]),
    "E": ("Eggs", {"treatment": 3.0}, 0.0, [BROKEN, STRONG]),
    "F": ("Figs", {"treatment": 0.0}, -2.0, [OK, STRONG]),
    "G": ("Grapes", {"5 %": 0.0, "10 %": 2.0}, 0.0, [OK, STRONG]),
}


@pytest.fixture(scope="module")
def found() -> Trials:
    estimates = {
        p: experiment.estimate(arms(g, category=c), RULES) for p, (_, g, c, _) in CASES.items()
    }
    checked = {p: case[3] for p, case in CASES.items()}
    names = pd.DataFrame({"promotion_id": list(CASES), "name": [c[0] for c in CASES.values()]})
    judged = pd.DataFrame(
        [experiments.verdict(p, checked[p], estimates[p], RULES, STANDARDS) for p in CASES]
    )
    return Trials(
        rows=None,  # type: ignore[arg-type]
        overview=names.assign(contact_cost=[0.5, *[np.nan] * 6]),
        arms={},
        checks=checked,
        estimates=names.merge(experiments._stacked(estimates), on="promotion_id"),
        verdicts=names.merge(judged, on="promotion_id"),
    )


EXPECTED = {
    "A": "earned",
    "B": "lost",
    "C": "no effect",
    "D": "not decided",
    "E": "no verdict",
    "F": "only moved",
    "G": "earned",
}


@pytest.mark.parametrize("promotion", CASES)
def test_every_kind_of_verdict(found: Trials, promotion: str) -> None:
    row = found.verdicts.set_index("promotion_id").loc[promotion]
    assert row["verdict"] == EXPECTED[promotion]


@pytest.fixture(scope="module")
def returned(found: Trials) -> Returns:
    """Return a net return for every arm that may be judged, and what each is to be called."""
    nets = {
        "A": (2.0, 1.0),
        "B": (-2.0, -1.0),
        "C": (-0.2, 0.3),
        "D": (0.1, 2.0),
        "F": (-3.0, -1.0),
    }
    arms = {(p, "treatment"): _return(*ends) for p, ends in nets.items()}
    arms |= {("G", "5 %"): _return(0.2, 1.0), ("G", "10 %"): _return(2.5, 0.5)}
    names = {p: case[0] for p, case in CASES.items()}
    rows = [
        {"promotion_id": p, "arm": arm, "reason": "",
         "label": names[p] if arm == "treatment" else f"{names[p]}: {arm}"}
        for p, arm in arms
    ]  # fmt: skip
    effects = {key: _effects() for key in arms}
    return Returns(pd.DataFrame(rows), arms, effects, "")


def _effects() -> Effects:
    size = len(NEEDED)
    values = np.zeros(size), np.ones(size), np.zeros((2 * size, 2 * size))
    return Effects(NEEDED, *values, 2_000, 2_000, randomised=True)


def _return(each: float, nearer_end: float, *, basis: str = "messages") -> Return:
    """Return a net return a customer whose interval's end nearer to zero is given."""
    half = abs(each - nearer_end)
    parts = [(EXTRA, 1.0, -1.0, 3.0), (NEIGHBOURS, 0.0, -1.0, 1.0), (AFTER, 0.0, -1.0, 1.0)]
    parts.append((NET, each, each - half, each + half))
    table = pd.DataFrame(parts, columns=["part", "amount", "low", "high"])
    table[["amount", "low", "high"]] *= 2_000
    known = Costs(2_000, 1_000.0, 0.0, basis, "promotion")
    none = dict.fromkeys(("roi", "roi_low", "roi_high", "redemption"), np.nan)
    none |= dict.fromkeys(("break_even", "break_even_low", "break_even_high"), np.nan)
    return Return(waterfall=table, net=2_000 * each, error=1.0, spent=1_000.0, customers=2_000,
                  randomised=True, costs=known, **none)  # fmt: skip


@pytest.fixture(scope="module")
def judged(found: Trials, returned: Returns) -> pd.DataFrame:
    return roi.judged(found, returned)


AFTER_COSTS = {
    "A": "paid",
    "B": "lost",
    "C": "no effect",
    "D": "open",
    "E": "no verdict",
    "F": "lost",
    "G": "paid",
}


def test_every_promotion_has_one_verdict_after_all_costs(judged: pd.DataFrame) -> None:
    assert judged.set_index("promotion_id")["verdict"].to_dict() == AFTER_COSTS
    row = judged.set_index("promotion_id").loc["G"]
    assert (row["label"], row["each"], row["each_low"]) == ("Grapes: 10 %", 2.5, 0.5)


def test_title_findings_bullets_and_advice_share_the_verdict(
    found: Trials, returned: Returns, judged: pd.DataFrame
) -> None:
    assert readings_of_verdicts.title(judged) == (
        "Of 7 randomised promotions, 2 paid for themselves, 2 cost more than they brought, "
        "1 changed nothing that matters, 1 is open and 1 cannot be judged"
    )
    fields = {f["key"]: f for f in readings_of_verdicts.findings(judged, "EUR", 0.95)}
    assert len(fields) == 7
    assert fields["promotion_e"]["value"] is None
    assert fields["promotion_e"]["alert"]
    assert "missing from the log" in fields["promotion_e"]["detail"]
    assert fields["promotion_g"]["sentence"] == (
        "net return per treated customer: Grapes: 10 % paid for itself"
    )
    assert (fields["promotion_g"]["value"], fields["promotion_g"]["low"]) == (2.5, 0.5)
    assert fields["promotion_f"]["alert"]
    assert not fields["promotion_a"]["alert"]
    assert all("earned" not in f["sentence"] for f in fields.values())
    said = readings_of_verdicts.bullets(judged, "EUR").splitlines()
    wanted = ("Repeat", "Stop", "Save", "Run it again", "Mend", "Stop", "Repeat")
    for bullet, what in zip(said, wanted, strict=True):
        assert f" {what}" in bullet
    advice = league.actions(returned, found).set_index(["promotion_id", "arm"])["action"]
    for row in judged[judged["verdict"].isin(list(league.ACTIONS))].to_dict("records"):
        assert advice[row["promotion_id"], row["arm"]] == league.ACTIONS[row["verdict"]]
    assert readings_of_verdicts.best(judged, "EUR") == (
        "Grapes: 10 %, the largest of 2 that paid: net return € 2.50 per treated customer "
        "(0.50 to 4.50)"
    )


@pytest.mark.parametrize(
    "name", ["A *deal* [x](http://e)", "$10 #1 $20", "<b>x</b> & y", "a ** b", "1. {{ 7 }}"]
)
def test_the_name_of_a_promotion_reads_as_it_stands_in_its_verdict(
    judged: pd.DataFrame, name: str
) -> None:
    said = readings_of_verdicts.bullets(judged.head(5).assign(name=name, label=name), "EUR")
    page = BeautifulSoup(templating.to_html(outputs.literal(said)), "html.parser")
    assert all(" ".join(name.split()) in item.get_text() for item in page.select("li"))
    assert len(page.select("li")) == 5
    assert {tag.name for tag in page.find_all(True)} <= {"ul", "li", "p", "strong"}


def test_what_only_moved_purchases_is_called_so_where_its_return_is_open(found: Trials) -> None:
    key = ("F", "treatment")
    names = pd.DataFrame([{"promotion_id": "F", "arm": "treatment", "label": "Figs", "reason": ""}])
    one = Returns(names, {key: _return(-0.5, 0.5)}, {key: _effects()}, "")
    only = replace(found, verdicts=found.verdicts[found.verdicts["promotion_id"] == "F"])
    judged = roi.judged(only, one)
    assert judged["verdict"].tolist() == ["only moved"]
    assert league.actions(one, only)["action"].tolist() == ["change"]
    assert "only moved purchases" in readings_of_verdicts.title(judged)


def test_the_number_of_customers_is_that_of_the_arms_compared(
    found: Trials, judged: pd.DataFrame
) -> None:
    """Three arms of 2,000 each: a comparison of two of them has 4,000 customers."""
    for table in (found.verdicts, judged):
        assert table.set_index("promotion_id").loc["G", "n"] == 4_000


def test_a_cost_that_is_assumed_stands_in_the_sentence(found: Trials) -> None:
    key = ("A", "treatment")
    names = pd.DataFrame(
        [{"promotion_id": "A", "arm": "treatment", "label": "Apples", "reason": ""}]
    )
    one = Returns(names, {key: _return(2.0, 1.0, basis="assumed")}, {key: _effects()}, "")
    only = replace(found, verdicts=found.verdicts[found.verdicts["promotion_id"] == "A"])
    (field,) = readings_of_verdicts.findings(roi.judged(only, one), "EUR", 0.95)
    assert "at the assumed contact cost" in field["sentence"]


def test_without_a_known_cost_nothing_is_said_to_pay(found: Trials) -> None:
    rows = found.verdicts.assign(arm="treatment", reason=NO_COST)
    none = Returns(
        rows[["promotion_id", "arm", "reason"]], {}, {}, "No promotion has a net return."
    )
    judged = roi.judged(found, none)
    said = readings_of_verdicts.title(judged)
    assert "2 earned before costs that are not stated" in said
    assert "paid" not in said
    bullets = readings_of_verdicts.bullets(judged, "EUR").splitlines()
    assert bullets[0].startswith(
        "- **Apples** earned before its costs: it earned before its costs; "
    )
    assert bullets[0].endswith(" State what it cost before deciding.")


def test_likely_help_before_costs_is_not_called_more(found: Trials, returned: Returns) -> None:
    table = pd.DataFrame({"promotion_id": ["A", "B"], "arm": "treatment", "better": [0.99, 0.97]})
    shown = readings.with_verdicts(
        table.assign(name=["Apples", "Bread"]), league.actions(returned, found)
    )
    assert shown["verdict"].tolist() == ["paid", "lost"]
    said = readings.believed(shown, 0.95)
    assert said == (
        "2 of 2 arms raise the primary measure, in the promotion's days and before its costs, "
        "with a probability of 95 % or more; 1 of them paid significantly after all costs"
    )


def test_a_promotion_that_runs_is_read_daily_and_not_yet_judged(
    found: Trials, returned: Returns
) -> None:
    estimates = found.estimates[found.estimates["promotion_id"] == "A"].drop(columns="name")
    row = experiments.verdict("A", [OK, STRONG], estimates, RULES, STANDARDS, finished=False)
    assert row["verdict"] == "still running"
    assert np.isnan(row["difference"])
    running = found.verdicts[found.verdicts["promotion_id"] == "A"].assign(**row)
    only = Trials(None, found.overview, {}, found.checks, found.estimates, running)  # type: ignore
    assert experiments.effects(only).empty or "A" not in set(
        experiments.effects(only)["promotion_id"]
    )
    judged = roi.judged(only, returned)
    assert "1 is still running" in readings_of_verdicts.title(judged)
    assert " Read it daily" in readings_of_verdicts.bullets(judged, "EUR")
    assert readings_of_verdicts.findings(judged, "EUR", 0.95)[0]["value"] is None


def test_what_failed_is_said(found: Trials) -> None:
    assert readings.checked(found) == "1 of 7 promotions gets no verdict: Eggs"
    assert readings.failures(found).startswith("- **Eggs**")
    marks = readings.marks(found).set_index("name")
    assert marks.loc["Eggs", "Sizes of the arms"] == "!"
    assert marks.loc["Apples", "Sizes of the arms"] == "✓"
    assert (marks["sees"] > 0).all()


def test_without_a_failure_that_is_said_too(found: Trials) -> None:
    kept = found.verdicts[found.verdicts["verdict"] != "no verdict"]
    sound = Trials(None, found.overview, {}, found.checks, found.estimates, kept)  # type: ignore
    assert readings.checked(sound) == "All 6 randomised promotions passed the checks"
    one = Trials(None, found.overview, {}, found.checks, found.estimates, kept[:1])  # type: ignore
    assert readings.checked(one) == "The randomised promotion passed the checks"
    assert "Nothing that blocks" in readings.failures(sound)


def test_small_shares_are_told_apart_as_percentages(found: Trials) -> None:
    """A share of .0123 against .0091 is no 0.01 against 0.01."""
    rows = found.estimates.head(3).copy()
    rows["kind"], rows["arm"] = ["share", "share", "mean"], "treatment"
    rows[["value", "control"]] = [[0.0123, 0.0091], [0.285, 0.0], [0.0123, 0.0091]]
    told = readings.by_measure(rows)
    assert told[["control", "value"]].round(2).to_numpy().tolist() == [
        [0.91, 1.23],
        [0.0, 28.5],
        [0.01, 0.01],
    ]
    assert told["label"].str.endswith(", %").tolist() == [True, True, False]


def test_the_clearest_effect_leads_and_the_broken_one_never(found: Trials) -> None:
    assert experiments.leading(found)[0] in {"A", "B", "G"}
    assert "Eggs" not in set(experiments.effects(found)["name"])
    assert experiments.cost_of(found, "A") == 0.5
    assert experiments.cost_of(found, "B") == 0.0


def test_effects_are_drawn_with_their_arms(found: Trials) -> None:
    table = readings.labelled(experiments.effects(found))
    assert "Grapes: 10 %" in set(table["label"])
    ax = charts.effects(table, unit="Margin, EUR")
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels == list(table["label"])
    assert smallest_text(ax.figure) >= 9


def test_a_long_name_is_cut_before_its_arm() -> None:
    row = {"name": "A promotion of many a word", "arm": "10 %"}
    assert charts._short(row | {"label": readings.name_of(row)}).endswith("…: 10 %")


def test_where_the_next_customers_go(found: Trials) -> None:
    table = experiments.with_arms_to_choose(found)
    standing = bandit.standing(table)
    assert list(standing["arm"]) == ["control", "5 %", "10 %"]
    shares = bandit.propose(standing, seed=1)
    assert shares["share"].sum() == pytest.approx(1.0)
    assert shares["share"].min() >= bandit.LEAST
    assert shares.set_index("arm")["share"].idxmax() == "10 %"
    lost = bandit.regret(standing, seed=1)
    by = lost.set_index("policy")["regret"]
    assert 0 <= by["Thompson sampling"] < by["Equal shares"]
    assert "10 %" in text_planning.proposal(shares, lost, "Grapes", "EUR")


@pytest.fixture
def days() -> pd.DataFrame:
    day = np.arange(1, 29)
    wide = 3 / np.sqrt(day)
    return pd.DataFrame(
        {
            "promotion_id": "A",
            "name": "Apples",
            "arm": "treatment",
            "day": day,
            "difference": 1.0,
            "error": wide / 3,
            "low": np.where(day < 3, -np.inf, 1 - wide),
            "high": np.where(day < 3, np.inf, 1 + wide),
            "naive_low": 1 - wide * 0.65,
            "naive_high": 1 + wide * 0.65,
            "advice": np.where(day > 9, "stop for benefit", "go on"),
            "first": np.where(day > 9, 10, 1),
        }
    )


def test_the_daily_reading(days: pd.DataFrame) -> None:
    advice = readings.advised(group_sequential.advice(days))
    assert readings.daily(advice).endswith("Apples on day 10 of 28")
    assert advice["reason"].iloc[0] == "benefit before costs, clear from day 10"
    assert readings.watched(days, "Apples") == "Apples was clear on day 10: benefit before costs"
    ax = charts.monitor(days, unit="Margin so far, EUR")
    low, high = ax.get_ylim()
    assert low < 0 < 1 < high < 5


def test_weekly_looks_against_the_bounds(days: pd.DataFrame) -> None:
    weekly = group_sequential.at_fixed_looks(days, confidence=0.95)
    assert list(weekly["day"]) == [7, 14, 21, 28]
    assert weekly["obrien_fleming"].to_numpy() == pytest.approx(group_sequential.bounds(4))
    assert weekly["always_valid"].to_numpy() == pytest.approx(np.full(4, 3.0))
    said = readings.looks(weekly, "Apples")
    assert "Pocock at look 1" in said
    assert "O'Brien and Fleming at look 2" in said


def test_nothing_stops_early(days: pd.DataFrame) -> None:
    calm = days.assign(advice="planned end", first=28)
    advice = readings.advised(group_sequential.advice(calm))
    assert readings.daily(advice) == "Read every day, none of 1 arm was clear before its end"
    assert "not clear on any day" in readings.watched(calm, "Apples")


def test_a_segment_that_differs_is_named() -> None:
    table = pd.DataFrame(
        {
            "attribute": ["life_stage", "life_stage"],
            "segment": ["young family", "retired"],
            "shrunk": [5.0, 1.0],
            "low": [4.0, 0.0],
            "high": [6.0, 2.0],
            "against_rest": [4.0, -3.0],
            "p": [1e-6, 0.2],
            "q": [2e-6, 0.2],
        }
    )
    said = text_planning.segments(table, "Apples", "EUR", 0.1)
    assert "worked better for life stage: young family" in said
    assert "1 differs" in text_planning.searched(table, 0.1)
    ax = charts.segments(text_planning.labelled(table), everybody=2.0, fdr=0.1, unit="Margin, EUR")
    assert ax.get_xlabel() == "Margin, EUR (line: all customers)"
    assert "no segment differs" in text_planning.segments(table.assign(q=0.5), "Apples", "EUR", 0.1)


def test_a_model_is_offered_only_where_it_gains() -> None:
    judged = pd.DataFrame(
        {
            "learner": ["T-learner", "X-learner"],
            "treated": [0.4, 0.5],
            "gain": [0.2, 0.1],
            "gain_low": [0.1, -0.1],
            "gain_high": [0.3, 0.3],
            "offered": [True, False],
        }
    )
    assert "the T-learner picks brings € 0.20 more" in text_planning.targeting(
        judged, "Apples", "EUR"
    )
    refused = text_planning.targeting(judged.assign(offered=False), "Apples", "EUR")
    assert "is not better than treating all or nobody" in refused


def test_the_plan_in_words() -> None:
    plan = pd.DataFrame(
        {
            "measure": ["margin"],
            "label": ["Margin per customer"],
            "needed": [1000],
            "needed_adjusted": [400],
            "available": [5000],
            "smallest": [0.042],
        }
    )
    assert text_planning.needed(plan, "margin", 0.15, 4) == (
        "To detect a change of 15 % in margin per customer within 4 weeks takes 400 customers; "
        "adjusting for what they bought before saves 60 % of them"
    )
    assert "4.2 %" in text_planning.enough(plan, "margin")
    designs = pd.DataFrame(
        {"design": ["Half are treated", "Whole stores are treated"], "enough": [True, False],
         "reason": ["", "5 stores are too few"]}
    )  # fmt: skip
    assert (
        text_planning.designs(designs)
        == "There are customers enough for 1 design: half are treated"
    )
    assert text_planning.design_notes(designs) == "Whole stores are treated: 5 stores are too few."
    assert "too few customers" in text_planning.designs(designs.assign(enough=False))


def test_kinds_of_promotions_are_counted() -> None:
    table = pd.DataFrame({"customers": [10, 5, 0], "randomised": [True, False, False]})
    assert readings.kinds(table) == (
        "3 promotions: 1 randomised, 1 chose its customers, 1 was open to all"
    )
    assert "none randomised, 2 chose their customers" in readings.kinds(
        table.assign(randomised=False)
    )
    assert readings.kinds(table.head(0)).startswith("No promotion started")


def test_trust_says_what_is_no_proof(found: Trials) -> None:
    assert readings.trust(False, None, 0.15, 0.95)[0][1] is False
    lines = {label: ok for label, ok, _ in readings.trust(True, found, 0.15, 0.95)}
    assert lines == {
        "Randomised": True,
        "Checks": False,
        "Power": False,
        "One primary measure": True,
        "Data": None,
    }


@pytest.fixture
def shown() -> list[Output]:
    return []


@pytest.fixture
def report(tmp_path: Path, shown: list[Output]) -> Report:
    manifest = SimpleNamespace(currency="EUR", simulated=False)
    return Report(
        "06_promotions",
        study="demo",
        as_of=date(2018, 1, 1),
        seed=1,
        workspace=Workspace(tmp_path / "run", tmp_path / "reports" / "demo", True),
        params=Params(),
        tables=SimpleNamespace(manifest=manifest),  # type: ignore[arg-type]
        show=shown.append,
    )


def test_that_nothing_was_randomised_is_said_once(report: Report, shown: list[Output]) -> None:
    """What only a randomised control can show is one reason, whatever section asks for it."""
    trials = NotGiven(experiments.NONE_RANDOMISED)
    led = promotions.leading(trials)
    chosen = pd.DataFrame({"randomised": [False], "redemption": [0.5]})
    report.show("verdicts", promotions.verdicts(trials, trials), trials)
    report.show("checks", trials)
    report.show("leading", trials, led)
    report.show("daily", promotions.day_by_day(trials, trials, as_of=None, before_days=1))
    with pytest.raises(NotApplicable, match="Hold out a randomised control") as refused:
        text_returns.redeemed(chosen)
    report.not_given(str(refused.value))
    facts = [output.metadata[KEY] for output in shown]
    assert {each["reason"] for each in facts} == {experiments.NONE_RANDOMISED}
    assert [each["again"] for each in facts] == [False, True, True, True, True]
    assert promotions.withheld(trials=trials) == {}


def test_every_presenter_that_the_notebook_asks_for_exists() -> None:
    notebook = json.loads((find_root() / "notebooks" / "06_promotions.ipynb").read_text("utf-8"))
    code = "".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code")
    asked = re.findall(r'report\.show\(\s*"(\w+)"', code)
    assert len(asked) > 30
    assert set(asked) == {n for n in presenters("06_promotions") if isinstance(n, str)}


def test_verdicts_are_shown_and_recorded_in_order(
    report: Report, shown: list[Output], found: Trials, judged: pd.DataFrame
) -> None:
    report.show("verdicts", judged, found)
    roles = [output.metadata[KEY]["role"] for output in shown]
    assert roles == ["title", *["finding"] * 7, "headline", "text"]
    record = json.loads(report.workspace.findings("06_promotions").read_text("utf-8"))
    assert [each["key"] for each in record["findings"]] == [f"promotion_{p.lower()}" for p in CASES]
    saved = report.workspace.table("06_promotions", "verdicts_after_costs").with_suffix(".parquet")
    assert pd.read_parquet(saved)["verdict"].tolist() == list(AFTER_COSTS.values())


def test_matched_pairs_that_are_too_few_are_said_to_be(report: Report, shown: list[Output]) -> None:
    sent = SimpleNamespace(
        require=lambda: SimpleNamespace(
            difference=None, audience=SimpleNamespace(promotion_id="P")
        ),
        name=lambda promotion_id: "Spring",
    )
    report.show("pretrend", sent)
    (said,) = shown
    assert said.data["text/plain"] == "Spring: too few pairs to look at week by week."


def test_a_covariate_that_was_left_out_is_said_with_its_reason(found: Trials) -> None:
    assert readings.unadjusted(found) == ""
    why = "before_net: it is the same for every customer of one arm"
    left = found.estimates.assign(not_adjusted_for=why)
    said = readings.unadjusted(replace(found, estimates=left))
    assert said.startswith(
        "Left out of the adjustment:\n\n- Apples: net sales before: it is the same"
    )


def test_without_a_promotion_that_passed_nothing_leads(found: Trials) -> None:
    none = Trials(None, found.overview, {}, {}, found.estimates, found.verdicts.assign(arm=""))  # type: ignore
    with pytest.raises(NotApplicable, match="passed the checks"):
        experiments.leading(none)

"""Charts and sentences on targeted campaigns, placements, returns and the league."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from analysis.errors import NotApplicable
from analysis.promotions.observational import campaign, synthetic_control
from analysis.promotions.observational.placements import Placements
from analysis.promotions.observational.synthetic_control import contrast
from analysis.promotions.outcomes import costs, outcomes
from analysis.promotions.returns import incremental_return, league
from analysis.promotions.returns.roi import Return
from analysis.reporting.charts import svg
from analysis.reporting.notebook import formats, words
from analysis.reporting.notebook.findings import Finding
from analysis.reports.promotions import charts_returns as charts
from analysis.reports.promotions import columns
from analysis.reports.promotions import text_campaigns as campaign_readings
from analysis.reports.promotions import text_campaigns as place_readings
from analysis.reports.promotions import text_returns as readings
from tests.legibility import smallest_text
from tests.promotions import small_shop
from tests.promotions.small_shop import SPANS

TABLES = small_shop.tables()
OVERVIEW = outcomes.overview(TABLES, SPANS)
SENT = small_shop.sound(campaign.search(TABLES, SPANS, OVERVIEW, seed=1))
RETURNS = incremental_return.fetch(
    TABLES, SPANS, OVERVIEW, campaigns=SENT, assumed=costs.Assumed(1.0, 2.0)
)
LOT, CHOICE = ("L", "treatment"), ("C", "treatment")
ONLY_CHOSEN = incremental_return.Returns(RETURNS.table, {CHOICE: RETURNS.returns[CHOICE]}, {}, "")
NOBODY = synthetic_control.search(TABLES, SPANS, OVERVIEW)
CONTEST = league.shrunk(
    pd.DataFrame(
        {
            "promotion_id": list("abc"),
            "arm": "t",
            "label": ["Coffee", "Olives at three depths of discount: 20 %", "Tea"],
            "kind": league.BY_LOT,
            "mechanic": "coupon",
            "channel": "mail",
            "season": "summer",
            "lift": [0.5, 0.1, -0.2],
            "error": [0.05, 0.1, 0.5],
        }
    )
)
MANY = pd.concat([SENT.table] * 3, ignore_index=True).assign(
    name=["One", "Two", "Three"], naive=[50.0, 60.0, 70.0], low=[1.0, -5.0, -9.0]
)
KINDS = pd.DataFrame(
    {
        "term": ["display", "mailer", "price"],
        "kind": ["1", "D", "5 to 15 % off"],
        "lift": [0.4, -0.1, 0.2],
        "low": [0.3, -0.3, 0.1],
        "high": [0.5, 0.1, 0.3],
        "p": 0.01,
        "cells": 300,
    }
)
PLACED = Placements(
    table=pd.DataFrame(
        {
            "term": ["display", "mailer", "price"],
            "lift": [0.4, -0.1, -1.5],
            "low": [0.3, -0.3, -2.0],
            "high": [0.5, 0.1, -1.0],
            "p": 0.01,
            "cells": 300,
            "units": 1_000.0,
            "incremental": [286.0, -111.0, np.nan],
            "incremental_low": [231.0, -400.0, np.nan],
            "incremental_high": [333.0, 91.0, np.nan],
        }
    ),
    kinds=KINDS,
    cells=5_000,
    products=12,
    stores=3,
    clusters="product",
)


def _blend() -> object:
    rng = np.random.default_rng(1)
    sales = 100 + rng.normal(size=(30, 25))
    return contrast(sales[:, 0], sales[:, 1:], 2)


def _first() -> Return:
    return RETURNS.require()


DRAWN: dict[str, Callable[[], Axes]] = {
    "one campaign": lambda: charts.misled(SENT.table, currency="EUR"),
    "campaigns": lambda: charts.misled(MANY, currency="EUR"),
    "balance": lambda: charts.balance(SENT.require().balance),
    "weeks": lambda: charts.weeks(SENT.require().difference, currency="EUR"),
    "blend": lambda: charts.blend(_blend(), currency="EUR"),
    "kinds": lambda: charts.kinds(place_readings.kinds(PLACED, "complete_journey")),
    "waterfall": lambda: charts.waterfall(_first().waterfall, currency="EUR"),
    "league": lambda: charts.league(CONTEST),
}


@pytest.mark.parametrize("name", DRAWN)
def test_charts_are_legible_on_a_phone_and_survive_the_page(name: str) -> None:
    ax = DRAWN[name]()
    assert smallest_text(ax.figure) >= 9
    drawing = svg.render(ax, name="c", alt="A chart.")
    assert "<svg" in drawing


def test_the_waterfall_ends_where_the_parts_end() -> None:
    parts = _first().waterfall
    bars = charts.waterfall(parts, currency="EUR").patches
    ends = [bar.get_x() + bar.get_width() for bar in bars]
    assert ends[-1] == pytest.approx(parts["amount"].iloc[-1])
    assert ends[-2] == pytest.approx(ends[-1])
    assert bars[1].get_x() == pytest.approx(ends[0])


def test_the_arm_can_be_read_however_long_the_promotion_is_called() -> None:
    labels = [t.get_text() for t in charts.league(CONTEST).get_yticklabels()]
    assert labels[0] == "Coffee"
    assert [label for label in labels if label.endswith(": 20 %")]
    assert max(map(len, labels)) <= 27


@pytest.mark.parametrize(
    ("table", "shown"),
    [
        (SENT.table, columns.campaigns()),
        (SENT.require().checks, columns.return_checks()),
        (NOBODY.table, columns.everybody()),
        (PLACED.table, columns.placements()),
        (RETURNS.table, columns.returns()),
        (league.by_group(CONTEST), columns.groups()),
        (league.actions(RETURNS), columns.actions()),
        (readings.redeemed(RETURNS.table), columns.break_even()),
    ],
)
def test_columns_are_those_of_the_tables(
    table: pd.DataFrame, shown: dict[str, formats.Format]
) -> None:
    assert list(formats.shown(table, shown)) == list(shown)


def test_findings_say_that_nothing_is_proved_where_customers_were_chosen() -> None:
    found = Finding(**campaign_readings.finding(SENT, "EUR"))
    assert "no causal proof" in found.sentence
    for fields in place_readings.place_findings(PLACED):
        assert "no causal proof" in Finding(**fields).sentence
    assert readings.findings(RETURNS, "EUR") == []
    (chosen,) = readings.findings(ONLY_CHOSEN, "EUR")
    assert Finding(**chosen).sentence == (
        "net return of By choice, the costliest of the campaigns that pass all placebo checks "
        "(no causal proof)"
    )


def test_a_comparison_that_failed_its_checks_is_no_finding_and_counts_for_nothing() -> None:
    failed = campaign.search(TABLES, SPANS, OVERVIEW, seed=1)
    assert failed.table["passed"].tolist() == [False]
    with pytest.raises(NotApplicable, match="none is a finding"):
        campaign_readings.finding(failed, "EUR")
    assert "it fails its placebo checks" in campaign_readings.misled(failed, "EUR")
    fair = words.money(SENT.table["estimate"].iloc[0], 0, "EUR")
    mixed = campaign.Campaigns(SENT.judged, MANY.assign(passed=[False, True, True]), "")
    assert campaign_readings.finding(mixed, "EUR")["sentence"].startswith(
        "margin per targeted customer with T"
    )
    assert campaign_readings.title(mixed, "EUR") == (
        "None of the 2 campaigns (of 3) that pass all placebo checks is significantly above zero; "
        f"the median campaign: {fair} per customer, € 60 unadjusted (no causal proof)"
    )
    low, high = [-9.0, -9.0, -9.0], [9.0, -1.0, 9.0]
    losing = campaign.Campaigns(SENT.judged, mixed.table.assign(low=low, high=high), "")
    assert "is significantly above zero, 1 below;" in campaign_readings.title(losing, "EUR")
    alone = campaign.Campaigns(SENT.judged, losing.table.assign(passed=[False, True, False]), "")
    assert campaign_readings.title(alone, "EUR").startswith(
        "The one campaign (of 3) that passes all placebo checks is significantly below zero;"
    )
    none = campaign.Campaigns(SENT.judged, MANY.assign(passed=False), "")
    assert "all 3 comparisons fail a placebo check" in campaign_readings.title(none, "EUR").replace(
        "All", "all"
    )
    bare = incremental_return.fetch(
        TABLES, SPANS, OVERVIEW, campaigns=failed, assumed=costs.Assumed(1.0, 2.0)
    )
    row = bare.table.set_index("promotion_id").loc["C"]
    assert row["reason"] == "The comparison fails its checks, so nothing rests on it."
    assert np.isnan(row["net"])


def test_no_net_return_rests_on_a_cost_that_nobody_stated() -> None:
    frames = small_shop.frames()
    unstated = small_shop.tables(
        promotions=frames["promotions"].drop(columns="contact_cost"),
        contacts=frames["contacts"].drop(columns="cost"),
    )
    found = [
        incremental_return.fetch(
            unstated, SPANS, OVERVIEW, campaigns=SENT, assumed=costs.Assumed(cost, 0.0)
        )
        for cost in (None, 0.5)
    ]
    assert found[0].table["net"].isna().all()
    assert found[0].reason.startswith("No promotion has a net return. What contacting a customer")
    assert league.actions(found[0]).empty
    only = incremental_return.Returns(
        found[1].table, {LOT: found[1].returns[LOT]}, found[1].effects, ""
    )
    assert "if contacting a customer costs € 0.50 as assumed" in readings.waterfall(only, "EUR")


def test_spending_below_nothing_is_left_blank() -> None:
    table = readings.spendings(RETURNS.table.assign(spent=[-106.0, 20.0]))
    assert np.isnan(table["spent"].iloc[0])
    assert formats.Format("money").write(table, "spent", currency="USD") == ["–", "$ 20"]


def test_without_a_campaign_that_could_be_compared_there_is_no_headline_on_them() -> None:
    none = campaign.Campaigns({}, SENT.table.head(0), "No campaign could be compared.")
    for said in (campaign_readings.misled, campaign_readings.title, campaign_readings.finding):
        with pytest.raises(NotApplicable, match="No campaign could be compared"):
            said(none, "EUR")


def test_the_plain_difference_is_said_beside_the_fair_one() -> None:
    one = campaign_readings.misled(SENT, "EUR")
    assert one.startswith("By choice: ")
    assert "per customer unadjusted" in one
    several = campaign.Campaigns(SENT.judged, MANY, "")
    said = campaign_readings.misled(several, "EUR")
    assert "The median campaign: € 60.00 per customer unadjusted" in said
    assert (
        "1 of the 3 campaigns (of 3) that pass all placebo checks is significantly above zero"
        in said
    )
    assert "Chance alone would put 0.1 of 3" in campaign_readings.chance_note(several)
    assert "no causal proof" in campaign_readings.title(several, "EUR")


def test_what_was_left_out_is_said_reason_by_reason() -> None:
    assert campaign_readings.unjudged(SENT.table, "name") == "None was left out."
    table = pd.DataFrame(
        {"name": ["A", "B", "C", "D"], "reason": ["Too few.", "", "Too few.", "Late."]}
    )
    said = campaign_readings.unjudged(table, "name")
    assert said == "Left out:\n\n- A and C: Too few.\n- D: Late."


def test_the_panel_says_what_is_not_proved_and_what_is_assumed() -> None:
    label, holds, text = campaign_readings.trust(SENT)[0]
    assert (label, holds) == ("Chosen customers", False)
    assert "1 campaign chose" in text
    assert readings.trust(RETURNS)[0][1] is True
    assumed = RETURNS.table.assign(fixed_basis="assumed")
    line = readings.trust(incremental_return.Returns(assumed, {}, {}, ""))[0]
    assert line == (
        "Costs",
        False,
        "Costs of 2 promotions are assumed in the parameters of this report.",
    )
    empty = incremental_return.Returns(RETURNS.table.iloc[:0], {}, {}, "None.")
    assert readings.trust(empty) == []


def test_an_interval_without_upper_end_is_written_as_one() -> None:
    table = pd.DataFrame({"promotion_id": ["P"], "name": ["Leaflet"]})
    one = replace(_blend(), lift=0.5, low=0.1, high=np.inf)  # type: ignore[type-var]
    said = campaign_readings.blended(synthetic_control.Everybody(table, {"P": one}, ""))
    assert said == "Leaflet: +50 % against the synthetic control (at least +10 %)"


def test_a_failed_check_is_a_reason_not_to_act() -> None:
    one = SENT.require()
    failed = one.checks.assign(passed=[False, True, None])
    changed = type(one)(**{**vars(one), "checks": failed})
    assert campaign_readings.verdict_on_checks(changed) == (
        "The comparison fails the placebo checks on trends before: do not act on it"
    )
    assert not changed.believable


def test_doubts_name_the_hidden_bias_that_would_do() -> None:
    one = SENT.require()
    strong = type(one)(**{**vars(one), "gamma": 1.8, "e_value": 2.5, "e_value_limit": 1.6})
    said = campaign_readings.doubts(strong)
    assert "1.80 times as likely" in said
    assert "nearer end 1.60" in said
    weak = type(one)(**{**vars(one), "gamma": 1.0, "e_value": 1.2, "e_value_limit": 1.0})
    assert "no significant effect" in campaign_readings.doubts(weak)
    assert "no unmeasured confounder is needed" in campaign_readings.doubts(weak)


def test_places_are_called_by_their_names_where_codes_are_known() -> None:
    named = place_readings.kinds(PLACED, "complete_journey")["label"].tolist()
    assert named == ["Display: store front", "Mailer: front page", "Discount: 5 to 15 % off"]
    assert place_readings.kinds(PLACED, "other")["label"].iloc[0] == "Display: 1"
    said = place_readings.places(PLACED)
    assert "displays with 40 % more units" in said
    assert "mailers with 10 % fewer units" in said
    assert "1.5 % more" in said
    unsure = replace(PLACED, table=PLACED.table.assign(low=-0.3, high=0.5))
    assert "displays with 40 % more units (not significant)" in place_readings.places(unsure)
    for fields in place_readings.place_findings(unsure):
        assert fields["sentence"].endswith("(no causal proof), not significant")


def test_the_return_says_what_was_spent_and_what_is_left() -> None:
    said = readings.waterfall(RETURNS, "EUR")
    assert said.startswith("By lot cost € ")
    assert "returned −€ " in said
    assert "chance" not in said
    assert "no causal proof" in readings.waterfall(ONLY_CHOSEN, "EUR")


def test_costs_that_are_assumed_are_said_to_be() -> None:
    assumed = RETURNS.table.assign(contact_basis="assumed")
    said = readings.assumptions(incremental_return.Returns(assumed, {}, {}, ""), "Margin is known.")
    assert said.startswith("Margin is known. Contact cost: assumed in the parameters")


def test_what_cannot_be_said_is_refused_in_words() -> None:
    with pytest.raises(NotApplicable, match="states what it was for"):
        readings.with_goal(pd.DataFrame({"goal": ["", ""]}))
    with pytest.raises(NotApplicable, match="none has a break-even"):
        readings.redeemed(RETURNS.table.assign(redemption=np.nan))
    with pytest.raises(NotApplicable, match="Hold out a randomised control"):
        readings.decided(league.actions(RETURNS).assign(action=league.HOLD_OUT))
    with pytest.raises(NotApplicable, match="none was open to all"):
        campaign_readings.for_everybody(NOBODY)


def test_the_league_claims_nothing_where_nothing_is_sure() -> None:
    assert readings.lifts(CONTEST).startswith("Coffee did most before costs: +")
    unsure = CONTEST.assign(shrunk_low=-1.0)
    assert "none of 3 promotions and arms is significantly above zero" in readings.lifts(unsure)


def test_a_rate_below_two_digits_is_not_told_as_none() -> None:
    assert readings._times(0.0004) == "fewer than 0.01"
    assert readings._times(0.0) == "0.00"
    assert readings._times(float("inf")) == "never"


def test_the_next_one_does_not_lose_more_than_all() -> None:
    rows = pd.DataFrame(
        {"promotion_id": list("abc"), "arm": "t", "kind": league.BY_LOT, "mechanic": "m",
         "channel": "none", "season": "summer", "lift": [-0.9, 0.1, 1.2], "error": 0.05}
    )  # fmt: skip
    pooled = league.by_group(rows)
    assert (pooled["next_low"] == -1).all()
    assert (pooled["low"] >= -1).all()


def test_what_is_sure_of_the_mean_is_not_said_of_each() -> None:
    """Nine alike campaigns, none above zero by itself: their mean is, and it is all of them."""
    rows = pd.DataFrame(
        {"promotion_id": list("abcdefghi"), "arm": "t", "label": list("ABCDEFGHI"),
         "kind": league.CHOSEN, "mechanic": "m", "channel": "none", "season": "summer",
         "lift": np.linspace(0.025, 0.035, 9), "error": 0.03}
    )  # fmt: skip
    alike = league.shrunk(rows)
    assert (alike["shrunk_low"] > 0).all()
    assert (alike["low"] < 0).all()
    said = readings.lifts(alike)  # as the chart, whose whiskers are all above zero
    assert re.fullmatch(
        r"Nothing tells 9 promotions and arms apart: .?3.% together \(\d\.\d to \d\.\d.%\), "
        r"none significantly above zero by itself \(no causal proof\)",
        said.replace("\u2060", ""),
    )
    assert readings.lifts(alike.assign(low=0.01)).endswith(
        "9 of 9 significantly above zero (no causal proof)"
    )


def test_what_to_do_names_what_to_repeat_change_and_stop() -> None:
    table = pd.DataFrame({"label": ["A", "B", "C"], "action": ["repeat", "change", "stop"]})
    assert readings.what_to_do(table) == "Repeat A; change B; stop C"
    assert readings.what_to_do(table.assign(action="test again")).startswith("No promotion")

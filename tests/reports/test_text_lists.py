"""What report 08 says of past lists, of occasions of care, and how lists are sent."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.errors import ParamsError
from analysis.params.report_params import from_notebook
from analysis.promotions.planning.care_list import KIND_OF, CareList
from analysis.promotions.planning.targeting.cost_curve import ALL_OFFERS, BY_VALUE, Spending
from analysis.promotions.planning.targeting.eligibility import REACHED, SAYS, ValueByRule
from analysis.promotions.returns.past_lists import RUNNING, PastLists
from analysis.reports.targets import charts, text, text_lists
from analysis.reports.targets.params import OCCASIONS

LIST = {
    "name": "List targets of 2024-05-01", "promised": 2.0, "measured": 1.5, "low": 0.5,
    "high": 2.5, "gap_high": 0.5, "kept": True, "reason": "", "not_sent": 0,
    "sent_though_held_out": 0,
}  # fmt: skip
POOLED = {"lists": 2, "promised": 2.0, "measured": 1.2, "low": 0.4, "high": 2.0}


def past(*rows: dict, together: bool = False) -> PastLists:
    pooled = pd.DataFrame([POOLED] if together else [], columns=list(POOLED))
    return PastLists(pd.DataFrame([{**LIST, **row} for row in rows]), pd.DataFrame(), pooled, 0.95)


def test_one_list_is_told_by_its_promise_and_its_interval() -> None:
    assert text_lists.kept_headline(past({}), "EUR") == (
        "List targets of 2024-05-01: € 2.00 per customer promised, € 1.50 measured (0.50 to 2.50)"
    )


def test_several_are_told_together() -> None:
    said = text_lists.kept_headline(past({}, {}, together=True), "EUR")
    assert said.startswith("2 lists together: € 2.00 per customer promised, € 1.20 measured")


def test_a_list_that_runs_is_not_told_as_measured() -> None:
    said = text_lists.kept_headline(past({"reason": RUNNING}), "EUR")
    assert said == f"No list has been measured yet (List targets of 2024-05-01: {RUNNING})"


def test_a_broken_promise_alerts() -> None:
    kept = text_lists.kept_finding(past({}))
    broken = text_lists.kept_finding(past({"kept": False, "gap_high": -0.1}))
    assert (kept["value"], kept["alert"]) == (1.0, False)
    assert (broken["value"], broken["alert"]) == (0.0, True)


def test_who_was_not_sent_is_said() -> None:
    said = text_lists.not_sent(past({"not_sent": 3, "sent_though_held_out": 2}))
    assert said.startswith("3 targets of these lists were not sent; they count as targets")
    assert said.endswith("2 who were held out were sent all the same.")
    assert text_lists.not_sent(past({})) == "All targets were sent, and nobody who was held out."


def test_a_discount_is_read_as_one() -> None:
    rows = pd.DataFrame({"by": ["depth", "channel"], "group": ["0.2", "email"]})
    shown = text_lists.grouped(rows)
    assert shown.to_numpy().tolist() == [["discount", "20 %"], ["channel", "email"]]


def test_care_is_told_by_what_is_due() -> None:
    table = pd.DataFrame(
        {
            "list": ["birthday", "festival"], "due": [10, 5], "contact": [8, 0],
            "held_out": [1, 0], "left_alone": [1, 5], "why": ["", "no consent for any channel"],
        }
    )  # fmt: skip
    found = CareList(pd.DataFrame(), table)
    assert text_lists.care_headline(found) == (
        "15 occasions due: 8 to get a message, 1 held out; most for birthday"
    )
    nobody = CareList(pd.DataFrame(), table[1:])
    assert text_lists.care_headline(nobody).endswith(
        "nobody to write to: no consent for any channel"
    )


def test_the_chart_draws_a_promise_and_a_measurement_for_each_list() -> None:
    axes = charts.promises(past({}, {}).known, currency="EUR")
    assert [t.get_text() for t in axes.get_yticklabels()] == [LIST["name"]] * 2
    assert list(axes.lines[-2].get_xdata()) == [2.0, 2.0]
    axes.figure.clear()


def test_params_know_the_occasions_that_there_are() -> None:
    assert set(OCCASIONS) == set(KIND_OF)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"care_holdout": {"eclipse": 0.1}}, "care_holdout names 'eclipse'"),
        ({"care_holdout": {"birthday": 1.0}}, "care_holdout of birthday is 1.0"),
        ({"festivals": {"Easter": "Sunday"}}, "Easter is on 'Sunday'; write MM-DD"),
        ({"flows": {"w": {"trigger": "moon"}}}, "flows.w.trigger is none of first order"),
    ],
)
def test_params_refuse_care_that_cannot_be(given: dict, sentence: str) -> None:
    with pytest.raises(ParamsError, match=sentence):
        from_notebook("08_targets", given)


def by_rule(*rows: tuple[str, int, float]) -> ValueByRule:
    table = pd.DataFrame(rows, columns=["rule", "customers", "value"])
    return ValueByRule(table.assign(share=table["value"] / table["value"].sum()), 12)


def test_the_value_of_customers_without_consent_is_told() -> None:
    barred = (SAYS["consent"], 2_384, 60_000.0)
    said = text_lists.value_reading(by_rule((REACHED, 8_000, 340_000.0), barred), "EUR")
    assert said.startswith(
        "The 2,384 customers without consent for any channel hold € 60,000, 15 % of the margin"
    )
    assert "those who may be contacted hold 85 %" in said
    none = text_lists.value_reading(by_rule((REACHED, 8_000, 340_000.0)), "EUR")
    assert none.startswith("Customers who may be contacted hold 100 % of the margin expected")


def test_a_forecast_is_told_as_one_and_an_assumption_is_named() -> None:
    curves = pd.DataFrame(
        {"variant": ALL_OFFERS, "spend": [0.0, 266.0], "gain": [0.0, 210.0], "next_unit": 0.5}
    )
    assumed = Spending(curves, (210.0, 266.0), True, 0.05)
    assert text.spending_headline(assumed, 500.0, "USD", assumed_effect=0.05).endswith(
        "to bring more than it costs, if a contact saves 5 % of the margin at risk (assumed)"
    )
    measured = text.spending_headline(assumed, 100.0, "USD")
    assert measured == "At $ 100 the next $ 1 is expected to bring $ 0.50 beyond its cost"
    assert "nobody held out" not in text.spending_reading(assumed, 100.0, "USD")
    by_value = pd.concat([curves, curves.assign(variant=BY_VALUE)])
    said = text.spending_reading(Spending(by_value, (210.0, 266.0), False), 100.0, "USD")
    assert said.startswith("With $ 100 and nobody held out, the best offers are expected to bring")


def test_what_stops_most_is_not_called_most() -> None:
    table = pd.DataFrame({"stopped": [40, 60], "says": ["no consent", "contacted too recently"]})
    left = SimpleNamespace(
        customers=pd.DataFrame({"customer_id": range(300)}), waterfall=table,
        open=pd.Series([True] * 200 + [False] * 100),
        permission=SimpleNamespace(recorded=("email",), assumed=()),
    )  # fmt: skip
    assert text.eligible_headline(left).endswith(
        "the rule that stops most is: contacted too recently (60)"
    )
    assert not text.eligible_finding(left, 90)["alert"]
    left.open = pd.Series([False] * 300)
    left.permission.recorded = ()
    shut = text.eligible_finding(left, 90)
    assert shut["alert"]
    assert shut["sentence"].endswith("consent to be contacted is not recorded")
    assert text.title(left, None, "USD").endswith("consent to be contacted is not recorded")
    left.permission.assumed = ("mail",)
    assert text.eligible_finding(left, 90)["sentence"].endswith("after every rule")
    assert text.title(left, None, "USD").startswith("No list: no rule leaves a customer")


def test_measurements_are_not_said_to_have_brought_more_by_chance_alone() -> None:
    cells = pd.DataFrame({"low": [0.4, -0.2], "name": ["Nuts", "Tea"], "arm": ["sms", "email"],
                          "state": ["silent", "active"]})  # fmt: skip
    said = text.past_headline(SimpleNamespace(cells=cells))
    assert said == (
        "1 of 2 measurements of randomised contacts lies above zero, drawn towards the others, "
        "with the whole interval; clearest Nuts (sms) with silent customers"
    )
    assert "significantly" in text.past_headline(SimpleNamespace(cells=cells.assign(low=-1.0)))


def test_the_list_is_headed_by_its_rulings() -> None:
    rulings = pd.DataFrame({"ruling": ["contact"] * 3 + ["leave alone"] * 2})
    said = text.list_headline(rulings)
    assert said == "3 customers to contact, 0 held out at random, 2 left alone"


def test_the_plan_is_stated_beside_the_best_of_other_terms() -> None:
    names = ["as planned", "half the budget", "no discounts"]
    scenarios = pd.DataFrame({"scenario": names, "gain": [100.4, 90.0, 95.0]})
    assert text.terms_headline(scenarios, "EUR") == (
        "Expected margin is € 100 as planned and € 95 at most on other terms (no discounts)"
    )
    supposed = text.terms_headline(scenarios, "EUR", supposed=True)
    assert supposed.endswith("(no discounts), if everybody had given consent")
    alike = scenarios.assign(gain=100.0)
    assert text.terms_headline(alike, "EUR").startswith(
        "Expected margin is € 100 as planned, and as much with "
    )


def test_whom_occasions_add_to_the_list_is_said_with_what_they_cost() -> None:
    told = pd.DataFrame(
        {
            "ruling": ["contact"] * 4 + ["hold out", "leave alone"],
            "list": ["targets"] * 3 + ["birthday"] * 2 + ["targets"],
            "cost": [1.0, 1.0, 1.0, 1.5, 0.0, 0.0],
        }
    )
    listed = SimpleNamespace(total={"contacts": 3})
    assert text_lists.in_the_file(told, listed, "EUR") == (
        "Of the rulings 4 are to contact: 3 of the target list and 1 with an occasion, whose "
        "messages cost € 2 beyond its budget; held out with an occasion: 1."
    )
    assert text_lists.in_the_file(told[told["list"] == "targets"], listed, "EUR") == ""


@pytest.mark.parametrize(("tried", "holds"), [(9, True), (2, False)])
def test_a_list_for_others_than_contacts_were_tried_on_calls_for_caution(tried, holds) -> None:
    ids = [f"c{i}" for i in range(10)]
    balance = pd.DataFrame({"difference": [0.0], "n_target": [9], "n_holdout": [1]})
    listed = SimpleNamespace(
        targets=pd.DataFrame({"customer_id": ids}), balance=balance,
        solution=SimpleNamespace(gain=1.0, bound=1.0),
    )  # fmt: skip
    left = SimpleNamespace(
        permission=SimpleNamespace(source="", recorded=["email"], assumed=[], missing=[])
    )
    past = SimpleNamespace(tried=pd.Index(ids[:tried]))
    told = {name: (good, said) for name, good, said in text.trust(left, None, listed, past, "")}
    assert told["Tried on"][0] is holds
    assert told["Tried on"][1].startswith(f"{tried} of 10 to contact took part")
    assert "Tried on" not in {line[0] for line in text.trust(left, None, listed, None, "")}


def test_offers_of_few_customers_have_no_figures() -> None:
    sizes = {("app", 0.0): 40, ("email", 0.1): 1, ("email", 0.3): 4, ("phone", 0.0): 35}
    rows = [(c, d, "randomised", i, 2.0, 0.5) for (c, d), n in sizes.items() for i in range(n)]
    names = ["channel", "depth", "basis", "customer_id", "expected_margin", "cost"]
    targets = pd.DataFrame(rows, columns=names)
    shown = text.by_offer(targets).set_index(["channel", "depth"])["expected_margin"]
    assert shown.notna().to_dict() == {
        ("app", 0.0): True, ("email", 0.1): False, ("email", 0.3): False, ("phone", 0.0): False,
    }  # fmt: skip
    few = targets.assign(ruling="contact", reason=np.where(targets["depth"] == 0.3, "a", "b"))
    assert text.by_reason(few)["cost"].isna().all()


def test_a_list_of_one_that_may_bring_nothing_says_so() -> None:
    total = {"assumed": 0.0, "contacts": 1, "gain": 2.0, "low": -1.0, "high": 5.0}
    listed = SimpleNamespace(total=total, terms=SimpleNamespace(confidence=0.95))
    said = text.gain_finding(listed, "EUR")["sentence"]
    assert said.endswith("a list of 1 customer is expected to bring, not significant")
    held = SimpleNamespace(power={"holdout": 0})
    assert text.holdout_reading(held, 91, 182, "EUR") == ""

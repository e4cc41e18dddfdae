"""Sentences that depend on the result say what the result says, and why where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.customers.features.attributes import Coverage
from analysis.customers.retention.decline import Fading
from analysis.customers.retention.win_back import ContactPlan, ContactTerms, plan_contacts
from analysis.customers.value.concentration import (
    concentration,
    lorenz_curve,
    pareto_curve,
    purchase_deciles,
)
from analysis.customers.value.decile_migration import persistence
from analysis.customers.value.deciles import Deciles, monetary_deciles, rank_agreement
from analysis.reporting.notebook.findings import Finding
from analysis.reports.deciles import text as persistence_readings
from analysis.reports.deciles import text as readings
from analysis.reports.deciles import text_decline as fading_readings
from analysis.reports.segmentation.text import only_returned
from analysis.stats.resampling import Estimates, Sampling
from tests.customers.populations import features_of, lognormal, shoppers, weekly_of

FEW = Sampling(draws=200, seed=1)
CUSTOMERS = features_of(lognormal(1_000, 1.0, np.random.default_rng(1)))
NOTHING = features_of([0.0] * 40)


def ranked(values: list[float] | np.ndarray, **options: object) -> Deciles:
    return monetary_deciles(features_of(values), sampling=FEW, **options)  # type: ignore[arg-type]


def faded(*losses: float, threshold: float = 0.01) -> Fading:
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(len(losses))],
            "before": [2 * loss for loss in losses],
            "now": list(losses),
            "loss": list(losses),
            "loss_error": 1.0,
            "p": 0.001,
            "status": "fading",
        }
    )
    return Fading(table, 1.02, threshold, 50, 12, 9.4, 5.0, 14.0, 0.3, 0.1)


def plan(*losses: float, cost: float = 2.0, back: float = 0.2) -> ContactPlan:
    returned = Estimates(np.array([back]), np.array([back]), np.array([back]), [""])
    terms = ContactTerms(cost, recovery_rate=0.1, horizon_days=182, compared_days=182)
    return plan_contacts(faded(*losses), returned, terms)


def test_the_title_is_the_finding() -> None:
    assert readings.title(ranked([10.0] * 5 + [1.0] * 45)).startswith("The first 5 of 50")
    spread = ranked(CUSTOMERS["net_amount"].to_numpy())
    assert readings.title(spread).startswith("The best tenth of the customers brings 39 %")
    five = ranked(CUSTOMERS["net_amount"].to_numpy(), groups=5)
    assert "best of 5 equal groups of the customers" in readings.title(five)
    assert readings.title(ranked([0.0] * 40)) == (
        "Shares of sales cannot be given: every customer's total is zero"
    )


def test_the_gap_between_best_and_last() -> None:
    assert "times what the last tenth buys" in readings.gap(ranked(CUSTOMERS["net_amount"]))
    assert readings.gap(ranked([*range(1, 37), 0, 0, 0, 0])).endswith("brings nothing")
    assert "1 of 10 groups" in readings.gap(ranked([5.0] * 40))


def test_growth_names_only_what_stands_out() -> None:
    weeks = shoppers(1_000, 12, np.random.default_rng(2))
    quiet = weekly_of(weeks)
    values = weeks.sum(axis=1)
    calm = readings.growth(ranked(values, halves=quiet.halves()))
    assert "no tenth's part in it is significant" in calm
    weeks[np.argsort(-values)[:100], 6:] *= 3
    loud = ranked(weeks.sum(axis=1), halves=weekly_of(weeks).halves())
    assert "significant is the part of tenth 1 (+" in readings.growth(loud)


def test_few_customers_make_the_first_tenth() -> None:
    parts = purchase_deciles(CUSTOMERS, sampling=FEW)
    first, last = parts["customers"].iloc[0], parts["customers"].iloc[-1]
    assert readings.first_part(parts).startswith(f"{first} customers (")
    assert readings.first_part(parts).endswith(f"make the first tenth of sales, {last} the last")
    assert "bring 80 % of sales" in readings.pareto(parts)
    curve = pareto_curve(CUSTOMERS, sampling=FEW)
    assert readings.one_percent(curve).startswith("1 % of customers makes ")
    assert " to " in readings.smaller_half(lorenz_curve(curve))


def test_what_cannot_be_cut_says_why() -> None:
    parts, curve = (f(NOTHING, sampling=FEW) for f in (purchase_deciles, pareto_curve))
    for said in (
        readings.first_part(parts),
        readings.pareto(parts),
        readings.smaller_half(lorenz_curve(curve)),
        readings.gini(concentration(NOTHING, sampling=FEW)),
    ):
        assert "every customer's total is zero" in said
        assert "–" not in said


def test_without_an_interval_no_brackets_stand_empty() -> None:
    few = features_of([3.0, 2.0, 1.0])
    said = readings.gini(concentration(few, sampling=FEW))
    assert "(" not in said
    assert "(" not in readings.pareto(purchase_deciles(few, sampling=FEW))


def test_negative_totals_are_counted_and_explained() -> None:
    mixed = features_of([-7.0, -15, 11, -10, 2, 4, 40] * 10)
    said = readings.negatives(concentration(mixed, sampling=FEW))
    assert said.startswith("30 customers returned more than they bought")
    assert "2.491" in said
    assert "0.700" in said
    none = readings.negatives(concentration(CUSTOMERS, sampling=FEW))
    assert none.startswith("No customer's total is negative")
    assert "mean nothing" in readings.gini(concentration(mixed, sampling=FEW))


def test_ranks_by_margin() -> None:
    assert readings.agreement(rank_agreement(CUSTOMERS, sampling=FEW)) == (
        "All 1,000 customers are in the same group by margin as by sales"
    )


def test_who_stayed_and_where_they_went() -> None:
    stay = persistence(weekly_of(shoppers(500, 12, np.random.default_rng(3))), sampling=FEW)
    assert (
        "of the best stayed among the best; week-to-week variation alone would keep"
        in persistence_readings.stayed(stay)
    )
    assert "Beyond what week-to-week variation explains" in persistence_readings.moved(stay)
    assert "of the best tenth stay in the best three" in persistence_readings.went(stay)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (plan(), "Nobody is declining significantly, so no contact could bring anything back"),
        (plan(5.0, 9.0), "Not worth it: bringing back 10 % does not pay $ 2.00 for any of 2"),
        (
            plan(100.0, 200.0),
            "A contact for $ 2.00 that brings back 10 % pays for all 2; "
            "contacting all pays from 1.7 % on",
        ),
        (plan(5.0, 200.0), "that brings back 10 % pays for 1 of 2; contacting all pays from 2.4 %"),
        (plan(30.0, *[0.1] * 20), "pays for 1 of 21; contacting all cannot pay"),
    ],
)
def test_not_worth_it_is_a_possible_answer(made: ContactPlan, said: str) -> None:
    assert said in fading_readings.contact(made, "USD")


def test_somebody_must_decide_only_where_a_contact_pays() -> None:
    assert Finding(**fading_readings.risk_finding(plan(100.0), "USD", "Assumed.")).alert
    assert not Finding(**fading_readings.risk_finding(plan(5.0), "USD", "Assumed.")).alert
    nobody = Finding(**fading_readings.risk_finding(plan(), "USD", "Assumed."))
    assert (nobody.value, nobody.low) == (0.0, None)
    assert nobody.detail is not None
    assert nobody.detail.endswith("Assumed.")


def test_what_comes_back_by_itself() -> None:
    known = Estimates(np.array([0.22]), np.array([0.14]), np.array([0.32]), [""])
    assert "22 % (14 to 32 %) came back" in fading_readings.regained(known)
    nan = np.array([np.nan])
    unknown = Estimates(nan, nan, nan, ["no rebound measured: nobody fell like this"])
    assert "not taken off: no rebound measured" in fading_readings.regained(unknown)


def test_false_alarms_are_said_and_so_is_that_nothing_passed() -> None:
    assert "10 % at most are expected to be false alarms" in fading_readings.false_alarms(faded(9))
    assert "no fall is significant" in fading_readings.false_alarms(faded(threshold=0.0))
    assert fading_readings.noise(faded(9.0)) == (
        "12 customers fell by 30 % or more; chance alone gives 9, and 1 is declining"
    )


def test_the_gone_are_only_those_whose_fall_is_significant() -> None:
    said = fading_readings.false_alarms(
        replace(faded(9, 8, 7), table=faded(9, 8, 7).table.assign(status=["silent", "x", "x"]))
    )
    assert "1 more fell significantly and bought nothing at all in the later half" in said
    assert "too seldom to be tested" not in said


def test_who_stays_more_than_chance_keeps_has_not_left() -> None:
    stay = persistence(weekly_of(shoppers(500, 12, np.random.default_rng(3))), sampling=FEW)
    more = {"change": -0.05, "change_low": -0.09, "change_high": -0.02}
    said = persistence_readings.moved(replace(stay, summary=stay.summary.assign(**more)))
    assert "explains, 5.0 points (2.0 to 9.0 points) of the best stayed." in said


def test_trust_tells_what_does_not_add_up() -> None:
    found = ranked([2.0] * 30 + [1.0] * 30)
    weeks = weekly_of(shoppers(60, 8, np.random.default_rng(4)))
    terms = ContactTerms(2.0, 0.15, 182, 182)
    whole = Coverage(60, 60, 90.0, 20.0, 0, 0.0)
    lines = {
        label: (ok, text)
        for label, ok, text in fading_readings.trust(found, whole, weeks, terms, "Assumed rates.")
    }
    assert lines["Sums"][0] is True
    assert lines["Margin"] == (False, "Assumed rates.")
    assert "15 % is assumed" in lines["Contacts"][1]
    returned = Coverage(63, 63, 87.5, 20.0, 0, 0.0, returners=2, returned_amount=-2.5)
    lines = {
        label: (ok, text)
        for label, ok, text in fading_readings.trust(found, returned, weeks, terms, "By rate.")
    }
    assert lines["Sums"] == (
        True,
        "The groups add up to 90.00; less the 2.50 of those who only returned goods, that is the "
        "net sales of known customers in the order lines, to the cent.",
    )
    assert only_returned(2, -250.0, "EUR") == (
        " 2 more customers only returned goods, for € 250: as no buyers of these days they are "
        "in no group."
    )
    assert only_returned(0, 0.0, "EUR") == ""
    short = Coverage(61, 61, 95.0, 20.0, 1, 4.0)
    ok, text = next(
        (ok, text)
        for label, ok, text in fading_readings.trust(found, short, weeks, terms, "By rate.")
        if label == "Sums"
    )
    assert ok is False
    assert "90.00" in text
    assert "91.00" in text


def test_weeks_that_hang_together_are_a_caution() -> None:
    found, terms = ranked([1.0] * 40), ContactTerms(2.0, 0.15, 182, 182)
    lumps = weekly_of(np.repeat(shoppers(400, 12, np.random.default_rng(5)), 2, axis=1))
    late = weekly_of(np.ones((40, 8)), gap="Orders start late.")
    whole = Coverage(40, 40, 40.0, 10.0, 0, 0.0)
    for weeks, expected in ((lumps, False), (late, None)):
        lines = fading_readings.trust(found, whole, weeks, terms, "By rate.")
        assert [ok for label, ok, _ in lines if label == "Noise"] == [expected]


def test_every_finding_can_be_recorded() -> None:
    stay = persistence(weekly_of(shoppers(500, 12, np.random.default_rng(3))), sampling=FEW)
    parts, curve = (f(CUSTOMERS, sampling=FEW) for f in (purchase_deciles, pareto_curve))
    empty = [f(NOTHING, sampling=FEW) for f in (purchase_deciles, pareto_curve)]
    for fields in (
        readings.share_finding(ranked(CUSTOMERS["net_amount"]), 0.95),
        readings.share_finding(ranked([0.0] * 40), 0.95),
        readings.part_finding(parts, curve, 0.95),
        readings.part_finding(empty[0], empty[1], 0.95),
        persistence_readings.stay_finding(stay, 10, 0.95),
        fading_readings.fading_finding(faded(5.0)),
    ):
        assert Finding(**fields).key


# Few customers, or equal ones -------------------------------------------------------------------


def test_a_group_that_is_no_tenth_is_not_called_one() -> None:
    fourteen = ranked([100.0 - place for place in range(14)], groups=4)
    assert readings.title(fourteen).startswith("The first 3 of 14 customers bring")
    assert readings.gap(fourteen).startswith("A customer of the best group buys 1.1 times")
    twenty_eight = ranked([100.0 - place for place in range(28)])
    assert "one or two customers would show what each" in readings.title(twenty_eight)
    assert readings.title(ranked([100.0 - p for p in range(30)])).startswith("The best tenth")


def test_equal_customers_have_no_best_tenth() -> None:
    equal = ranked([5.0] * 40)
    assert readings.title(equal) == "All 40 customers bring the same net sales"
    found = readings.share_finding(equal, 0.95)
    assert found["value"] is None
    assert found["detail"] == "All 40 customers bring the same net sales"


def test_the_last_group_may_have_returned_more_than_it_bought() -> None:
    assert readings.gap(ranked([*range(1, 37), -1, -2, -3, -4])).endswith("more than it bought")


def test_the_reason_for_missing_growth_is_not_the_share_s() -> None:
    weeks = shoppers(200, 12, np.random.default_rng(5))
    made = ranked(weeks.sum(axis=1), halves=weekly_of(weeks).halves())
    assert "fewer than 30" in made.table["reason"].iloc[0]
    assert readings.share_finding(made, 0.95)["detail"].startswith("the best two tenths together")
    assert "too small to tell" in readings.growth(made)


def test_one_customer_who_brings_more_than_a_part() -> None:
    large = features_of([1_000.0, *[10.0] * 20])
    parts = purchase_deciles(large, sampling=FEW)
    assert readings.first_part(parts) == (
        "The largest customer alone brings more than a tenth of sales; 12 make the last"
    )
    assert readings.pareto(parts) == "The largest customer alone brings more than 80 % of sales"
    curve = pareto_curve(large, sampling=FEW)
    assert readings.part_finding(parts, curve, 0.95)["value"] is None


def test_halves_that_cannot_be_compared_are_not_named() -> None:
    weeks = np.ones((3, 4))
    assert readings.halves(weekly_of(weeks)).startswith("The halves are 4 Dec 2017 to 17 Dec 2017")
    assert readings.halves(weekly_of(weeks, gap="Too late.")) == "Too late."


def kinds_of(customers: list[int], net: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": ["first", "next", "others", "fading"],
            "customers": [*customers, 0],
            "customers_share": [count / 50 for count in [*customers, 0]],
            "net_share": [*net, 0.0],
            "fading": 0,
        }
    )


def test_half_of_the_sales_is_said_only_where_it_is_half() -> None:
    assert fading_readings.groups(kinds_of([2, 8, 40], [0.1, 0.39, 0.51])).startswith(
        "10 customers (20.0 %) bring half of the sales"
    )
    assert fading_readings.groups(kinds_of([0, 1, 49], [0.0, 0.15, 0.85])).startswith(
        "1 customer (2.0 %) brings 15 % of the sales"
    )
    assert fading_readings.groups(kinds_of([0, 0, 50], [0.0, 0.0, 1.0])).startswith("Nobody stands")


def test_weeks_that_never_differ_leave_no_noise() -> None:
    covered = Coverage(10, 10, 40.0, 10.0, 0, 0.0)
    weeks = weekly_of(np.full((40, 8), 5.0))
    terms = ContactTerms(2.0, 0.1, 182, 182)
    panel = fading_readings.trust(ranked([1.0] * 40), covered, weeks, terms, "By cost.")
    noise = next(line for line in panel if line[0] == "Noise")
    assert noise[1] is None
    assert "no noise to test against" in noise[2]


def test_where_nobody_is_last_nothing_is_said_of_the_last() -> None:
    stay = persistence(weekly_of(shoppers(500, 12, np.random.default_rng(3))), sampling=FEW)
    assert "of the last bought nothing in the second half" in persistence_readings.went(stay)
    stay.stayed.loc[stay.stayed.index[-1], "customers"] = 0
    assert "of the last" not in persistence_readings.went(stay)

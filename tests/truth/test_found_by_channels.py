"""What report 11 must find: planted response, cost after the holdout, fatigue, consent, winning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.channels import (
    acquisition_cost,
    attribution,
    contact_events,
    contact_preferences,
    contact_rates,
    fatigue,
    holdout_lift,
)
from analysis.engagement.channels.contact_events import Contacts
from analysis.tables.engine import Tables
from analysis.tables.manifest import Manifest
from analysis.tables.periods import Period
from tests.truth.calibration import assert_calibrated, assert_covers
from tests.truth.shops import Shops, table_of
from tests.truth.test_found_by_promotions import side_by_side

WINDOW = Period.before("2025-12-29", days=182)
HISTORY = Period.before("2025-12-29", days=728)
VARIANTS = ("1 a month", "2 a month", "6 a month")
SEEDS = range(10)
TABLES = ("order_lines", "products", "customers", "contacts", "consents", "media_spend")


@dataclass(frozen=True)
class Sent:
    """One shop and its messages."""

    tables: Tables
    contacts: Contacts


@pytest.fixture(scope="module")
def each(shops: Shops) -> list[Sent]:
    found = []
    for seed in SEEDS:
        rows = {name: table_of(shops, name, seed) for name in TABLES}
        tables = Tables(shops.backend, Manifest(study=f"shop_{seed}", simulated=True), rows)
        found.append(Sent(tables, contact_events.fetch(tables, WINDOW)))
    return found


@pytest.fixture(scope="module")
def town(shops: Shops) -> Tables:
    return side_by_side(shops, apart=False)


@pytest.fixture(scope="module")
def lift(town: Tables) -> holdout_lift.HoldoutLift:
    return holdout_lift.measure(town, HISTORY)


@pytest.fixture(scope="module")
def rates(each: list[Sent]) -> list[contact_rates.ContactRates]:
    return [contact_rates.rates(one.tables, one.contacts) for one in each]


def test_response_of_channels_is_published_as_planted(
    shops: Shops, rates: list[contact_rates.ContactRates]
) -> None:
    """Clicks of those opened, deliveries and bounces, counting customers as clusters."""
    planted = shops.planted("channel_response")[0]
    bounced = shops.planted("bounces")[0]["superpopulation"]["bounced"]
    hits: dict[str, list[bool]] = {"delivered": [], "bounced": []}
    for one in rates:
        table = one.rates[one.rates["by"] == "channel"].set_index(["measure", "group"])
        for channel in ("email", "sms", "app"):
            for measure, truth in (
                ("delivered", planted["parameters"]["delivered"]),
                ("bounced", bounced),
            ):
                row = table.loc[(measure, channel)]
                hits[measure].append(row["low"] <= truth <= row["high"])
    for covered in hits.values():
        assert_covers(sum(covered), len(covered))
    whole = pd.concat([one.rates for one in rates])
    whole = whole[whole["by"] == "channel"].groupby(["measure", "group"])["hits"].sum()
    for channel, share in planted["superpopulation"]["clicked"].items():
        opened, clicked = whole["opened", channel], whole["clicked", channel]
        error = np.sqrt(share * (1 - share) / opened)
        assert abs(clicked / opened - share) < 3.9 * error


def test_opens_by_persons_are_recovered(
    shops: Shops, rates: list[contact_rates.ContactRates]
) -> None:
    truth = shops.parameter("machine_opens", "superpopulation", "persons")
    covered, ratios = [], []
    for one in rates:
        row = one.opens.set_index("channel").loc["email"]
        assert row["basis"] == "estimated from clicks"
        persons = truth * row["opened"] / row["delivered"]
        covered.append(row["real_low"] <= persons <= row["real_high"])
        ratios.append(row["real"] / persons)
    assert_covers(sum(covered), len(covered))
    assert abs(np.mean(ratios) - 1) < 0.08


def test_the_ranking_after_cost_is_the_planted_one(
    shops: Shops, lift: holdout_lift.HoldoutLift
) -> None:
    planted = shops.planted("T7")[0]
    cost = {arm: offer["message_cost"] for arm, offer in planted["parameters"]["arms"].items()}
    gross = {
        arm: planted["superpopulation"][arm]["margin"] for arm in ("email", "sms", "app", "phone")
    }
    net = {arm: margin - cost[arm] for arm, margin in gross.items()}
    table = lift.ranking[lift.ranking["promotion_id"] == "T7"].set_index("channel")
    assert table.sort_values("before_cost").index[0] == "phone" == max(gross, key=gross.__getitem__)
    assert list(table.sort_values("after_cost").index[:2]) == ["sms", "app"]
    assert set(table.index[table["tied"]]) <= {"sms", "app"}
    assert (table["net_low"] <= pd.Series(net)[table.index]).all()
    assert (table["net_high"] >= pd.Series(net)[table.index]).all()
    per_order = lift.arms[lift.arms["promotion_id"] == "T7"].set_index("channel")
    for arm, extra in ((a, planted["superpopulation"][a]["orders"]) for a in gross):
        if cost[arm]:
            low, high = per_order.loc[arm, ["cost_per_order_low", "cost_per_order_high"]]
            assert low <= cost[arm] / extra <= high


def test_intervals_after_cost_hold_in_small_shops(shops: Shops) -> None:
    """Shop by shop, sixty customers an arm: all four channels at once at their nominal rate."""
    planted = shops.planted("T7")[0]
    arms = planted["parameters"]["arms"]
    net = {
        a: planted["superpopulation"][a]["margin"] - arms[a]["message_cost"]
        for a in arms
        if a != "control"
    }
    found = holdout_lift.measure(side_by_side(shops, apart=True), HISTORY)
    table = found.ranking[found.ranking["promotion_id"].str.endswith("/T7")]
    truth = table["channel"].map(net)
    inside = (table["net_low"] <= truth) & (truth <= table["net_high"])
    at_once = inside.groupby(table["promotion_id"]).all()
    assert len(at_once) == len(shops.plans)
    assert_covers(int(at_once.sum()), len(at_once))
    best = table[table["channel"] == "sms"].set_index("promotion_id")["tied"]
    assert_covers(int(best.sum()), len(best))


def test_a_broken_log_and_a_greeting_without_effect_earn_nothing(
    lift: holdout_lift.HoldoutLift,
) -> None:
    arms = lift.arms.set_index("promotion_id")
    assert "that the log gives no arm" in arms.loc["T5", "reason"]
    assert arms.loc["T2", "orders_low"] < 0 < arms.loc["T2", "orders_high"]
    assert np.isnan(arms.loc["T2", "cost_per_order_high"])
    # What is only taken from a neighbour on the shelf is no gain.
    assert arms.loc["T4", "orders_low"] < 0 < arms.loc["T4", "orders_high"]
    assert "T6" not in arms.index


def test_credit_is_not_cause(town: Tables, lift: holdout_lift.HoldoutLift) -> None:
    """Newsletters change nothing, yet every model credits them with all their orders."""
    window = contact_events.fetch(town, WINDOW)
    history = contact_events.fetch(town, HISTORY)
    found = attribution.attribute(town, window, history=history, lift=lift, replicates=100)
    sums = found.credits.groupby("model")["orders"].sum()
    assert sums.to_numpy() == pytest.approx(found.conversions)
    assert found.chain == pytest.approx(found.conversions / found.paths)
    tested = found.tested.groupby("model")["orders"].sum()
    assert tested["last"] > 2 * tested["holdout"]
    news = window.rows.filter(window.rows.followed == 1, window.rows.promotion_id.isnull())
    each = news.group_by("customer_id").agg(gap=(news.bought - news.bought_before).sum())
    gaps = each.to_pandas()["gap"].to_numpy(float)
    # Main customers fade, so that fewer order after than before; nobody orders because of one.
    assert gaps.mean() < 3 * gaps.std() / np.sqrt(len(gaps))


def test_fatigue_is_recovered_at_its_nominal_rate(shops: Shops, each: list[Sent]) -> None:
    planted = shops.planted("fatigue")[0]["superpopulation"]
    slopes = [fatigue.judge(one.contacts).slopes.set_index("measure") for one in each]
    for measure, truth in (("opened", "log_odds"), ("unsubscribed", "unsubscribed")):
        rows = [table.loc[measure] for table in slopes]
        errors = [(row["high"] - row["low"]) / 2 / 2.0227 for row in rows]
        assert_calibrated([row["effect"] for row in rows], errors, planted[truth])


def test_no_frequency_is_said_to_pay(each: list[Sent]) -> None:
    """More newsletters bring nothing: the lowest frequency is named, and opting out rises."""
    for one in each:
        found = fatigue.measure(one.tables, one.contacts, variants=VARIANTS)
        assert found.best == VARIANTS[0]
        assert found.doses["left_gain_low"].iloc[-1] > 0
        classes = found.classes.set_index("class")["customers"]
        assert classes["under"] == 0
        assert 0.1 < classes["saturated"] / classes.sum() < 0.5


def test_no_hour_is_better_where_none_is(each: list[Sent]) -> None:
    chosen = [contact_preferences.choose(one.contacts) for one in each]
    assert sum(one.hours_p < 0.05 for one in chosen) <= 4
    assert sum(one.customers["hour"].notna().any() for one in chosen) <= 2
    one = chosen[0].customers
    assert list(one.columns) == [
        "customer_id",
        "channel",
        "hour",
        "response",
        "low",
        "high",
        "contacts",
    ]
    assert one["customer_id"].is_unique
    assert ((one["low"] <= one["response"]) & (one["response"] <= one["high"])).all()


def test_messages_without_consent_are_counted(each: list[Sent]) -> None:
    """Newsletters stop where consent ends; promotions go on, and are all there is to count."""
    for one in each[:3]:
        found = contact_preferences.on_the_day(one.tables, one.contacts)
        sent = one.contacts.rows.to_pandas()
        log = one.tables.consents.to_pandas()
        both = sent.merge(log, "left", ["customer_id", "channel"])
        valid = (both["given_at"] <= both["at"]) & ~(both["withdrawn_at"] <= both["at"])
        covered = set(both.loc[valid, "contact_id"])
        lost = sent[~sent["contact_id"].isin(covered) & sent["channel"].isin(found.channels)]
        assert found.table["without"].sum() == len(lost) > 0
        # Whoever is not in the register has no consent on record.
        listed = set(log["customer_id"])
        assert not (lost["promotion_id"].isna() & lost["customer_id"].isin(listed)).any()


def test_cost_of_a_new_customer_is_recovered(shops: Shops, each: list[Sent]) -> None:
    planted = shops.planted("acquisition")[0]["superpopulation"]
    covered, ratios = [], []
    for one in each:
        found = acquisition_cost.measure(one.tables, HISTORY, replicates=100)
        costs = found.costs.set_index("channel")
        for channel, cost in planted.items():
            row = costs.loc[channel]
            covered.append(row["low"] <= cost <= row["high"])
            ratios.append(row["cost"] / cost)
        first = found.payback[found.payback["month"] == 1].set_index("channel")
        assert (first["low"] <= first["margin"]).all()
    assert_covers(sum(covered), len(covered))
    assert abs(np.mean(ratios) - 1) < 0.05

"""Care occasions and flows: who is due by hand-made calendars, and what caps and consent stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis import promotions
from analysis.errors import NotApplicable, ParamsError
from analysis.promotions.planning import care_list as care
from analysis.promotions.planning import due_occasions as due
from analysis.promotions.planning.due_occasions import Flow, entries
from analysis.promotions.planning.targeting.contact_consent import SERVICE, contact_record
from analysis.promotions.planning.targeting.target_list import TargetList
from analysis.tables.engine import Tables, in_memory

AS_OF = date(2024, 6, 3)
COSTS = {"email": 0.05, "sms": 0.10}

#: Who buys what on which days before the list; prices are 10, the television's 500.
ORDERS = {
    "ann": [("soap", d) for d in (95, 63, 31)] + [("soap", 127)],  # every 32 days, due in one
    "bob": [("soap", d) for d in (40, 80, 120, 160)],  # every 40: due today
    "cat": [("tv", 10), ("soap", 200)],  # after-sale in four days
    "dan": [("soap", d) for d in (92, 122, 152, 182)],  # every 30, silent for 92
    "eve": [("soap", 5)],
    "fay": [("soap", 3), ("soap", 300)],
}
BORN = {"ann": "1980-06-05", "bob": "1990-06-10", "eve": "1992-02-29", "fay": "1970-01-01"}
JOINED = {"ann": "2023-06-05", "cat": "2024-06-04", "eve": "2020-06-09"}


def shop(**more: pd.DataFrame) -> Tables:
    rows = [(who, what, AS_OF - timedelta(days=ago))
            for who, bought in ORDERS.items() for what, ago in bought]  # fmt: skip
    lines = pd.DataFrame(rows, columns=["customer_id", "product_id", "day"])
    price = lines["product_id"].map({"soap": 10.0, "tv": 500.0})
    lines = lines.assign(
        order_id=[f"o{i}" for i in range(len(lines))],
        ordered_at=pd.to_datetime(lines["day"]) + pd.Timedelta(hours=11),
        quantity=1.0, net_amount=price, cost_amount=price / 2,
    ).drop(columns="day")  # fmt: skip
    who = list(ORDERS)
    customers = pd.DataFrame({"customer_id": who})
    customers["birth_date"] = pd.to_datetime(customers["customer_id"].map(BORN)).dt.date
    customers["joined_on"] = pd.to_datetime(customers["customer_id"].map(JOINED)).dt.date
    customers["consent_email"] = customers["customer_id"] != "dan"
    customers["consent_sms"] = False
    products = pd.DataFrame({"product_id": ["soap", "tv"], "department": "d", "category": "c"})
    frames = {"order_lines": lines, "products": products, "customers": customers}
    return in_memory({**frames, **more}, currency="EUR")


def found(tables: Tables | None = None, **more) -> dict[str, set[str]]:
    tables = tables or shop()
    people = pd.DataFrame({"customer_id": list(ORDERS)})
    rows = due.due_occasions(tables, people, as_of=AS_OF, days=7, **more)
    return {o: set(part["customer_id"]) for o, part in rows.groupby("occasion")}


def test_every_occasion_finds_those_whose_day_it_is() -> None:
    assert found() == {
        "birthday": {"ann"},  # bob's is the day the next list is made; fay's day is unknown
        "anniversary": {"ann", "eve"},  # cat joins tomorrow
        "replenishment": {"ann", "bob"},
        "after-sale": {"cat"},
    }


def test_a_silence_is_told_in_the_one_week_in_which_it_becomes_too_long() -> None:
    """Dan buys every 30 days; ninety days of silence ended two days before the list."""
    people = pd.DataFrame({"customer_id": ["dan"]})
    weeks = [AS_OF - timedelta(days=7 * n) for n in range(4)]
    rows = [due.due_occasions(shop(), people, as_of=day, days=7) for day in weeks]
    assert [set(r["occasion"]) for r in rows] == [set(), {"win-back"}, set(), set()]


@pytest.mark.parametrize(("year", "days"), [(2023, 28), (2024, 29)])
def test_who_was_born_on_leap_day_has_a_birthday_every_year(year: int, days: int) -> None:
    born = pd.Series(pd.to_datetime(["1992-02-29"]))
    (on,) = due.next_of_year(born, date(year, 2, 25), 7)
    assert on == date(year, 2, days)


def test_a_festival_is_for_everybody_and_other_reports_add_theirs() -> None:
    more = pd.DataFrame(
        {
            "customer_id": ["eve", "fay"],
            "occasion": ["points expiring", "birthday"],  # birthdays are told here
            "due_on": [AS_OF, AS_OF],
            "value": [4.0, np.nan],
        }
    )
    seen = found(festivals={"Midsummer": "06-08", "Moved": "2025-06-04"}, more=more)
    assert seen["festival"] == set(ORDERS)
    assert seen["points expiring"] == {"eve"}
    assert seen["birthday"] == {"ann"}


# The list ---------------------------------------------------------------------------------------


def ruled(tables: Tables, rules: care.CareRules, **contact_rules) -> care.CareList:
    people = promotions.to_contact(tables, as_of=AS_OF, window_days=365, recent_days=91)
    contact = promotions.ContactRules(
        as_of=AS_OF, channel_costs=COSTS, control_share=0.0, **contact_rules
    )
    left = promotions.eligible(tables, people, contact)
    channels = promotions.channels_for(tables, left)
    return care.care_list(tables, left, channels, rules)


NO_HOLDOUT = care.CareRules(AS_OF, holdout=dict.fromkeys(care.KIND_OF, 0.0))


def test_one_message_a_customer_and_service_apart() -> None:
    rulings = ruled(shop(), NO_HOLDOUT)
    assert not rulings.care["customer_id"].duplicated().any()
    told = rulings.rulings.set_index("customer_id")
    assert told.loc["ann", "list"] == "birthday"  # before anniversary and replenishment
    assert rulings.service["customer_id"].tolist() == ["cat"]
    assert told["channel"].tolist() == ["email"] * len(told)
    assert told["ruling"].eq("contact").all()


def test_nobody_without_consent_is_contacted() -> None:
    day = AS_OF - timedelta(days=7)  # the week in which Dan's silence is told
    tables = shop()
    people = promotions.to_contact(tables, as_of=day, window_days=365, recent_days=91)
    contact = promotions.ContactRules(as_of=day, channel_costs=COSTS, control_share=0.0)
    left = promotions.eligible(tables, people, contact)
    channels = promotions.channels_for(tables, left)
    rulings = care.care_list(tables, left, channels, replace(NO_HOLDOUT, as_of=day)).rulings
    dan = rulings.set_index("customer_id").loc["dan"]
    assert dan["ruling"] == "leave alone"
    assert dan["reason"] == "no consent for any channel"
    assert dan["channel"] == dan["arm"] == ""


def test_caps_on_advertising_spare_service_messages() -> None:
    """Everybody had a newsletter yesterday: promotions rest, a service message does not."""
    who = list(ORDERS)
    contacts = pd.DataFrame(
        {
            "contact_id": [f"m{i}" for i in range(len(who))], "customer_id": who,
            "channel": "email", "sent_at": pd.Timestamp(AS_OF) - pd.Timedelta(days=1),
        }
    )  # fmt: skip
    rulings = ruled(shop(contacts=contacts), NO_HOLDOUT, rest_days=7)
    assert rulings.service["ruling"].tolist() == ["contact"]
    assert rulings.care["reason"].eq("contacted too recently").all()


def test_an_occasion_rests_and_has_its_cap() -> None:
    contacts = pd.DataFrame(
        {
            "contact_id": ["m1"], "customer_id": ["ann"], "channel": "email",
            "sent_at": pd.Timestamp("2024-05-01"), "occasion": "birthday",
        }
    )  # fmt: skip
    rows = ruled(shop(contacts=contacts), NO_HOLDOUT).rulings.set_index("customer_id")
    assert rows.loc["ann", "list"] == "anniversary"
    festival = replace(NO_HOLDOUT, festivals={"f": "06-04"}, most=2, holdout={"festival": 0.0})
    few = ruled(shop(), festival)
    assert few.table.set_index("list").loc["festival", "contact"] == 2
    assert few.table["why"].iloc[0] in ("others are due before, by the cap",
                                        "no consent for any channel")  # fmt: skip


def test_each_occasion_holds_its_share_out_by_a_draw_of_its_own() -> None:
    rules = replace(NO_HOLDOUT, festivals={"f": "06-04"}, holdout={"festival": 0.4})
    rows = ruled(shop(), rules).rulings
    assert rows["arm"].value_counts().to_dict() == {"target": 3, "holdout": 2, "": 1}
    again = ruled(shop(), rules).rulings
    pd.testing.assert_frame_equal(rows, again)


def test_without_an_occasion_the_reason_is_said() -> None:
    with pytest.raises(NotApplicable, match="No occasion falls due in the 7 days from 2024-06-03"):
        ruled(shop(), replace(NO_HOLDOUT, holdout={"festival": 0.1}))


def test_the_target_list_goes_before_care_and_every_customer_has_one_ruling() -> None:
    tables = shop()
    people = promotions.to_contact(tables, as_of=AS_OF, window_days=365, recent_days=91)
    contact = promotions.ContactRules(as_of=AS_OF, channel_costs=COSTS, control_share=0.0)
    left = promotions.eligible(tables, people, contact)
    channels = promotions.channels_for(tables, left)
    arms = {"ann": "holdout", "cat": "target"}
    ids = left.customers["customer_id"]
    rulings = pd.DataFrame(
        {"customer_id": ids, "ruling": "leave alone", "arm": ids.map(arms).fillna("")}
    )
    empty = pd.DataFrame()
    listed = TargetList(rulings, empty, empty, empty, {}, None, None)  # type: ignore[arg-type]
    found = care.care_list(tables, left, channels, NO_HOLDOUT, listed=listed)
    by = found.rulings.set_index("customer_id")
    assert by.loc["ann", "reason"] == "on the target list, which goes before"
    assert by.loc["cat", "ruling"] == "contact"  # a service message
    one = care.one_ruling(listed, found)
    assert not one["customer_id"].duplicated().any()
    assert set(one["customer_id"]) == set(ids)
    told = one.set_index("customer_id")
    assert told.loc["ann", "arm"] == "holdout"
    assert told.loc["bob", "list"] == "replenishment"
    assert told.loc["fay", "ruling"] == "leave alone"


# Flows ------------------------------------------------------------------------------------------

WELCOME = {"trigger": "first order", "wait_days": 3, "offer": "Welcome", "holdout": 0.0}


def test_a_flow_is_entered_once_and_as_early_as_it_is_known() -> None:
    """Eve first bought on 29 May; lists are made on Mondays."""
    flow = Flow.of("welcome", WELCOME, ())
    people = pd.DataFrame({"customer_id": list(ORDERS)})
    mondays = [AS_OF + timedelta(days=7 * n) for n in (-1, 0, 1, 2)]
    nothing = pd.DataFrame(columns=due.COLUMNS)
    entered = [
        entries(shop(), flow, people, nothing, as_of=day, days=7)["customer_id"].tolist()
        for day in mondays
    ]
    assert entered == [[], ["eve"], [], []]


@pytest.mark.parametrize("wait", [0, 6, 30])
def test_every_event_enters_exactly_one_list_whatever_the_wait(wait: int) -> None:
    flow = Flow.of("f", {"trigger": "first order", "wait_days": wait}, ())
    people = pd.DataFrame({"customer_id": list(ORDERS)})
    nothing = pd.DataFrame(columns=due.COLUMNS)
    tables = shop()
    counts = pd.Series(0, list(ORDERS))
    for week in range(-48, 8):
        day = AS_OF + timedelta(days=7 * week)
        rows = entries(tables, flow, people, nothing, as_of=day, days=7)
        counts[rows["customer_id"]] += 1
        assert (pd.to_datetime(rows["due_on"]) >= pd.Timestamp(day)).all()
    assert counts.eq(1).all()


def test_a_flow_has_its_condition_its_holdout_and_its_list() -> None:
    spec = {**WELCOME, "condition": "orders <= 1 and margin > 4", "kind": "care"}
    rules = replace(NO_HOLDOUT, holdout={}, flows={"welcome": spec})
    rulings = ruled(shop(), rules).rulings
    assert rulings[["customer_id", "list", "offer", "kind", "arm"]].to_numpy().tolist() == [
        ["eve", "welcome", "Welcome", "care", "target"]
    ]
    with pytest.raises(NotApplicable):
        ruled(shop(), replace(rules, flows={"welcome": {**spec, "condition": "orders > 1"}}))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"trigger": "full moon"}, "flows.welcome.trigger is none of first order"),
        ({"condition": "hair = red"}, "flows.welcome.condition: 'hair = red' cannot be read"),
        ({"holdout": 1.5}, "holdout is a share"),
        ({"colour": "red"}, "flows.welcome: no such key: colour"),
    ],
)
def test_a_flow_that_cannot_be_is_refused(change: dict, sentence: str) -> None:
    with pytest.raises(ParamsError, match=sentence):
        Flow.of("welcome", {**WELCOME, **change}, ())


# Lists that came back ---------------------------------------------------------------------------


def came_back(mechanic: str, **more: pd.DataFrame) -> Tables:
    """Return the shop after a list that was sent to Ann and Bob two days ago."""
    sent = pd.Timestamp(AS_OF) - pd.Timedelta(days=2)
    given = pd.DataFrame(
        {
            "promotion_id": "targets-1", "customer_id": ["ann", "bob", "eve"],
            "arm": ["target", "target", "control"], "assigned_at": sent, "randomised": True,
            "channel": "email", "sent_at": [sent, sent, pd.NaT],
        }
    )  # fmt: skip
    promotion = pd.DataFrame(
        {
            "promotion_id": ["targets-1"], "name": ["t"], "starts_on": [AS_OF],
            "ends_on": [AS_OF], "mechanic": [mechanic],
        }
    )  # fmt: skip
    return shop(assignments=given, promotions=promotion, **more)


def test_a_list_that_came_back_counts_as_a_message_where_none_is_recorded() -> None:
    record = contact_record(came_back("target list"), as_of=AS_OF, days=28)
    assert record[["customer_id", "recent", "days_since"]].to_numpy().tolist() == [
        ["ann", 1, 2],
        ["bob", 1, 2],
    ]


def test_a_message_that_the_crm_records_as_well_counts_once() -> None:
    contacts = pd.DataFrame(
        {
            "contact_id": ["m1"], "customer_id": ["ann"], "channel": "email",
            "sent_at": pd.Timestamp(AS_OF) - pd.Timedelta(days=2, hours=-3),
        }
    )  # fmt: skip
    record = contact_record(came_back("target list", contacts=contacts), as_of=AS_OF, days=28)
    assert record.set_index("customer_id")["recent"].to_dict() == {"ann": 1, "bob": 1}


def test_service_messages_of_lists_count_for_no_cap() -> None:
    assert contact_record(came_back(SERVICE), as_of=AS_OF, days=28).empty

"""Who may be contacted: consent at the date, every rule by itself, and the sum of the waterfall."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.promotions.planning.targeting.contact_consent import permitted
from analysis.promotions.planning.targeting.eligibility import (
    NO_CANDIDATE,
    REACHED,
    SAYS,
    as_if_consented,
    eligible,
    unsellable,
    value_by_rule,
)
from analysis.tables.engine import Tables, in_memory
from tests.promotions.targeting.shop import AS_OF, IDS, frames, people, rules, tables

DAY = pd.Timestamp(AS_OF)


@pytest.fixture(scope="module")
def shop() -> Tables:
    return tables()


def stopped(found, customer: str) -> str:
    return str(found.customers.set_index("customer_id").loc[customer, "stopped"])


def with_rows(**extra: pd.DataFrame) -> Tables:
    base = frames()
    joined = {
        name: pd.concat([base[name], rows], ignore_index=True) if name in base else rows
        for name, rows in extra.items()
    }
    return in_memory({**base, **joined}, currency="EUR")


consent = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["email", "sms"]),
    st.integers(-30, 30),
    st.one_of(st.none(), st.integers(0, 40)),
)


@settings(max_examples=12, deadline=None)
@given(rows=st.lists(consent, min_size=1, max_size=6, unique_by=lambda r: r[:3]))
def test_consent_is_what_held_on_the_day(rows):
    """Against the same rule written for one customer and channel at a time."""
    table = pd.DataFrame(
        {
            "customer_id": [r[0] for r in rows],
            "channel": [r[1] for r in rows],
            "given_at": [DAY + timedelta(days=r[2]) for r in rows],
            "withdrawn_at": pd.to_datetime(
                [pd.NaT if r[3] is None else DAY + timedelta(days=r[2] + r[3]) for r in rows]
            ),
        }
    )
    found = permitted(
        in_memory({"consents": table}),
        pd.Series(["a", "b", "c"]),
        ("email", "sms", "app"),
        as_of=AS_OF,
        assumed=("email", "sms"),
    )
    for place, customer in enumerate("abc"):
        for channel in ("email", "sms"):
            own = [r for r in rows if r[0] == customer and r[1] == channel]
            holds = any(r[2] < 0 and (r[3] is None or r[2] + r[3] > 0) for r in own)
            known = any(r[1] == channel for r in rows)
            assert found.allowed.loc[place, channel] == (holds if known else True)
    assert not found.allowed["app"].any()
    assert found.missing == ("app",)


def test_a_stated_refusal_is_not_overruled_by_an_assumption(shop: Tables):
    found = permitted(shop, pd.Series(IDS), ("email", "app"), as_of=AS_OF, assumed=("email", "app"))
    assert found.recorded == ("email",)
    assert found.assumed == ("app",)
    assert not found.allowed["email"].iloc[::3].any()
    assert found.allowed["app"].all()


def test_the_waterfall_accounts_for_every_customer(shop: Tables):
    found = eligible(shop, people(shop), rules(minimum_margin=5.0))
    table = found.waterfall
    assert table["before"].iloc[0] == len(found.customers) == len(IDS)
    assert (table["before"] - table["stopped"] == table["left"]).all()
    assert (table["before"].iloc[1:].to_numpy() == table["left"].iloc[:-1].to_numpy()).all()
    assert table["left"].iloc[-1] == found.open.sum()
    assert (table["stopped"] <= table["alone"]).all()
    assert (found.channels.any(axis=1).to_numpy() == found.open).all()


def test_who_consents_to_nothing_is_stopped_first(shop: Tables):
    found = eligible(shop, people(shop), rules())
    for number in (0, 12, 24):  # neither e-mail nor text
        assert stopped(found, IDS[number]) == "consent"
    assert found.waterfall["stopped"].iloc[0] == len(IDS) / 12


def test_messages_of_late_stop_and_service_messages_do_not():
    late = pd.DataFrame(
        {
            "contact_id": ["n1", "n2", "n3", "n4"],
            "customer_id": [IDS[1], IDS[2], IDS[5], IDS[7]],
            "channel": "email",
            "sent_at": DAY - timedelta(days=3),
            "purpose": ["promotion", "service", None, "promotion"],
            "unsubscribed_at": [pd.NaT, pd.NaT, pd.NaT, DAY - timedelta(days=1)],
        }
    )
    shop = with_rows(contacts=late)
    found = eligible(shop, people(shop), rules(control_share=0.0))
    assert stopped(found, IDS[1]) == "contacted"
    assert stopped(found, IDS[2]) == ""
    assert stopped(found, IDS[5]) == "contacted"  # what is not named counts as advertising
    capped = eligible(shop, people(shop), rules(control_share=0.0, rest_days=1, caps={"email": 1}))
    row = capped.customers.index[capped.customers["customer_id"] == IDS[1]][0]
    assert capped.channels.loc[row].to_dict() == {"email": False, "sms": True}
    gone = eligible(shop, people(shop), rules(control_share=0.0, rest_days=1))
    row = gone.customers.index[gone.customers["customer_id"] == IDS[7]][0]
    assert gone.channels.loc[row].to_dict() == {"email": False, "sms": True}


def test_open_complaints_running_experiments_and_stock_stop():
    said = pd.DataFrame(
        {
            "feedback_id": ["f1", "f2", "f3"],
            "customer_id": [IDS[1], IDS[2], IDS[5]],
            "kind": "complaint",
            "submitted_at": DAY - timedelta(days=10),
            "resolved_at": [pd.NaT, DAY - timedelta(days=2), DAY + timedelta(days=2)],
        }
    )
    running = pd.DataFrame(
        {
            "promotion_id": ["R"],
            "name": ["Running"],
            "starts_on": [AS_OF - timedelta(days=5)],
            "ends_on": [AS_OF + timedelta(days=5)],
        }
    )
    given_arm = pd.DataFrame(
        {
            "promotion_id": "R",
            "customer_id": [IDS[7]],
            "arm": "control",
            "assigned_at": DAY,
            "randomised": True,
        }
    )
    stock = pd.DataFrame(
        {
            "product_id": ["o", "o", "x", "x"],
            "store_id": ["s", "t", "s", "s"],
            "day": [AS_OF - timedelta(days=d) for d in (1, 1, 1, 2)],
            "on_hand": [0.0, 0.0, 4.0, 0.0],
        }
    )
    shop = with_rows(feedback=said, promotions=running, assignments=given_arm, stock=stock)
    due = pd.DataFrame(
        {
            "customer_id": [IDS[10], IDS[11]],
            "occasion": "basket left",
            "due_on": [AS_OF, AS_OF + timedelta(days=1)],
            "product_id": "o",
            "value": 3.0,
        }
    )
    found = eligible(shop, people(shop, occasions=[due]), rules(control_share=0.0))
    assert stopped(found, IDS[1]) == "complaint"
    assert stopped(found, IDS[2]) == ""
    assert stopped(found, IDS[5]) == "complaint"  # resolved only after the day
    assert stopped(found, IDS[7]) == "experiment"
    assert stopped(found, IDS[10]) == "stock"
    assert stopped(found, IDS[11]) == ""  # not due yet
    told = eligible(shop, people(shop), rules(), complaints=pd.DataFrame({"customer_id": [IDS[2]]}))
    assert stopped(told, IDS[2]) == "complaint"


def test_what_is_not_sold_any_more_counts_as_delisted(shop: Tables):
    assert unsellable(shop, AS_OF).tolist() == ["o"]  # last sold in the promotions
    assert unsellable(shop, AS_OF, quiet_days=100).tolist() == []


def test_without_any_consent_recorded_nobody_is_left_and_the_supposed_are_marked():
    bare = frames()
    bare["customers"] = bare["customers"][["customer_id"]]
    shop = in_memory(bare, currency="EUR")
    found = eligible(shop, people(shop), rules())
    assert not found.open.any()
    assert found.permission.missing == ("email", "sms")
    supposed = as_if_consented(shop, found)
    assert supposed.supposed
    assert supposed.open.sum() > 0.8 * len(IDS)
    allowed = eligible(shop, people(shop), rules(consent_assumed=("sms",)))
    assert allowed.open.any()
    assert not allowed.channels["email"].any()
    assert as_if_consented(shop, allowed) is allowed


def test_the_day_decides_not_what_came_after(shop: Tables):
    early = rules(as_of=date(2024, 6, 3), rest_days=30)
    when = {"as_of": date(2024, 6, 3), "window_days": 140}
    found = eligible(shop, people(shop, **when), early)
    assert found.waterfall.set_index("rule").loc["contacted", "stopped"] > 0
    later = eligible(shop, people(shop), rules(rest_days=30))
    assert later.waterfall.set_index("rule").loc["contacted", "stopped"] == 0


def test_the_value_of_whom_rules_stop_adds_up_to_that_of_all(shop: Tables) -> None:
    """By hand from the rulings; who is valued but bought nothing in the window is no candidate."""
    found = eligible(shop, people(shop), rules())
    ids = [*found.customers["customer_id"], "gone"]
    worth = pd.DataFrame({"customer_id": ids, "value_3": 1.0, "value_12": range(1, len(ids) + 1)})
    told = value_by_rule(found, worth)
    assert told is not None
    assert told.months == 12
    rows = told.table.set_index("rule")
    assert rows["value"].sum() == worth["value_12"].sum()
    assert rows.loc[NO_CANDIDATE, ["customers", "value"]].tolist() == [1, len(ids)]
    rule = dict(zip(found.customers["customer_id"], found.customers["stopped"], strict=True))
    for word, says in {"": REACHED, **SAYS}.items():
        mine = worth["customer_id"].map(rule) == word
        if mine.any():
            assert rows.loc[says, "value"] == worth.loc[mine, "value_12"].sum()
    assert value_by_rule(found) is None

"""Messages: what became of them, odd times, orders after and before, messages before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.channels import (
    attribution,
    contact_events,
    contact_rates,
    fatigue,
    touchpoints,
)
from analysis.errors import NotApplicable
from analysis.reports.channels import text, text_response
from tests.engagement.channels.small_shop import WINDOW, contacts, orders, shop

NOBODY = orders(("c9", "01-03 10:00"))


def fetched(sent: pd.DataFrame, bought: pd.DataFrame = NOBODY) -> pd.DataFrame:
    found = contact_events.fetch(shop(sent, bought), WINDOW)
    return found.rows.order_by("contact_id").to_pandas().set_index("contact_id")


def test_odd_times_are_counted_by_their_rule() -> None:
    sent = contacts(
        {"sent_at": "01-05 10:00", "delivered_at": None, "opened_at": "01-05 11:00"},
        {"sent_at": "01-06 10:00", "delivered_at": "01-06 10:01", "clicked_at": "01-06 12:00"},
        {"sent_at": "01-07 10:00", "delivered_at": "01-07 09:00", "opened_at": "01-07 11:00"},
        {"sent_at": "01-08 10:00", "delivered_at": "01-08 10:05", "opened_at": "01-08 10:01"},
        {"sent_at": "01-09 10:00", "delivered_at": None},
    )
    found = contact_events.fetch(shop(sent, NOBODY), WINDOW)
    assert found.oddities.set_index("what")["messages"].to_dict() == {
        "opened or clicked, but not delivered": 1,
        "clicked, but not opened": 1,
        "delivered before it was sent": 1,
        "opened or clicked before it arrived": 1,
        "bounced, but opened": 0,
        "opened by a program, but clicked": 0,
    }
    rows = found.rows.order_by("contact_id").to_pandas()
    assert rows["delivered"].tolist() == [1, 1, 1, 1, 0]
    assert rows["opened"].tolist() == [1, 1, 1, 1, 0]
    assert rows["clicked"].tolist() == [0, 1, 0, 0, 0]


def test_a_program_is_nobody_unless_a_click_follows() -> None:
    sent = contacts(
        {"sent_at": "01-05 10:00", "opened_at": "01-05 11:00", "opened_by_machine": True},
        {"sent_at": "01-06 10:00", "opened_at": "01-06 11:00", "opened_by_machine": True,
         "clicked_at": "01-06 12:00"},
        {"sent_at": "01-07 10:00", "opened_at": "01-07 11:00", "opened_by_machine": False},
        {"sent_at": "01-08 10:00", "opened_at": "01-08 11:00", "opened_by_machine": None},
    )  # fmt: skip
    rows = fetched(sent)
    assert rows["machine"].tolist() == [1, 0, 0, 0]
    assert rows["person"].tolist() == [0, 1, 1, 0]
    assert rows["unknown"].tolist() == [0, 0, 0, 1]


def test_orders_count_on_both_sides_and_only_where_the_days_are_over() -> None:
    sent = contacts(
        {"sent_at": "01-10 10:00"},
        {"sent_at": "02-01 10:00"},
        {"sent_at": "02-25 10:00"},
    )
    bought = orders(("c1", "01-10 10:00"), ("c1", "01-30 10:00"), ("c1", "02-08 10:00"))
    rows = fetched(sent, bought)
    assert rows["bought"].tolist() == [1, 0, 0]  # the order of 8 Feb, 10:00, is not within 7 days
    assert rows["bought_before"].tolist() == [0, 1, 0]
    assert rows["followed"].tolist() == [1, 1, 0]


def test_messages_before_are_those_of_the_four_weeks_and_of_the_customer() -> None:
    sent = contacts(
        {"sent_at": "01-01 10:00", "contact_id": "m0"},
        {"sent_at": "01-29 10:00", "contact_id": "m1"},
        {"sent_at": "01-29 10:00", "contact_id": "m2", "customer_id": "c2"},
        {"sent_at": "02-20 10:00", "contact_id": "m3"},
        {"sent_at": "02-26 10:00", "contact_id": "m4"},
    )
    before = fetched(sent)["before"]
    assert before.to_dict() == {"m0": 0, "m1": 1, "m2": 0, "m3": 1, "m4": 2}


def test_contacts_without_opens_give_what_they_can() -> None:
    sent = contacts({"sent_at": "01-05 10:00"}, {"sent_at": "01-06 10:00", "customer_id": "c2"})
    tables = shop(sent, NOBODY)
    found = contact_events.fetch(tables, WINDOW)
    rates = contact_rates.rates(tables, found)
    assert set(rates.rates["measure"]) == {"bought", "bought_before"}
    assert rates.opens.empty
    with pytest.raises(NotApplicable, match="Neither opens nor opt-outs are recorded"):
        fatigue.judge(found)


def test_opens_of_unknown_make_alone_are_bounded() -> None:
    """Where no program says what it is, persons are between the clicks and all opens."""
    opened = {"opened_at": "01-05 11:00", "delivered_at": "01-05 10:01"}
    sent = contacts(
        *({"sent_at": "01-05 10:00", "customer_id": f"c{n}", **opened, "opened_by_machine": None,
           "clicked_at": "01-05 12:00" if n < 2 else None} for n in range(5)),
        *({"sent_at": "01-05 10:00", "customer_id": f"d{n}", "delivered_at": "01-05 10:01"}
          for n in range(5)),
    )  # fmt: skip
    row = contact_rates.real_opens(contact_events.fetch(shop(sent, NOBODY), WINDOW)).iloc[0]
    assert row["basis"] == "bounds only"
    assert (row["real_low"], row["real_high"]) == pytest.approx((0.2, 0.5))
    assert pd.isna(row["real"])


def test_no_messages_are_said_in_a_sentence() -> None:
    tables = shop(contacts({"sent_at": "06-05 10:00"}), NOBODY)
    with pytest.raises(NotApplicable, match="No message was sent from"):
        contact_events.fetch(tables, WINDOW)
    lines = {n: getattr(tables, n).to_pandas() for n in ("order_lines", "products")}
    from analysis.tables.engine import in_memory

    with pytest.raises(NotApplicable, match="no contacts table"):
        contact_events.fetch(in_memory(lines), WINDOW)


def test_paths_end_with_an_order_and_forget_what_is_old() -> None:
    """email, sms, order; then app, no order; an e-mail of 40 days before is forgotten."""
    sent = contacts(
        {"sent_at": "01-02 10:00", "channel": "email"},
        {"sent_at": "02-05 10:00", "channel": "email"},
        {"sent_at": "02-09 10:00", "channel": "sms"},
        {"sent_at": "02-20 10:00", "channel": "app"},
    )
    tables = shop(sent, orders(("c1", "02-11 10:00")))
    found = touchpoints.fetch(tables, contact_events.fetch(tables, WINDOW), lookback_days=30)
    assert (found.paths, found.conversions) == (2.0, 1.0)
    sums = {m: dict(zip(found.channels, v.sum(axis=0), strict=True))
            for m, v in found.positional.items()}  # fmt: skip
    assert sums["first"] == {"app": 0.0, "email": 1.0, "sms": 0.0}
    assert sums["last"] == {"app": 0.0, "email": 0.0, "sms": 1.0}
    weight = 2 ** (-6 / 7), 2 ** (-2 / 7)
    assert sums["time_decay"]["email"] == pytest.approx(weight[0] / sum(weight))


def test_intervals_and_returns_of_events() -> None:
    sent = contacts({"sent_at": "01-05 10:00"}, {"sent_at": "01-09 10:00", "customer_id": "c2"})
    bought = orders(
        ("c1", "01-05 10:00"), ("c1", "01-07 10:00"), ("c2", "01-10 10:00"), ("c2", "01-20 09:00")
    )
    events = contact_events.collect(shop(sent, bought), WINDOW)
    gap = contact_events.interval_between(events, "sent", "order").iloc[0]
    assert (gap["events"], gap["followed"]) == (2, 2)
    # 2 days, not 0: the order at the same instant.
    assert (gap["days_50"], gap["days_75"]) == (1.0, 2.0)
    again = contact_events.interval_between(events, "order", "order").iloc[0]
    assert again["followed"] == 2
    # By hand: 4 gaps, of which one ends after 2 days and one after 9.96; those of the last orders
    # are open, so that a quarter is over after 2 days and half after 9.96, nine tenths never.
    assert (again["days_25"], again["days_50"]) == pytest.approx((2.0, 239 / 24))
    assert np.isnan(again["days_90"])
    back = contact_events.returned_between(events, "order", "order", first_day=1, last_day=3).iloc[
        0
    ]
    assert (back["customers"], back["returned"]) == (2, 1)
    with pytest.raises(NotApplicable, match="No event 'view' occurs"):
        contact_events.interval_between(events, "view", "order")


def segments_told(seed: int, keen: float) -> tuple[contact_rates.ContactRates, str]:
    """Return the rates by four segments, the first of which clicks ``keen`` times as often."""
    rng = np.random.default_rng(seed)
    people = [f"c{n:03}" for n in range(400)]
    names = dict(zip(people, np.array(["A", "B", "C", "D"])[np.arange(400) % 4], strict=True))
    chance = [0.2 * (keen if names[c] == "A" else 1.0) for c in people]
    clicked = rng.random((3, 400)) < chance
    sent = contacts(
        *({"sent_at": f"01-{5 + k:02d} 10:00", "delivered_at": f"01-{5 + k:02d} 10:01",
           "customer_id": c, "clicked_at": f"01-{5 + k:02d} 12:00" if clicked[k, n] else None,
           "contact_id": f"{c}-{k}"} for n, c in enumerate(people) for k in range(3)),
    )  # fmt: skip
    tables = shop(sent, NOBODY)
    segments = pd.DataFrame({"customer_id": list(names), "rfm": list(names.values())})
    segments = segments[segments["customer_id"] < "c392"]  # eight bought nothing before
    fetched = contact_events.fetch(tables, WINDOW)
    found = contact_rates.rates(tables, fetched, segments=segments)
    return found, text.segments_reading(found)


def test_segments_differ_only_where_they_do() -> None:
    """Four comparisons at once: without a difference one shop in twenty shows one at most."""
    found, said = segments_told(1, 2.0)
    mine = found.rates[(found.rates["by"] == "segment") & (found.rates["measure"] == "clicked")]
    assert mine["group"].tolist() == ["A", "B", "C", "D"]  # eight customers are no group
    assert mine["customers"].tolist() == [98] * 4
    every = found.rates[(found.rates["by"] == "channel") & (found.rates["measure"] == "clicked")]
    assert ((mine["high"] - mine["low"]) > 2 * (every["high"] - every["low"]).iloc[0]).all()
    assert "shown to be clicked more than the channel's messages as a whole: A by email;" in said
    for seed in range(2, 6):
        assert segments_told(seed, 1.0)[1].endswith("as a whole: none; less: none.")


def test_visits_from_elsewhere_take_credit_that_messages_had() -> None:
    """E-mail, a visit from search, an order; direct visits and those by e-mail are no touch."""
    sent = contacts({"sent_at": "02-05 10:00"}, {"sent_at": "02-06 10:00", "customer_id": "c2"})
    bought = orders(("c1", "02-08 12:00"), ("c2", "02-08 12:00"), ("c3", "02-08 12:00"))
    seen = pd.DataFrame(
        [("s1", "c1", "02-07 10:00", "search"), ("s1", None, "02-07 10:05", "search"),
         ("s2", "c2", "02-07 10:00", "direct"), ("s3", "c2", "02-07 11:00", "email"),
         ("s4", "c3", "02-07 10:00", "social"), ("s5", None, "02-07 10:00", "social")],
        columns=["session_id", "customer_id", "viewed_at", "source"],
    ).assign(page="/home")  # fmt: skip
    seen["viewed_at"] = pd.to_datetime("2025-" + seen["viewed_at"]).astype("datetime64[us]")
    tables = shop(sent, bought, page_views=seen)
    found = attribution.attribute(tables, contact_events.fetch(tables, WINDOW), replicates=2)

    def credited(frame: pd.DataFrame, model: str) -> dict[str, float]:
        return frame[frame["model"] == model].set_index("channel")["orders"].to_dict()

    assert credited(found.credits, "last") == {"email": 2.0}
    beside = {"email": 1.0, "visit from search": 1.0, "visit from social": 1.0}
    assert credited(found.with_visits, "last") == beside
    assert credited(found.with_visits, "first") == {
        "email": 2.0, "visit from search": 0.0, "visit from social": 1.0,
    }  # fmt: skip
    assert (found.with_visits.groupby("model")["orders"].sum().round(9) == 3).all()
    said = text_response.visits_reading(found)
    assert "2 and 2 by first touch, 2 and 1 by last touch" in said

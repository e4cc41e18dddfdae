"""Past lists: what was promised against what the holdout shows, where the truth is planted."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.promotions.experiments.estimates import Rules
from analysis.promotions.experiments.experiments import judge
from analysis.promotions.outcomes.outcomes import Spans
from analysis.promotions.planning.targeting.past_responses import measured_responses
from analysis.promotions.returns import past_lists as past
from analysis.tables.engine import Tables, in_memory
from tests.promotions import small_shop

#: Two lists and one that still runs; what a contact truly adds to a customer's margin.
FIRST_DAYS = {"l1": "2024-03-04", "l2": "2024-04-29", "l3": "2024-06-24"}
ADDS = {"email": 3.0, "sms": 1.0}
SPANS = Spans(date(2024, 7, 1), before_days=56, after_days=0)


def shop(
    n: int = 600,
    *,
    adds: dict[str, float] = ADDS,
    keep: float = 0.7,
    days: dict[str, str] = FIRST_DAYS,
) -> Tables:
    """Return a shop whose customers buy weekly; targets earn what ``adds`` says, on average."""
    rng = np.random.default_rng(1)
    ids = np.array([f"c{i:04}" for i in range(n)])
    weekly = rng.gamma(2.0, 2.0, n)
    moments = pd.date_range("2024-01-01", "2024-06-30", freq="7D")
    spent = weekly[:, None] * rng.uniform(0.5, 1.5, (n, len(moments)))
    lines = [(c, m, v) for c, row in zip(ids, spent, strict=True)
             for m, v in zip(moments, row, strict=True)]  # fmt: skip
    given = []
    for name, first in days.items():
        channel = rng.choice(list(adds), n)
        target = rng.random(n) < keep
        extra = np.array([adds[c] for c in channel]) * rng.uniform(0, 2, n) * target
        day = pd.Timestamp(first) + pd.Timedelta(days=3)
        lines += [(c, day, v) for c, v in zip(ids, extra, strict=True) if v > 0]
        sent = target & (rng.random(n) < 0.9)
        given.append(pd.DataFrame({
            "promotion_id": name, "customer_id": ids,
            "arm": np.where(target, "target", "control"),
            "planned_share": np.where(target, keep, 1 - keep),
            "assigned_at": pd.Timestamp(first), "randomised": True, "channel": channel,
            "depth": 0.0, "stratum": "all", "contact_cost": 0.25,
            "promised_margin": [adds[c] - 0.25 for c in channel],
            "promised_low": 0.5, "promised_high": 4.0,
            "sent_at": pd.Series(pd.Timestamp(first)).repeat(n).where(sent).to_numpy(),
        }))  # fmt: skip
    orders = pd.DataFrame(lines, columns=["customer_id", "ordered_at", "net_amount"])
    orders = orders.assign(
        order_id=[f"o{i}" for i in range(len(orders))], product_id="x", quantity=1.0,
        net_amount=(orders["net_amount"] * 4).round(2), cost_amount=0.0,
    )  # fmt: skip
    orders["cost_amount"] = (orders["net_amount"] * 0.75).round(2)  # a quarter is margin
    starts = pd.to_datetime(list(days.values()))
    return in_memory(
        {
            "order_lines": orders,
            "products": pd.DataFrame(
                {"product_id": ["x"], "department": ["All"], "category": ["All"]}
            ),
            "promotions": pd.DataFrame(
                {
                    "promotion_id": list(days),
                    "name": [f"List {n}" for n in days],
                    "starts_on": starts.date,
                    "ends_on": (starts + pd.Timedelta(days=27)).date,
                }
            ),
            "assignments": pd.concat(given, ignore_index=True),
        },
        currency="EUR",
    )


@pytest.fixture(scope="module")
def found() -> past.PastLists:
    return past.past_lists(shop(), SPANS)


def test_a_list_says_who_was_sent_and_who_was_not(found: past.PastLists) -> None:
    rows = found.table.set_index("promotion_id")
    assert list(rows.index) == ["l1", "l2", "l3"]
    one = rows.loc["l1"]
    assert one["customers"] == one["held_out"] + one["sent"] + one["not_sent"] == 600
    assert one["sent_though_held_out"] == 0 < one["not_sent"]


def test_what_a_list_brought_is_found_net_of_its_contacts(found: past.PastLists) -> None:
    """Three of four customers in e-mail's half gain 3, the others 1: 2 less 0.25 on average."""
    known = found.known
    assert known["promotion_id"].tolist() == ["l1", "l2"]
    assert known["low"].lt(1.75).all()
    assert known["high"].gt(1.75).all()
    assert known["promised"].between(1.5, 2.0).all()
    assert known["kept"].all()
    np.testing.assert_allclose(known["gap"], known["measured"] - known["promised"])


def test_a_running_list_is_not_judged(found: past.PastLists) -> None:
    last = found.table.iloc[-1]
    assert last["reason"] == past.RUNNING
    assert np.isnan(last["measured"])
    assert not last["kept"]


def test_the_response_of_each_channel_is_drawn_together_over_lists(found: past.PastLists) -> None:
    rows = found.responses.query("by == 'channel'").set_index("group")
    for channel, adds in ADDS.items():
        assert rows.loc[channel, "lists"] == 2
        assert rows.loc[channel, "low"] < adds - 0.25 < rows.loc[channel, "high"]
    assert rows.loc["email", "low"] > rows.loc["sms", "high"]
    assert found.all_lists["lists"].tolist() == [2]


def test_the_promise_lies_in_the_measured_interval_at_its_nominal_rate() -> None:
    """Forty lists, each drawn by itself: a binomial of 40 and .95 is below 34 once in 300."""
    many = {f"l{i:02}": ("2024-03-04", "2024-04-29")[i % 2] for i in range(40)}
    known = past.past_lists(shop(200, days=many), SPANS).known
    assert len(known) == 40
    assert 34 <= known["kept"].sum() <= 40


def test_an_empty_promise_is_found_out() -> None:
    """Contacts add nothing, yet 2.75 and 0.75 a customer were promised."""
    tables = shop(adds={"email": 0.0, "sms": 0.0})
    rows = tables.assignments.to_pandas().assign(promised_margin=1.75)
    frames = {n: getattr(tables, n).to_pandas() for n in tables.names()}
    known = past.past_lists(in_memory({**frames, "assignments": rows}), SPANS).known
    assert not known["kept"].any()
    assert known["gap_high"].lt(0).all()


def cells_of(tables: Tables) -> pd.DataFrame:
    """Return what past lists measured, as the next ranking reads it."""
    trials = judge(tables, SPANS, Rules())
    return measured_responses(tables, trials).cells


def test_cells_for_the_next_ranking_are_by_channel_and_state() -> None:
    cells = cells_of(shop())
    assert set(cells["channel"]) == {"email", "sms"}
    assert set(cells["state"]) == {"active"}  # everybody buys weekly
    by = cells.groupby("channel")["effect"].mean()
    assert by["email"] == pytest.approx(3.0, abs=0.5)
    assert by["sms"] == pytest.approx(1.0, abs=0.5)


def test_arms_are_held_against_the_shares_that_the_list_recorded() -> None:
    """Three in ten are held out: without the record, half would be expected."""
    tables = shop()
    verdicts = judge(tables, SPANS, Rules()).verdicts.set_index("promotion_id")["verdict"]
    assert verdicts[["l1", "l2"]].eq("earned").all()
    frames = {n: getattr(tables, n).to_pandas() for n in tables.names()}
    without = frames["assignments"].drop(columns="planned_share")
    blind = judge(in_memory({**frames, "assignments": without}), SPANS, Rules()).verdicts
    assert blind.set_index("promotion_id")["verdict"][["l1", "l2"]].eq("no verdict").all()


def test_groups_too_small_by_themselves_are_compared_together() -> None:
    cells = cells_of(shop(n=100, keep=0.5))
    assert set(cells["channel"]) == {""}
    assert cells[["n", "n_control"]].min(axis=None) >= 30


def test_without_a_list_the_reason_is_said() -> None:
    with pytest.raises(NotApplicable, match="No list of this study has come back yet"):
        past.past_lists(small_shop.tables(), small_shop.SPANS)


def _two_lists(rng: np.random.Generator, *, lasting: float, n: int = 3_000) -> pd.DataFrame:
    """Return two lists that hold the same tenth out; ``lasting`` of the luck is the customer's."""
    held = np.arange(n) < n // 10
    past_margin, own = rng.gamma(2.0, 5.0, n), rng.normal(0, np.sqrt(lasting), n)
    frames = []
    for name in ("l1", "l2"):
        luck = own + rng.normal(0, np.sqrt(1 - lasting), n)
        frames.append(pd.DataFrame({
            "promotion_id": name, "customer_id": [f"c{i}" for i in range(n)],
            "arm": np.where(held, "control", "target"), "channel": "email",
            "before_margin": past_margin, "margin": 2 * past_margin + luck + 1.0 * ~held,
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def _lift(rows: pd.DataFrame) -> pd.Series:
    """Return each list's difference of arms, less what the past explains."""
    rest = rows["margin"] - 2 * rows["before_margin"]
    means = rest.groupby([rows["promotion_id"], rows["arm"]]).mean().unstack()
    return means["target"] - means["control"]


@pytest.mark.parametrize("lasting", [0.0, 0.6])
def test_lists_that_share_a_holdout_share_its_luck(lasting: float) -> None:
    """The scatter of two lists' mean over 250 shops, against that of two lists apart."""
    rng = np.random.default_rng(11)
    drawn = pd.DataFrame([_lift(_two_lists(rng, lasting=lasting, n=400)) for _ in range(250)])
    wider = drawn.mean(axis=1).std() / (np.sqrt(drawn.var().sum()) / 2)
    rows = _two_lists(rng, lasting=lasting)
    effects = pd.DataFrame({"promotion_id": ["l1", "l2"], "error": [0.06, 0.06]})
    connection = ibis.duckdb.connect()
    found = past._same_luck(connection.create_table("rows", rows), effects, [], "margin")
    connection.disconnect()
    assert found["all lists"] == pytest.approx(wider, abs=0.12)
    assert found["all lists"] == pytest.approx(np.sqrt(1 + lasting), abs=0.03)


def test_lists_of_other_customers_are_apart_and_groups_are_told_each() -> None:
    rows = _two_lists(np.random.default_rng(12), lasting=0.6)
    second = rows["promotion_id"] == "l2"
    rows.loc[second, "customer_id"] = "x" + rows.loc[second, "customer_id"]
    rows["channel"] = np.where(rows["before_margin"] > 8, "email", "sms")
    effects = pd.DataFrame({
        "promotion_id": ["l1", "l2"] * 2, "channel": ["email", "email", "sms", "sms"],
        "error": 0.1,
    })  # fmt: skip
    connection = ibis.duckdb.connect()
    found = past._same_luck(connection.create_table("rows", rows), effects, ["channel"], "margin")
    connection.disconnect()
    assert found == pytest.approx({"email": 1.0, "sms": 1.0})

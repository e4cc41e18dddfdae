"""Planted follow-ups come back with their shares; the same order is no next one."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from analysis import products
from analysis.answers import NotGiven
from analysis.errors import NotApplicable
from analysis.products.recommend import recommend as recommend_module
from analysis.products.recommend.evaluation import Evaluation, evaluate, top
from analysis.products.recommend.recommend import Offer, next_best, recommend
from analysis.products.sequences import follow_on_screen, purchase_events
from analysis.products.sequences.matched_follow_on import Design, closest, compare
from analysis.products.sequences.replenishment import held_out, replenishment
from analysis.products.sequences.sequential_patterns import (
    Limits,
    frequent_sequences,
    order_permutation_test,
)
from analysis.tables.engine import connect
from analysis.tables.periods import Period
from analysis.tables.spark_engine import fit
from tests.products.journeys import events_of

WINDOW = 90


def television_buyers(seed, customers=1_500, days=500):
    """Weekly visitors; a third buys t once; x follows with 30 %, and comes to anyone with 6 %."""
    rng = np.random.default_rng(seed)
    histories = []
    rate = -np.log(1 - 0.06) / WINDOW
    for _ in range(customers):
        history = {int(d): "v" for d in range(rng.integers(0, 7), days, 7)}
        x = list(rng.uniform(0, days, rng.poisson(rate * days)))
        if rng.random() < 1 / 3:
            bought = int(rng.choice([d for d in history if 60 < d < days - WINDOW - 8]))
            history[bought] += "tc"
            if rng.random() < 1 - (1 - 0.30) / (1 - 0.06):
                x.append(bought + 1 + rng.integers(1, WINDOW))
        for day in x:
            history[int(day)] = history.get(int(day), "") + "x"
        histories.append(history)
    return events_of(histories, days)


def test_thirty_per_cent_within_ninety_days_against_six():
    covered = 0
    for seed in range(6):
        found = compare(
            television_buyers(seed), "t", "x", Design(window=WINDOW, draws=200, seed=seed)
        )
        row = found.summary.iloc[0]
        assert row["share"] == pytest.approx(0.30, abs=0.07)
        assert row["control"] == pytest.approx(0.06, abs=0.03)
        covered += row["difference_low"] <= 0.24 <= row["difference_high"]
    assert covered >= 5


def test_the_same_order_is_no_next_purchase():
    events = television_buyers(1)
    with pytest.raises(NotApplicable, match="0 buyers could be matched"):
        compare(events, "t", "c", Design(window=WINDOW))


def test_the_screening_finds_the_planted_pair_and_hardly_another():
    screened = follow_on_screen.screen([television_buyers(2)], window=WINDOW, quiet_days=30)
    found = screened.table[(screened.table["q"] <= 0.05) & (screened.table["difference"] > 0)]
    # The cable comes with the television, so that what follows the one follows the other.
    first = set(zip(found["first"].head(2), found["then"].head(2), strict=True))
    assert first == {("t", "x"), ("c", "x")}
    followed = closest(television_buyers(2), screened, design=Design(window=WINDOW, draws=50))
    assert followed.table.iloc[0]["difference_low"] > 0.1


def test_counts_are_those_of_a_plain_loop():
    rng = np.random.default_rng(8)
    histories = [
        {
            int(d): "".join(sorted(set(rng.choice(list("abc"), 2))))
            for d in rng.choice(60, 8, replace=False)
        }
        for _ in range(40)
    ]
    events = events_of(histories, 70)
    table = follow_on_screen.screen([events], window=14, quiet_days=5, min_customers=1).table
    for row in table.itertuples():
        n = followed = 0
        for history in histories:
            days = sorted(d for d, items in history.items() if row.first in items)
            if days and 5 <= days[0] <= 69 - 14:
                n += 1
                followed += any(
                    row.then in items and days[0] < d <= days[0] + 14
                    for d, items in history.items()
                )
        assert (row.customers, row.followed) == (n, followed)


@pytest.mark.parametrize("letters", ["abc", "abcdefghijklmnopqrstuvwxyz"])
def test_pairs_counted_in_any_number_of_goes_are_those_of_a_plain_loop(monkeypatch, letters):
    rng = np.random.default_rng(9)
    histories = [
        {int(d): "".join(rng.choice(list(letters), 2)) for d in rng.choice(60, 9, replace=False)}
        for _ in range(50)
    ]
    events = events_of(histories, 70)
    expected = np.zeros((len(letters),) * 2, int)
    for history in histories:
        days = {a: min(d for d, items in history.items() if a in items) for a in letters
                if any(a in items for items in history.values())}  # fmt: skip
        for a, day in days.items():
            later = {b for d, items in history.items() if 0 < d - day <= 14 for b in items}
            if 5 <= day <= 69 - 14:
                for b in later - {a}:
                    expected[letters.index(a), letters.index(b)] += 1
    for at_a_time in (1, 100, 1_000_000):
        monkeypatch.setattr(follow_on_screen, "_AT_A_TIME", at_a_time)
        found = follow_on_screen.followers(events, window=14, quiet_days=5)
        assert (found.toarray() == expected).all()


def lines_of(seed=4, customers=40):
    """Lines of a table, with guests, days outside the period and lines that repeat."""
    rng = np.random.default_rng(seed)
    n = 1_500
    table = pd.DataFrame(
        {
            "customer_id": rng.choice([None, *(f"c{i}" for i in range(customers))], n),
            "item": rng.choice([f"p{i}" for i in range(30)], n),
            "ordered_at": pd.Timestamp("2023-12-20") + pd.to_timedelta(rng.integers(0, 70, n), "D"),
        }
    )
    return pd.concat([table, table.head(200)], ignore_index=True)


@pytest.mark.parametrize("most", [100, 15, 1])
def test_events_are_the_distinct_lines_of_known_customers(most, monkeypatch):
    table, period = lines_of(), Period(date(2024, 1, 1), date(2024, 2, 1))
    events = purchase_events.fetch(ibis.memtable(table), period, min_customers=12)
    monkeypatch.setattr(purchase_events, "MOST_CUSTOMERS", most)
    parts = [purchase_events.only(events, part) for part in purchase_events.dealt(events)]
    assert len(parts) == -(-len(events.customers) // most)
    names = parts[0].names
    rows = [
        (p.customers[c], d, names[i])
        for p in parts
        for c, d, i in zip(p.customer, p.day, p.item, strict=True)
    ]
    inside = table[table["ordered_at"].between("2024-01-01", "2024-01-31")].dropna()
    inside = inside.assign(day=(inside["ordered_at"] - pd.Timestamp("2024-01-01")).dt.days)
    bought_by = inside.groupby("item")["customer_id"].nunique()
    kept = inside[inside["item"].isin(bought_by[bought_by >= 12].index)]
    assert 0 < len(names) < 30
    assert sorted(rows) == sorted(
        set(kept[["customer_id", "day", "item"]].itertuples(index=False, name=None))
    )
    for p in parts:
        assert len(p.customers) == len(set(p.customer.tolist()))


@pytest.mark.spark
def test_workers_find_the_same_of_some_customers_each(spark, monkeypatch):
    """Ranges of customers and parts dealt at random, together as all of them at once."""
    monkeypatch.setattr(purchase_events, "MOST_CUSTOMERS", 20)
    table, period = lines_of(), Period(date(2023, 12, 21), date(2024, 2, 27))
    here = purchase_events.fetch(ibis.memtable(table), period, min_customers=12)
    # Ibis hands a missing text over to Spark as the text "None".
    rows = ibis.memtable(table.fillna({"customer_id": "guest"}))
    rows = rows.mutate(customer_id=rows.customer_id.nullif("guest"))
    connection = connect(spark)
    fit(connection, spark, rows=len(table))
    there = purchase_events.fetch(
        connection.create_view("lines_of_events", rows), period, min_customers=12
    )
    for name in ("names", "customers"):
        assert (getattr(here, name) == getattr(there, name)).all()
    parts = there.each(lambda own: (own.customers[own.customer], own.day, own.item))
    assert len(parts) == 2
    for name, found in zip(("customer", "day", "item"), zip(*parts, strict=True), strict=True):
        assert (getattr(here, name) == np.concatenate(found)).all()
    for ours, theirs in zip(learnt(here), learnt(there), strict=True):
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9)


def learnt(events):
    """Return what is learnt of customers' sequences, one frame an analysis."""
    screened = follow_on_screen.screen(events, window=7, min_customers=5)
    first, then = screened.table.loc[0, ["first", "then"]]
    followed = compare(events, first, then, Design(7, 0, controls=1, draws=9, least=2))
    limits = Limits(max_gap=9, span=18, longest=3)
    common = frequent_sequences(events, support=0.25, limits=limits).tail(9).reset_index(drop=True)
    rhythms = replenishment(events, min_gaps=1, min_customers=3)
    judged = evaluate(events, days=14, length=3)
    return [
        screened.table, followed.curve, followed.summary, rhythms.items, rhythms.due, common,
        order_permutation_test(events, common, limits=limits, shuffles=5), judged.table,
        recommend(events, judged.best, Offer(length=3, new_only=False)),
    ]  # fmt: skip


def test_too_many_pairs_are_refused_before_they_are_counted(monkeypatch):
    monkeypatch.setattr(follow_on_screen, "MOST_PAIRS", 4)
    with pytest.raises(NotApplicable, match="3 items make 9 pairs"):
        follow_on_screen.screen([events_of([{0: "abc", 5: "b"}], 60)], window=14)


def test_customers_in_parts_count_as_in_one():
    histories = [{d: "ab" if d % 3 else "c" for d in range(i % 5, 60, 4)} for i in range(60)]
    whole = follow_on_screen.screen([events_of(histories, 70)], window=14, min_customers=1)
    parts = [events_of(histories[:25], 70), events_of(histories[25:], 70)]
    split = follow_on_screen.screen(parts, window=14, min_customers=1)
    assert whole.table.equals(split.table)


def test_a_period_too_short_is_said():
    with pytest.raises(NotApplicable, match="could be followed for 90 days"):
        follow_on_screen.screen([events_of([{0: "a", 5: "b"}], 30)], window=90)


def steady(customers=60, days=200):
    rng = np.random.default_rng(3)
    histories = []
    for c in range(customers):
        gap = 7 if c % 2 else 20
        history = dict.fromkeys(range(int(rng.integers(0, gap)), days, gap), "m")
        for d in list(history)[::2]:
            history[d] += "ab"[c % 2]
        histories.append(history)
    return events_of(histories, days)


def test_repurchase_rhythms_and_due_days_are_the_customers_own():
    found = replenishment(steady(), min_customers=10)
    due = found.due[found.due["item"] == "m"].set_index("customer_id")
    assert due.loc["c00001", "usual_days"] == pytest.approx(7, rel=0.1)
    assert due.loc["c00000", "usual_days"] == pytest.approx(20, rel=0.3)
    check = held_out(steady(), days=28)
    near = check[(check["overdue_from"] >= -7) & (check["overdue_to"] <= 7)]["share"].mean()
    far = check[check["overdue_to"] <= -7]["share"].mean()
    assert near > far


def test_recommenders_are_judged_on_time_they_have_not_seen():
    found = evaluate(steady(), length=2)
    rows = found.table.set_index("recommender")
    assert rows.loc[found.best, "validation"] == rows["validation"].max()
    assert rows.loc["usual basket", "recall"] > rows.loc["popularity", "recall"]
    assert rows["recall"].between(0, 1).all()


@pytest.mark.parametrize("length", [1, 3, 10])
@pytest.mark.parametrize("items", [2, 12, 333])
def test_a_list_is_the_best_of_all_scores_and_the_first_of_those_alike(items, length):
    rng = np.random.default_rng(items)
    scores = rng.integers(0, items, (40, items)).astype(float)
    had = rng.random(scores.shape) < 0.3
    for new_only in (False, True):
        left = np.where(had & new_only, -np.inf, scores)
        order = [sorted(range(items), key=lambda item, own=own: (-own[item], item)) for own in left]
        bought = csr_array(had.astype(float))
        found = top(scores, bought, length=length, new_only=new_only)
        assert found.tolist() == [best[:length] for best in order]


def test_what_must_not_be_recommended_is_not():
    events = steady()
    lists = recommend(
        events, "bought by similar customers", Offer(length=2, excluded=frozenset("b"))
    )
    assert "b" not in set(lists["item"])
    own = set(zip(events.customers[events.customer], events.names[events.item], strict=True))
    assert not own & set(zip(lists["customer_id"], lists["item"], strict=True))


def mentioned(lists, item):
    return lists[lists["item"] == item]


def test_who_bought_the_first_is_offered_what_follows_with_the_reason():
    rng = np.random.default_rng(4)
    histories = []
    for c in range(400):
        history = {int(d): rng.choice(list("vwxyz")) for d in rng.choice(196, 9, replace=False)}
        begin = 168 if c < 80 else int(rng.integers(0, 6)) * 28
        if c % 2 == 0:
            history[begin + 3] = "a"
            if c >= 80:
                history[begin + 30] = "b"
        histories.append(history | {194: "v"})
    lists = recommend(events_of(histories, 196), "bought next by others", Offer(length=1))
    offered = lists.set_index("customer_id").loc[[f"c{c:05}" for c in range(0, 80, 2)]]
    assert (offered["item"] == "b").mean() > 0.9
    assert set(mentioned(offered, "b")["because"]) == {"a"}


def test_what_is_due_comes_before_what_was_bought_a_moment_ago():
    rng = np.random.default_rng(5)
    histories = []
    for _ in range(300):
        history: dict[int, str] = {}
        for item, gap in (("m", 30), ("n", 60)):
            for day in range(int(rng.integers(0, gap)), 336, gap):
                history[day] = history.get(day, "") + item
        histories.append(history)
    events = events_of(histories, 336)
    lists = recommend(events, "purchase interval", Offer(length=2, new_only=False))
    rows = events.item == list(events.names).index("n")
    last = np.zeros(300)
    last[events.customer[rows]] = events.day[rows]
    score = mentioned(lists, "n").set_index("customer_id")["score"]
    waited = 336 - last[[int(c[1:]) for c in score.index]]
    assert score[waited > 45].mean() > 0.8
    assert score[waited < 15].mean() < 0.2
    assert mentioned(lists, "m")["every_days"].eq(30).all()
    assert set(lists["reason"]) == {"your usual interval"}


def test_many_customers_are_dealt_at_random_and_each_is_offered_a_list(monkeypatch):
    rng = np.random.default_rng(6)
    histories = []
    for c in range(600):
        own = "ab" if c % 2 else "xy"  # two publics: who buys a buys b, who buys x buys y
        days = rng.choice(196, 12, replace=False)
        histories.append({int(d): own[int(rng.random() < 0.5)] for d in days} | {195: own[0]})
    events = events_of(histories, 196)
    alone = recommend(events, "bought by similar customers", Offer(length=1, new_only=False))
    assert evaluate(events, length=2).drawn_from == 0
    monkeypatch.setattr(purchase_events, "MOST_CUSTOMERS", 200)
    monkeypatch.setattr(recommend_module, "MOST_CUSTOMERS", 200)
    purchase_events.sample.cache_clear()
    parts = purchase_events.dealt(events)
    assert sorted(np.concatenate(parts)) == list(range(600))
    assert [len(part) for part in parts] == [200, 200, 200]
    assert all(0.3 < (part % 2).mean() < 0.7 for part in parts)
    lists = recommend(events, "bought by similar customers", Offer(length=1, new_only=False))
    keys = ["customer_id", "place", "item"]
    pd.testing.assert_frame_equal(lists[keys], alone[keys])
    drawn = evaluate(events, length=2)
    assert drawn.drawn_from == 600
    assert 150 < drawn.table["customers"].iloc[0] <= 200


def test_too_little_history_to_judge_is_said():
    with pytest.raises(NotApplicable, match="leave no history"):
        evaluate(steady(days=60))


def test_one_set_of_events_needs_no_list():
    events = television_buyers(2)
    alone = follow_on_screen.screen(events, window=WINDOW, quiet_days=30)
    listed = follow_on_screen.screen([events], window=WINDOW, quiet_days=30)
    pd.testing.assert_frame_equal(alone.table, listed.table)


@pytest.mark.parametrize("new_only", [False, True])
def test_the_next_best_are_those_of_the_chosen_recommender(new_only):
    events = steady()
    chosen = Evaluation(pd.DataFrame(), new_only, "bought by similar customers")
    lists = next_best(events, chosen, excluded=frozenset("b"), length=2)
    offer = Offer(length=2, new_only=new_only, excluded=frozenset("b"))
    pd.testing.assert_frame_equal(lists, recommend(events, chosen.best, offer))


def test_without_a_search_for_substitutes_recommendations_are_made_all_the_same():
    events = steady()
    chosen = Evaluation(pd.DataFrame(), False, "usual basket")
    given = products.recommendations(events, chosen, substitutes=NotGiven("None."), length=2)
    pd.testing.assert_frame_equal(given, next_best(events, chosen, length=2))

"""What report 05 says of threes, shelves, brands and what comes next."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.products.association.itemsets import Itemsets
from analysis.products.association.pairs import Pairs
from analysis.products.association.support import Support
from analysis.products.association.triples import Triples
from analysis.products.substitution.brand_switching import Switching
from analysis.products.substitution.substitutes import Substitutes
from analysis.reports.baskets import charts, columns, text, text_next, text_sets

CALLED = {"a": "Apples", "b": "Bread", "c": "Cheese", "d": "Dates"}


def found(*holds: bool) -> Triples:
    """Return sets of three, the last one not looked at again."""
    sets = [("a", "b", "c"), ("a", "b", "d"), ("a", "c", "d")][: len(holds) + 1]
    again = [*([1.27] * len(holds)), np.nan][: len(sets)]
    table = pd.DataFrame(
        {
            "itemset": pd.Series(sets, dtype=object),
            "orders": 90,
            "expected": 70.0,
            "q": np.arange(len(sets)) / 10,
            "second_orders": np.where(np.isnan(again), np.nan, 80.0),
            "second_ratio": again,
            "holds": [*holds, False][: len(sets)],
        }
    )
    frequent = pd.DataFrame(
        {
            "itemset": pd.Series([("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"),
                                  ("a", "b", "c")], dtype=object),
            "size": [1, 1, 1, 2, 2, 2, 3],
            "orders": [50, 40, 30, 20, 15, 9, 9],
        }
    )  # fmt: skip
    return Triples(table, Itemsets(frequent, 100, {1: 4, 2: 6, 3: 4}, Support(5, 0.05, "", 0)))


@pytest.mark.parametrize(
    ("holds", "said"),
    [
        ((False,), "No triple is significantly more frequent than its pairs explain"),
        ((True,), "Apples, Bread and Cheese are in one order 1.3 times as often as their pairs "
                  "explain"),
        ((True, True), "Apples, Bread and Cheese are in one order 1.3 times as often as their "
                       "pairs explain; so is 1 more set"),
    ],
)  # fmt: skip
def test_which_three_belong_together(holds: tuple[bool, ...], said: str) -> None:
    table = text_sets.together((found(*holds), CALLED, "product"))
    assert text_sets.first(table) == said
    assert len(table) == len(holds)  # what was not looked at again is not shown


def test_how_many_were_looked_at_and_which_stand_for_all() -> None:
    said = text_sets.searched(found(True, False), found())
    assert said == (
        "Of 3 frequent sets of three products, the 2 furthest beyond their pairs were "
        "checked in the second half: 1 holds. No three categories are often enough in one order to "
        "be checked. In all, 4 sets of two and three products are frequent. The 1 that are in no "
        "larger one (maximal sets) tell which; to tell how often, too, takes 3 (closed sets)."
    )
    whole = text_sets.maximal(found(True), CALLED).set_index("label")
    assert whole.loc["Apples + Bread + Cheese", "maximal"]
    assert not whole.loc["Bread + Cheese", "closed"]


def test_threes_of_categories_are_told_where_there_are_any() -> None:
    alone = text_sets.together((found(True), CALLED, "product"), (None, {}, "category"))
    assert alone["level"].unique().tolist() == ["product"]
    assert "categories" not in text_sets.searched(found(True), None)


def test_long_groups_of_shelves_are_counted_not_listed() -> None:
    items = [f"i{n}" for n in range(7)]
    groups = pd.DataFrame({"group": [1] * 5 + [2] * 2, "item": items, "orders": 9, "odds": 2.0})
    more = pd.concat([groups, groups.assign(item="z", group=1).head(2)])
    assert text_sets.shelves(groups, {})["members"].tolist() == ["i0, i1, i2, i3, i4", "i5, i6"]
    assert text_sets.shelves(more, {})["members"].iloc[0] == "i0, i1, i2, i3 and 3 more"


def test_the_two_largest_that_are_together_most() -> None:
    square = pd.DataFrame([[np.nan, 1.2, 2.6], [1.2, np.nan, 1.1], [2.6, 1.1, np.nan]],
                          index=list("xyz"), columns=list("xyz"))  # fmt: skip
    assert text_sets.largest(square) == (
        "Of the 3 categories in most orders, x and z are together most: 2.6 times as often as by "
        "chance"
    )


@pytest.mark.parametrize(("by", "named"), [("name", "Red"), ("maker", "maker Red")])
def test_a_brand_is_called_by_its_name_another_column_with_its_own(by: str, named: str) -> None:
    loyalty = pd.DataFrame({"brand": ["Red", "Blue"], "purchases": [200, 300],
                            "loyal": [0.8, 0.7], "usual": [0.3, 0.5]})  # fmt: skip
    steps = Switching(pd.DataFrame(), loyalty, "Cola")
    assert text_next.loyal(steps, by).startswith(f"Cola: after {named}, 80 % of next")


def follow_ups() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "first": ["a", "b"], "then": ["b", "c"], "best_day": [7.0, 68.0],
            "difference_low": [0.1, -0.02], "difference_high": [0.3, 0.02],
            "control_least": [0.024, 0.1],
            "control_most": [0.049, 0.2],
        }
    )  # fmt: skip


def test_only_where_more_follow_is_there_a_day_to_write() -> None:
    table = text_next.named(follow_ups(), CALLED)
    assert table["write_on"].iloc[0] == 7
    assert np.isnan(table["write_on"].iloc[1])
    assert text_next.sure(table) == (
        "In 1 of 2 pairs significantly more first buyers buy the next than matched customers"
    )
    assert text_next.sure(table.tail(1)) == (
        "In none of the pairs followed do significantly more first buyers buy the next"
    )
    assert "would reach 2.4 %; followed past it, 4.9 %." in text_next.bounds(table)


def test_short_pairs_keep_what_tells_them_apart() -> None:
    rules = pd.DataFrame({"antecedents": [("a",)], "consequents": [("b",)]})
    table = text.named(rules, {"a": "Fluid milk white only (995242)", "b": "Bananas, 40 lb"})
    assert table["short"].iloc[0] == "Fluid… (995242) – Bananas, 40 lb"


def test_names_stand_below_where_all_lines_lead_up() -> None:
    height = np.array([2.0, 1.0, 0.0, -1.0])
    below = charts._lowest(height, np.array([0, 1, 0]), np.array([1, 2, 3]))
    assert below.tolist() == [False, False, True, True]


def checked(*verdicts: str, left: float = 2.0) -> pd.DataFrame:
    """Return pairs as `Pairs.checked` has them, as far as they are read."""
    sides = [(f"{n}",) for n in range(len(verdicts))]
    return pd.DataFrame(
        {"antecedents": sides, "consequents": sides, "verdict": verdicts, "or_raw": 4.0,
         "or_least": left, "or_least_low": left - 0.5, "gain": 10.0}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (
            ("holds", "fades"),
            "Of 2 product pairs 0 and 0 alone hold under all controls",
        ),
        (
            ("holds", "holds", "fades"),
            "2 of 3 product pairs hold under all controls: 0 and 0 bring most margin",
        ),
        (("holds",), "One pair of products is bought together more often than by chance: 0 and 0"),
        (("fades",), "No product pair holds in the second half and under all controls"),
        (None, "No two products are bought together significantly more often than by chance"),
    ],
)
def test_the_title_tells_how_many_pairs_are_real(verdicts: tuple[str, ...] | None, said: str):
    table = None if verdicts is None else checked(*verdicts)
    made = Pairs(None, None, None, None, None, None, None, table)  # type: ignore[arg-type]
    assert text.title(made, {}) == said


def test_controls_are_said_to_explain_what_they_do() -> None:
    assert text.controlled(checked("holds", left=1.0)).startswith(
        "Basket size, store, week and customer explain much: the median pair keeps 25 %"
    )
    assert "explain little" in text.controlled(checked("holds", left=3.9))


def test_pairs_are_ranked_by_what_they_gain_and_none_is_called_strongest() -> None:
    table = text.named(checked("holds", "holds").assign(gain=[5.0, 50.0]), CALLED)
    ranked = text.by_gain(table)
    assert ranked["gain"].tolist() == [50.0, 5.0]
    ranked = ranked.assign(first_both=60, second_both=40, or_least_high=3.0)
    found = text.gain_finding(ranked.assign(same_category=True), 0.95)
    assert found["sentence"].startswith("times the odds: 1 and 1, of one category in one order")
    assert "bring most margin" in found["detail"]
    held = text.held_finding(ranked, 2.0)
    assert held["detail"] == "unadjusted, all have the odds asked for"
    weak = text.held_finding(ranked.assign(or_raw=[1.5, 9.0]), 2.0)
    assert weak["detail"] == "unadjusted, 1 of 2 have the odds asked for"
    for said in (found["sentence"], held["sentence"], text.leads(ranked)):
        assert "strong" not in said
        assert "surest" not in said


def test_a_pair_too_weak_to_act_on_is_doubted_with_that_reason() -> None:
    table = checked("weak", "fades", "promotion", "weak", "holds").assign(
        explained_by="", lift=[2.0, 3.0, 4.0, 1.5, 9.0], or_size=4.0, or_size_store=1.1,
        or_size_week=1.2, or_promotion=[3.0, 1.0, 1.0, 1.3, 9.0],
    )  # fmt: skip
    assert text.why_not(table)["why"].tolist() == [
        "a joint promotion", "chance: not replicated", "mostly the store; too weak to act on",
        "mostly a joint promotion; too weak to act on",
    ]  # fmt: skip


def test_order_matters_at_most_by_what_is_significant() -> None:
    table = pd.DataFrame({"ratio": [1.4, 1.03], "q": [0.3, 0.01]})
    assert "in 1 of 2 sequences: at most 1.03 times" in text_next.order(table, 0.05)


def test_fewer_who_follow_are_significant_too() -> None:
    row = {"label": "a → b", "share": 0.1, "control": 0.3}
    for ends, said in (((-0.3, -0.1), "customers"), ((-0.3, 0.1), ": not significant")):
        table = pd.DataFrame([row]).assign(difference_low=ends[0], difference_high=ends[1])
        assert text_next.most(table, 28).endswith(said)


def test_bundles_that_lose_on_each_do_not_break_even() -> None:
    table = pd.DataFrame({"break_even": [np.nan, np.nan, 0.7]})
    assert text_next.bundle(table, 0.1) == (
        "At 10 % off, half of the bundles or more lose on each one sold"
    )


def test_articles_that_are_gone_are_counted() -> None:
    orders = SimpleNamespace(holders={"a": [], "b": [], "c": []})
    none = Pairs(None, None, None, orders, None, None, None, None)  # type: ignore[arg-type]
    assert text.gone(none) == ""
    assert text.gone(replace(none, gone=frozenset(["a", "b", "seldom"]))) == (
        "2 articles are no longer sold, or out of season, though often sold in the first half. "
        "They are left out below."
    )


def test_two_articles_of_one_name_are_told_apart_in_a_headline() -> None:
    assert text.shorter("Cola, 12 oz (81) – Cola, 12 oz (82)") == (
        "Cola, 12 oz (81) and cola, 12 oz (82)"
    )
    assert text.shorter("Cola, 12 oz (81) – Chips (7)") == "Cola and chips"


def test_what_is_seldom_ordered_together_is_a_hypothesis_not_a_cause() -> None:
    table = pd.DataFrame({"a": ["a"], "b": ["b"], "substitutes": [True]})
    told = Substitutes(table, 1920)
    found = text_next.substitutes_finding(told, CALLED)
    assert found["sentence"] == (
        "product pairs of one category are ordered together less often than expected"
    )
    assert found["detail"] == ("hypothesis: substitutes; most significant: Apples and Bread")
    lost = pd.DataFrame(
        {"offered": ["a"], "other": ["b"], "weeks": [9], "q": [0.01], "lost": [20.0],
         "lost_low": [5.0], "lost_high": [30.0]}
    )  # fmt: skip
    said = [found["sentence"], text_next.substitutes(told), text_next.taken(lost, 0.05)]
    taken = text_next.cannibalisation_finding(lost, CALLED, 0.05)
    said += [taken["sentence"], taken["detail"]]
    assert "no causal proof" in taken["detail"]
    for sentence in said:
        assert not {"takes", "took", "take", "instead", "because"} & set(sentence.split())


def test_a_next_purchase_whose_interval_holds_no_difference_is_no_finding() -> None:
    table = text_next.named(follow_ups(), CALLED).assign(
        difference=0.2, difference_high=0.3, matched=50, reason="", median_days=9.0,
        share=0.3, control=0.1,
    )  # fmt: skip
    followed = SimpleNamespace(confidence=0.95)
    (one,) = text_next.findings(followed, table, 28)  # type: ignore[arg-type]
    assert one["low"] > 0
    assert text_next.findings(followed, table.tail(1), 28) == []  # type: ignore[arg-type]
    assert text_next.most(table.tail(1), 28).endswith("of matched customers: not significant")


@pytest.mark.parametrize(
    "shown",
    [
        columns.pairs("95 % interval"),
        columns.threes("95 % interval"),
        columns.offers("95 % interval"),
        columns.follow_ups("99 % interval"),
    ],
)
def test_no_interval_is_shown_without_its_estimate(shown: columns.Columns) -> None:
    names = list(shown)
    for place, (name, column) in enumerate(shown.items()):
        if column.kind == "interval":
            before = names[place - 1]
            assert name in (f"{before}_low", f"{before.removesuffix('_ratio')}_low")


def test_what_promotions_explain_mostly_is_counted_with_what_they_explain() -> None:
    odds = {"or_size": 3.0, "or_size_store": 3.0, "or_size_week": 2.0, "or_customer": 2.5}
    weak = {"verdict": "weak", "explained_by": "", "lift": 5.0, "promotion_made": False, **odds}
    checked = pd.DataFrame([{**weak, "or_promotion": 1.8}, {**weak, "or_promotion": 2.9}])
    line = text._promotion(SimpleNamespace(checked=checked))
    assert line[2].startswith("1 checked pair explained by joint promotions, wholly or mostly")

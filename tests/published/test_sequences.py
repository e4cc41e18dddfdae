"""Itemsets and sequences of the literature."""

from __future__ import annotations

from analysis.products.association import itemsets, support
from analysis.products.sequences.sequential_patterns import Limits, frequent_sequences
from tests.products.journeys import events_of
from tests.products.shelves import baskets_of

#: Zaki (2001), SPADE, figure 1: four customers.
ZAKI = [
    {10: "CD", 15: "ABC", 20: "ABF", 25: "ACDF"},
    {15: "ABF", 20: "E"},
    {10: "ABF"},
    {10: "DGH", 20: "BF", 25: "AGH"},
]
#: Pei et al. (2001), PrefixSpan, table 1.
PEI = [
    {1: "a", 2: "abc", 3: "ac", 4: "d", 5: "cf"},
    {1: "ad", 2: "c", 3: "bc", 4: "ae"},
    {1: "ef", 2: "ab", 3: "df", 4: "c", 5: "b"},
    {1: "e", 2: "g", 3: "af", 4: "c", 5: "b", 6: "c"},
]
#: Pasquier et al. (1999), figure 1: items of five objects.
PASQUIER = [set("ACD"), set("BCE"), set("ABCE"), set("BE"), set("ABCE")]


def written(patterns):
    return {"-".join("".join(visit) for visit in pattern) for pattern in patterns}


def test_zaki_has_18_sequences_at_two_customers():
    found = frequent_sequences(events_of(ZAKI), support=0.4)
    assert written(found["pattern"]) == {
        "A", "B", "D", "F", "AB", "AF", "BF", "ABF", "D-A", "D-B", "D-F", "B-A", "F-A",
        "D-BF", "D-B-A", "D-F-A", "BF-A", "D-BF-A",
    }  # fmt: skip
    customers = dict(zip(map(str, found["pattern"]), found["customers"], strict=True))
    assert customers["(('A',),)"] == 4
    assert customers["(('D',), ('B', 'F'), ('A',))"] == 2


def test_pei_has_53_sequences_at_half():
    found = frequent_sequences(events_of(PEI), support=0.5)
    assert len(found) == 53
    assert {"a-bc", "ab-d-c", "e-a-c-b", "f-b-c", "a-bc-a"} <= written(found["pattern"])


def test_pasquiers_closed_sets():
    baskets = baskets_of(PASQUIER)
    found = itemsets.frequent_itemsets(baskets, support.choose_support(baskets, support=0.4))
    table = itemsets.condense(found.table)
    everything = dict(zip(map("".join, table["itemset"]), table["orders"], strict=True))
    assert everything == {
        "A": 3, "B": 4, "C": 4, "E": 4, "AB": 2, "AC": 3, "AE": 2, "BC": 3, "BE": 4, "CE": 3,
        "ABC": 2, "ABE": 2, "ACE": 2, "BCE": 3, "ABCE": 2,
    }  # fmt: skip
    closed = set(map("".join, table.loc[table["closed"], "itemset"]))
    assert closed == {"C", "AC", "BE", "BCE", "ABCE"}
    assert set(map("".join, table.loc[table["maximal"], "itemset"])) == {"ABCE"}


def test_gaps_and_span_leave_what_they_allow():
    histories = [{0: "a", 10: "b", 40: "c"}, {0: "a", 30: "b", 35: "c"}]

    def patterns(**limits):
        found = frequent_sequences(events_of(histories), support=1.0, limits=Limits(**limits))
        return written(found["pattern"])

    assert "a-b-c" in patterns()
    assert "a-b" not in patterns(max_gap=20)
    assert "b-c" in patterns(max_gap=30)
    assert "a-b-c" in patterns(span=40)
    assert "a-b-c" not in patterns(span=39)
    assert "b-c" not in patterns(min_gap=6)

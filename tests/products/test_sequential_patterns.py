"""Sequences are those of a plain enumeration, with and without limits; order is tested."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import NotApplicable, ParamsError
from analysis.products.sequences.sequential_patterns import (
    Limits,
    frequent_sequences,
    order_permutation_test,
)
from tests.products.journeys import events_of

HISTORIES = st.lists(
    st.dictionaries(
        st.integers(0, 12),
        st.sets(st.sampled_from("abc"), min_size=1).map(lambda s: "".join(sorted(s))),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=5,
)


def contained(history, limits):
    """Return every pattern one history goes through, by trying all choices of visits."""
    found = set()
    low, high, span = (int(v) for v in limits.days())
    for size in range(1, len(history) + 1):
        for days in combinations(sorted(history), size):
            gaps = [b - a for a, b in pairwise(days)]
            if all(low <= g <= high for g in gaps) and days[-1] - days[0] <= span:
                found |= choices([history[d] for d in days])
    return found


def holds(longer, shorter):
    """Tell whether the visits of ``shorter`` lie, in order, within other visits of ``longer``."""
    left = iter(longer)
    within = all(any(set(visit) <= set(other) for other in left) for visit in shorter)
    return within and longer != shorter


def test_a_gap_that_breaks_the_middle_leaves_no_shorter_pattern_closed():
    """A-C is in A-B-B-C; A-B-C, whose B is too far from A or from C, is no pattern."""
    history = {0: "a", 2: "b", 3: "b", 5: "c"}
    limits = Limits(max_gap=2)
    far = {0: "a", 2: "c"}
    found = frequent_sequences(events_of([history]), support=1, limits=limits)
    assert set(found.loc[found["closed"], "pattern"]) == {(("a",), ("b",), ("b",), ("c",))}
    both = frequent_sequences(events_of([{**far, 10: "a", 12: "b", 13: "b", 15: "c"}]), support=1,
                              limits=limits)  # fmt: skip
    assert (("a",), ("b",), ("c",)) not in set(both["pattern"])
    assert (("a",), ("c",)) not in set(both.loc[both["closed"], "pattern"])


def choices(visits):
    ways = [()]
    for items in visits:
        parts = [c for n in range(1, len(items) + 1) for c in combinations(sorted(items), n)]
        ways = [(*way, part) for way in ways for part in parts]
    return set(ways)


@settings(max_examples=80, deadline=None)
@given(
    histories=HISTORIES,
    least=st.integers(1, 3),
    gap=st.tuples(st.integers(1, 3), st.one_of(st.none(), st.integers(0, 6))),
    span=st.one_of(st.none(), st.integers(1, 10)),
)
def test_every_sequence_is_found_and_counted(histories, least, gap, span):
    low, more = gap
    limits = Limits(min_gap=low, max_gap=None if more is None else low + more, span=span)
    least = min(least, len(histories))
    counts = {}
    for history in histories:
        for pattern in contained(history, limits):
            counts[pattern] = counts.get(pattern, 0) + 1
    expected = {p: n for p, n in counts.items() if n >= least}
    found = frequent_sequences(events_of(histories), support=least / len(histories), limits=limits)
    assert dict(zip(found["pattern"], found["customers"], strict=True)) == expected
    closed = set(found.loc[found["closed"], "pattern"])
    assert closed == {
        p for p in expected if not any(holds(q, p) for q in expected if expected[q] == expected[p])
    }


def test_an_order_that_matters_stands_out_and_one_that_does_not_does_not():
    rng = np.random.default_rng(2)
    histories = []
    for _ in range(300):
        history = {int(d): rng.choice(["c", "d"]) for d in rng.choice(60, 6, replace=False)}
        first, then = sorted(rng.choice(np.arange(60, 90), 2, replace=False))
        histories.append(history | {int(first): "a", int(then): "b"})
    events, limits = events_of(histories, 100), Limits(longest=2)
    found = frequent_sequences(events, support=0.5, limits=limits)
    tested = order_permutation_test(events, found, limits=limits, shuffles=99, seed=1)
    tested = tested.set_index(tested["pattern"].map(str))
    assert tested.loc["(('a',), ('b',))", "p"] < 1e-6
    assert tested.loc["(('a',), ('b',))", "ratio"] > 1.5
    assert tested.loc["(('c',), ('d',))", "p"] > 0.01


def test_too_many_sequences_are_refused_with_what_would_do():
    histories = [dict.fromkeys(range(4), "abcdef")] * 3
    with pytest.raises(NotApplicable, match="More than 100 sequences are followed by 3 customers"):
        frequent_sequences(events_of(histories), support=1.0, limits=Limits(most=100))


def test_gaps_that_leave_no_next_visit_are_refused():
    with pytest.raises(ParamsError, match="leave no next visit"):
        Limits(min_gap=5, max_gap=4)

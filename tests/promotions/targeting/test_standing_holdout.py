"""Control and holdout: the same customers again, the share asked for, and no say in it."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from analysis.promotions.planning.targeting.standing_holdout import (
    balance,
    hold_out,
    places,
    programme_control,
)

CUSTOMERS = [f"c{n}" for n in range(4_000)]


def control(as_of: date, share: float = 0.1, programme: str = "p"):
    return programme_control(
        CUSTOMERS, programme=programme, share=share, as_of=as_of, rotate_days=182
    )


def held(customers, strata, share: float, as_of: date = date(2025, 3, 3)):
    turning = {"as_of": as_of, "rotate_days": 182}
    return hold_out(customers, strata, programme="p", share=share, **turning)


def test_places_are_even_and_those_of_two_programmes_have_nothing_in_common():
    one, two = places(CUSTOMERS, "a"), places(CUSTOMERS, "b")
    assert kstest(one, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.06
    quarters = (4 * one).astype(int) * 4 + (4 * two).astype(int)
    assert chisquare(np.bincount(quarters, minlength=16)).pvalue > 0.001


def test_the_control_stays_for_its_days_and_then_rotates():
    day = date(2025, 3, 3)
    days = [day + timedelta(days=d) for d in (0, 7, 400)]
    first, soon, later = map(control, days)
    assert 0.08 <= first.mean() <= 0.12
    assert (first == soon).all() or (control(days[1]) == soon).all()
    overlap = (first & later).sum() / first.sum()
    assert overlap < 0.2  # a tenth by chance, not all


def test_a_larger_control_has_the_smaller_one_in_it():
    small, large = (control(date(2025, 3, 3), share) for share in (0.05, 0.2))
    assert not (small & ~large).any()


@settings(max_examples=30, deadline=None)
@given(n=st.integers(0, 300), share=st.floats(0.0, 0.5), kinds=st.integers(1, 6))
def test_every_stratum_is_held_out_alike(n: int, share: float, kinds: int):
    strata = pd.Series([f"s{i % kinds}" for i in range(n)], dtype="str")
    out = held(CUSTOMERS[:n], strata, share)
    assert out.sum() == (round(share * n) if n else 0)
    for kind in range(min(kinds, n)):
        own = (strata == f"s{kind}").to_numpy()
        assert abs(out[own].sum() - share * own.sum()) <= 1


def test_the_same_customers_are_held_out_again_and_most_of_them_when_the_list_changes():
    strata = pd.Series("one", index=range(1_000))
    first = held(CUSTOMERS[:1_000], strata, 0.2)
    again = held(CUSTOMERS[:1_000], strata, 0.2)
    assert (first == again).all()
    other = held(CUSTOMERS[100:1_100], strata, 0.2)
    both = first[100:].sum(), (first[100:] & other[:900]).sum()
    assert both[1] / both[0] > 0.9


def test_the_order_of_the_list_changes_nothing():
    strata = pd.Series(["a", "b"] * 500)
    out = held(CUSTOMERS[:1_000], strata, 0.1)
    turned = held(CUSTOMERS[:1_000][::-1], strata[::-1], 0.1)
    assert (out == turned[::-1]).all()


def test_the_holdout_turns_with_the_control_and_is_drawn_anew():
    """One clock for both: on the day that the control changes, and on no other."""
    strata = pd.Series(["a", "b"] * 2_000)
    days = [date(2025, 1, 1) + timedelta(days=d) for d in range(400)]
    outs = [held(CUSTOMERS, strata, 0.2, day) for day in days]
    controls = [control(day) for day in days]
    turned = [(a != b).any() for a, b in pairwise(outs)]
    assert turned == [(a != b).any() for a, b in pairwise(controls)]
    assert sum(turned) == 2
    first, last = outs[0], outs[-1]
    assert abs((first & last).sum() / first.sum() - 0.2) < 0.06  # as chance has it
    # Whom lists leave alone has nothing to do with whom the programme leaves alone.
    assert abs((first & controls[0]).sum() / controls[0].sum() - 0.2) < 0.08


def test_balance_is_in_standard_deviations():
    rows = pd.DataFrame({"arm": ["target"] * 3 + ["holdout"] * 3, "x": [1, 2, 3, 2, 3, 4]})
    found = balance(rows, ["x"]).iloc[0]
    assert found["difference"] == (2 - 3) / rows["x"].std()
    assert (found["n_target"], found["n_holdout"]) == (3, 3)

"""Attribution: identities, hand-computed chains, Shapley against its definition."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.engagement.channels import attribution, touchpoints
from analysis.errors import NotApplicable

#: a > b converts once and fails once; a alone fails twice; b alone converts once.
SMALL = pd.DataFrame({"path": ["a > b", "a", "b"], "conversions": [1, 0, 1], "nulls": [1, 2, 0]})

paths = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=6),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=12,
)


def table(drawn: list[tuple[list[str], int, int]]) -> pd.DataFrame:
    rows = [(" > ".join(path), conversions, nulls) for path, conversions, nulls in drawn]
    rows.append(("a > b", 1, 1))  # at least one conversion, at least one failure
    return pd.DataFrame(rows, columns=["path", "conversions", "nulls"])


def of_paths(counted: pd.DataFrame, *, batch: bool = True) -> ibis.Table:
    """Return touches of paths that are already counted; a step is taken for a day."""
    rows = []
    for number, row in enumerate(counted.to_dict("records")):
        path = [channel.strip() for channel in row["path"].split(">")]
        for place, channel in enumerate(path):
            age = float(len(path) - 1 - place)
            given_ = (str(number), number, channel, place, len(path), age)
            number_of_batch = number % touchpoints.BATCHES * batch
            rows.append((*given_, row["conversions"], row["nulls"], number_of_batch))
    names = ["customer_id", "journey", "channel", "place", "places", "age", "conversions", "nulls"]
    made = pd.DataFrame(rows, columns=[*names, "batch"])
    return ibis.memtable(made.astype({"conversions": "float64", "nulls": "float64"}))


def credits_of(frame: pd.DataFrame) -> pd.DataFrame:
    found, _ = attribution.credit(touchpoints.summed(of_paths(frame)), replicates=2)
    return found.pivot(index="channel", columns="model", values="orders")


def test_a_small_chain_by_hand() -> None:
    """start > a 4/5, b 1/5; a > b 2/4, null 2/4; b > conversion 2/3, null 1/3."""
    found = touchpoints.summed(of_paths(SMALL))
    steps = found.steps.sum(axis=0)
    assert attribution.conversion(steps) == pytest.approx((4 / 5 * 1 / 2 + 1 / 5) * 2 / 3)
    assert attribution.conversion(steps) == pytest.approx(2 / 5)
    # Without a only start > b is left, 1/5 x 2/3; without b nothing converts.
    assert attribution.removal_effects(steps) == pytest.approx([1 - (2 / 15) / (2 / 5), 1.0])
    credits = credits_of(SMALL)
    assert credits.loc["a"].round(6).to_dict() == {
        "first": 1.0, "last": 0.0, "linear": 0.5, "position": 0.5, "shapley": 0.5,
        "time_decay": round(2 ** (-1 / 7) / (1 + 2 ** (-1 / 7)), 6), "markov": 0.8,
    }  # fmt: skip


def walked(seed: int, *, channels: int = 12, journeys: int = 10_000) -> np.ndarray:
    """Return how often one state followed another in walks through a random absorbing chain.

    States: start, the channels, conversion, none. A walk may stay with a channel or return to it.
    """
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.r_[np.full(channels, 0.5), 0.8, 2.0], channels + 1)
    chances[0, -2:] = 0  # no journey without a touch
    chances[0] /= chances[0].sum()
    steps, at = np.zeros((channels + 3, channels + 3)), np.zeros(journeys, dtype=int)
    while len(at):
        drawn = rng.random(len(at))[:, None] > chances[at].cumsum(axis=1)
        to = 1 + np.minimum(drawn.sum(axis=1), channels + 1)
        np.add.at(steps, (at, to), 1)
        at = to[to <= channels]
    return steps


@pytest.mark.parametrize("seed", range(3))
def test_removal_effects_are_those_of_the_fundamental_matrix(seed: int) -> None:
    """Kemeny and Snell (1960), Finite Markov Chains, ch. 3: visits N = 1 / (1 - Q).

    A channel is ever reached with the chance N[start, it] / N[it, it]; from there on it converts
    with the chance that the chain converts from it, and all that is lost without it.
    """
    steps = walked(seed)
    chances = steps[:13] / steps[:13].sum(axis=1, keepdims=True)
    visits = np.linalg.inv(np.eye(13) - chances[:, :13])
    converts = visits @ chances[:, 13]
    assert attribution.conversion(steps) == pytest.approx(converts[0], abs=1e-12)
    assert converts[0] == pytest.approx(steps[:, 13].sum() / 10_000)  # every journey ends
    reached = visits[0, 1:] / visits.diagonal()[1:]
    lost = reached * converts[1:] / converts[0]
    assert attribution.removal_effects(steps) == pytest.approx(lost, abs=1e-12)
    assert 0.01 < lost.min() < lost.max() < 0.99


def test_forty_twenty_forty() -> None:
    long = pd.DataFrame({"path": ["a > b > c > b > d"], "conversions": [10], "nulls": [0]})
    assert credits_of(long)["position"].to_dict() == pytest.approx(
        {"a": 4.0, "b": 4 / 3, "c": 2 / 3, "d": 4.0}
    )


@settings(max_examples=8, deadline=None)
@given(paths)
def test_identities(drawn: list[tuple[list[str], int, int]]) -> None:
    frame = table(drawn)
    found = touchpoints.summed(of_paths(frame))
    steps = found.steps.sum(axis=0)
    credits = credits_of(frame)
    total = frame["conversions"].sum()
    assert credits.sum().to_numpy() == pytest.approx(total)
    assert attribution.conversion(steps) == pytest.approx(total / (total + frame["nulls"].sum()))
    last = frame.assign(last=frame["path"].str[-1]).groupby("last")["conversions"].sum()
    assert credits["last"].to_dict() == pytest.approx(
        last.reindex(credits.index, fill_value=0).to_dict()
    )
    loopless = steps.copy()
    np.fill_diagonal(loopless, 0)
    assert attribution.removal_effects(loopless) == pytest.approx(
        attribution.removal_effects(steps)
    )


@settings(max_examples=8, deadline=None)
@given(paths)
def test_shapley_is_the_mean_over_all_orders_of_joining(
    drawn: list[tuple[list[str], int, int]],
) -> None:
    """By the definition: every coalition's gain from a channel, weighted."""
    frame = table(drawn)
    channels = sorted(set("".join(frame["path"].str.replace(" > ", ""))))
    sets = [frozenset(path.split(" > ")) for path in frame["path"]]

    def worth(coalition: frozenset[str]) -> float:
        return sum(c for s, c in zip(sets, frame["conversions"], strict=True) if s <= coalition)

    credits = credits_of(frame)["shapley"]
    n = len(channels)
    for channel in channels:
        others = [c for c in channels if c != channel]
        value = sum(
            factorial(k) * factorial(n - k - 1) / factorial(n)
            * (worth(frozenset(some) | {channel}) - worth(frozenset(some)))
            for k in range(n)
            for some in combinations(others, k)
        )  # fmt: skip
        assert credits[channel] == pytest.approx(value)


def test_the_bootstrap_draws_customers() -> None:
    """Paths of 4,000 customers, half of them converting by a: the error of a binomial count."""
    rng = np.random.default_rng(1)
    by_a = rng.random(4_000) < 0.5
    frame = pd.DataFrame({"path": np.where(by_a, "a", "b"), "conversions": 1, "nulls": 0})
    found, _ = attribution.credit(touchpoints.summed(of_paths(frame)), replicates=2_000, seed=3)
    row = found[(found["model"] == "last") & (found["channel"] == "a")].iloc[0]
    reach = (row["high"] - row["low"]) / 2
    assert reach == pytest.approx(1.96 * np.sqrt(4_000 * 0.25), rel=0.25)
    assert row["low"] < row["orders"] == by_a.sum() < row["high"]


def test_without_conversions_nothing_is_credited() -> None:
    nothing = SMALL.assign(conversions=0, nulls=1)
    with pytest.raises(NotApplicable, match="No order followed a message"):
        attribution.credit(touchpoints.summed(of_paths(nothing)))

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


#: How often one channel follows another in the 10,000 paths of ChannelAttribution's PathData, the
#: last two columns conversion and none (counted from DavideAltomare/ChannelAttribution@3fa49d6).
PATH_DATA = """
start    28846 12119     3   435 14213   696 20427   305  3837     8  7391   107     0     0
alpha   102922  1965     3  1138  2341   197  6202   277  2128     0  3484   507  8447 29945
beta      3414 14031     3   393 10583   108  4873   134   789     0  1899   410   989  3392
delta        0     7     0     0     0     0     3     2     8     0     0     0     5    17
epsilon   1064   278     0   637   486    40   601    63   355     0   322   150   531  1692
eta       4608  4513     8  1071  8511    75  3122   353   807     0  1602   341  4167 14205
gamma      364   132     0    23   141   186   269     0   106     0   128    17    92   330
iota      7889  5216     3  1171  4392   282 32974   550  2740     7  4054  1566  3355 11963
kappa      276   123     0    60   238    12   337   470   261     0   190    48   230   716
lambda    2122   590    11   469   567    75  1622   455  7558     0  1048   232  1207  3919
mi           0     0     0     0     0     0     7     0     0     0     0     0     2     6
theta     7352  1702     7   648  1618   110  4670   309   982     0  2466   243   653  2072
zeta       699   342     4   174   293     7  1055    43   304     0   248   737   107   345
"""
#: What is known of it: removal effect and credit of the exact chain, and last touch as version
#: 2.2.5 prints it (its own Markov credits are a simulation: alpha 5331 to 5357).
KNOWN = {
    "alpha": (0.5584, 5344.948, 8447),
    "iota": (0.4058, 3884.615, 3355),
    "eta": (0.3490, 3340.847, 4167),
    "beta": (0.2640, 2527.352, 989),
    "theta": (0.2060, 1971.913, 653),
    "lambda": (0.1340, 1282.847, 1207),
    "epsilon": (0.0626, 599.571, 531),
    "zeta": (0.0398, 381.063, 107),
    "kappa": (0.0287, 274.363, 230),
    "gamma": (0.0179, 171.145, 92),
    "delta": (0.0005, 4.614, 5),
    "mi": (0.0002, 1.722, 2),
}


def test_the_chain_of_path_data() -> None:
    lines = [line.split() for line in PATH_DATA.strip().splitlines()]
    channels = [line[0] for line in lines[1:]]
    steps = np.zeros((15, 15))
    steps[:13, 1:] = [[float(n) for n in line[1:]] for line in lines]
    conversions, nulls = steps[:, 13].sum(), steps[:, 14].sum()
    assert (conversions, nulls) == (19_785, 68_602)
    assert attribution.conversion(steps) == pytest.approx(0.2238451355968638, abs=1e-15)
    effects = attribution.removal_effects(steps)
    credited = effects / effects.sum() * conversions
    found = zip(effects.round(4), credited.round(3), steps[1:13, 13], strict=True)
    assert dict(zip(channels, found, strict=True)) == KNOWN


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

"""Cumulative incidence is statsmodels', and its choices recover what was planted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from analysis.products.sequences.matched_follow_on import Design, compare
from analysis.stats.survival import Ends, Hazards
from tests.products.journeys import events_of

WINDOW = 30
SEEDS = range(12)
Floats = npt.NDArray[np.float64]


def ends(seed: int, n: int = 80, causes: int = 2, groups: int = 1) -> tuple[Ends, Floats]:
    """Return visits that end on any day, day 0 too, by any cause, with whole weights and none."""
    rng = np.random.default_rng(seed)
    last = int(rng.integers(2, WINDOW + 1))
    stop = rng.integers(0, last + 1, n)
    cause = np.where(stop > 0, rng.integers(0, causes + 1, n), 0)
    return Ends(stop, cause, rng.integers(0, groups, n)), rng.integers(0, 4, n).astype(float)


def hazards(found: Ends, weight: Floats, **size: int) -> Hazards:
    """Return the rates of visits that count so often each; cases along the axes before the last."""
    place, shape = found.cells(**size)
    each = [np.bincount(place, own, np.prod(shape)) for own in np.atleast_2d(weight)]
    return Hazards.of(np.reshape(each, (*weight.shape[:-1], *shape)))


def theirs(found: Floats, times: Floats) -> Floats:
    """Return an estimate of theirs by day, from 1 to the window."""
    place = np.searchsorted(times, np.arange(1, WINDOW + 1), side="right")
    return np.concatenate([[0.0], found])[place]


def kaplan_meier(found: Ends, weight: Floats) -> Floats:
    """Return one less statsmodels' estimate; cause 1 is the event."""
    seen = weight > 0
    status = (found.cause[seen] == 1).astype(int)
    if not status.any():
        return np.zeros(WINDOW)
    own = SurvfuncRight(found.stop[seen], status, freq_weights=weight[seen])
    return theirs(1 - own.surv_prob, own.surv_times)


def aalen_johansen(found: Ends, weight: Floats) -> Floats:
    """Return statsmodels' estimate of every cause."""
    seen = weight > 0
    own = CumIncidenceRight(found.stop[seen], found.cause[seen], freq_weights=weight[seen])
    return np.array([theirs(cause, own.times) for cause in own.cinc])


@pytest.mark.parametrize("seed", SEEDS)
def test_one_cause_is_one_less_kaplan_and_meier(seed: int) -> None:
    found, weight = ends(seed)
    one = hazards(found, weight, window=WINDOW).incidence(1)[0]
    np.testing.assert_allclose(one, kaplan_meier(found, weight), atol=1e-10)
    # Told apart but left out, the second cause is a loss all the same.
    two = hazards(found, weight, window=WINDOW, causes=2).incidence(1)[0]
    np.testing.assert_allclose(two, one, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("causes", [2, 3])
def test_several_causes_are_aalen_and_johansens(seed: int, causes: int) -> None:
    found, weight = ends(seed, causes=causes)
    own = hazards(found, weight, window=WINDOW, causes=causes).incidence(causes)
    np.testing.assert_allclose(own, aalen_johansen(found, weight), atol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_are_averaged_as_they_began(seed: int) -> None:
    found, weight = ends(seed, n=300, groups=3)
    found = Ends(np.where(np.arange(300) < 3, WINDOW, found.stop), found.cause, found.group)
    found.group[:3], weight[:3] = range(3), 1.0  # one of each group is seen to the end
    own = hazards(found, weight, window=WINDOW, groups=3).incidence(1)[0]
    parts = [found.group == g for g in range(3)]
    each = [kaplan_meier(Ends(found.stop[p], found.cause[p], found.group[p]), weight[p])
            for p in parts]  # fmt: skip
    shares = [weight[p].sum() / weight.sum() for p in parts]
    np.testing.assert_allclose(own, np.average(each, axis=0, weights=shares), atol=1e-10)


@pytest.mark.parametrize("causes", [1, 2])
def test_many_weights_at_once_are_each_alone(causes: int) -> None:
    found, weight = ends(0, groups=3)
    every = np.array([weight, weight[::-1], np.zeros_like(weight)])
    size = {"window": WINDOW, "causes": 2, "groups": 3}
    each = [hazards(found, own, **size).incidence(causes) for own in every]
    at_once = hazards(found, every, **size).incidence(causes)
    np.testing.assert_allclose(at_once, each, atol=1e-14)


def test_a_group_lost_sight_of_goes_on_like_all() -> None:
    stop, cause = np.array([1, 2, 2, 2, 2]), np.array([0, 1, 0, 0, 0])
    found = Ends(stop, cause, np.array([0, 1, 1, 1, 1]))
    share = hazards(found, np.ones(5), window=2, groups=2).incidence(1)[0]
    assert share == pytest.approx([0.0, 0.25])


def test_nobody_who_buys_is_no_share_and_nobody_at_all_neither() -> None:
    found = Ends(np.array([3, 4]), np.array([0, 0]), np.array([0, 0]))
    for weight in (np.ones(2), np.zeros(2)):
        assert not hazards(found, weight, window=5, causes=2).incidence(2).any()


def days(rng: np.random.Generator, rate: npt.ArrayLike, n: int) -> npt.NDArray[np.int64]:
    """Return the first day of something that happens at a rate a day."""
    return np.ceil(rng.exponential(1, n) / np.broadcast_to(rate, n)).astype(np.int64)


def stopped(
    until: npt.NDArray[np.int64], *times: npt.NDArray[np.int64], group: npt.ArrayLike = 0
) -> Ends:
    """Return visits that end with the earliest of their times, the first of those at once."""
    stop = np.minimum(until, np.minimum.reduce(times))
    cause = np.select([t == stop for t in times], range(1, len(times) + 1), default=0)
    return Ends(stop, cause, np.broadcast_to(np.asarray(group), stop.shape))


def last_share(found: Ends, causes: int, *, groups: int = 1) -> float:
    """Return the share that cause 1 has ended by the window's end."""
    weight = np.ones(len(found.stop))
    rates = hazards(found, weight, window=WINDOW, causes=causes, groups=groups)
    return float(rates.incidence(causes)[0, -1])


def test_who_leaves_unseen_stays_at_risk_as_if_leaving_were_told() -> None:
    """Exact where all are followed to the window's end, and the same in the mean elsewhere."""
    rng = np.random.default_rng(1)
    n = 200_000
    buys, leaves = days(rng, 0.02, n), days(rng, 0.05, n)
    never = np.where(leaves < buys, WINDOW + 1, buys)
    truth = float((never <= WINDOW).mean())
    whole = np.full(n, WINDOW)
    assert last_share(stopped(whole, never), 1) == pytest.approx(truth, abs=1e-12)
    assert last_share(stopped(whole, buys, leaves), 2) == pytest.approx(truth, abs=1e-12)
    ended = rng.integers(1, 2 * WINDOW, n)  # the period ends for half of them before the window
    until = np.minimum(ended, WINDOW)
    assert last_share(stopped(until, never), 1) == pytest.approx(truth, abs=0.006)
    assert last_share(stopped(until, buys, leaves), 2) == pytest.approx(truth, abs=0.006)
    # Lost sight of at leaving instead, they would be taken for people who go on buying.
    assert last_share(stopped(until, buys, leaves), 1) > truth + 0.1


@pytest.mark.parametrize("tie", ["chance", "rhythm", "unknown"])
def test_which_control_is_the_share_had_nobody_bought_a(tie: str) -> None:
    """A and B by chance, by a rhythm that is known, or by a taste that is not."""
    rng = np.random.default_rng(2)
    n = 200_000
    keen = rng.random(n) < 0.5
    speed = np.where(keen, 2.0, 0.4) if tie != "chance" else 1.0
    rate_a, rate_b = 0.02 * speed, 0.01 * speed
    bought_a, without = days(rng, rate_a, n), days(rng, rate_b, n)
    # A brings B sooner to most who buy it.
    brought = bought_a + days(rng, 0.1, n)
    bought_b = np.where(without > bought_a, np.minimum(without, brought), without)
    truth = float((without <= WINDOW).mean())
    until = np.full(n, WINDOW)
    group, groups = (keen.astype(np.int64), 2) if tie == "rhythm" else (np.int64(0), 1)
    before = stopped(until, bought_b, bought_a, group=group)
    censored = last_share(before, 1, groups=groups)
    assert last_share(before, 2, groups=groups) < truth - 0.02
    assert last_share(stopped(until, bought_b), 1) > truth + 0.05
    if tie == "unknown":
        assert last_share(before, 2) < censored < truth - 0.01
    else:
        assert censored == pytest.approx(truth, abs=0.005)
    if tie == "rhythm":  # not told apart, the keen leave first and the rest stand for them
        assert last_share(stopped(until, bought_b, bought_a), 1) < truth - 0.01


def busy_aisle(seed: int, customers: int = 2_000, days_: int = 300) -> list[dict[int, str]]:
    """Return visitors of whom many buy a within 60 days; b comes to 10 % anyhow, to 45 % after."""
    rng = np.random.default_rng(seed)
    rate_a, rate_b = 0.4 / 60, -np.log(1 - 0.10) / 60
    histories = []
    for _ in range(customers):
        history = {int(d): "v" for d in range(rng.integers(0, 7), days_, 7)}
        begun = [d for d in history if d > 60 + rng.exponential(1 / rate_a)]
        b = list(rng.uniform(0, days_, rng.poisson(rate_b * days_)))
        if begun:
            history[begun[0]] += "a"
            if rng.random() < 1 - (1 - 0.45) / (1 - 0.10):
                b.append(begun[0] + 1 + rng.integers(1, 59))
        for day in b:
            history[int(day)] = history.get(int(day), "") + "b"
        histories.append(history)
    return histories


def test_controls_that_buy_a_themselves_do_not_move_the_planted_base_rate() -> None:
    design = Design(window=60, draws=60, confidence=0.99)
    found = compare(events_of(busy_aisle(3), 300), "a", "b", design)
    row, end = found.summary.iloc[0], found.curve.iloc[-1]
    assert end["share_low"] <= 0.45 <= end["share_high"]
    assert end["control_low"] <= 0.10 <= end["control_high"]
    assert row["control_least"] < 0.09
    assert row["control_most"] > 0.14
    assert 0 < row["difference_least_low"] < row["difference_least"] < row["difference"]


def test_what_is_never_bought_later_is_no_share_and_no_error() -> None:
    histories = [
        {d: "v" if d != 70 + i % 20 else "va" for d in range(i % 7, 140, 7)}
        | ({70 + i % 20: "va"} if i % 2 else {})
        for i in range(160)
    ]
    histories[0][0] = "vb"
    row = compare(events_of(histories, 140), "a", "b", Design(draws=20)).summary.iloc[0]
    assert (row["share"], row["control"]) == (0.0, 0.0)
    assert np.isnan(row["ratio"])
    assert row["reason"] == "buyers do not follow more often than the others"

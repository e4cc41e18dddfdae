"""A blend of products left alone: its weights, what it finds, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import binom

from analysis.errors import NotApplicable
from analysis.promotions.observational.synthetic_control import blend_weights, contrast


def market(rng: np.random.Generator, products: int = 30, weeks: int = 30) -> np.ndarray:
    """Return weeks x products of sales that share two waves."""
    waves = rng.normal(size=(weeks, 2)).cumsum(axis=0) * 0.05
    shares = rng.random((2, products))
    return 100 * np.exp(waves @ shares) * np.exp(0.05 * rng.normal(size=(weeks, products)))


def test_weights_are_the_constrained_least_squares() -> None:
    """The same as a general optimiser finds on the simplex."""
    rng = np.random.default_rng(1)
    others = rng.normal(1.0, 0.2, (20, 5))
    own = others @ [0.5, 0.3, 0.2, 0.0, 0.0] + 0.02 * rng.normal(size=20)
    found = blend_weights(own, others)
    peer = minimize(
        lambda w: ((own - others @ w) ** 2).sum(), np.full(5, 0.2), bounds=[(0, 1)] * 5,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1}, tol=1e-14,
    )  # fmt: skip
    assert found.sum() == pytest.approx(1.0)
    assert (found >= 0).all()
    assert np.allclose(found, peer.x, atol=1e-4)


def test_nothing_is_found_where_nothing_is() -> None:
    rng = np.random.default_rng(2)
    experiments, alarms = 300, 0
    for _ in range(experiments):
        sales = market(rng, 21)
        alarms += contrast(sales[:, 0], sales[:, 1:], 2).p <= 0.05
    assert alarms <= binom.ppf(1 - 1e-4, experiments, 0.06)


def test_a_lift_is_found_with_its_size() -> None:
    rng = np.random.default_rng(3)
    sales = market(rng)
    sales[-2:, 0] *= 1.6
    found = contrast(sales[:, 0], sales[:, 1:], 2)
    assert found.low < 0.6 < found.high
    assert found.p == pytest.approx(1 / 30)
    assert found.gain == pytest.approx((found.actual - found.blend)[-2:].sum(), rel=1e-9)


def test_without_a_promoted_week_there_is_no_p() -> None:
    sales = np.random.default_rng(1).uniform(50, 100, (40, 25))
    with pytest.raises(NotApplicable, match="No whole week of the promotion is in the data"):
        contrast(sales[:, 0], sales[:, 1:], 0)


def test_the_unit_of_sales_does_not_matter() -> None:
    sales = market(np.random.default_rng(4))
    one, other = (contrast(f * sales[:, 0], sales[:, 1:], 3) for f in (1.0, 1_000.0))
    assert one.lift == pytest.approx(other.lift)
    assert 1_000 * one.gain == pytest.approx(other.gain)


@pytest.mark.parametrize(
    ("weeks", "products", "scale", "words"),
    [
        (10, 30, 1.0, "Only 8 weeks before it"),
        (30, 10, 1.0, "Only 9 products sold every week"),
        (30, 30, 0.0, "had no sales before"),
    ],
)
def test_too_little_is_refused_in_words(
    weeks: int, products: int, scale: float, words: str
) -> None:
    sales = market(np.random.default_rng(5), products, weeks)
    with pytest.raises(NotApplicable, match=words):
        contrast(scale * sales[:, 0], sales[:, 1:], 2)


@pytest.mark.parametrize("lift", [0.0, 0.2, 1.0])
def test_the_interval_holds_the_true_lift_at_its_nominal_rate(lift: float) -> None:
    """What doubles the sales doubles the week's noise: placebos' own gaps are too narrow for it."""
    rng = np.random.default_rng(7)
    experiments, held = 300, 0
    for _ in range(experiments):
        sales = market(rng, 40)
        sales[-2:, 0] *= 1 + lift
        found = contrast(sales[:, 0], sales[:, 1:], 2)
        held += found.low < lift < found.high
    assert held >= binom.ppf(0.001, experiments, 0.95)


def test_the_interval_is_the_lifts_that_placebos_do_not_reject() -> None:
    """Against the definition: freed of an end, the gap stands out as the placebos' quantile."""
    sales = market(np.random.default_rng(8))
    sales[-2:, 0] *= 1.5
    found = contrast(sales[:, 0], sales[:, 1:], 2)
    usual = found.blend[-2:].mean()
    sold = found.actual[-2:].mean()
    below, above = sold / (1 + found.high) - usual, sold / (1 + found.low) - usual
    assert above == pytest.approx(-below)
    assert found.high - found.lift > found.lift - found.low


def test_placebos_that_stray_as_far_as_the_blend_leave_no_upper_end() -> None:
    rng = np.random.default_rng(9)
    sales = rng.lognormal(0.0, 1.5, size=(30, 30))
    found = contrast(sales[:, 0], sales[:, 1:], 1)
    assert found.high == np.inf or found.high > found.lift
    assert found.low > -1

"""Judging estimates over many seeds: unbiased, with the spread they claim, covering as claimed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, chi2, norm, t

#: Tail probability below which a deviation is not put down to chance.
UNLIKELY = 1e-4


def assert_calibrated(
    estimates: ArrayLike, errors: ArrayLike, truth: ArrayLike, *, confidence: float = 0.95
) -> None:
    """Assert that estimates with their standard errors are right about ``truth``.

    Three demands: their mean deviates no more than chance allows; their standardised deviations
    have variance one; their intervals cover at the nominal rate, neither less nor more.
    """
    z = (np.asarray(estimates) - np.asarray(truth)) / np.asarray(errors)
    assert np.isfinite(z).all()
    n = len(z)
    assert abs(z.mean()) * np.sqrt(n) < 3.9, f"biased by {z.mean():.2f} standard errors: {z}"
    spread = float((z**2).sum())
    assert chi2.ppf(UNLIKELY, n) < spread < chi2.ppf(1 - UNLIKELY, n), f"spread {spread / n:.2f}"
    covered = int((np.abs(z) < _quantile(confidence)).sum())
    assert_covers(covered, n, confidence=confidence)


def assert_covers(covered: int, of: int, *, confidence: float = 0.95) -> None:
    """Assert that ``covered`` of ``of`` intervals is about what ``confidence`` promises."""
    fewest = binom.ppf(UNLIKELY, of, confidence)
    most = binom.ppf(1 - UNLIKELY, of, confidence)
    assert fewest <= covered <= most, f"{covered} of {of} intervals cover"


def assert_centred(estimates: ArrayLike, truth: float, *, within: float = 0.0) -> None:
    """Assert that estimates scatter about ``truth``, apart from a stated bias of ``within``."""
    values = np.asarray(estimates, float)
    error = values.std(ddof=1) / np.sqrt(len(values))
    limit = t.ppf(1 - UNLIKELY / 2, len(values) - 1) * error
    assert abs(values.mean() - truth) < limit + within, (
        f"{values.mean():.5f} +- {error:.5f} against {truth:.5f}"
    )


def _quantile(confidence: float) -> float:
    return float(norm.ppf(0.5 + confidence / 2))

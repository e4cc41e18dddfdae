"""What a ranking of customers is worth: Qini and AUUC, and whether it beats treating all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.resampling import percentile_interval

Array = npt.NDArray[np.float64]

_BATCH = 100


def curve(predicted: Array, scores: Array) -> Array:
    """Return what treating the best ranked brings a customer of all, by share treated.

    Customers with equal predictions come in an order that has nothing to do with the outcome:
    their scores count as their mean.
    """
    order = np.argsort(-predicted, kind="stable")
    ranked = _ties_averaged(predicted[order], scores[order])
    return np.concatenate([[0.0], np.cumsum(ranked)]) / len(scores)


def _ties_averaged(predicted: Array, scores: Array) -> Array:
    starts = np.flatnonzero(np.r_[True, predicted[1:] != predicted[:-1]])
    sizes = np.diff(np.r_[starts, len(predicted)])
    return np.repeat(np.add.reduceat(scores, starts) / sizes, sizes)


def auuc(predicted: Array, scores: Array) -> float:
    """Return the area under `curve`."""
    gained = curve(predicted, scores)
    return float((gained[:-1] + gained[1:]).sum() / 2 / len(scores))


def qini(predicted: Array, scores: Array) -> float:
    """Return the area between `curve` and treating the same share at random.

    Radcliffe (2007), Direct Marketing Analytics Journal, 14-21, on doubly robust scores, which
    makes it a rank-weighted average effect: Yadlowsky, Fleming, Shah, Brunskill and Wager (2025),
    J. Am. Statist. Assoc. 120(549), 38-51.
    """
    return auuc(predicted, scores) - float(scores.mean()) / 2


def judge(
    predicted: pd.DataFrame,
    learners: Sequence[str],
    *,
    cost: float,
    confidence: float,
    seed: int,
    resamples: int = 500,
) -> pd.DataFrame:
    """Return what each learner's ranking is worth, with intervals for all of them together.

    Parameters
    ----------
    predicted
        ``uplift.predict``: one column a learner, and score.
    learners
        Columns to judge.
    cost
        What treating a customer costs beyond what the measure has in it already.
    confidence
        For all learners at once (Bonferroni).
    seed, resamples
        Of the bootstrap over customers.

    Returns
    -------
    pandas.DataFrame
        learner, auuc, qini with qini_low, qini_high, treated (share that the learner would treat:
        predicted above cost), value (what that brings a customer of all), gain (over treating
        all, or nobody where that is better) with gain_low, gain_high, offered (gain_low > 0).
    """
    level = 1 - (1 - confidence) / len(learners)
    scores = predicted["score"].to_numpy(dtype=float)
    n = len(scores)
    weights = _weights(n, resamples, np.random.default_rng(seed))
    rows = []
    for name in learners:
        ranked = predicted[name].to_numpy(dtype=float)
        chosen = ranked > cost
        gains = np.where(chosen, scores - cost, 0.0)
        plain = np.maximum(0.0, (scores - cost).mean())
        redrawn = _redrawn(ranked, scores, gains, cost, weights)
        low, high = percentile_interval(redrawn, confidence=level)
        rows.append(
            {
                "learner": name,
                "auuc": auuc(ranked, scores),
                "qini": qini(ranked, scores),
                "qini_low": low[0],
                "qini_high": high[0],
                "treated": float(chosen.mean()),
                "value": float(gains.mean()),
                "gain": float(gains.mean() - plain),
                "gain_low": low[1],
                "gain_high": high[1],
                "offered": bool(low[1] > 0),
            }
        )
    return pd.DataFrame(rows)


def _weights(n: int, resamples: int, rng: np.random.Generator) -> list[Array]:
    sizes = [min(_BATCH, resamples - done) for done in range(0, resamples, _BATCH)]
    return [rng.multinomial(n, np.full(n, 1 / n), size=size).astype(float) for size in sizes]


def _redrawn(
    ranked: Array, scores: Array, gains: Array, cost: float, weights: Sequence[Array]
) -> Array:
    """Return Qini and the gain over the better of all and nobody, resample by resample."""
    order = np.argsort(-ranked, kind="stable")
    own = _ties_averaged(ranked[order], scores[order])
    n, found = len(scores), []
    for drawn in weights:
        sorted_weights = drawn[:, order]
        running = np.cumsum(sorted_weights * own, axis=1) / n
        area = np.sum(running * sorted_weights, axis=1) / n - (sorted_weights**2 @ own) / 2 / n**2
        everybody = drawn @ scores / n
        best = np.maximum(0.0, everybody - cost)
        found.append(np.column_stack([area - everybody / 2, drawn @ gains / n - best]))
    return np.vstack(found)

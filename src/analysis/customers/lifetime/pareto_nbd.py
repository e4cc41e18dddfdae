"""Pareto/NBD: Poisson purchases at a rate of each customer's own until an unseen death.

The rate lambda is gamma (r, alpha) among customers, the rate of dying mu is gamma (s, beta). The
likelihood of a death between the last purchase and the end is an integral over the day of death;
it is summed by Gauss's rule after a substitution that flattens it, so that slopes are exact
derivatives under the integral and nothing cancels, as it does in differences of hypergeometric
functions.

What customers are known to be (traits z) may shift both rates: lambda by exp(g'z), mu by exp(d'z),
which is alpha exp(-g'z) and beta exp(-d'z) in place of alpha and beta. Estimated are exp(g) and
exp(d), by how many times more often customers buy, and leave, for a trait greater by one.

References
----------
Schmittlein, Morrison, Colombo (1987), Management Science 33(1), 1-24.
Fader, Hardie (2005), A note on deriving the Pareto/NBD model and related expressions.
Fader, Hardie (2007), Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.customers.lifetime.maximum_likelihood import Estimate, maximise
from analysis.customers.lifetime.purchase_counts import PurchaseCounts
from analysis.stats.types import Floats, Integers

NAMES = ("r", "alpha", "s", "beta")
PLAIN, WITH_TRAITS = "Pareto/NBD", "Pareto/NBD with attributes"
#: Begin the names of what traits multiply.
BUYS, LEAVES = "purchase rate, ", "dropout rate, "
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_NODES, _LOG_WEIGHTS = (_NODES + 1) / 2, np.log(_WEIGHTS / 2)

#: Rows whose days of death are gone through at once: what they take stays in the nearest cache.
_FEW = 500


@dataclass(frozen=True)
class ParetoNBD:
    """A fitted Pareto/NBD; parameters r, alpha, s, beta, times in weeks.

    Where customers differ by traits, these follow: the purchase rate's factor of each, then the
    dropout rate's. Counts given to such a model hold the same traits in the same order.
    """

    estimate: Estimate

    @property
    def name(self) -> str:
        """Name in the literature."""
        return PLAIN if len(self.estimate.values) == 4 else WITH_TRAITS

    def at(self, values: Floats) -> ParetoNBD:
        """Return the model with other parameters, as drawn from ``estimate``."""
        return replace(self, estimate=replace(self.estimate, values=np.asarray(values)))

    def alive(self, counts: PurchaseCounts) -> Floats:
        """Return the probability that each row's customer is alive at the end of observation."""
        first, again = counts.runs
        lives, dead, *_ = _log_parts(_picked(self._own(counts), first), counts.part(first))
        return np.asarray(np.exp(lives - np.logaddexp(lives, dead)))[again]

    def expected(self, counts: PurchaseCounts, weeks: float) -> Floats:
        """Return the purchases expected of each row's customer in the next ``weeks``."""
        r, alpha, s, beta = self._own(counts)
        rate = (r + counts.repeats) / (alpha + counts.observed)
        return self.alive(counts) * rate * _lifetime(s, beta + counts.observed, weeks)

    def drawn(
        self, counts: PurchaseCounts, weeks: list[float], generator: np.random.Generator
    ) -> Floats:
        """Return purchases drawn of each row's customer by the end of each of ``weeks``."""
        r, alpha, s, beta = self._own(counts)
        lives = generator.random(len(counts)) < self.alive(counts)
        rate = generator.gamma(r + counts.repeats) / (alpha + counts.observed)
        dying = generator.gamma(s, size=len(counts)) / (beta + counts.observed)
        until = lives * generator.exponential(size=len(counts)) / np.maximum(dying, 1e-300)
        events = np.zeros(len(counts))
        found = np.zeros((len(counts), len(weeks)))
        for place, (before, end) in enumerate(zip([0.0, *weeks[:-1]], weeks, strict=True)):
            lived = np.clip(until, before, end) - before
            events += generator.poisson(rate * lived)
            found[:, place] = events
        return found

    def population(self, weeks: Floats) -> Floats:
        """Return the repeat purchases expected of a new customer ``weeks`` after the first.

        Of one whose traits are all nought, where customers differ by traits.
        """
        r, alpha, s, beta = self.estimate.values[:4]
        ends = np.atleast_1d(np.asarray(weeks, dtype="float64"))
        return np.array([r / alpha * float(_lifetime(s, np.array([beta]), e)[0]) for e in ends])

    def _own(self, counts: PurchaseCounts) -> tuple[float, Floats, float, Floats]:
        return _of_rows(self.estimate.values, counts)


def fit(counts: PurchaseCounts) -> ParetoNBD:
    """Fit the model to customers who do not differ by traits, with analytic slopes."""
    pace = 1 / max(counts.rate(), 1e-6)
    return ParetoNBD(
        maximise(
            lambda values: _log_likelihood(values, counts),
            NAMES,
            [(1.0, pace, 1.0, pace), (0.5, 0.5 * pace, 0.5, 10.0)],
        )
    )


def fit_with_traits(counts: PurchaseCounts, traits: Sequence[str], plain: ParetoNBD) -> ParetoNBD:
    """Fit the model to customers who differ by traits.

    Parameters
    ----------
    counts
        Customers by (x, t_x, T) and traits.
    traits
        Names of the columns of ``counts.traits``.
    plain
        The model fitted to the same customers without traits, which the search begins from.
    """
    names = (*NAMES, *(start + name for start in (BUYS, LEAVES) for name in traits))
    start = (*plain.estimate.values, *np.ones(2 * len(traits)))
    return ParetoNBD(maximise(lambda values: _log_likelihood(values, counts), names, [start]))


def _of_rows(values: Floats, counts: PurchaseCounts) -> tuple[float, Floats, float, Floats]:
    """Return r, alpha, s and beta, of which alpha and beta differ by the traits of each row."""
    r, alpha, s, beta = values[:4]
    if len(values) == 4:
        return r, np.array([alpha]), s, np.array([beta])
    buys, leaves = np.split(np.log(values[4:]), 2)
    return r, alpha * np.exp(-counts.traits @ buys), s, beta * np.exp(-counts.traits @ leaves)


def _picked(
    own: tuple[float, Floats, float, Floats], rows: slice | Integers
) -> tuple[float, Floats, float, Floats]:
    """Return `_of_rows` of some of the rows."""
    r, alpha, s, beta = own
    return r, alpha if len(alpha) == 1 else alpha[rows], s, beta if len(beta) == 1 else beta[rows]


def _lifetime(s: float, known: Floats, weeks: float) -> Floats:
    """Return the weeks of the next ``weeks`` that somebody alive is expected to live."""
    logs = np.log1p(weeks / known)
    if abs(s - 1) < 1e-8:
        return np.asarray(known * logs)
    return np.asarray(-known * np.expm1(-(s - 1) * logs) / (s - 1))


def _log_parts(
    own: tuple[float, Floats, float, Floats], counts: PurchaseCounts
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Return log weights of life and death, the days of death, log (beta+day), shares and r + x.

    Death between t_x and T at y has the density s beta^s (beta+y)^-(s+1) (alpha+y)^-(r+x); with
    w = ((alpha+t_x) / (alpha+y))^(r+x) the steep factor is gone.
    """
    r, alpha, s, beta = own
    events = r + counts.repeats
    start = np.log(alpha + counts.recency)
    span = np.log(alpha + counts.observed) - start
    lives = -events * (start + span) + s * (np.log(beta) - np.log(beta + counts.observed))
    lowest = np.exp(-events * span)[:, None]
    logs = -np.log(lowest + (1 - lowest) * _NODES) / events[:, None]
    days = np.exp(start[:, None] + logs) - alpha[:, None]
    dying = np.log(beta[:, None] + days)
    with np.errstate(divide="ignore"):
        level = s * np.log(beta) + (1 - events) * start - np.log(events)
        terms = (
            np.log(s) - (s + 1) * dying + logs
            + (level + np.log1p(-lowest[:, 0]))[:, None] + _LOG_WEIGHTS
        )  # fmt: skip
    top = terms.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    sizes = np.exp(terms - top)
    whole = sizes.sum(axis=1)
    with np.errstate(divide="ignore"):
        dead = np.log(whole) + top[:, 0]
    shares = sizes / np.maximum(whole, 1e-300)[:, None]
    return lives, dead, days, dying, shares, events


def _log_likelihood(values: Floats, counts: PurchaseCounts) -> tuple[float, Floats]:
    """Return the log-likelihood of all customers and its slopes by every parameter."""
    return counts.by_blocks(lambda block: _of_block(values, block))


def _of_block(values: Floats, counts: PurchaseCounts) -> tuple[float, Floats]:
    own = _of_rows(values, counts)
    parts = [slice(i, i + _FEW) for i in range(0, len(counts), _FEW)]
    each = np.hstack([_of_few(_picked(own, part), counts.part(part)) for part in parts])
    return counts.summed(each[0]), _along(each[1:], values, own, counts)


def _of_few(own: tuple[float, Floats, float, Floats], counts: PurchaseCounts) -> Floats:
    """Return each row's log-likelihood, and its slopes by the row's own r, alpha, s and beta."""
    from scipy.special import digamma, gammaln

    r, alpha, s, beta = own
    lives, dead, days, log_dying, shares, events = _log_parts(own, counts)
    whole = np.logaddexp(lives, dead)
    height = gammaln(events) - gammaln(r) + r * np.log(alpha) + whole
    alive = np.exp(lives - whole)

    def mixed(living: Floats, dying: Floats) -> Floats:
        """Return the mean of a slope over life and over the day of death."""
        return np.asarray(alive * living + (1 - alive) * (shares * dying).sum(axis=1))

    known, dying = beta + counts.observed, beta[:, None] + days
    at_end, at_death = alpha + counts.observed, alpha[:, None] + days
    start = np.log(beta)
    slopes = (
        digamma(events) - digamma(r) + np.log(alpha) + mixed(-np.log(at_end), -np.log(at_death)),
        r / alpha + mixed(-events / at_end, -events[:, None] / at_death),
        mixed(start - np.log(known), 1 / s + start[:, None] - log_dying),
        mixed(s / beta - s / known, (s / beta)[:, None] - (s + 1) / dying),
    )
    return np.stack([height, *slopes])


def _along(
    slopes: Floats,
    values: Floats,
    own: tuple[float, Floats, float, Floats],
    counts: PurchaseCounts,
) -> Floats:
    """Return slopes by the parameters, from each row's by its own r, alpha, s and beta."""
    by_r, by_alpha, by_s, by_beta = (slope * counts.customers for slope in slopes)
    in_logs = (by_alpha * own[1], by_beta * own[3])
    first = [by_r.sum(), in_logs[0].sum() / values[1], by_s.sum(), in_logs[1].sum() / values[3]]
    if len(values) == 4:
        return np.array(first)
    factors = np.concatenate([-(one @ counts.traits) for one in in_logs]) / values[4:]
    return np.concatenate([first, factors])

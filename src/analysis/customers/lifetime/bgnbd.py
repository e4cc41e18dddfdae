"""BG/NBD, MBG/NBD and their regular cousins (M)BG/CNBD-k: purchases until a customer drops out.

While active, a customer's gaps are Erlang of shape k at a rate lambda of the customer's own;
lambda is gamma (r, alpha) among customers. After each purchase the customer leaves with a
probability p of the customer's own; p is beta (a, b). k = 1 is the shopper without memory:
BG/NBD, where nobody leaves before a repeat purchase, so that who bought once is alive for certain;
in its modification (MBG) a customer may also leave after the first purchase, and such certainty
goes. k of two and more are shoppers with a rhythm, whose silence says more.

Everything is exact but for rounding: a customer known to be alive at T is in one of the k stages of
the present gap, in each of which lambda is gamma and p is beta, independent of one another, so that
the number of coming purchases is the smaller of a beta-geometric and a negative binomial count.

References
----------
Fader, Hardie, Lee (2005), Marketing Science 24(2), 275-284 (BG/NBD).
Batislam, Denizel, Filiztekin (2007), Int. J. of Research in Marketing 24, 201-209 (MBG/NBD).
Platzer, Reutterer (2016), Marketing Science 35(5), 779-799, and Platzer (2016), Customer base
analysis with BTYDplus (Erlang gaps).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from analysis.customers.lifetime.maximum_likelihood import Estimate, maximise
from analysis.customers.lifetime.purchase_counts import PurchaseCounts
from analysis.stats.types import Floats

NAMES = ("r", "alpha", "a", "b")
LARGEST_SHAPE = 12

#: Rows whose expectations are taken at once.
_BLOCK = 20_000
_POINTS = 32


@dataclass(frozen=True)
class BetaGeometric:
    """A fitted (M)BG/CNBD-k.

    Parameters
    ----------
    estimate
        r, alpha (weeks), a, b.
    shape
        k of the gaps.
    modified
        Whether customers may leave after the first purchase.
    """

    estimate: Estimate
    shape: int = 1
    modified: bool = False

    @property
    def name(self) -> str:
        """Name in the literature."""
        family = "MBG" if self.modified else "BG"
        return f"{family}/NBD" if self.shape == 1 else f"{family}/CNBD-{self.shape}"

    def at(self, values: Floats) -> BetaGeometric:
        """Return the model with other parameters, as drawn from ``estimate``."""
        return replace(self, estimate=replace(self.estimate, values=np.asarray(values)))

    def alive(self, counts: PurchaseCounts) -> Floats:
        """Return the probability that each row's customer has not left."""
        alive, left = _weights(self, counts)
        return np.asarray(np.exp(_added(alive) - np.logaddexp(_added(alive), left)))

    def expected(self, counts: PurchaseCounts, weeks: float) -> Floats:
        """Return the purchases expected of each row's customer in the next ``weeks``."""
        alive, left = _weights(self, counts)
        stage = np.exp(alive - np.logaddexp(_added(alive), left)[:, None])
        blocks = range(0, len(counts), _BLOCK)
        parts = [_alive_expects(self, counts.part(slice(i, i + _BLOCK)), weeks) for i in blocks]
        return np.asarray((stage * np.vstack([np.zeros((0, self.shape)), *parts])).sum(axis=1))

    def drawn(
        self, counts: PurchaseCounts, weeks: list[float], generator: np.random.Generator
    ) -> Floats:
        """Return purchases drawn of each row's customer by the end of each of ``weeks``.

        Returns
        -------
        Floats
            Rows x weeks; ``weeks`` rise, and so do the counts.
        """
        r, alpha, a, b = self.estimate.values
        alive, left = _weights(self, counts)
        stage = np.exp(alive - np.logaddexp(_added(alive), left)[:, None])
        picked = (generator.random((len(counts), 1)) > np.cumsum(stage, axis=1)).sum(axis=1)
        lives = picked < self.shape
        rate = generator.gamma(
            r + self.shape * counts.repeats + np.minimum(picked, self.shape - 1)
        ) / (alpha + counts.observed)
        leaves = generator.beta(a, b + counts.repeats + self.modified)
        until = generator.geometric(np.clip(leaves, 1e-12, 1.0)).astype("float64")
        events = np.zeros(len(counts))
        found = np.zeros((len(counts), len(weeks)))
        for place, (before, end) in enumerate(zip([0.0, *weeks[:-1]], weeks, strict=True)):
            events += generator.poisson(rate * (end - before))
            found[:, place] = lives * np.minimum(until, (picked + events) // self.shape)
        return found

    def population(self, weeks: Floats) -> Floats:
        """Return the repeat purchases expected of a new customer ``weeks`` after the first."""
        ends = np.atleast_1d(np.asarray(weeks, dtype="float64"))
        fresh = PurchaseCounts(np.zeros(1), np.zeros(1), np.zeros(1), np.ones(1))
        return np.array([float(self.expected(fresh, end)[0]) if end > 0 else 0.0 for end in ends])


def fit(counts: PurchaseCounts, *, shape: int = 1, modified: bool = False) -> BetaGeometric:
    """Fit the model by maximum likelihood with analytic slopes.

    Parameters
    ----------
    counts
        Customers by (x, t_x, T).
    shape
        k of the gaps; 1 is Poisson.
    modified
        Whether customers may leave after the first purchase (MBG).
    """
    pace = 1 / max(shape * counts.rate(), 1e-6)
    estimate = maximise(
        lambda values: _log_likelihood(values, counts, shape, modified),
        NAMES,
        [(1.0, pace, 1.0, 3.0), (0.3, 0.3 * pace, 0.5, 5.0)],
    )
    return BetaGeometric(estimate, shape, modified)


def fit_regular(
    counts: PurchaseCounts, *, modified: bool = True, most: int = LARGEST_SHAPE
) -> BetaGeometric:
    """Fit gaps of every shape k from 1 upwards while the likelihood rises, and return the best."""
    best = fit(counts, modified=modified)
    for shape in range(2, most + 1):
        other = fit(counts, shape=shape, modified=modified)
        if other.estimate.log_likelihood <= best.estimate.log_likelihood:
            break
        best = other
    return best


def _added(alive: Floats) -> Floats:
    from scipy.special import logsumexp

    return alive[:, 0] if alive.shape[1] == 1 else np.asarray(logsumexp(alive, axis=1))


def _weights(model: BetaGeometric, counts: PurchaseCounts) -> tuple[Floats, Floats]:
    return _log_terms(model.estimate.values, counts, model.shape, model.modified)


def _log_terms(
    values: Floats, counts: PurchaseCounts, shape: int, modified: bool
) -> tuple[Floats, Floats]:
    """Return the log weights of being alive, by stage, and of having left.

    What depends on the number of purchases alone is reckoned once for each number.
    """
    from scipy.special import betaln, gammaln, xlogy

    r, alpha, a, b = values
    x, row = counts.distinct_repeats
    stages = np.arange(shape)
    events = (r + shape * x)[:, None] + stages
    survived = betaln(a, b + x + modified) - betaln(a, b)
    given = gammaln(events) - gammaln(stages + 1) + survived[:, None]
    alive = given.take(row, 0) - events.take(row, 0) * np.log(alpha + counts.observed)[:, None]
    if shape > 1:
        alive += xlogy(stages, (counts.observed - counts.recency)[:, None])
    last = np.maximum(b + x - 1 + modified, 1e-300)
    gone = gammaln(events[:, 0]) + betaln(a + 1, last) - betaln(a, b)
    gone = gone if modified else np.where(x > 0, gone, -np.inf)
    return alive, gone.take(row) - events[:, 0].take(row) * np.log(alpha + counts.recency)


def _log_likelihood(
    values: Floats, counts: PurchaseCounts, shape: int, modified: bool
) -> tuple[float, Floats]:
    """Return the log-likelihood of all customers and its slopes by r, alpha, a, b."""
    height, slopes = counts.by_blocks(lambda block: _of_block(values, block, shape, modified))
    return height + (shape - 1) * counts.log_gaps, slopes


def _of_block(
    values: Floats, counts: PurchaseCounts, shape: int, modified: bool
) -> tuple[float, Floats]:
    from scipy.special import gammaln

    r, alpha = values[:2]
    alive, left = _log_terms(values, counts, shape, modified)
    whole = np.logaddexp(_added(alive), left)
    height = r * np.log(alpha) - gammaln(r) + whole - counts.repeats * gammaln(shape)
    stage, gone = np.exp(alive - whole[:, None]), np.exp(left - whole)
    by_rate = _slopes_of_rate(values, counts, stage, gone)
    by_leaving = _slopes_of_leaving(values, counts, stage.sum(axis=1), gone, modified)
    slopes = np.array([counts.summed(slope) for slope in (*by_rate, *by_leaving)])
    return counts.summed(height), slopes


def _slopes_of_rate(
    values: Floats, counts: PurchaseCounts, stage: Floats, gone: Floats
) -> tuple[Floats, Floats]:
    from scipy.special import digamma

    r, alpha = values[:2]
    x, row = counts.distinct_repeats
    each = (r + stage.shape[1] * x)[:, None] + np.arange(stage.shape[1])
    events, rise = each.take(row, 0), digamma(each).take(row, 0)
    known, seen = alpha + counts.observed, alpha + counts.recency
    by_r = (
        np.log(alpha) - digamma(r)
        + (stage * (rise - np.log(known)[:, None])).sum(axis=1)
        + gone * (rise[:, 0] - np.log(seen))
    )  # fmt: skip
    by_alpha = r / alpha - (stage * events).sum(axis=1) / known - gone * events[:, 0] / seen
    return by_r, by_alpha


def _slopes_of_leaving(
    values: Floats, counts: PurchaseCounts, alive: Floats, gone: Floats, modified: bool
) -> tuple[Floats, Floats]:
    from scipy.special import digamma

    a, b = values[2:]
    x, row = counts.distinct_repeats
    chances = b + x + modified
    both = digamma(a + chances).take(row)
    before = digamma(np.maximum(chances - 1, 1e-300)).take(row)
    by_a = alive * digamma(a) + gone * digamma(a + 1) - both - digamma(a) + digamma(a + b)
    by_b = alive * digamma(chances).take(row) + gone * before - both - digamma(b) + digamma(a + b)
    return by_a, by_b


def _alive_expects(model: BetaGeometric, counts: PurchaseCounts, weeks: float) -> Floats:
    """Return, by stage, the purchases expected of somebody alive in the next ``weeks``.

    Given p, with q = 1 - p, the events of a customer in stage j are Poisson at lambda, and a k-th
    of them are purchases: with roots of unity w_l and c_l = 1 - w_l q^(1/k), the expectation is

        q^((j+1)/k - 1) / k * sum over l of w_l^(j+1) (1 - E exp(-lambda weeks c_l)) / c_l,

    lambda being gamma. At k = 1 this is (1 - (A / (A + p weeks))^R) / p. The mean over the beta
    distribution of p is taken by Gauss's rule, of which no more than a few points are needed.
    """
    r, alpha, a, b = model.estimate.values
    shape = model.shape
    repeats, row = np.unique(counts.repeats, return_inverse=True)
    leave, weight = _beta_rule(a, tuple(b + repeats + model.modified))
    stay = 1 - leave
    scale = weeks / (alpha + counts.observed)
    found = np.zeros((len(counts), shape))
    for turn in range(shape):
        root = np.exp(2j * np.pi * turn / shape) if turn else 1.0
        short = -np.expm1(np.log1p(-leave) / shape) if turn == 0 else 1 - root * stay ** (1 / shape)
        faded = np.log1p(short[row] * scale[:, None])
        for stage in range(shape):
            events = (r + shape * counts.repeats + stage)[:, None]
            share = root ** (stage + 1) * stay ** ((stage + 1) / shape - 1) / shape
            term = (weight * share / short)[row] * -np.expm1(-events * faded)
            found[:, stage] += term.sum(axis=1).real
    return found


@lru_cache(maxsize=2)  # the same for every horizon asked of a model
def _beta_rule(a: float, chances: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return points and weights of Gauss's rule for beta (a, b), one row a b of ``chances``.

    Golub, Welsch (1969): eigenvalues of the matrix of the Jacobi polynomials' recurrence; weights
    add up to one.
    """
    n = np.arange(1, _POINTS)[:, None]
    stays = np.array(chances)
    one, two = stays - 1, a - 1
    both = one + two
    whole = 2 * n + both
    middle = np.vstack([(two - one) / (both + 2), (two**2 - one**2) / (whole * (whole + 2))])
    with np.errstate(divide="ignore", invalid="ignore"):
        square = 4 * n * (n + one) * (n + two) * (n + both) / (whole**2 * (whole**2 - 1))
    square[0] = 4 * (1 + one) * (1 + two) / ((2 + both) ** 2 * (3 + both))
    matrix = np.zeros((len(stays), _POINTS, _POINTS))
    place = np.arange(_POINTS)
    matrix[:, place, place] = middle.T
    matrix[:, place[1:], place[:-1]] = np.sqrt(square).T
    points, vectors = np.linalg.eigh(matrix)
    return np.clip((1 + points) / 2, 1e-15, 1 - 1e-15), vectors[:, 0, :] ** 2

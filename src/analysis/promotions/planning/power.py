"""How many customers a promotion needs before it starts, or what it can see with those there are.

Every measure comes down to the variance of one customer (a share's, a mean's, a ratio's
by the delta method), so that one formula serves all designs.

How many customers a change of a share, such as conversion, takes, by exact power.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.multiplicity import dunnett_quantile
from analysis.stats.proportions import newcombe
from analysis.stats.types import Floats


@dataclass(frozen=True)
class Design:
    """A promotion to be planned.

    Parameters
    ----------
    treated
        Share of the customers in each treated arm; the rest is control.
    alpha, power
        Chance of a false effect (for all arms together), and of seeing a true one.
    no_worse
        Test that it does no more harm than the difference given (non-inferiority, one-sided),
        where it truly does none, instead of two-sidedly for a difference.
    explained
        Share of the variance that covariates from before the start explain.
    cluster_size, resemblance
        Customers of a cluster that gets its arm as a whole, such as a store, and their
        intra-cluster correlation; 1 and 0 where customers are drawn one by one.
    """

    treated: tuple[float, ...] = (0.5,)
    alpha: float = 0.05
    power: float = 0.8
    no_worse: bool = False
    explained: float = 0.0
    cluster_size: float = 1.0
    resemblance: float = 0.0

    def __post_init__(self) -> None:
        if min(self.treated) <= 0 or self.control <= 0:
            raise ValueError(f"shares {self.treated} must be positive and leave some for control")

    @property
    def control(self) -> float:
        """Share of the customers in control."""
        return 1 - sum(self.treated)

    @property
    def tail(self) -> float:
        """Chance of a false effect on the side, or on each side, that is tested."""
        return self.alpha if self.no_worse else self.alpha / 2

    @property
    def inflation(self) -> float:
        """Variance of a mean against that of as many customers drawn one by one.

        1 + (size - 1) x correlation: Kish (1965), Survey Sampling, section 5.4.
        """
        return 1 + (self.cluster_size - 1) * self.resemblance


def customers_needed(
    difference: float,
    variance: float,
    design: Design | None = None,
    *,
    variance_treated: float | None = None,
) -> int:
    """Return how many customers, over all arms, see ``difference`` with the design's power.

    Parameters
    ----------
    difference
        Smallest difference to be seen, or the harm to be ruled out.
    variance, variance_treated
        Of one customer, in control and treated (None: the same).
    design
        The design; None for two equal arms.

    Notes
    -----
    The normal formula (Chow, Shao and Wang, Sample Size Calculations in Clinical Research,
    chapters 3 and 4), for two equal variances then corrected to the noncentral t. Several arms
    share one control: Dunnett's quantile.
    """
    design = design or Design()
    if difference == 0:
        raise ValueError("no number of customers sees a difference of zero")
    parts = _parts(design, variance, variance_treated)
    first = float(np.ceil((_reach(design) / abs(difference)) ** 2 * max(parts)))
    if len(design.treated) > 1 or design.cluster_size > 1 or variance_treated is not None:
        return int(first)
    return _by_t(first, abs(difference), variance, design)


def smallest_difference(customers: float, variance: float, design: Design | None = None) -> float:
    """Return the smallest difference that so many customers see with the design's power."""
    design = design or Design()
    parts = _parts(design, variance)
    return _reach(design) * float(np.sqrt(max(parts) / customers))


def _parts(design: Design, variance: float, variance_treated: float | None = None) -> list[float]:
    """Return the variance of each arm's difference, times the number of customers."""
    left = (1 - design.explained) * design.inflation
    other = variance if variance_treated is None else variance_treated
    return [left * (other / share + variance / design.control) for share in design.treated]


def _reach(design: Design) -> float:
    """Return how many standard errors a difference must measure."""
    from scipy.special import ndtri

    return critical(design) + float(ndtri(design.power))


def critical(design: Design) -> float:
    """Return the statistic above which a difference is called one."""
    from scipy.special import ndtri

    if len(design.treated) == 1:
        return float(ndtri(1 - design.tail))
    share = np.array(design.treated)
    weights = np.sqrt(share / (share + design.control))
    return dunnett_quantile(weights, confidence=1 - 2 * design.tail)


def _by_t(first: float, difference: float, variance: float, design: Design) -> int:
    """Raise the number until the noncentral t has the power; a step or two."""
    share = design.treated[0]
    n = max(int(first), 4)
    while power_of(n, difference, variance, design) < design.power:
        n += max(1, round(n / 10_000))
    arms = (int(np.ceil(n * share)), int(np.ceil(n * (1 - share))))
    return sum(arms)


def power_of(customers: int, difference: float, variance: float, design: Design) -> float:
    """Return the power of Student's test for two arms of equal variance."""
    from scipy.stats import nct
    from scipy.stats import t as student

    one = np.ceil(customers * design.treated[0])
    two = np.ceil(customers * design.control)
    left = variance * (1 - design.explained)
    away = difference / np.sqrt(left * (1 / one + 1 / two))
    degrees = one + two - 2
    limit = student.ppf(1 - design.tail, degrees)
    beyond = float(nct.sf(limit, degrees, away))
    return beyond if design.no_worse or away > 6 else beyond + float(nct.cdf(-limit, degrees, away))


#: Counts further from their mean than so many standard deviations are left out of the sum.
_FAR = 6.0

#: Counts of an arm that are looked at, at most; of more, evenly spaced ones stand for the rest.
_MOST = 801

#: Steps by which the number of customers is raised, and halvings of the smallest change.
_STEP, _HALVINGS = 0.005, 30


def power_of_shares(customers: float, control: float, treated: float, design: Design) -> float:
    """Return the chance that Newcombe's interval of the difference leaves out zero.

    Parameters
    ----------
    customers
        Over both arms.
    control, treated
        True shares.
    design
        Its first treated share and its chance of a false effect; covariates do not help a share.

    Notes
    -----
    Summed over what both arms may count (binomial), for the test that the report makes
    (`shares.newcombe`).
    """
    from scipy.special import ndtri

    n1 = round(customers * design.treated[0])
    n2 = max(round(customers) - n1, 1)
    (x1, w1), (x2, w2) = _counts(n1, treated), _counts(n2, control)
    z = float(ndtri(1 - design.tail))
    _, low, high = newcombe(x1[:, None], n1, x2[None, :], n2, z=z)
    called = (low > 0) if design.no_worse else (low > 0) | (high < 0)
    return float(w1 @ called @ w2)


def _counts(n: int, share: float) -> tuple[Floats, Floats]:
    """Return counts that ``n`` customers may show, and how likely each is."""
    from scipy.stats import binom

    reach = _FAR * np.sqrt(n * share * (1 - share)) + 2
    low, high = (np.clip(np.round(n * share + s * reach), 0, n) for s in (-1, 1))
    counts = np.unique(np.linspace(low, high, min(_MOST, int(high - low) + 1)).round())
    chance = np.asarray(binom.pmf(counts, n, share))
    return counts, chance / chance.sum()


def customers_for_share(control: float, treated: float, design: Design | None = None) -> int:
    """Return how many customers, over both arms, see ``treated`` beside ``control``.

    Parameters
    ----------
    control, treated
        Shares without and with the promotion, both above zero and below one.
    design
        The design; None for two equal arms.

    Notes
    -----
    From the normal formula with each arm's own variance (Fleiss, Levin and Paik 2003, Statistical
    Methods for Rates and Proportions, section 4.2), raised until the exact power is reached. The
    formula with today's variance for both arms promises .8 and gives less where the share rises.
    """
    design = design or Design()
    if not 0 < control < 1 or not 0 < treated < 1 or control == treated:
        raise ValueError(f"shares {control} and {treated} must differ and lie between 0 and 1")
    n = max(int(_by_normal(control, treated, design)), 8)
    while power_of_shares(n, control, treated, design) < design.power:
        n += max(1, round(_STEP * n))
    return n


def _by_normal(control: float, treated: float, design: Design) -> float:
    from scipy.special import ndtri

    share = design.treated[0]
    middle = share * treated + (1 - share) * control
    null = np.sqrt(middle * (1 - middle) * (1 / share + 1 / (1 - share)))
    own = np.sqrt(treated * (1 - treated) / share + control * (1 - control) / (1 - share))
    reach = ndtri(1 - design.tail) * null + ndtri(design.power) * own
    return float((reach / (treated - control)) ** 2)


def smallest_rise(customers: float, control: float, design: Design | None = None) -> float:
    """Return the smallest rise of a share that so many customers see with the design's power.

    NaN where not even a rise to all customers would be seen.
    """
    design = design or Design()
    low, high = 0.0, 1 - control
    if power_of_shares(customers, control, 1 - 1e-9, design) < design.power:
        return float("nan")
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        seen = power_of_shares(customers, control, control + middle, design) >= design.power
        low, high = (low, middle) if seen else (middle, high)
    return high

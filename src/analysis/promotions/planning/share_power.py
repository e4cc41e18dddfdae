"""How many customers a change of a share, such as conversion, takes, by exact power."""

from __future__ import annotations

import numpy as np

from analysis.promotions.planning.power import Design
from analysis.stats.proportions import newcombe
from analysis.stats.types import Floats

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


def customers_needed(control: float, treated: float, design: Design | None = None) -> int:
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

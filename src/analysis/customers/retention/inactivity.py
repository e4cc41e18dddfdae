"""How unusual a customer's silence is, by the customer's own rhythm.

Gaps between purchases are gamma distributed with one shape k, at a pace of each customer's own that
is itself gamma distributed among customers. All three parameters come from the likelihood of
everybody's gaps. What a customer's own gaps say about the pace then gives, in closed form, how
likely a gap longer than the present silence is: many gaps seen make a sharp judgement, few leave
the customer to the average. Platzer, Reutterer (2016), Marketing Science 35(5), 779-799, section
3, timing part; the mixture over paces is the compound gamma of Dubey (1970), Metrika 16, 27-31.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_CUSTOMERS, FEWEST_RETURNED
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

#: More customers than this add nothing to three parameters; a random part is fitted.
_MOST_FITTED = 50_000


@dataclass(frozen=True)
class Pace:
    """How gaps are distributed among customers and within one.

    Parameters
    ----------
    shape
        k of every customer's gaps.
    prior_shape, prior_rate
        Of the gamma distribution of paces (per day) among customers.
    customers
        Customers with a gap behind it.
    """

    shape: float
    prior_shape: float
    prior_rate: float
    customers: int

    def longer(self, days: ArrayLike, gaps: ArrayLike, gap_sum: ArrayLike) -> Floats:
        """Return how likely a gap of more than ``days`` is.

        Parameters
        ----------
        days
            Length asked about.
        gaps, gap_sum
            Number and sum of the gaps known of the customer.
        """
        from scipy.special import betainc

        known = self.prior_rate + np.asarray(gap_sum, dtype="float64")
        certain = self.prior_shape + self.shape * np.asarray(gaps, dtype="float64")
        silent = np.maximum(np.asarray(days, dtype="float64"), 0.0)
        return np.asarray(betainc(certain, self.shape, known / (silent + known)))

    def overdue_after(self, chance: float, gaps: ArrayLike, gap_sum: ArrayLike) -> Floats:
        """Return the days after which a silence is longer than all but ``chance`` of gaps."""
        from scipy.special import betaincinv

        known = self.prior_rate + np.asarray(gap_sum, dtype="float64")
        certain = self.prior_shape + self.shape * np.asarray(gaps, dtype="float64")
        return np.asarray(known / betaincinv(certain, self.shape, chance) - known)


def fit(features: pd.DataFrame, *, seed: int = 0) -> Pace:
    """Fit the distribution of gaps by maximum likelihood.

    Parameters
    ----------
    features
        gaps, gap_sum, log_gaps, as from ``gaps.compute``.
    seed
        Draws the customers fitted where there are more than 50,000.

    Raises
    ------
    NotApplicable
        If fewer than 30 customers bought on two days.
    """
    from scipy.optimize import minimize

    known = features[features["gaps"] > 0]
    if len(known) < FEWEST_CUSTOMERS:
        raise NotApplicable(
            f"Silence cannot be judged: fewer than {FEWEST_CUSTOMERS} customers "
            f"({len(known)}) bought on two days or more."
        )
    fitted = known.sample(min(len(known), _MOST_FITTED), random_state=seed)
    n, total, logs = (fitted[name].to_numpy("float64") for name in ("gaps", "gap_sum", "log_gaps"))
    start = np.log([1.0, 1.0, float(np.median(total / n))])
    found = minimize(
        _minus_log_likelihood,
        start,
        args=(n, total, logs),
        method="L-BFGS-B",
        jac=True,
        bounds=[(-4, 4), (-4, 6), (-6, 12)],
    )
    shape, prior_shape, prior_rate = np.exp(found.x)
    return Pace(float(shape), float(prior_shape), float(prior_rate), len(known))


def _minus_log_likelihood(
    logs_of: Floats, n: Floats, total: Floats, logs: Floats
) -> tuple[float, Floats]:
    """Return the mean minus log likelihood and its slopes along the parameters' logarithms."""
    from scipy.special import digamma, gammaln

    k, r, a = np.exp(logs_of)
    certain, known = r + k * n, a + total
    value = (
        (k - 1) * logs
        - n * gammaln(k)
        + r * np.log(a)
        - gammaln(r)
        + gammaln(certain)
        - certain * np.log(known)
    )
    by_k = logs - n * digamma(k) + n * digamma(certain) - n * np.log(known)
    by_r = np.log(a) - digamma(r) + digamma(certain) - np.log(known)
    by_a = r / a - certain / known
    slopes = np.array([k * by_k.mean(), r * by_r.mean(), a * by_a.mean()])
    return -float(value.mean()), -slopes


def thresholds(pace: Pace, features: pd.DataFrame, chances: tuple[float, ...]) -> Floats:
    """Return the p-values below which a share ``chances`` of real gaps fall.

    Real gaps have more long ones than the model (holidays, illness), so a p of one in a hundred is
    not as rare as it says. Each customer's last gap, judged by those before it, shows how rare;
    where nobody has two gaps, the model is taken at its word.
    """
    last = _last_gaps(pace, features)
    if len(last) == 0:
        return np.asarray(chances, dtype="float64")
    return np.minimum(np.quantile(last, chances), chances)


def _last_gaps(pace: Pace, features: pd.DataFrame) -> Floats:
    known = features[features["gaps"] >= 2]
    last = known["last_gap"].to_numpy("float64")
    return pace.longer(last - 1, known["gaps"] - 1, known["gap_sum"] - last)


def once_stages(past: pd.DataFrame, people: pd.DataFrame) -> pd.Series:
    """Return ``At risk`` or ``Lapsed`` for who bought once, by the chance to return.

    Parameters
    ----------
    past
        Customers as of an earlier day: gaps, recency_days, stage (by the model of gaps), came
        (whether they bought afterwards).
    people
        Customers now: gaps, recency_days.

    Returns
    -------
    pandas.Series
        By row of ``people``: the stage of who bought once and whose chance to return, by the days
        of silence (isotonic regression: never rising), is nearer to that of silent customers of
        several purchases than to that of active ones; ``Active`` for others who bought once.
        Where the two silent stages are small, or came back in the wrong order, they are one: who
        returns less often than it did is lapsed. Empty for who bought more often, and for everybody
        where fewer than thirty active, silent, or who bought once can be followed, or the active
        came back no more often.

    References
    ----------
    Barlow, Bartholomew, Bremner, Brunk (1972), Statistical Inference under Order Restrictions.
    """
    from sklearn.isotonic import IsotonicRegression

    none = pd.Series("", people.index)
    single = past[past["gaps"] == 0]
    several = past[past["gaps"] > 0]
    back = several.groupby("stage")["came"].agg(["mean", "size"])
    back = back.reindex(["Active", "At risk", "Lapsed"]).fillna(0.0)
    active, risk, gone = back["mean"]
    if back["size"].min() < FEWEST_RETURNED or not active > risk > gone:
        risk = gone = float(several.loc[several["stage"] != "Active", "came"].mean())
    silent = back["size"].drop("Active").sum()
    if min(len(single), back["size"]["Active"], silent) < FEWEST_RETURNED or not active > risk:
        return none
    curve = IsotonicRegression(increasing=False, out_of_bounds="clip")
    curve.fit(single["recency_days"], single["came"].astype("float64"))
    chance = curve.predict(people["recency_days"])
    stage = np.select(
        [chance < (risk + gone) / 2, chance < (active + risk) / 2], ["Lapsed", "At risk"], "Active"
    )
    return pd.Series(np.where(people["gaps"] == 0, stage, ""), people.index)


def calibration(
    pace: Pace, features: pd.DataFrame, chances: tuple[float, ...] = (0.10, 0.05, 0.01)
) -> pd.DataFrame:
    """Check the judgement on each customer's last gap, judged by the gaps before it alone.

    Returns
    -------
    pandas.DataFrame
        chance (called unusual at), expected (last gaps called if the model held), called, low,
        high (share of last gaps really called, 95 % Wilson interval), customers.
    """
    p = _last_gaps(pace, features)
    rows = []
    for chance in chances:
        called = int((p < chance).sum())
        low, high = wilson_interval(called, max(len(p), 1))
        share = called / len(p) if len(p) else np.nan
        rows.append((chance, chance, share, low[0], high[0], len(p)))
    names = ["chance", "expected", "called", "low", "high", "customers"]
    return pd.DataFrame(rows, columns=names)

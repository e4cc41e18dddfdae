"""Which forecast of customers' value to trust: a contest on periods that nobody had seen.

Every contestant is fitted on what was known at a cut-off and judged by the margin that came in the
period after. The benchmark is the forecast that needs no model: the same as last period. Absolute
errors are no criterion here: with many customers who buy nothing, the forecast "nobody buys" has
the smallest. Judged are the bias of the total, the calibration by decile of the forecast (the sum
of the deciles' errors as a share of the total), the ranking (normalised Gini: 1 ranks as the truth
does) and how often an 80 % interval holds what a customer brings.

Reference
---------
Frees, Meyers, Cummings (2014), Insurance ratemaking and a Gini index, J. of Risk and Insurance 81,
335-366 (ranking by a Gini index).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.customers.lifetime import bgnbd, gamma_gamma, pareto_nbd, purchase_counts
from analysis.customers.lifetime.lifetime_value import (
    WEEKS_A_MONTH,
    PurchaseModel,
    ValueSettings,
    drawn_values,
)
from analysis.customers.lifetime.pareto_nbd import PLAIN, WITH_TRAITS
from analysis.customers.lifetime.purchase_counts import PurchaseCounts, trait_names
from analysis.customers.lifetime.snapshots import Snapshot, matrix
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_LEARNT
from analysis.stats.types import Floats

NAIVE = "Same as last period"
BOOSTING, REGULAR = "Gradient boosting", "Regular gaps (MBG/CNBD-k)"
#: Name to fit of every purchase model in the contest.
PURCHASE_MODELS: dict[str, Callable[[PurchaseCounts], PurchaseModel]] = {
    "BG/NBD": bgnbd.fit,
    "MBG/NBD": lambda counts: bgnbd.fit(counts, modified=True),
    PLAIN: pareto_nbd.fit,
    REGULAR: bgnbd.fit_regular,
}
DECILES = 10
_COMPARED = ["better_low", "better_high", "gini_low", "gini_high"]
_GAINED = ["measure", "gain", "low", "high"]
_DRAWS = 100
#: Customers whose intervals are checked; more would only cost time.
_INTERVALS = 3_000
_RESAMPLES, _BATCH = 200, 20
_ENDS = (0.025, 0.975)


@dataclass(frozen=True)
class Forecast:
    """A contestant's forecast of every customer of a snapshot; low and high are an 80 % interval.

    ``low`` and ``high`` are NaN where the contestant gives none, or outside a random sample.
    """

    expected: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Scorecard:
    """How every contestant did.

    Parameters
    ----------
    scores
        One row a contestant and cut-off: model, cutoff, customers, actual, forecast (currency),
        bias (share of the actual total), calibration (deciles' errors over the actual total),
        gini (normalised), coverage (of 80 % intervals; NaN without).
    means
        One row a contestant: model, bias, calibration, gini, coverage (means over cut-offs, the
        bias by its size), better_low, better_high (95 % interval of the naive calibration minus
        the contestant's, resampling customers), gini_low, gini_high (of the contestant's Gini
        minus the naive one).
    deciles
        One row a contestant and decile of its forecast at the last cut-off: model, decile (1
        highest), customers, forecast, actual (means per customer).
    trusted
        The contestant to use.
    beats_naive
        Whether any contestant beats the naive forecast.
    attributes
        What attributes of customers added to Pareto/NBD, one measure a row: measure (calibration,
        gini), gain (means over cut-offs), low, high (95 % interval, resampling customers); no rows
        where no attribute could take part.
    """

    scores: pd.DataFrame
    means: pd.DataFrame
    deciles: pd.DataFrame
    trusted: str
    beats_naive: bool
    attributes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=_GAINED))

    @property
    def attributes_help(self) -> bool:
        """Whether a measure is significantly better with attributes, and none is worse."""
        table = self.attributes
        return bool((table["low"] > 0).any() and (table["high"] >= 0).all())

    def best_purchase_models(self) -> list[str]:
        """Return the purchase models of the contest, the best calibrated first.

        The one with attributes takes part only where they add something.

        Raises
        ------
        NotApplicable
            If none took part, as where nothing is known of the value of a purchase.
        """
        ranked = self.means.sort_values("calibration", kind="stable")["model"]
        usable = {*PURCHASE_MODELS, *([WITH_TRAITS] if self.attributes_help else [])}
        found = [name for name in ranked if name in usable]
        if not found:
            raise NotApplicable("No purchase model could be fitted at the past cut-offs.")
        return found


def scorecard(snapshots: list[Snapshot], *, seed: int = 0) -> Scorecard:
    """Return how every contestant did on every snapshot after the first.

    Parameters
    ----------
    snapshots
        Past snapshots, earliest first, one horizon apart, with outcomes.
    seed
        Seed of draws and resamples.

    Raises
    ------
    NotApplicable
        If there are fewer than two snapshots, or nobody brought anything.
    """
    if len(snapshots) < 2:
        raise NotApplicable("A contest of forecasts needs two past cut-offs.")
    rounds = [(now, contestants(earlier, now, seed=seed)) for earlier, now in pairwise(snapshots)]
    for now, _ in rounds:
        if not now.customers["margin_next"].sum() > 0:
            raise NotApplicable(
                "Forecasts of value cannot be compared: all customers together brought no margin "
                f"from {now.outcome}."
            )
    names = [name for name in rounds[-1][1] if all(name in found for _, found in rounds)]
    scores = pd.DataFrame(
        [_scored(now, name, found[name]) for now, found in rounds for name in names]
    )
    drawn = _resampled(rounds, names, seed)
    means = _means(scores, drawn)
    now, found = rounds[-1]
    deciles = pd.concat([_deciles(now, name, found[name]) for name in names], ignore_index=True)
    card = Scorecard(scores, means, deciles, NAIVE, False, _added_by_attributes(means, drawn))
    trusted = _trusted(means if card.attributes_help else means[means["model"] != WITH_TRAITS])
    return replace(card, trusted=trusted, beats_naive=trusted != NAIVE)


def contestants(earlier: Snapshot, now: Snapshot, *, seed: int) -> dict[str, Forecast]:
    """Return every contestant's forecast of the outcome of ``now``.

    Parameters
    ----------
    earlier
        The snapshot that boosting learns from; its outcome ends where ``now`` begins.
    now
        The snapshot forecast; its outcome is not looked at.
    """
    frame = now.customers
    nothing = np.full(len(frame), np.nan)
    found = {NAIVE: Forecast(frame["margin_last"].to_numpy("float64"), nothing, nothing)}
    assert now.outcome is not None
    try:
        value = gamma_gamma.fit_value(frame)
    except NotApplicable:
        value = None
    if value is not None:
        described = purchase_counts.encode(frame)
        for name, model in fit_all(described).items():
            found[name] = forecast(described, model, value, days=now.outcome.days, seed=seed)
    if len(earlier.customers) >= FEWEST_LEARNT:
        found[BOOSTING] = boosted(earlier, frame, seed=seed)
    return found


def fit_all(described: pd.DataFrame) -> dict[str, PurchaseModel]:
    """Return every purchase model fitted, by name; with attributes only where there are traits."""
    counts = PurchaseCounts.of(described)
    fitted = {name: fit(counts) for name, fit in PURCHASE_MODELS.items()}
    if trait_names(described):
        fitted[WITH_TRAITS] = fit_described(described, fitted[PLAIN])
    return fitted


def fit_named(name: str, described: pd.DataFrame) -> PurchaseModel:
    """Return one purchase model of the contest fitted to customers with their traits."""
    if name == WITH_TRAITS and trait_names(described):
        return fit_described(described)
    return PURCHASE_MODELS.get(name, pareto_nbd.fit)(PurchaseCounts.of(described))


def fit_described(described: pd.DataFrame, plain: PurchaseModel | None = None) -> PurchaseModel:
    """Return Pareto/NBD with the traits of ``purchase_counts.encode``."""
    names = trait_names(described)
    plain = plain or pareto_nbd.fit(PurchaseCounts.of(described))
    assert isinstance(plain, pareto_nbd.ParetoNBD)
    return pareto_nbd.fit_with_traits(PurchaseCounts.of(described, names), names, plain)


def forecast(
    frame: pd.DataFrame,
    purchases: PurchaseModel,
    value: gamma_gamma.GammaGamma | gamma_gamma.Credibility,
    *,
    days: int,
    seed: int,
) -> Forecast:
    """Return the margin a purchase model expects of every customer in the next ``days``."""
    bought = frame["repeats"].to_numpy("float64") + 1
    worth = value.expected(bought, frame["margin_amount"].to_numpy("float64") / bought)
    expected = purchases.expected(PurchaseCounts.each(frame), days / 7) * worth
    settings = ValueSettings(months=(days / 7 / WEEKS_A_MONTH,), discount=0.0, draws=_DRAWS)
    low, high = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    rng = np.random.default_rng(seed)
    some = rng.choice(len(frame), min(len(frame), _INTERVALS), replace=False)
    drawn = drawn_values(frame.iloc[some], purchases, value, settings, seed=seed)
    low[some], high[some] = np.quantile(drawn[:, :, 0], [0.1, 0.9], axis=1)
    return Forecast(expected, low, high)


def boosted(earlier: Snapshot, frame: pd.DataFrame, *, seed: int) -> Forecast:
    """Return what gradient boosting, taught by an earlier snapshot, forecasts."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    learnt, asked = matrix(earlier.customers), matrix(frame)
    outcome = earlier.customers["margin_next"].to_numpy("float64")
    usable = [n for n in learnt.columns if learnt[n].notna().any()]
    settings = {"max_iter": 120, "learning_rate": 0.06, "max_leaf_nodes": 15}

    def taught(**loss: object) -> Floats:
        model = HistGradientBoostingRegressor(**loss, **settings, random_state=seed)
        return np.asarray(model.fit(learnt[usable], outcome).predict(asked[usable]))

    # Reports run side by side: a kernel that takes every core for itself slows all of them.
    with threadpool_limits(1):
        low, high = (taught(loss="quantile", quantile=q) for q in (0.1, 0.9))
        expected = taught()
    return Forecast(expected, np.minimum(low, high), np.maximum(low, high))


def normalised_gini(expected: Floats, actual: Floats) -> float:
    """Return how well a forecast ranks: 1 as the truth itself does, 0 as chance does."""
    return float(_Ranked.of(expected, actual).ginis(np.ones((1, len(actual))))[0])


def calibration_error(expected: Floats, actual: Floats) -> float:
    """Return the sum over deciles of |forecast - actual| as a share of the actual total."""
    return float(_Ranked.of(expected, actual).errors(np.ones((1, len(actual))))[0])


@dataclass(frozen=True)
class _Ranked:
    """Customers by falling forecast, to be weighed anew in every resample.

    Parameters
    ----------
    order
        Place of each customer in the frame, highest forecast first.
    expected, actual
        By that order.
    starts
        Where each distinct forecast begins: equal forecasts share what they bring.
    best
        The order of the truth itself, with its own ties.
    """

    order: NDArray[np.int64]
    expected: Floats
    actual: Floats
    starts: NDArray[np.int64]
    best: tuple[NDArray[np.int64], NDArray[np.int64]]

    @classmethod
    def of(cls, expected: Floats, actual: Floats) -> _Ranked:
        order, truth = (np.argsort(-v, kind="stable") for v in (expected, actual))
        starts, best = (_starts(v[o]) for v, o in ((expected, order), (actual, truth)))
        return cls(order, expected[order], actual[order], starts, (truth, best))

    def ginis(self, weights: Floats, best: Floats | None = None) -> Floats:
        """Return the normalised Gini by row of ``weights``, replicates x customers.

        ``best`` is `best_areas`, the same for every forecast of the same customers.
        """
        own = _areas(weights[:, self.order], self.actual, self.starts)
        best = self.best_areas(weights) if best is None else best
        return np.asarray(np.divide(own, best, out=np.full_like(own, np.nan), where=best != 0))

    def best_areas(self, weights: Floats) -> Floats:
        """Return what the truth's own order reaches, by row of ``weights``."""
        truth, starts = self.best
        back = np.empty_like(self.actual)
        back[self.order] = self.actual
        return _areas(weights[:, truth], back[truth], starts)

    def errors(self, weights: Floats) -> Floats:
        """Return the calibration error by row of ``weights``."""
        weighed = weights[:, self.order]
        until = np.cumsum(weighed, axis=1)
        decile = np.minimum((until - weighed) * DECILES // until[:, -1:], DECILES - 1)
        gap = weighed * (self.expected - self.actual)
        gaps = sum(np.abs((gap * (decile == d)).sum(axis=1)) for d in range(DECILES))
        return np.asarray(gaps / (weighed @ self.actual))


def _starts(ordered: Floats) -> NDArray[np.int64]:
    return np.flatnonzero(np.concatenate([[True], np.diff(ordered) != 0]))


def _areas(weights: Floats, actual: Floats, starts: NDArray[np.int64]) -> Floats:
    """Return the areas between concentration curves and evenness."""
    size = np.add.reduceat(weights, starts, axis=1)
    brought = np.add.reduceat(weights * actual, starts, axis=1)
    curve = np.cumsum(brought, axis=1)
    total = curve[:, -1:]
    middle = (curve - brought / 2) / total
    return np.asarray((size * middle).sum(axis=1) / size.sum(axis=1) - 0.5)


def _decile_of(expected: Floats) -> NDArray[np.int64]:
    order = np.argsort(-expected, kind="stable")
    place = np.empty(len(expected), dtype="int64")
    place[order] = np.arange(len(expected)) * DECILES // max(len(expected), 1)
    return place


def _scored(now: Snapshot, name: str, forecast: Forecast) -> dict[str, object]:
    actual = now.customers["margin_next"].to_numpy("float64")
    given = ~np.isnan(forecast.low)
    inside = (forecast.low <= actual) & (actual <= forecast.high)
    return {
        "model": name, "cutoff": now.known.end, "customers": len(actual), "actual": actual.sum(),
        "forecast": forecast.expected.sum(), "bias": forecast.expected.sum() / actual.sum() - 1,
        "calibration": calibration_error(forecast.expected, actual),
        "gini": normalised_gini(forecast.expected, actual),
        "coverage": float(inside[given].mean()) if given.any() else np.nan,
    }  # fmt: skip


def _deciles(now: Snapshot, name: str, forecast: Forecast) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "decile": _decile_of(forecast.expected) + 1,
            "forecast": forecast.expected,
            "actual": now.customers["margin_next"].to_numpy("float64"),
        }
    )
    table = frame.groupby("decile").agg(
        customers=("actual", "size"), forecast=("forecast", "mean"), actual=("actual", "mean")
    )
    return table.reset_index().assign(model=name)


def _means(scores: pd.DataFrame, drawn: Floats) -> pd.DataFrame:
    table = scores.assign(bias=scores["bias"].abs()).groupby("model", sort=False)
    means = table[["bias", "calibration", "gini", "coverage"]].mean().reset_index()
    gains = drawn[:, :1, 0] - drawn[:, :, 0]
    ranks = drawn[:, :, 1] - drawn[:, :1, 1]
    for column, values in (("better", gains), ("gini", ranks)):
        means[f"{column}_low"], means[f"{column}_high"] = np.quantile(values, _ENDS, axis=0)
    # The naive forecast against itself is no comparison.
    means.loc[means["model"] == NAIVE, _COMPARED] = np.nan
    return means


def _added_by_attributes(means: pd.DataFrame, drawn: Floats) -> pd.DataFrame:
    """Return what attributes add to the same model without them."""
    place = {name: i for i, name in enumerate(means["model"])}
    if WITH_TRAITS not in place or PLAIN not in place:
        return pd.DataFrame(columns=_GAINED)
    one, other = place[WITH_TRAITS], place[PLAIN]
    rows = []
    for at, (measure, sign) in enumerate((("calibration", -1), ("gini", 1))):
        gain = sign * (means[measure].iloc[one] - means[measure].iloc[other])
        rows.append(
            (measure, gain, *np.quantile(sign * (drawn[:, one, at] - drawn[:, other, at]), _ENDS))
        )
    return pd.DataFrame(rows, columns=_GAINED)


def _resampled(
    rounds: list[tuple[Snapshot, dict[str, Forecast]]], names: list[str], seed: int
) -> Floats:
    """Return calibration error and Gini of every contestant in resamples of customers."""
    rng = np.random.default_rng(seed)
    found = np.zeros((_RESAMPLES, len(names), 2))
    for now, forecasts in rounds:
        actual = now.customers["margin_next"].to_numpy("float64")
        ranked = [_Ranked.of(forecasts[name].expected, actual) for name in names]
        even = np.full(len(actual), 1 / len(actual))
        for first in range(0, _RESAMPLES, _BATCH):
            weights = rng.multinomial(len(actual), even, _BATCH).astype("float64")
            best = ranked[0].best_areas(weights)
            for place, one in enumerate(ranked):
                found[first : first + _BATCH, place, 0] += one.errors(weights)
                found[first : first + _BATCH, place, 1] += one.ginis(weights, best)
    return found / len(rounds)


def _trusted(means: pd.DataFrame) -> str:
    """Return the best calibrated contestant that beats the naive one, or the naive one.

    To beat it is to be better calibrated, significantly at 95 %, and not to rank significantly
    worse.
    """
    beats = (means["better_low"] > 0) & (means["gini_high"] > 0)
    if not beats.any():
        return NAIVE
    return str(means[beats].sort_values("calibration", kind="stable")["model"].iloc[0])

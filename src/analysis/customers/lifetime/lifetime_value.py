"""Expected contribution margin per customer over coming months, discounted, and its uncertainty.

Two kinds of uncertainty are held apart. The parameters of the models are estimated: their error is
shared by all customers and does not shrink with the number of them. And each customer's own luck:
how often somebody comes at a given rate, which is large for one customer and next to nothing for
the total of many. Parameter errors come by the delta method; luck by drawing each customer's
future from the fitted models.

Reference
---------
Fader, Hardie, Lee (2005), RFM and CLV: using iso-value curves, J. Marketing Research 42, 415-430.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from analysis.customers.lifetime.gamma_gamma import Credibility, GammaGamma
from analysis.customers.lifetime.purchase_counts import PurchaseCounts, trait_names
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.customers.lifetime.maximum_likelihood import Estimate
    from analysis.tables.periods import Period

WEEKS_A_MONTH = 365.25 / 12 / 7
STEP = 1e-3
#: A miss of a total beyond this, always to one side, is the forecast's fault, not the period's.
LARGE_BIAS = 0.10
_SILENT = "days since the last purchase of anybody"
#: Customers whose futures are drawn at once.
_CHUNK = 4_000


class PurchaseModel(Protocol):
    """What purchase models of every kind can tell."""

    @property
    def estimate(self) -> Estimate:
        """Parameters."""

    @property
    def name(self) -> str:
        """Name in the literature."""

    def at(self, values: Floats) -> PurchaseModel:
        """Return the model at other parameters."""

    def alive(self, counts: PurchaseCounts) -> Floats:
        """Return P(alive)."""

    def expected(self, counts: PurchaseCounts, weeks: float) -> Floats:
        """Return the purchases expected."""

    def drawn(
        self, counts: PurchaseCounts, weeks: list[float], generator: np.random.Generator
    ) -> Floats:
        """Return purchases drawn by the end of each of ``weeks``."""


@dataclass(frozen=True)
class ValueSettings:
    """How lifetime value is reckoned.

    Parameters
    ----------
    months
        Horizons, rising.
    discount
        Yearly rate at which coming margin is discounted.
    confidence
        Coverage of intervals.
    draws
        Futures drawn per customer.
    seed
        Seed of the draws.
    """

    months: tuple[float, ...] = (3, 12, 36)
    discount: float = 0.10
    confidence: float = 0.80
    draws: int = 200
    seed: int = 0


@dataclass(frozen=True)
class LifetimeValue:
    """Expected margin of every customer and of all.

    Parameters
    ----------
    customers
        One row a customer: customer_id, repeats, alive (NaN where the model only assumes it, see
        ``told_alive``), order_value (expected margin per purchase), and for every horizon m:
        purchases_m, value_m (expected, discounted), error_m (standard error from the parameters),
        low_m, high_m (what luck leaves likely).
    totals
        One row a horizon and group (``all``, ``one-time buyers``, ``repeat buyers``): months,
        group, customers, value, parameter_low, parameter_high, low, high (parameters and luck),
        luck_share (of the variance), extrapolated (the horizon is longer than the history).
    purchase_model, value_model
        Names of the models.
    """

    customers: pd.DataFrame
    totals: pd.DataFrame
    purchase_model: str
    value_model: str


def gates(summary: pd.DataFrame, history: Period) -> pd.DataFrame:
    """Return what must hold before anything is forecast per customer.

    Parameters
    ----------
    summary
        As from ``purchase_counts.fetch`` over ``history``.

    Returns
    -------
    pandas.DataFrame
        One condition a row: condition, value, limit (``at least`` or ``at most``), needed, passed,
        klaviyo (what that product asks).
    """
    last = pd.to_datetime(summary["last_on"]).max() if len(summary) else pd.NaT
    silence = (pd.Timestamp(history.end) - last).days if len(summary) else np.nan
    rows = [
        ("customers with a purchase", len(summary), 100, 500),
        ("customers with a repeat purchase", int((summary["repeats"] >= 1).sum()), 50, np.nan),
        ("customers with three purchases", int((summary["repeats"] >= 2).sum()), 30, 1),
        ("days of history", history.days, 90, 180),
        (_SILENT, silence, 30, 30),
    ]
    table = pd.DataFrame(rows, columns=["condition", "value", "needed", "klaviyo"])
    enough = table["value"] >= table["needed"]
    enough.iloc[-1] = bool(table["value"].iloc[-1] <= table["needed"].iloc[-1])
    limit = np.where(table["condition"] == _SILENT, "at most", "at least")
    return table.assign(limit=limit, passed=enough)


def require_gates(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``gates``, or raise NotApplicable naming every condition that fails."""
    failed = table[~table["passed"].astype(bool)]
    if len(failed):
        said = [
            f"{_number(row.value)} {row.condition} ({row.limit} {int(row.needed)} needed)"
            for row in failed.itertuples()
        ]
        raise NotApplicable(
            "The value of single customers cannot be forecast: " + "; ".join(said) + "."
        )
    return table


def _number(value: float) -> str:
    return "no" if np.isnan(value) else f"{int(value)}"


def lifetime_value(
    summary: pd.DataFrame,
    purchases: PurchaseModel,
    value: GammaGamma | Credibility,
    *,
    history: Period,
    settings: ValueSettings | None = None,
) -> LifetimeValue:
    """Return the expected margin of every customer over each horizon.

    Parameters
    ----------
    summary
        One row a customer, as from ``purchase_counts.fetch``.
    purchases, value
        Fitted models of how often, and of how much.
    history
        The days behind ``summary``.
    settings
        Horizons, discount and draws.
    """
    settings = settings or ValueSettings()
    each = PurchaseCounts.each(summary)
    bought = summary["repeats"].to_numpy("float64") + 1
    average = summary["margin_amount"].to_numpy("float64") / bought
    expected = discounted(purchases, each, settings)
    worth = value.expected(bought, average)
    slopes = _slopes(purchases, each, value, (bought, average), settings)
    shared = covariance(purchases, value)
    luck = _luck(summary, purchases, value, settings)
    table = pd.DataFrame(
        {
            "customer_id": summary["customer_id"].to_numpy(),
            "repeats": summary["repeats"].to_numpy(),
            "alive": told_alive(purchases, each),
            "order_value": worth,
        }
    )
    for place, months in enumerate(settings.months):
        table[f"purchases_{months}"] = purchases.expected(each, months * WEEKS_A_MONTH)
        table[f"value_{months}"] = expected[:, place] * worth
        variance = np.einsum("ij,jk,ik->i", slopes[place], shared, slopes[place])
        table[f"error_{months}"] = np.sqrt(variance)
        table[f"low_{months}"], table[f"high_{months}"] = luck[0][:, place], luck[1][:, place]
    totals = _totals(table, slopes, shared, luck[2], settings, history)
    return LifetimeValue(table, totals, purchases.name, value.name)


def told_alive(purchases: PurchaseModel, counts: PurchaseCounts) -> Floats:
    """Return P(alive), NaN of one-time buyers where the model takes each of them as alive.

    In BG/NBD nobody leaves before a repeat purchase: its one is an assumption, not an estimate.
    """
    alive = purchases.alive(counts)
    assumed = (counts.repeats == 0) & (counts.observed > 0) & (alive >= 1)
    return np.where(assumed, np.nan, alive)


def expected_values(
    summary: pd.DataFrame,
    purchases: PurchaseModel,
    value: GammaGamma | Credibility,
    settings: ValueSettings,
) -> pd.DataFrame:
    """Return what every customer is expected to bring, without intervals.

    Customers of the same counts are reckoned once.

    Returns
    -------
    pandas.DataFrame
        By row of ``summary``: repeats, alive, order_value, and value_m for every horizon m.
    """
    keys = ["repeats", "recency", "observed"]
    row = summary.groupby(keys, sort=False).ngroup().to_numpy()
    counts = PurchaseCounts.each(summary[keys].drop_duplicates())
    bought = summary["repeats"].to_numpy("float64") + 1
    worth = value.expected(bought, summary["margin_amount"].to_numpy("float64") / bought)
    expected = discounted(purchases, counts, settings)[row] * worth[:, None]
    table = {"repeats": summary["repeats"], "alive": told_alive(purchases, counts)[row]}
    named = {f"value_{m}": expected[:, i] for i, m in enumerate(settings.months)}
    return pd.DataFrame({**table, "order_value": worth, **named})


def with_past_misses(
    totals: pd.DataFrame, biases: Sequence[float] | Floats, confidence: float
) -> pd.DataFrame:
    """Add the interval that also holds what past forecasts of the total missed by.

    What all customers share (a season, a competitor, a price) is in no model's error and in no
    customer's luck; by how much totals were missed at past cut-offs shows its size, and to which
    side, where every past forecast was much too high, or too low.

    Parameters
    ----------
    totals
        ``LifetimeValue.totals``, whose intervals cover ``confidence``.
    biases
        Relative misses of the total at past cut-offs.

    Returns
    -------
    pandas.DataFrame
        ``totals`` with miss_low and miss_high.
    """
    known, value = (totals["high"] - totals["low"]) / 2, totals["value"]
    down, up = (np.hypot(known, normal_quantile(confidence) * m * value) for m in misses(biases))
    return totals.assign(miss_low=value - down, miss_high=value + up)


def misses(biases: Sequence[float] | Floats) -> tuple[float, float]:
    """Return how far past misses reach below and above a forecast, as root mean squares."""
    missed = float(np.sqrt(np.mean(np.square(biases)))) if len(biases) else 0.0
    return missed * (one_side(biases) >= 0), missed * (one_side(biases) <= 0)


def one_side(biases: Sequence[float] | Floats) -> int:
    """Return 1 where every past forecast of several was much too high, -1 too low, else 0."""
    sides = {int(np.sign(b)) * (abs(b) > LARGE_BIAS) for b in biases}
    return sides.pop() if len(biases) > 1 and len(sides) == 1 else 0


def discounted(model: PurchaseModel, counts: PurchaseCounts, settings: ValueSettings) -> Floats:
    """Return the purchases expected by each horizon, discounted to today, rows x horizons.

    Within each quarter purchases count as if made in its middle.
    """
    grid = _grid(settings.months)
    by_end = np.column_stack([model.expected(counts, m * WEEKS_A_MONTH) for m in grid])
    steps = np.diff(by_end, prepend=0.0, axis=1)
    middles = (grid + np.concatenate([[0.0], grid[:-1]])) / 2
    present = np.cumsum(steps * (1 + settings.discount) ** (-middles / 12), axis=1)
    return np.asarray(present[:, np.searchsorted(grid, settings.months)])


def _grid(months: Sequence[float]) -> Floats:
    quarters = np.arange(3, max(months) + 0.5, 3)
    return np.unique(np.concatenate([quarters, np.asarray(months, dtype="float64")]))


def _slopes(
    purchases: PurchaseModel,
    counts: PurchaseCounts,
    value: GammaGamma | Credibility,
    bought: tuple[Floats, Floats],
    settings: ValueSettings,
) -> list[Floats]:
    """Return by horizon the slopes of each value along the parameters, customers x parameters."""
    worth, now = value.expected(*bought), discounted(purchases, counts, settings)
    own = purchases.estimate.values
    columns = []
    for place in range(len(own)):
        step = np.exp(STEP * (np.arange(len(own)) == place))
        up = discounted(purchases.at(own * step), counts, settings)
        down = discounted(purchases.at(own / step), counts, settings)
        columns.append((up - down) / (2 * STEP) * worth[:, None])
    columns += [now * slope[:, None] for slope in _worth_slopes(value, *bought)]
    return [np.column_stack([c[:, h] for c in columns]) for h in range(len(settings.months))]


def _worth_slopes(
    value: GammaGamma | Credibility, purchases: Floats, average: Floats
) -> list[Floats]:
    if isinstance(value, Credibility):
        return [1 - value.trust(purchases)]
    own, found = value.estimate.values, []
    for place in range(len(own)):
        step = np.exp(STEP * (np.arange(len(own)) == place))
        up = value.at(own * step).expected(purchases, average)
        down = value.at(own / step).expected(purchases, average)
        found.append((up - down) / (2 * STEP))
    return found


def mean_slopes(value: GammaGamma | Credibility) -> list[float]:
    """Return the slopes of the mean value of a purchase along the parameters of ``covariance``."""
    if isinstance(value, Credibility):
        return [1.0]
    steps = np.exp(STEP * np.eye(len(value.estimate.values)))
    own = value.estimate.values
    return [(value.at(own * s).mean - value.at(own / s).mean) / (2 * STEP) for s in steps]


def covariance(purchases: PurchaseModel, value: GammaGamma | Credibility) -> Floats:
    """Return the covariance of all parameters (logarithms, but for the mean of credibility)."""
    first = purchases.estimate.log_covariance
    second = (
        np.array([[value.error**2]])
        if isinstance(value, Credibility)
        else value.estimate.log_covariance
    )
    size = len(first)
    whole = np.zeros((size + len(second),) * 2)
    whole[:size, :size], whole[size:, size:] = first, second
    return whole


def _luck(
    summary: pd.DataFrame,
    purchases: PurchaseModel,
    value: GammaGamma | Credibility,
    settings: ValueSettings,
) -> tuple[Floats, Floats, Floats]:
    """Return low and high ends and variances of each customer's value, customers x horizons."""
    parts = [
        _luck_of(summary.iloc[first : first + _CHUNK], purchases, value, settings, first)
        for first in range(0, len(summary), _CHUNK)
    ]
    low, high, variance = (np.vstack([part[i] for part in parts]) for i in range(3))
    return low, high, variance


def _luck_of(
    summary: pd.DataFrame,
    purchases: PurchaseModel,
    value: GammaGamma | Credibility,
    settings: ValueSettings,
    first: int,
) -> tuple[Floats, Floats, Floats]:
    drawn = drawn_values(summary, purchases, value, settings, seed=settings.seed + first)
    tail = (1 - settings.confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=1)
    return low, high, drawn.var(axis=1, ddof=1)


def drawn_values(
    summary: pd.DataFrame,
    purchases: PurchaseModel,
    value: GammaGamma | Credibility,
    settings: ValueSettings,
    *,
    seed: int,
) -> Floats:
    """Return discounted values drawn of every customer, customers x draws x horizons."""
    generator = np.random.default_rng(seed)
    needed = summary[["repeats", "recency", "observed", "margin_amount", *trait_names(summary)]]
    rows = needed.iloc[np.repeat(np.arange(len(needed)), settings.draws)]
    counts, bought = PurchaseCounts.each(rows), rows["repeats"].to_numpy("float64") + 1
    weeks = [m * WEEKS_A_MONTH for m in settings.months]
    counted = purchases.drawn(counts, weeks, generator)
    average = rows["margin_amount"].to_numpy("float64") / bought
    steps = np.diff(counted, prepend=0.0, axis=1)
    ends = np.asarray(settings.months, dtype="float64")
    middles = (ends + np.concatenate([[0.0], ends[:-1]])) / 2
    own = value.drawn(bought, average, steps, generator)
    present = np.cumsum(own * (1 + settings.discount) ** (-middles / 12), axis=1)
    return present.reshape(len(summary), settings.draws, len(ends))


def _totals(
    table: pd.DataFrame,
    slopes: list[Floats],
    covariance: Floats,
    luck: Floats,
    settings: ValueSettings,
    history: Period,
) -> pd.DataFrame:
    reach = normal_quantile(settings.confidence)
    once = (table["repeats"] == 0).to_numpy()
    groups = {"all": np.ones(len(table), bool), "one-time buyers": once, "repeat buyers": ~once}
    rows = []
    for place, months in enumerate(settings.months):
        for group, inside in groups.items():
            value = float(table.loc[inside, f"value_{months}"].sum())
            slope = slopes[place][inside].sum(axis=0)
            known = float(np.sqrt(slope @ covariance @ slope))
            own = float(luck[inside, place].sum())
            both = np.sqrt(known**2 + own)
            rows.append(
                {
                    "months": months,
                    "group": group,
                    "customers": int(inside.sum()),
                    "value": value,
                    "parameter_low": value - reach * known,
                    "parameter_high": value + reach * known,
                    "low": value - reach * both,
                    "high": value + reach * both,
                    "luck_share": own / both**2 if both > 0 else np.nan,
                    "extrapolated": bool(months * WEEKS_A_MONTH * 7 > history.days + 7),
                }
            )
    return pd.DataFrame(rows)

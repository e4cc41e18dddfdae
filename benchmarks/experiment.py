"""A promotion on a million customers in two arms: what its intervals cost, ours and the usual way.

The bootstrap is timed beside the loop that everybody writes (a tenth of its rounds, times ten);
adjusting for the past beside fetching the customers for a regression; a year of daily readings
beside one query a day (twelve of them, scaled). Estimates are compared with those of tea-tasting,
which the extra ``benchmark`` installs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import ibis
import numpy as np
import pandas as pd

from analysis.promotions.experiments import adjustment, sequential
from analysis.promotions.experiments.adjustment import Effect
from analysis.promotions.outcomes import moments
from analysis.stats import resampling
from benchmarks.measuring import table

CUSTOMERS = 1_000_000
REPLICATES = 2_000
LOOPED = 20
DAYS = 365
NAMES = ("margin", "before", "orders")


def main(customers: int = CUSTOMERS) -> None:
    """Print seconds of each way, how many times faster ours is, and how far estimates differ."""
    connection = ibis.duckdb.connect(threads=2)
    people = connection.create_table("people", _customers(customers))
    rows = [*_resampling(people), *_adjusting(people), *_daily(connection, people)]
    table(("on a million customers", "ours, s", "the usual way, s", "times faster"), rows)
    print()
    _beside_tea_tasting(people)
    connection.disconnect()


def _customers(n: int) -> pd.DataFrame:
    """Return customers in two arms: three in five buy nothing, the others to the cent."""
    rng = np.random.default_rng(1)
    rate = rng.gamma(0.7, 1.0, n)
    treated = rng.random(n) < 0.5
    orders = rng.poisson(rate * (1 + 0.05 * treated))
    return pd.DataFrame(
        {
            "customer_id": np.arange(n).astype(str),
            "arm": np.where(treated, "treatment", "control"),
            "before": np.round(rng.poisson(6 * rate) * rng.gamma(4.0, 1.5, n), 2),
            "orders": orders,
            "margin": np.round(orders * rng.gamma(4.0, 1.5, n), 2),
        }
    )


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def _row(name: str, ours: float, usual: float) -> tuple[str, ...]:
    return name, f"{ours:.2f}", f"{usual:.1f}", f"{usual / ours:,.0f}"


def _resampling(people: ibis.Table) -> list[tuple[str, ...]]:
    frame = people.select("arm", "margin", "orders").to_pandas()
    rows = []
    for name in ("margin", "orders"):
        arms = [
            frame.loc[frame["arm"] == arm, name].to_numpy(dtype=float)
            for arm in ("treatment", "control")
        ]
        looped, _ = _timed(lambda arms=arms: _loop(*arms))
        buckets, _ = _timed(lambda arms=arms: _by_buckets(*arms))
        usual = looped * REPLICATES / LOOPED
        rows.append(_row(f"bootstrap of {name}, random groups", buckets, usual))
    return rows


def _loop(treated: np.ndarray, control: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.array(
        [
            rng.choice(treated, len(treated)).mean() - rng.choice(control, len(control)).mean()
            for _ in range(LOOPED)
        ]
    )


def _by_buckets(treated: np.ndarray, control: np.ndarray) -> tuple[float, float]:
    return resampling.by_buckets(treated, control, confidence=0.95, seed=1, replicates=REPLICATES)


def _cuped(people: ibis.Table) -> Effect:
    arms = moments.by_arm(people, NAMES, by=["arm"]).set_index("arm")["moments"]
    return adjustment.cuped(arms["treatment"], arms["control"], "margin", ["before"])


def _fetched(people: ibis.Table) -> tuple[float, float]:
    import statsmodels.api as sm

    frame = people.select("arm", "before", "margin").to_pandas()
    before = frame["before"] - frame["before"].mean()
    design = np.column_stack([np.ones(len(frame)), frame["arm"] == "treatment", before])
    fitted = sm.OLS(frame["margin"], design.astype(float)).fit(cov_type="HC1")
    return fitted.params.iloc[1], fitted.bse.iloc[1]


def _adjusting(people: ibis.Table) -> list[tuple[str, ...]]:
    ours, found = _timed(lambda: _cuped(people))
    usual, (difference, error) = _timed(lambda: _fetched(people))
    assert abs(float(found.difference) - difference) < 0.02 * error
    return [_row("adjusted for the past, sums in the engine", ours, usual)]


def _daily(connection: Any, people: ibis.Table) -> list[tuple[str, ...]]:
    bought = connection.sql(
        """
        select customer_id, arm, before, (hash(customer_id, i) % 365)::bigint as day,
               (100 + hash(i, customer_id) % 3000)::bigint as cents
        from people, range(8) t(i)
        qualify row_number() over (partition by customer_id, day) = 1
        """
    )
    connection.create_table("bought", bought)
    bought = connection.table("bought")
    ours, found = _timed(lambda: sequential.by_arm(people, bought, days=DAYS))
    usual, last = _timed(lambda: _a_query_a_day(connection))
    assert abs(found["treatment"].squares[-1] - last) < 1e-6 * last
    return [_row(f"{DAYS} days of readings, one pass", ours, usual * DAYS / 12)]


def _a_query_a_day(connection: Any) -> float:
    last = 0.0
    for day in np.linspace(DAYS / 12 - 1, DAYS - 1, 12).round():
        last = connection.raw_sql(
            f"""
            select sum(so_far * so_far) from (
                select sum(cents) / 100.0 as so_far from bought
                where day <= {int(day)} and arm = 'treatment' group by customer_id)
            """
        ).fetchone()[0]
    return float(last)


def _beside_tea_tasting(people: ibis.Table) -> None:
    try:
        import tea_tasting as tt
    except ImportError:
        sys.exit("tea-tasting is not installed: install the project with its extra [benchmark]")
    experiment = tt.Experiment(
        mean=tt.Mean("margin"),
        cuped=tt.Mean("margin", "before"),
        ratio=tt.RatioOfMeans("margin", "orders"),
    )
    theirs, result = _timed(
        lambda: experiment.analyze(people.mutate(variant=people.arm), control="control")
    )
    ours, effects = _timed(lambda: _all_three(people))
    rows = []
    for name, effect in effects.items():
        other = result[name]
        low, high = effect.interval(0.95)
        pairs = (
            (effect.difference, other.effect_size),
            (low, other.effect_size_ci_lower),
            (high, other.effect_size_ci_upper),
            (effect.p(), other.pvalue),
        )
        furthest = max(abs(float(a) - b) for a, b in pairs)
        assert furthest < 1e-6, f"{name} differs from tea-tasting by {furthest}"
        rows.append((name, f"{float(effect.difference):.6f}", f"{furthest:.1e}"))
    table(("estimate, interval and p", "difference of arms", "furthest from tea-tasting"), rows)
    print(f"\nAll three: ours {ours:.2f} s, tea-tasting {theirs:.2f} s.")


def _all_three(people: ibis.Table) -> dict[str, Effect]:
    arms = moments.by_arm(people, NAMES, by=["arm"]).set_index("arm")["moments"]
    pair = (arms["treatment"], arms["control"])
    return {
        "mean": adjustment.plain(*pair, "margin"),
        "cuped": adjustment.cuped(*pair, "margin", ["before"]),
        "ratio": adjustment.plain(*adjustment.as_ratio(*pair, "margin", "orders"), "ratio"),
    }

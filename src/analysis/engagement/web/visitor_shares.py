"""Shares of sessions with intervals that take whole visitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import pandas as pd

from analysis.stats.proportions import ClusterSums, clustered_interval


def shares(
    sessions: ibis.Table,
    measures: Mapping[str, tuple[ibis.Value, ibis.Value]],
    *,
    by: Sequence[str] = (),
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return shares of sessions, with intervals in which a visitor's sessions count together.

    Parameters
    ----------
    sessions
        One row a session, with who.
    measures
        Name to what counts (a flag) and what it is counted of (a flag).
    by
        Columns to tell apart.
    confidence
        Coverage of the intervals.

    Returns
    -------
    pandas.DataFrame
        One measure and group a row: measure, the columns of ``by``, hits, trials, share, low,
        high, visitors.
    """
    flags: dict[str, ibis.Value] = {}
    for n, (hit, trial) in enumerate(measures.values()):
        flags |= {f"k{n}": (hit & trial).sum(), f"n{n}": trial.sum()}
    visitors = sessions.group_by(["who", *by]).aggregate(**flags)
    sums: dict[str, ibis.Value] = {}
    for n in range(len(measures)):
        k, t = visitors[f"k{n}"], visitors[f"n{n}"]
        sums |= {
            f"hits_{n}": k.sum(), f"trials_{n}": t.sum(), f"kk_{n}": (k * k).sum(),
            f"kn_{n}": (k * t).sum(), f"nn_{n}": (t * t).sum(), f"m_{n}": (t > 0).sum(),
        }  # fmt: skip
    grouped = visitors.group_by(list(by)) if by else visitors
    wide = grouped.aggregate(**sums).execute()
    parts = [_of(wide, n, name, by, confidence) for n, name in enumerate(measures)]
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values([*by], kind="stable", ignore_index=True) if by else table


def _of(
    wide: pd.DataFrame, n: int, name: str, by: Sequence[str], confidence: float
) -> pd.DataFrame:
    names = ("hits", "trials", "kk", "kn", "nn", "m")
    sums = ClusterSums(*(wide[f"{each}_{n}"].fillna(0).astype("float64") for each in names))
    low, high, _ = clustered_interval(sums, confidence=confidence)
    hits, trials = (wide[f"{each}_{n}"].fillna(0).astype("int64") for each in names[:2])
    return pd.DataFrame(
        {
            "measure": name,
            **{column: wide[column] for column in by},
            "hits": hits,
            "trials": trials,
            "share": (hits / trials.where(trials > 0)).astype("float64"),
            "low": low,
            "high": high,
            "visitors": wide[f"m_{n}"].fillna(0).astype("int64"),
        }
    )

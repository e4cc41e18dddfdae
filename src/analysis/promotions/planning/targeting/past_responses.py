"""What contacts brought in the past, where arms were randomised: by channel, depth and state.

Every arm of a randomised promotion that passed its checks is one measurement of what a contact
brings, in margin over its days and the weeks after, against its control; apart for customers who
had bought of late and for those who had not. The measurements are drawn towards each other as far
as they are uncertain, so that the best of many noisy ones is not taken at its word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.experiments import adjustment
from analysis.promotions.outcomes import moments
from analysis.promotions.outcomes.moments import Moments
from analysis.promotions.outcomes.outcomes import CONTROL, COVARIATES
from analysis.stats.random_effects import pool
from analysis.stats.sizes import FEWEST_CUSTOMERS

if TYPE_CHECKING:
    import ibis

    from analysis.promotions.experiments.experiments import Trials
    from analysis.tables.engine import Tables

ACTIVE, SILENT = "active", "silent"
STATES = (ACTIVE, SILENT)
_ALIKE = 0.025
_MEASURES = ("margin_to_date", "offered_discount", "offered_net")


@dataclass(frozen=True)
class PastResponses:
    """What contacts brought, measured.

    Parameters
    ----------
    cells
        One row an arm and state: promotion_id, name, arm, channel (empty where unknown), depth
        (share of the price), state (bought in the days before, or not), n, n_control, effect
        (margin per customer assigned, its days and the weeks after), error, shrunk, low, high,
        shrunk_error.
    confidence
        Coverage of the intervals.
    left_out
        Promotions whose checks failed, or that are not over.
    """

    cells: pd.DataFrame
    confidence: float
    left_out: tuple[str, ...]


def measured_responses(
    tables: Tables, trials: Trials, *, confidence: float = 0.95
) -> PastResponses:
    """Return what each arm of the sound randomised promotions brought, by state.

    Raises
    ------
    NotApplicable
        If no randomised promotion passed its checks with enough customers.
    """
    verdicts = trials.verdicts.set_index("promotion_id")["verdict"]
    sound = [p for p in trials.arms if verdicts.get(p) not in ("no verdict", "still running")]
    arms = _arms(trials.rows, sound)
    rows = [row for promotion in sound for row in _cells(arms, promotion)]
    if not rows:
        raise NotApplicable(
            "No randomised promotion passed its checks with enough customers, so what a contact "
            "brings has not been measured."
        )
    names = trials.overview.set_index("promotion_id")["name"]
    table = pd.DataFrame(rows).merge(_channels(tables), on=["promotion_id", "arm"], how="left")
    table["channel"] = table["channel"].fillna("").astype("str")
    table.insert(1, "name", table["promotion_id"].map(names))
    parts = [_shrunk(table[table["state"] == state], confidence) for state in STATES]
    cells = pd.concat([p for p in parts if len(p)], ignore_index=True)
    out = tuple(str(names[p]) for p in trials.arms if p not in sound)
    return PastResponses(cells, confidence, out)


def _arms(rows: ibis.Table, sound: list[str]) -> pd.DataFrame:
    kept = rows.filter(rows.promotion_id.isin(sound)).mutate(
        state=(rows.before_orders > 0).ifelse(ACTIVE, SILENT)
    )
    columns = list(dict.fromkeys([*_MEASURES, *COVARIATES]))
    return moments.by_arm(kept, columns, by=["promotion_id", "arm", "state"])


def _cells(arms: pd.DataFrame, promotion: str) -> list[dict[str, object]]:
    own = arms[arms["promotion_id"] == promotion]
    found: list[dict[str, object]] = []
    for state in STATES:
        rows = own[own["state"] == state]
        by_arm = dict(zip(rows["arm"], rows["moments"], strict=True))
        control = by_arm.pop(CONTROL, None)
        if control is None or control.n < FEWEST_CUSTOMERS:
            continue
        for arm, treated in sorted(by_arm.items()):
            if treated.n >= FEWEST_CUSTOMERS:
                head = {"promotion_id": promotion, "arm": arm, "state": state}
                found.append(head | _measured(treated, control))
    return found


def _measured(treated: Moments, control: Moments) -> dict[str, object]:
    used = adjustment.usable([treated, control], COVARIATES).used
    effect = adjustment.regression(treated, control, "margin_to_date", used)
    return {
        "depth": round(max(0.0, _depth(treated) - _depth(control)), 3),
        "n": int(treated.n),
        "n_control": int(control.n),
        "effect": float(effect.difference),
        "error": float(effect.error),
    }


def _depth(arm: Moments) -> float:
    off, net = (float(arm.figure(c)[0]) for c in ("offered_discount", "offered_net"))
    return off / (off + net) if off + net > 0 else 0.0


def _channels(tables: Tables) -> pd.DataFrame:
    """Return the channel most customers of an arm were told through."""
    names = ["promotion_id", "arm", "channel"]
    if not tables.has("contacts", "promotion_id"):
        return pd.DataFrame({n: pd.Series(dtype="str") for n in names})
    given = tables.assignments.select("promotion_id", "customer_id", "arm")
    sent = tables.contacts.select("promotion_id", "customer_id", "channel")
    both = given.join(sent, ["promotion_id", "customer_id"])
    counts = both.group_by(*names).agg(n=both.count()).to_pandas()
    counts = counts.sort_values(["n", "channel"], ascending=[False, True])
    return counts.drop_duplicates(["promotion_id", "arm"])[names]


def _shrunk(cells: pd.DataFrame, confidence: float) -> pd.DataFrame:
    from scipy.special import ndtri

    reach = float(ndtri(0.5 + confidence / 2))
    if len(cells) < 2 or not (cells["error"] > 0).all():
        low, high = (cells["effect"] + side * reach * cells["error"] for side in (-1, 1))
        return cells.assign(shrunk=cells["effect"], low=low, high=high, shrunk_error=cells["error"])
    found = pool(cells["effect"].to_numpy(), cells["error"].to_numpy(), confidence=confidence)
    error = (found.shrunk_high - found.shrunk_low) / 2 / reach
    return cells.assign(
        shrunk=found.shrunk, low=found.shrunk_low, high=found.shrunk_high, shrunk_error=error
    )


@dataclass(frozen=True)
class Lookup:
    """What each option is expected to bring, by state, depth and channel.

    Parameters
    ----------
    effect, error
        States x depths x channels; NaN where nothing like it was measured.
    source
        The same shape: what the number rests on.
    cells
        The same shape: number of the measurement, or of the group of them; -1 where none.
    errors
        Standard error of each such number.
    """

    effect: np.ndarray
    error: np.ndarray
    source: np.ndarray
    cells: np.ndarray
    errors: np.ndarray


def lookup(past: PastResponses, depths: tuple[float, ...], channels: tuple[str, ...]) -> Lookup:
    """Return for every option the measurements nearest to it.

    Those of the same channel and depth; else of the same channel; else of the same depth; else
    all of the state. Several are weighted by their precision. A depth that was tried may not be
    taken for a deeper one.
    """
    shape = (len(STATES), len(depths), len(channels))
    effect, error = np.full(shape, np.nan), np.full(shape, np.nan)
    source, cells = np.full(shape, "", dtype=object), np.full(shape, -1, dtype=np.int64)
    groups: dict[tuple[int, ...], int] = {}
    errors: list[float] = []
    for s, d, c in np.ndindex(shape):
        own = past.cells[past.cells["state"] == STATES[s]]
        near, said = _nearest(own, depths[d], channels[c])
        if near.empty:
            continue
        weight = 1 / near["shrunk_error"].to_numpy(float) ** 2
        effect[s, d, c] = float(np.average(near["shrunk"], weights=weight))
        error[s, d, c] = float(1 / np.sqrt(weight.sum()))
        source[s, d, c] = said
        key = tuple(near.index)
        if key not in groups:
            groups[key] = len(errors)
            errors.append(float(error[s, d, c]))
        cells[s, d, c] = groups[key]
    return Lookup(effect, error, source, cells, np.array(errors))


def _nearest(cells: pd.DataFrame, depth: float, channel: str) -> tuple[pd.DataFrame, str]:
    same_depth = (cells["depth"] - depth).abs() <= _ALIKE
    same_channel = cells["channel"] == channel
    for mask, said in (
        (same_depth & same_channel, "the same channel and depth"),
        (same_channel, "the same channel, another depth"),
        (same_depth, "the same depth, another channel"),
    ):
        if mask.any():
            return cells[mask], said
    return cells, "all randomised contacts"

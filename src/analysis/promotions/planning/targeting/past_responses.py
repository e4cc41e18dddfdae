"""What contacts brought in the past, where arms were randomised: by channel, depth and state.

Every arm of a randomised promotion that passed its checks is one measurement of what a contact
brings, in margin over its days and the weeks after, against its control; apart for customers who
had bought of late and for those who had not. The measurements are drawn towards each other as far
as they are uncertain, so that the best of many noisy ones is not taken at its word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.experiments import adjustment
from analysis.promotions.outcomes import moments
from analysis.promotions.outcomes.moments import Moments
from analysis.promotions.outcomes.outcomes import CONTROL, COVARIATES
from analysis.promotions.returns import past_lists
from analysis.stats.random_effects import shrink
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.stats.types import Floats, Integers

if TYPE_CHECKING:
    import ibis

    from analysis.promotions.experiments.experiments import Trials
    from analysis.tables.engine import Tables

ACTIVE, SILENT = "active", "silent"
STATES = (ACTIVE, SILENT)
_ALIKE = 0.025

#: What a contact brings may be read from all margin, or from that of the category on offer, which
#: what else a customer buys does not blur, and which misses what is given up elsewhere.
MEASURES = ("margin_to_date", "category_to_date")


@dataclass(frozen=True)
class PastResponses:
    """What contacts brought, measured.

    Parameters
    ----------
    cells
        One row an arm and state: promotion_id, name, arm, channel (empty where unknown), depth
        (share of the price), state (bought in the days before, or not), n, n_control, effect
        (margin per customer assigned, its days and the weeks after), error, shrunk, low, high,
        shrunk_error, and its two parts: promotion_error (the arms of a promotion have it in
        common) and arm_error.
    confidence
        Coverage of the intervals.
    left_out
        Promotions whose checks failed, or that are not over.
    tried
        The customers whom the measured promotions were tried on.
    """

    cells: pd.DataFrame
    confidence: float
    left_out: tuple[str, ...]
    tried: pd.Index


def measured_responses(
    tables: Tables, trials: Trials, *, measure: str = MEASURES[0], confidence: float = 0.95
) -> PastResponses:
    """Return what each arm of the sound randomised promotions brought, by state.

    Parameters
    ----------
    tables
        A study's tables.
    trials
        Its randomised promotions, judged.
    measure
        One of `MEASURES`.
    confidence
        Coverage of the intervals.

    Raises
    ------
    NotApplicable
        If no randomised promotion passed its checks with enough customers.
    """
    verdicts = trials.verdicts.set_index("promotion_id")["verdict"]
    sound = [p for p in trials.arms if verdicts.get(p) not in ("no verdict", "still running")]
    lists = past_lists.among(tables, sound)
    others = [p for p in sound if p not in lists]
    arms = _arms(trials.rows, others, measure)
    rows = [row for promotion in others for row in _cells(arms, promotion, measure)]
    # A list has no one category on offer, so that all its customers buy counts.
    listed = past_lists.list_cells(tables, trials.rows, lists, measure=MEASURES[0], states=STATES)
    if not rows and listed.empty:
        raise NotApplicable(
            "No randomised promotion passed its checks with enough customers, so what a contact "
            "brings has not been measured."
        )
    names = trials.overview.set_index("promotion_id")["name"]
    table = pd.DataFrame(rows, columns=_CELL)
    table = table.merge(_channels(tables), on=["promotion_id", "arm"], how="left")
    table["channel"] = table["channel"].fillna("").astype("str")
    if len(listed):  # of a list, each customer's own channel and offer are known
        table = pd.concat([table, listed], ignore_index=True) if rows else listed
    table.insert(1, "name", table["promotion_id"].map(names))
    parts = [_shrunk(table[table["state"] == state], confidence) for state in STATES]
    cells = pd.concat([p for p in parts if len(p)], ignore_index=True)
    out = tuple(str(names[p]) for p in trials.arms if p not in sound)
    given = tables.assignments.filter(tables.assignments.promotion_id.isin(sound))
    tried = pd.Index(given.select("customer_id").distinct().to_pandas()["customer_id"])
    return PastResponses(cells, confidence, out, tried)


_CELL = ["promotion_id", "arm", "state", "depth", "n", "n_control", "effect", "error"]
_CELL += ["own_variance"]


def _arms(rows: ibis.Table, sound: list[str], measure: str) -> pd.DataFrame:
    kept = rows.filter(rows.promotion_id.isin(sound)).mutate(
        state=(rows.before_orders > 0).ifelse(ACTIVE, SILENT)
    )
    columns = list(dict.fromkeys([measure, "offered_discount", "offered_net", *COVARIATES]))
    return moments.by_arm(kept, columns, by=["promotion_id", "arm", "state"])


def _cells(arms: pd.DataFrame, promotion: str, measure: str) -> list[dict[str, object]]:
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
                found.append(head | _measured(treated, control, measure))
    return found


def _measured(treated: Moments, control: Moments, measure: str) -> dict[str, object]:
    used = adjustment.usable([treated, control], COVARIATES).used
    effect = adjustment.regression(treated, control, measure, used)
    return {
        "depth": round(max(0.0, _depth(treated) - _depth(control)), 3),
        "n": int(treated.n),
        "n_control": int(control.n),
        "effect": float(effect.difference),
        "error": float(effect.error),
        "own_variance": float(effect.treated_variance - effect.shared),
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
    """Draw promotions towards each other, and the arms of each towards their promotion.

    The arms of a promotion share its control, whose chance they have in common: it is no
    difference between them, and several arms are no several witnesses of it.
    """
    from analysis.stats.multiplicity import normal_quantile

    own = np.maximum(cells["own_variance"].to_numpy(float), 1e-12)
    common = np.maximum(cells["error"].to_numpy(float) ** 2 - own, 1e-12)
    codes = pd.factorize(cells["promotion_id"])[0]
    arms = np.bincount(codes)
    effect = cells["effect"].to_numpy(float)
    mean = np.bincount(codes, effect) / arms
    error = np.sqrt(np.bincount(codes, own) / arms**2 + np.bincount(codes, common) / arms)
    drawn, drawn_error = _towards_all(mean, error)
    several = arms[codes] > 1
    apart, apart_error = np.zeros(len(cells)), np.zeros(len(cells))
    if several.any():
        away = (effect - mean[codes])[several]
        apart[several], apart_error[several] = _towards_all(away, np.sqrt(own[several]))
    shrunk = drawn[codes] + apart
    total = np.hypot(drawn_error[codes], apart_error)
    reach = normal_quantile(confidence) * total
    found = {"shrunk": shrunk, "low": shrunk - reach, "high": shrunk + reach}
    parts = {"promotion_error": drawn_error[codes], "arm_error": apart_error}
    return cells.drop(columns="own_variance").assign(**found, shrunk_error=total, **parts)


def _towards_all(mean: Floats, error: Floats) -> tuple[Floats, Floats]:
    if len(mean) < 2:
        return mean, error
    drawn, left, _ = shrink(mean, error)
    return drawn, left


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
    loadings
        Numbers of cells x independent errors (of promotions and of arms): how far each error
        would move each.
    part
        The shape of effect: how much of it comes from the promotion named to `lookup`.
    """

    effect: Floats
    error: Floats
    source: np.ndarray
    cells: Integers
    loadings: Floats
    part: Floats

    @classmethod
    def empty(cls, depths: int, channels: int) -> Lookup:
        """Return what is known where nothing was measured."""
        shape = (len(STATES), depths, channels)
        return cls(
            np.full(shape, np.nan),
            np.full(shape, np.nan),
            np.full(shape, "", dtype=object),
            np.full(shape, -1, dtype=np.int64),
            np.empty((0, 0)),
            np.zeros(shape),
        )


def lookup(
    past: PastResponses,
    depths: tuple[float, ...],
    channels: tuple[str, ...],
    *,
    promotion_id: str = "",
) -> Lookup:
    """Return for every option the measurements nearest to it.

    Those of the same channel and depth; else of the same channel; else of the same depth; else
    all of the state. Several are weighted by their precision.

    Parameters
    ----------
    past
        What was measured.
    depths, channels
        The options.
    promotion_id
        The promotion whose part of each effect is told.
    """
    found = Lookup.empty(len(depths), len(channels))
    groups: dict[tuple[int, ...], int] = {}
    loadings: list[Floats] = []
    for s, d, c in np.ndindex(found.effect.shape):
        own = past.cells[past.cells["state"] == STATES[s]]
        near, found.source[s, d, c] = _nearest(own, depths[d], channels[c])
        if near.empty:
            continue
        weight = 1 / np.maximum(near["shrunk_error"].to_numpy(float), 1e-9) ** 2
        weight = weight / weight.sum()
        key = tuple(near.index)
        if key not in groups:
            groups[key] = len(loadings)
            loadings.append(_loadings(past.cells, near, weight))
        parts = weight * near["shrunk"].to_numpy(float)
        found.cells[s, d, c] = groups[key]
        found.effect[s, d, c] = parts.sum()
        found.error[s, d, c] = np.linalg.norm(loadings[groups[key]])
        found.part[s, d, c] = parts[(near["promotion_id"] == promotion_id).to_numpy()].sum()
    return replace(found, loadings=np.array(loadings))


def _loadings(cells: pd.DataFrame, near: pd.DataFrame, weight: Floats) -> Floats:
    """Return how far the errors of promotions, by state, and of arms move a weighted mean."""
    both = cells["state"] + "/" + cells["promotion_id"]
    codes, names = pd.factorize(both)
    of_promotions, of_arms = np.zeros(len(names)), np.zeros(len(cells))
    rows = cells.index.get_indexer(near.index)
    np.add.at(of_promotions, codes[rows], weight * near["promotion_error"].to_numpy(float))
    of_arms[rows] = weight * near["arm_error"].to_numpy(float)
    return np.concatenate([of_promotions, of_arms])


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

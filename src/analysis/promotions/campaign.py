"""What a targeted campaign may have changed: several estimates side by side, and how to doubt them.

None of it is causal proof. The naive comparison is there to show by how much it misleads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.discoveries import normal_quantile, two_sided_p
from analysis.errors import NotApplicable
from analysis.promotions import audience, covariates, matching, overlap, sensitivity, weighting
from analysis.promotions.audience import Audience
from analysis.promotions.effects import Effects
from analysis.promotions.matching import Difference
from analysis.promotions.overlap import Overlap

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.promotions.outcomes import Spans
    from analysis.tables.engine import Tables

    Floats = NDArray[np.float64]

NAIVE, WEIGHTED, MATCHED = "naive", "doubly robust", "matched difference in differences"

#: p below which a check that should find nothing has found something.
ALARM = 0.05

#: Measures of `outcomes` that are estimated, the first one the verdict's.
MEASURES = (
    "margin",
    "net",
    "orders",
    "units",
    "discount",
    "offered_orders",
    "offered_net",
    "offered_margin",
    "offered_units",
    "offered_discount",
    "rival_margin",
    "after_offered_margin",
    "after_rival_margin",
)


@dataclass(frozen=True)
class Campaign:
    """A targeted campaign, looked at in several ways. No causal proof.

    Parameters
    ----------
    audience
        Whom it was sent to and whom they are compared with.
    overlap
        How far the two sides can be compared.
    balance
        As `overlap.balance`.
    effects
        Doubly robust effects on `MEASURES`, a targeted customer.
    estimates
        One row a method: method, estimate (margin a targeted customer over the campaign's days),
        low, high, p, customers (targeted behind it).
    difference
        The matched difference in differences; None where too few could be matched.
    checks
        One row a check: check, estimate, low, high, p, passed (None: could not be done).
    gamma
        Hidden bias that the matched pairs withstand (Rosenbaum); NaN without pairs.
    e_value, e_value_limit
        E-values of the doubly robust effect on margin and of its interval's nearer end.
    """

    audience: Audience
    overlap: Overlap
    balance: pd.DataFrame
    effects: Effects
    estimates: pd.DataFrame
    difference: Difference | None
    checks: pd.DataFrame
    gamma: float
    e_value: float
    e_value_limit: float

    @property
    def believable(self) -> bool:
        """Whether no check that should find nothing found something."""
        return not self.checks["passed"].eq(False).any()


def evaluate(
    tables: Tables,
    spans: Spans,
    promotion_id: str,
    *,
    names: Sequence[str] = MEASURES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Campaign:
    """Evaluate one targeted campaign on contribution margin.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines, products, promotions, assignments.
    spans
        Days before and after that are looked at.
    promotion_id
        The campaign.
    names
        Measures to estimate beside; columns of `outcomes.fetch`, ``margin`` first.
    confidence
        Coverage of intervals.
    seed
        Seed of the folds.

    Raises
    ------
    NotApplicable
        If there is too little history, too few customers or too little overlap for any estimate.
    """
    found = audience.fetch(tables, spans, promotion_id)
    return judge(found, names=names, confidence=confidence, seed=seed)


def judge(
    found: Audience,
    *,
    names: Sequence[str] = MEASURES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Campaign:
    """Evaluate a campaign whose audience is known; as `evaluate`."""
    known = covariates.of(found)
    basis, treated = covariates.basis(known), found.treated
    chance, fold = overlap.chances(basis, treated, seed=seed)
    alike = overlap.judge(chance, treated)
    if alike.reason:
        raise NotApplicable(alike.reason)
    kept = alike.inside
    measures = found.people[list(names)].to_numpy(float)
    sides = (basis[kept], treated[kept], chance[kept], fold[kept])
    effects = weighting.on_treated(names, measures[kept], *sides)
    matched, difference = _matched(found, kept, basis, chance, confidence)
    reach = normal_quantile(confidence)
    e_value, limit = _e_values(effects, measures[kept & ~treated, 0], reach)
    margin = found.margin(0, found.window_weeks)[kept]
    return Campaign(
        audience=found,
        overlap=alike,
        balance=overlap.balance(covariates.NAMES, known, treated, alike),
        effects=effects,
        estimates=_estimates(found, measures[:, 0], effects, difference, reach),
        difference=difference,
        checks=_checks(found, kept, sides, difference, reach),
        gamma=sensitivity.largest_gamma(matched.differences(margin)) if matched else np.nan,
        e_value=e_value,
        e_value_limit=limit,
    )


def _e_values(effects: Effects, untreated: Floats, reach: float) -> tuple[float, float]:
    effect, error = effects.of(effects.names[0])
    spread = float(untreated.std(ddof=1))
    return sensitivity.e_values(effect, error, spread, quantile=reach)


def _matched(
    found: Audience, kept: NDArray[np.bool_], basis: Floats, chance: Floats, confidence: float
) -> tuple[matching.Pairs | None, Difference | None]:
    try:
        matched = matching.pairs(chance[kept], basis[kept], found.treated[kept])
    except NotApplicable:
        return None, None
    weekly = found.weekly[kept]
    difference = matching.difference(
        matched, weekly, found.first_week, found.window_weeks, confidence=confidence
    )
    return matched, difference


def _estimates(
    found: Audience, margin: Floats, effects: Effects, difference: Difference | None, reach: float
) -> pd.DataFrame:
    """Return the methods side by side, all for the campaign's whole days."""
    treated = found.treated
    one, other = margin[treated], margin[~treated]
    error = float(np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other)))
    rows = [(NAIVE, float(one.mean() - other.mean()), error, len(one))]
    rows.append((WEIGHTED, *effects.of(effects.names[0]), effects.treated))
    if difference:
        # Days beyond the last whole week count as those before them.
        whole = found.window.days / (7 * found.window_weeks)
        pair = (difference.estimate * whole, difference.error * whole)
        rows.append((MATCHED, *pair, difference.pairs))
    return _with_ends(rows, "method", reach)


def _with_ends(rows: list[tuple[str, float, float, int]], key: str, reach: float) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(rows, columns=[key, "estimate", "error", "customers"])
    ends = {
        s: table["estimate"] + f * reach * table["error"] for s, f in (("low", -1), ("high", 1))
    }
    p = two_sided_p(table["estimate"] / table["error"].where(table["error"] > 0))
    return table.assign(**ends, p=p)[[key, "estimate", "low", "high", "p", "customers"]]


def _checks(
    found: Audience,
    kept: NDArray[np.bool_],
    sides: tuple[Floats, NDArray[np.bool_], Floats, NDArray[np.int64]],
    difference: Difference | None,
    reach: float,
) -> pd.DataFrame:
    """Return what should find nothing: earlier trends, an earlier date, products not touched."""
    import pandas as pd

    people = found.people[kept]
    untouched = people["margin"] - people["offered_margin"] - people["rival_margin"]
    elsewhere = weighting.on_treated(["untouched"], untouched.to_numpy()[:, None], *sides)
    trend, earlier = np.nan, (np.nan, np.nan)
    if difference:
        trend, earlier = difference.trend_p, (difference.earlier, difference.earlier_error)
    rows = [
        ("trends before", np.nan, np.nan, trend),
        ("an earlier date", *earlier, np.nan),
        ("other products", *elsewhere.of("untouched"), np.nan),
    ]
    table = pd.DataFrame(rows, columns=["check", "estimate", "error", "p"])
    by_error = two_sided_p(table["estimate"] / table["error"].where(table["error"] > 0))
    table["p"] = table["p"].fillna(pd.Series(by_error, index=table.index))
    table["low"] = table["estimate"] - reach * table["error"]
    table["high"] = table["estimate"] + reach * table["error"]
    passed = [None if np.isnan(p) else bool(p >= ALARM) for p in table["p"]]
    table["passed"] = pd.Series(passed, dtype="object")
    return table[["check", "estimate", "low", "high", "p", "passed"]]

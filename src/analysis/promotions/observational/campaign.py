"""What a targeted campaign may have changed: several estimates side by side, and how to doubt them.

None of it is causal proof. The naive comparison is there to show by how much it misleads.

All targeted campaigns of a study, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import NotApplicable
from analysis.promotions.observational import audience, matched_did, propensity
from analysis.promotions.observational import audience as covariates
from analysis.promotions.observational.audience import Audience
from analysis.promotions.observational.doubly_robust import Effects
from analysis.promotions.observational.matched_did import Difference
from analysis.promotions.observational.propensity import Overlap
from analysis.promotions.outcomes.outcomes import CONTROL
from analysis.stats.multiplicity import normal_quantile, two_sided_p
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.promotions.outcomes.outcomes import Spans
    from analysis.tables.engine import Tables

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


def judge(
    found: Audience, *, names: Sequence[str] = MEASURES, confidence: float = 0.95, seed: int = 0
) -> Campaign:
    """Evaluate one targeted campaign on contribution margin.

    Parameters
    ----------
    found
        Its audience.
    names
        Measures that effects are estimated on.
    confidence
        Coverage of intervals.
    seed
        Seed of the folds.

    Raises
    ------
    NotApplicable
        If there is too little overlap for any estimate.
    """
    known = covariates.of(found)
    basis, treated = covariates.basis(known), found.treated
    chance, fold = propensity.chances(basis, treated, seed=seed)
    alike = propensity.judge(chance, treated)
    if alike.reason:
        raise NotApplicable(alike.reason)
    kept = alike.inside
    measures = found.people[list(names)].to_numpy(float)
    sides = (basis[kept], treated[kept], chance[kept], fold[kept])
    effects = propensity.on_treated(names, measures[kept], *sides)
    matched, difference = _matched(found, kept, basis, chance, confidence)
    reach = normal_quantile(confidence)
    e_value, limit = _e_values(effects, measures[kept & ~treated, 0], reach)
    margin = found.margin(0, found.window_weeks)[kept]
    return Campaign(
        audience=found,
        overlap=alike,
        balance=propensity.balance(covariates.NAMES, known, treated, alike),
        effects=effects,
        estimates=_estimates(found, measures[:, 0], effects, difference, reach),
        difference=difference,
        checks=_checks(found, kept, sides, difference, reach),
        gamma=matched_did.largest_gamma(matched.differences(margin)) if matched else np.nan,
        e_value=e_value,
        e_value_limit=limit,
    )


def _e_values(effects: Effects, untreated: Floats, reach: float) -> tuple[float, float]:
    effect, error = effects.of(effects.names[0])
    spread = float(untreated.std(ddof=1))
    return matched_did.e_values(effect, error, spread, quantile=reach)


def _matched(
    found: Audience, kept: NDArray[np.bool_], basis: Floats, chance: Floats, confidence: float
) -> tuple[matched_did.Pairs | None, Difference | None]:
    try:
        matched = matched_did.pairs(chance[kept], basis[kept], found.treated[kept])
    except NotApplicable:
        return None, None
    weekly = found.weekly[kept]
    difference = matched_did.difference(
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
    people = found.people[kept]
    untouched = people["margin"] - people["offered_margin"] - people["rival_margin"]
    elsewhere = propensity.on_treated(["untouched"], untouched.to_numpy()[:, None], *sides)
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


@dataclass(frozen=True)
class Campaigns:
    """Every targeted campaign, judged or not.

    Parameters
    ----------
    judged
        Those with an estimate, by promotion_id, the one sent to most customers first.
    table
        One row a campaign: promotion_id, name, customers (sent to), compared (targeted behind the
        estimate), outside (share of them without likeness), naive, estimate, low, high, p (doubly
        robust margin a targeted customer), matched (difference in differences), passed (no check
        found what is not there), gamma, e_value, e_value_limit, meanwhile (share of the targeted
        who were sent another promotion in the same days), reason (why there is no estimate).
    reason
        Why none was judged; empty if one was.
    """

    judged: Mapping[str, Campaign]
    table: pd.DataFrame
    reason: str

    def require(self) -> Campaign:
        """Return the campaign sent to most customers; NotApplicable if none could be judged."""
        if self.reason:
            raise NotApplicable(self.reason)
        return next(iter(self.judged.values()))

    def name(self, promotion_id: str) -> str:
        """Return what people call a campaign."""
        rows = self.table
        return str(rows.loc[rows["promotion_id"] == promotion_id, "name"].iloc[0])


def search(
    tables: Tables,
    spans: Spans,
    promotions: pd.DataFrame,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Campaigns:
    """Evaluate every campaign that was sent to chosen customers.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines, products, promotions, assignments.
    spans
        Days before and after that are looked at.
    promotions
        As `outcomes.overview`.
    confidence, seed
        As in `campaign.judge`.
    """
    sent = promotions[(promotions["customers"] > 0) & ~promotions["randomised"]]
    sent = sent.sort_values(["customers", "promotion_id"], ascending=[False, True])
    sizes = _sizes(tables) if len(sent) else {}
    audiences = audience.together(tables, spans, sent["promotion_id"].tolist())
    judged, rows = {}, []
    for promotion in sent.to_dict("records"):
        key = promotion["promotion_id"]
        row = {c: promotion[c] for c in ("promotion_id", "name", "mechanic", "customers")}
        row |= {"starts_on": promotion["starts_on"], "reason": "", "customers": sizes.get(key, 0)}
        try:
            judged[key] = judge(audience.there(audiences[key]), confidence=confidence, seed=seed)
            row |= _summary(judged[key])
        except NotApplicable as reason:
            row["reason"] = str(reason)
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    table["passed"] = table["passed"].astype("object")
    return Campaigns(judged, table, "" if judged else _none(rows))


_FACTS = ["promotion_id", "name", "mechanic", "starts_on", "customers", "compared", "outside"]

_FOUND = ["naive", "estimate", "low", "high", "p", "matched", "passed", "gamma"]

_COLUMNS = [*_FACTS, *_FOUND, "e_value", "e_value_limit", "meanwhile", "reason"]


def _sizes(tables: Tables) -> dict[str, int]:
    """Return the customers that each promotion was sent to, its control left out."""
    given = tables.assignments.filter(tables.assignments.arm != CONTROL)
    counts = given.group_by("promotion_id").agg(n=given.customer_id.nunique()).to_pandas()
    return dict(zip(counts["promotion_id"], counts["n"].astype(int), strict=True))


def _none(rows: list[dict[str, object]]) -> str:
    if not rows:
        return "No promotion was sent to customers whom somebody chose."
    return "No campaign could be compared with customers like its own."


def _summary(found: Campaign) -> dict[str, object]:
    by_method = found.estimates.set_index("method")
    people = found.audience.people
    treated = people[people["treated"]]
    weighted = by_method.loc[WEIGHTED]
    return {
        "compared": int(weighted["customers"]),
        "outside": found.overlap.outside,
        "naive": by_method.loc[NAIVE, "estimate"],
        **weighted[["estimate", "low", "high", "p"]].to_dict(),
        "matched": by_method["estimate"].get(MATCHED),
        "passed": found.believable,
        "gamma": found.gamma,
        "e_value": found.e_value,
        "e_value_limit": found.e_value_limit,
        "meanwhile": float((treated["meanwhile"] > 0).mean()),
    }

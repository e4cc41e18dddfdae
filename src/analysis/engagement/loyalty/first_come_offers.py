"""Offers to the first who come: what being served changes, read where the offers ran out.

The last who was served and the first who was too late came at nearly the same moment, and neither
knew the place in the line: where that holds, a jump of later sales there is the offer's doing, an
experiment that nobody planned (regression discontinuity at rank N). Where those who come can see
that all is gone, fewer come from then on, the two sides are not alike, and nothing is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.engagement.loyalty.tier_thresholds import Crossing, effects_at, net_of, no_effect
from analysis.errors import NotApplicable
from analysis.stats import discontinuity
from analysis.stats.multiplicity import q_values
from analysis.stats.sizes import FEWEST_AT_THRESHOLD
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

RANK = Crossing(
    before="sales before",
    made_up="sales after, at a made-up rank",
    seen="the rate of claims jumps when all is gone, so that the two sides are not alike",
    at=1.0,
)
_NONE = ("minutes", "jump", "error", "p")


@dataclass(frozen=True)
class FirstCome:
    """Offers that there was only so often.

    Parameters
    ----------
    offers
        promotion_id, name, limit, claims (customers who came), served, late, minutes (until all
        was gone), jump (of the logarithm of the rate of claims then, late less served), error, p,
        difference (later sales of all served less all late: those who come early are keener).
    effects
        promotion_id, name, outcome, effect, low, high, p, q (over the offers), bandwidth, below,
        above, placebo (should be none), reason.
    days
        Days from the offer's over which later sales are counted, and before it.
    """

    offers: pd.DataFrame
    effects: pd.DataFrame
    days: int


def first_come(
    tables: Tables, *, as_of: date, days: int = 182, confidence: float = 0.95
) -> FirstCome:
    """Return what being served changed, offer by offer.

    Parameters
    ----------
    tables
        A study's tables; needs promotions with a quantity limit, claims among the interactions
        (completed: served) and order_lines.
    as_of
        First day not looked at.
    days
        Days over which sales are counted, from the offer's day on and before it.
    confidence
        Of the intervals.

    Raises
    ------
    NotApplicable
        If no offer was limited, or who came too late is not known.
    """
    claims = _claims(tables, as_of)
    offers, effects = [], []
    for name, mine in claims.groupby(["promotion_id", "name"], sort=True):
        told, found = _one(tables, mine.reset_index(drop=True), as_of, days, confidence)
        key = dict(zip(("promotion_id", "name"), name, strict=True))
        offers.append(key | told)
        effects += [key | row for row in found]
    rows = pd.DataFrame(effects)
    p = rows["p"].where(~rows["placebo"].astype(bool)).to_numpy("float64")
    return FirstCome(pd.DataFrame(offers), rows.assign(q=q_values(p)), days)


def _claims(tables: Tables, as_of: date) -> pd.DataFrame:
    """Return each customer's first claim of each limited offer, in order."""
    if not tables.has("promotions", "quantity_limit"):
        raise NotApplicable("No promotion states how often its offer was there.")
    if not (tables.has("interactions", "promotion_id") and tables.has("interactions", "completed")):
        raise NotApplicable("Who claimed a limited offer, and who was too late, is not recorded.")
    rows, promotions = tables.interactions, tables.promotions
    limited = promotions.filter(promotions.quantity_limit.notnull())
    limited = limited.select("promotion_id", "name", limit="quantity_limit")
    came = rows.filter(rows.kind == "claim", rows.completed.notnull(), rows.at < midnight(as_of))
    came = came.select("promotion_id", "customer_id", "interaction_id", "at", served="completed")
    found = came.inner_join(limited, "promotion_id")
    frame = found.order_by("promotion_id", "at", "interaction_id").to_pandas()
    if frame.empty:
        raise NotApplicable("No claim of a limited offer is recorded.")
    return frame.drop_duplicates(["promotion_id", "customer_id"]).reset_index(drop=True)


def _one(
    tables: Tables, claims: pd.DataFrame, as_of: date, days: int, confidence: float
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    served = claims["served"].to_numpy(bool)
    count, late = int(served.sum()), int((~served).sum())
    told: dict[str, Any] = {"limit": int(claims["limit"].iloc[0]), "claims": len(claims),
                            "served": count, "late": late, "difference": np.nan}  # fmt: skip
    told |= dict.fromkeys(_NONE, np.nan)
    reason = _unreadable(served)
    if reason:
        return told, [no_effect(RANK.outcome, False, reason)]
    minutes = (claims["at"] - claims["at"].iloc[0]).dt.total_seconds().to_numpy() / 60
    gone = minutes[count - 1]
    # The last who was served stands at zero, all who were at zero or more.
    reach = min(gone, minutes[-1] - gone)
    jumped = discontinuity.density_jump(gone - minutes, reach=max(reach, 1e-9))
    people = _sales(tables, claims, as_of, days)
    after = people["after"].to_numpy(float)
    told |= {
        "minutes": gone, "jump": -jumped.jump, "error": jumped.error, "p": jumped.p,
        "difference": float(after[served].mean() - after[~served].mean()),
    }  # fmt: skip
    distance = count - 0.5 - np.arange(len(claims), dtype=np.float64)
    return told, effects_at(people, distance, jumped.p, confidence=confidence, crossing=RANK)


def _unreadable(served: np.ndarray) -> str:
    """Return why nothing can be read from an offer; empty where something can."""
    if served.all():
        return "it was there for everybody who came"
    if not served[: served.sum()].all():
        return "it was not given in the order of coming"
    if len(served) < FEWEST_AT_THRESHOLD:
        return f"fewer than {FEWEST_AT_THRESHOLD} customers came"
    return ""


def _sales(tables: Tables, claims: pd.DataFrame, as_of: date, days: int) -> pd.DataFrame:
    """Return what those who came bought from the offer's day on, and in the days before it."""
    first = claims["at"].iloc[0].date()
    last = first + timedelta(days=days)
    after = Period(first, last) if last <= as_of else None
    who = claims["customer_id"]
    return pd.DataFrame(
        {
            "after": net_of(tables, after, who) if after else np.nan,
            "before": net_of(tables, Period.before(first, days=days), who),
        }
    )

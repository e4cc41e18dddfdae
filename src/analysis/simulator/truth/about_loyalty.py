"""The truth about what a club does beside selling: points owed, paid terms, and a row of nulls."""

from __future__ import annotations

from analysis.simulator.club import club_life, paid_terms
from analysis.simulator.selling.promotion_plan import TRIALS
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth.planted import Counts, Planted, ratio

REPORT = "09_loyalty"


def truths(plan: Plan, counts: Counts) -> dict[str, Planted]:
    """Return the truths about points owed, paid terms, interactions and birthdays."""
    return {**_owed(counts), **_terms(plan, counts), **_nulls(plan)}


def _owed(counts: Counts) -> dict[str, Planted]:
    return {
        "points_owed": Planted(
            "Of the points open at the end, some will be redeemed and the rest will expire.",
            REPORT,
            "Points earned that are redeemed after the last day of the history.",
            realised={"points": counts["points.owed"]},
        )
    }


def _terms(plan: Plan, counts: Counts) -> dict[str, Planted]:
    found = {
        mode: ratio(counts[f"terms.{mode}.renewed"], counts[f"terms.{mode}.ended"])
        for mode in paid_terms.RENEWS
    }
    return {
        "renewal": Planted(
            "Paid terms are renewed at a rate that depends on how they are renewed.",
            REPORT,
            "Share of the terms that ended before the last day which were renewed.",
            {"term_days": paid_terms.TERM_DAYS, "automatic": paid_terms.AUTOMATIC},
            dict(paid_terms.RENEWS),
            found,
            present=plan.calendar.days > paid_terms.TERM_DAYS,
        )
    }


def _nulls(plan: Plan) -> dict[str, Planted]:
    strands = {name: share for name, (share, *_) in club_life.STRANDS.items()}
    week = next(t.week for t in TRIALS if t.key == club_life.INVITED)
    return {
        "club_life_null": Planted(
            "Who buys much reads guides, posts and plays more; none of it changes what is bought.",
            REPORT,
            "Effect of guides, community and games on purchases. The chance to take part is "
            "share * (1 - tilt + tilt * order rate / mean rate of the main body), at most "
            f"{club_life.MOST}.",
            {"shares": strands, "tilt": club_life.TILT},
            {"effect": 0.0},
        ),
        "invited_video": Planted(
            "A mailing given at random invites to a video, which changes nothing.",
            REPORT,
            "Share of either arm that watched it; effect of the invitation on purchases.",
            {"promotion_id": club_life.INVITED},
            {**club_life.WATCHED, "effect": 0.0},
            present=plan.calendar.days > 7 * week,
        ),
        "birthday_null": Planted(
            "Birthdays change nothing about what is bought.",
            REPORT,
            "Effect of the weeks around the birthday on purchases.",
            superpopulation={"effect": 0.0},
        ),
    }

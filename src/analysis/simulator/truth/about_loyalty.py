"""The truth about what a club does beside selling: points owed, paid terms, and a row of nulls."""

from __future__ import annotations

from analysis.simulator.engagement import club_life, first_come, loyalty_club, paid_terms
from analysis.simulator.selling.promotion_plan import TRIALS
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth.planted import Counts, Planted, ratio

REPORT = "09_loyalty"


def truths(plan: Plan, counts: Counts) -> dict[str, Planted]:
    """Return the truths about points, paid terms, interactions, scarce offers and birthdays."""
    return {**_owed(counts), **_terms(plan, counts), **_nulls(plan), **_offers(plan, counts)}


def _owed(counts: Counts) -> dict[str, Planted]:
    return {
        "points_owed": Planted(
            "Of the points open at the end, some will be redeemed and the rest will expire.",
            REPORT,
            "Points earned that are redeemed after the last day of the history.",
            realised={"points": counts["points.owed"]},
        ),
        "points_taken_back": Planted(
            "Points of goods that came back are taken back, but not always.",
            REPORT,
            "Points taken back of a movement; points of the last 364 days that stay although the "
            "goods came back, by the share of the order's net that returns naming it brought.",
            {"share_of_open_lots": loyalty_club.TAKEN_BACK},
            realised={"points": counts["points.taken_back"], "kept": counts["points.kept"] / 1_000},
        ),
        "invitations": Planted(
            "A share of the invitations that customers pass on leads to somebody.",
            REPORT,
            "Share of invitations that led to a referral; mean days until then.",
            {"days": loyalty_club.SHARED_DAYS},
            {"share": loyalty_club.INVITED_COME},
        ),
    }


def _offers(plan: Plan, counts: Counts) -> dict[str, Planted]:
    sides = {
        o.key: first_come.effect(*(counts[f"{o.key}.{k}"]
                                   for k in ("served", "served.net", "late", "late.net")))
        for o in first_come.OFFERS
    }  # fmt: skip
    seen = first_come.OFFERS[2]
    return {
        "first_come": Planted(
            "Of three offers to the first who come, one makes those served buy more, one does not "
            "though keen customers come first, and one shows when all is gone.",
            REPORT,
            f"Net in the {first_come.DAYS} days from the offer's day, of those served less that "
            "of those just too late; in F2, where the difference of all is selection, none; in F3 "
            "it cannot be read, for the rate of claims falls when all is gone.",
            {"offers": first_come.limit(plan.shop), "days": first_come.DAYS},
            {"F2": 0.0, "F3 jump of log density": first_come.density_jump(seen)},
            {"difference of all": sides},
            present=len(first_come.held(plan)) == len(first_come.OFFERS),
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

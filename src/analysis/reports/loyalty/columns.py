"""Formats of the columns of the tables of loyalty."""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def flows() -> Columns:
    """Return the columns of ``Reconciliation.flows``."""
    return {
        "flow": formats.text("Points"),
        "entries": formats.integer("Movements"),
        "customers": formats.integer("Customers"),
        "points": formats.integer("Points"),
    }


def rules() -> Columns:
    """Return the columns of ``Reconciliation.rules``."""
    return {
        "what": formats.text("Rule broken"),
        "entries": formats.integer("Movements"),
        "customers": formats.integer("Customers"),
        "points": formats.integer("Points"),
        "counts": formats.mark("Stands against the liability"),
    }


def vintages(interval: str) -> Columns:
    """Return the columns of ``Liability.vintages``."""
    return {
        "begins_on": formats.day("Month from"),
        "earned": formats.integer("Earned"),
        "redeemed": formats.integer("Redeemed"),
        "expired": formats.integer("Expired"),
        "to_expire": formats.integer("To expire"),
        "owed": formats.integer("Owed"),
        "owed_cost": formats.money(0, "Cost"),
        "breakage": formats.percent(1, "Breakage"),
        "low": formats.interval("high", 1, interval),
        "ripe": formats.mark("Come due"),
    }


def economics() -> Columns:
    """Return the columns of ``text.economics_table``."""
    return {"what": formats.text("In the period"), "amount": formats.money(0, "Amount")}


def tiers() -> Columns:
    """Return the columns of ``Standing.tiers``."""
    return {
        "tier": formats.text("Tier"),
        "customers": formats.integer("Customers"),
        "buyers": formats.integer("Bought"),
        "net": formats.money(0, "Net sales"),
        "share": formats.percent(1, "Share"),
        "net_per_customer": formats.money(0, "Per customer"),
        "margin": formats.money(0, "Margin"),
    }


def moves(interval: str) -> Columns:
    """Return the columns of ``Standing.moves``."""
    return {
        "before": formats.text("From"),
        "after": formats.text("To"),
        "customers": formats.integer("Customers"),
        "share": formats.percent(1, "Share"),
        "low": formats.interval("high", 1, interval),
    }


def bunching() -> Columns:
    """Return the columns of ``Thresholds.bunching``."""
    return {
        "tier": formats.text("Tier"),
        "threshold": formats.integer("Points needed"),
        "customers": formats.integer("Customers near"),
        "above": formats.number(0, "Too many above"),
        "above_error": formats.number(0, "± (1 s.e.)"),
        "missing": formats.number(0, "Missing below"),
        "missing_error": formats.number(0, "± (1 s.e.)"),
        "share": formats.percent(0, "Of those above"),
    }


def density() -> Columns:
    """Return the columns of ``Thresholds.density``."""
    return {
        "tier": formats.text("Tier"),
        "jump": formats.number(2, "Jump of log density", signed=True),
        "error": formats.number(2, "s.e."),
        "p": formats.number(3, "p"),
        "below": formats.integer("Below"),
        "above": formats.integer("Above"),
    }


def effects(interval: str) -> Columns:
    """Return the columns of ``Thresholds.effects``."""
    return {
        "tier": formats.text("Tier"),
        "outcome": formats.text("Outcome"),
        "effect": formats.money(2, "Jump", signed=True),
        "low": formats.interval("high", 2, interval, unit="EUR"),
        "p": formats.number(3, "p"),
        "below": formats.integer("Below"),
        "above": formats.integer("Above"),
        "placebo": formats.mark("Placebo"),
    }


def offers() -> Columns:
    """Return the columns of ``FirstCome.offers``."""
    return {
        "name": formats.text("Offer"),
        "limit": formats.integer("There were"),
        "claims": formats.integer("Who came"),
        "late": formats.integer("Too late"),
        "minutes": formats.integer("Gone after, minutes"),
        "jump": formats.number(2, "Jump of log rate", signed=True),
        "p": formats.number(3, "p"),
        "difference": formats.money(2, "Served less late, all", signed=True),
    }


def offer_effects(interval: str, *, placebos: bool) -> Columns:
    """Return the columns of ``FirstCome.effects``, of the offers or of their placebo checks."""
    return {
        "name": formats.text("Offer"),
        **({"outcome": formats.text("Placebo check")} if placebos else {}),
        "effect": formats.money(2, "Served less late", signed=True),
        "low": formats.interval("high", 2, interval, unit="EUR"),
        "above": formats.integer("Served near"),
        "below": formats.integer("Late near"),
        "p": formats.number(3, "p"),
        **({} if placebos else {"q": formats.number(3, "q")}),
    }


def segment_shares(interval: str) -> Columns:
    """Return the columns of ``BySegment.shares``."""
    return {
        "measure": formats.text("Customers who"),
        "segment": formats.text("Segment"),
        "customers": formats.integer("Of"),
        "share": formats.percent(1, "Share"),
        "low": formats.interval("high", 1, interval),
        "difference": formats.points(1, "Against all others"),
        "q": formats.number(3, "q"),
    }


def segment_points() -> Columns:
    """Return the columns of ``BySegment.points``."""
    return {
        "segment": formats.text("Segment"),
        "members": formats.integer("With points"),
        "earned": formats.number(0, "Earned each"),
        "redeemed": formats.number(0, "Redeemed each"),
        "open": formats.number(0, "Open each"),
    }


def strands(interval: str) -> Columns:
    """Return the columns of ``membership.club_life``."""
    return {
        "strand": formats.text("Take part in"),
        "customers": formats.integer("Customers"),
        "plain": formats.money(2, "More than all others", signed=True),
        "matched": formats.integer("With like others"),
        "difference": formats.money(2, "More than like others", signed=True),
        "low": formats.interval("high", 2, interval, unit="EUR"),
    }


def invitations(interval: str) -> Columns:
    """Return the columns of ``Invitation.arms``."""
    return {
        "promotion_id": formats.text("Invitation"),
        "invited": formats.integer("Invited"),
        "others": formats.integer("Not invited"),
        "uptake": formats.points(1, "More took part"),
        "uptake_low": formats.interval("uptake_high", 1, interval, unit="points"),
        "effect": formats.money(2, "Sales each", signed=True),
        "low": formats.interval("high", 2, interval, unit="EUR"),
    }


def quality(interval: str) -> Columns:
    """Return the columns of ``Referrals.quality``."""
    return {
        "measure": formats.text("In the first days"),
        "customers": formats.integer("Referred"),
        "group_mean": formats.number(2, "Mean, referred"),
        "like_mean": formats.number(2, "Mean, like others"),
        "ratio": formats.number(2, "Ratio"),
        "ratio_low": formats.interval("ratio_high", 2, interval, unit=""),
    }


def scores(interval: str, *, reasons: bool) -> Columns:
    """Return the columns of ``strategy_scores.scores``, with the reasons where there are any."""
    shown = {
        "score": formats.text("Customers who"),
        "value": formats.percent(1, "Share"),
        "low": formats.interval("high", 1, interval),
        "customers": formats.integer("Of"),
    }
    return shown | ({"reason": formats.text("Why not")} if reasons else {})


def stored() -> Columns:
    """Return the columns of ``strategy_scores.stored_value``."""
    return {
        "flow": formats.text("Money on account"),
        "movements": formats.integer("Movements"),
        "customers": formats.integer("Customers"),
        "amount": formats.money(0, "Amount"),
    }

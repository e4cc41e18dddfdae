"""The relationship beyond the till: loyalty, feedback, channels, web.

What a notebook calls, by one name each.
"""

from analysis.answers import face

__getattr__ = face(
    __name__,
    {
        "birthdays": "loyalty.birthday:birthdays",
        "care_occasions": "loyalty.care_occasions:care_occasions",
        "club_life": "loyalty.membership:club_life",
        "invitation": "loyalty.membership:invitation",
        "loyalty_tables": "loyalty.joiners:loyalty_tables",
        "members_against_others": "loyalty.membership:members_against_others",
        "new_customers": "loyalty.joiners:second_purchases",
        "PointCosts": "points.points_liability:PointCosts",
        "points_economics": "points.points_economics:economics",
        "points_ledger": "points.ledger_checks:reconcile",
        "points_liability": "points.points_liability:liability",
        "referrals": "loyalty.referral_value:referrals",
        "stored_value": "loyalty.strategy_scores:stored_value",
        "strategy_scores": "loyalty.strategy_scores:scores",
        "ThresholdRules": "loyalty.tier_thresholds:ThresholdRules",
        "tier_standing": "loyalty.membership_tiers:standing",
        "tier_thresholds": "loyalty.tier_thresholds:thresholds",
    },
)

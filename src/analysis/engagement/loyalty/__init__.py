"""Points, tiers, members, referrals, and what a club does beside selling."""

"""Tiers, members, referrals, scores and occasions of a loyalty programme."""

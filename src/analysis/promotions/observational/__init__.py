"""Promotions that were not randomised: propensity, matching, synthetic control."""

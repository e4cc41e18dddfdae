"""Randomised promotions: checks, estimates, sequential reading, uplift."""

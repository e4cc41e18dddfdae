"""Measurements of this project beside what a user would pick instead, in one run, as ratios."""

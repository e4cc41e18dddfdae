"""Occasions to care for single customers, and flows that follow from what they did."""

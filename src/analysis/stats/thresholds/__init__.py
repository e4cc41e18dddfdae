"""Thresholds: who bunches there, whether they sort themselves, and what crossing it does."""

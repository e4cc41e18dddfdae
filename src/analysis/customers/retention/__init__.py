"""Retention: life stages, inactivity, decline, repeat purchase and win-back."""

"""Sequences: what is bought next, first baskets and replenishment."""

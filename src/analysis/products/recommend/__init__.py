"""Recommenders, chosen on time they had not seen, and the reason of each product."""

"""Simulated goods: the assortment, its demand, and what is bought together."""

"""Baskets: orders with their products, indexed for counting."""

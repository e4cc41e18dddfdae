"""Simulated selling: orders, promotions, deliveries and their errors."""

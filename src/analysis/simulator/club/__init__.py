"""Simulated club life: paid terms, money on account, guides, community and games."""

"""Simulated people: who they are, when they order, and where."""

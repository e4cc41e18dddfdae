"""Execution: one notebook in its own process, its failures kept to their sections."""

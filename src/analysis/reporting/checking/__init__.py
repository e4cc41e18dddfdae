"""Checking: whether a study can run, what was read, and whether a run still holds."""

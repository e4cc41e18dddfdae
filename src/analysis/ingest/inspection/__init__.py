"""Inspection: what a newcomer's files are, before anything is read for good."""

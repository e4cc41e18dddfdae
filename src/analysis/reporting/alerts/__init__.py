"""Alerts: what somebody must be told, once, until it changes."""

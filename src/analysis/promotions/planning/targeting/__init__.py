"""Whom to contact with what, through which channel: one ruling per customer."""

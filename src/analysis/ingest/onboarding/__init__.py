"""Onboarding: a look at a stranger's files, and a drafted mapping for them."""

"""Simulated engagement: the loyalty club, messages, surveys and web sessions."""

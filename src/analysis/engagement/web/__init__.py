"""Visits to web and app: sessions, bounce, funnel, paths, baskets left, search, faults."""

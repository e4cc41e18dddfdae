"""Segments: clusters, their profiles, areas, and one table of everybody's segments."""

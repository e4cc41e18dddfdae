"""Ingest: from source files to canonical tables, every row accounted for."""

"""Mappings: which source column becomes which canonical column, and how."""

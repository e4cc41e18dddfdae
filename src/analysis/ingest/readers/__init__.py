"""Readers: CSV, Excel, Parquet, JSON lines, archives and databases."""

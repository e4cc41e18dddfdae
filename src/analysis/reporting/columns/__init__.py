"""Columns: what of a result table a page shows, and how; the table itself is saved whole.

One module a report. A function returns the formats of one table's columns, in order.
"""

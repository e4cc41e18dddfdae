"""Report 12: what visits to web and app lead to."""

"""Report 10: what customers say."""

"""Report 04: what will sell."""

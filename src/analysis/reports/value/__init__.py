"""Report 07: who is worth keeping."""

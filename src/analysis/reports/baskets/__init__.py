"""Report 05: baskets and sequences."""

"""Data quality: what a retailer checks before believing a report."""

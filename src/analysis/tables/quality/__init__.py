"""What a retailer checks before believing a number."""

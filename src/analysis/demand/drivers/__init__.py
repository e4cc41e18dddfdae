"""Drivers of demand: promotions, placements, prices and holidays."""

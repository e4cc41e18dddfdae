"""Customer value: RFM, tiers, deciles, concentration and how they move."""

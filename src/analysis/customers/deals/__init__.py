"""Deal proneness and the response to discounts: who buys on offer, and what offers do."""

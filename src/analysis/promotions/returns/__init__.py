"""Return of promotions: incremental margin against cost, goals and the league table."""

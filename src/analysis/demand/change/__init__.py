"""Change over time: trends, changepoints, the revenue tree, contributions, stockouts."""

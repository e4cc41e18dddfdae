"""Customer features at a date: what was known of each customer before it."""

"""Customer identity: one customer over several sources, by exact keys or by likeness."""

"""The content of report 00: what changed, what needs a decision, what came of the last ones."""

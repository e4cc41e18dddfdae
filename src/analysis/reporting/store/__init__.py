"""The store: where runs lie, how they are written and recorded."""

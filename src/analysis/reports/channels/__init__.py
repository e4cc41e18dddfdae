"""Report 11: what messages bring, what they cost, and which channels customers buy through."""

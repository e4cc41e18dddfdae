"""Report 09: what the loyalty programme costs, moves and brings."""

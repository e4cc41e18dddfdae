"""The ledger of points: what it holds, whether it adds up, what is owed, what it costs."""

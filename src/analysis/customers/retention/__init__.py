"""Who stays, who leaves, and what keeping them is worth."""

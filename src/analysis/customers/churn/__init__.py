"""Who is likely to be lost, when each comes next, and what keeping them is worth."""

"""What sells together, instead of each other, and next."""

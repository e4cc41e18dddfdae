"""What sells when, and what grew or shrank."""

"""What messages bring, what they cost, when they tire; and the channels customers buy through."""

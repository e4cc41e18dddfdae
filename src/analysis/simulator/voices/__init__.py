"""What customers say: surveys, reviews, complaints, and the words they use."""

"""What customers say: scores and who gives them, complaints, reviews, and what follows."""

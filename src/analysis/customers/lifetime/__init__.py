"""What each customer is expected to bring: purchase models, lifetime value, and their test."""

"""What customers bring, and what they are expected to bring."""

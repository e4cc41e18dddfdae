"""Planning the next promotion: power, sample size and assignment."""

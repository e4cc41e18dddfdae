"""Outcomes of a promotion by customer: orders, sales, margin and costs."""

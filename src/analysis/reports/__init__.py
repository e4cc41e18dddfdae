"""The content of the reports, one folder a report."""

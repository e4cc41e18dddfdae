"""Report 03: deciles and Pareto."""

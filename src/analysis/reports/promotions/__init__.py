"""Report 06: what a promotion really earned."""

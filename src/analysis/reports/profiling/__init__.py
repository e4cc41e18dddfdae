"""Report 01: profiling."""
